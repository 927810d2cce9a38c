/* predict.c: a host with no Lua in sight: predict NET.npz < numbers. Reads samples, one
 * after another, and prints each one's most probable class and its probability. */
#include <lander.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *message) {
  fprintf(stderr, "predict: %s\n", message);
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  lander_error error;
  if (argc != 2) return fail("usage: predict NET.npz < numbers");
  lander_net *net = lander_net_load(argv[1], &error);
  if (!net) return fail(error.message);
  int64_t size = lander_net_input_size(net), classes = lander_net_output_size(net);
  lander_real *x = calloc((size_t)size, sizeof *x),
              *y = calloc((size_t)classes, sizeof *y);
  if (!x || !y) return fail("not enough memory");
  int64_t have = 0;
  for (double number; scanf("%lf", &number) == 1;) {
    x[have++] = (lander_real)number;
    if (have < size) continue;
    have = 0;
    if (lander_net_predict(net, x, 1, y, &error) != LANDER_OK) return fail(error.message);
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++) best = y[k] > y[best] ? k : best;
    printf("%lld %.4f\n", (long long)best + 1, (double)y[best]);
  }
  free(x);
  free(y);
  lander_net_free(net);
  return have == 0 ? EXIT_SUCCESS : fail("the last sample is cut short");
}
