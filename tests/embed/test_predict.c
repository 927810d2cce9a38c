/* test_predict.c: a host in C that loads a saved net and predicts, with no Lua in sight.
 * It checks what it gets against arithmetic done by hand. */
#include <lander.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static const char net_text[] = "data = input () shape=2\n"
                               "scores = linear (data) outputs=2\n"
                               "label = label ()\n"
                               "loss = softmax_loss (scores, label)\n";

/* Saves a net whose weights are known: scores = (x1 + 2 x2 + 0.5, 3 x1 - x2). */
static void save_net(const char *path) {
  static const lander_real weight[] = {1, 2, 3, -1}, bias[] = {(lander_real)0.5, 0};
  lander_error error;
  lander_engine *engine = lander_engine_new(NULL, &error);
  lander_net *net = lander_net_build(engine, net_text, 1, &error);
  check(net != NULL, "the net is built");
  memcpy(lander_tensor_data(lander_net_param(net, 0)->data), weight, sizeof weight);
  memcpy(lander_tensor_data(lander_net_param(net, 1)->data), bias, sizeof bias);
  check(lander_net_save(net, path, &error) == LANDER_OK, "the net is saved");
  lander_net_free(net);
  lander_engine_free(engine);
}

int main(void) {
  lander_error error;
  char path[64];
  snprintf(path, sizeof path, "/tmp/lander-host-%ld.npz", (long)getpid());
  check(lander_real_size() == sizeof(lander_real), "header and library agree on reals");
  save_net(path);

  lander_net *net = lander_net_load(path, &error);
  check(net != NULL, "the net is loaded");
  if (net) {
    check(lander_net_input_size(net) == 2 && lander_net_output_size(net) == 2,
          "a host can ask how much room x and y need");
    const lander_real x[] = {1, 1, 0, 2}; /* two samples */
    lander_real y[4];
    check(lander_net_predict(net, x, 2, y, &error) == LANDER_OK, "it predicts");
    double scores[] = {3.5, 2, 4.5, -2};
    for (int i = 0; i < 2; i++) {
      double first = 1 / (1 + exp(scores[2 * i + 1] - scores[2 * i]));
      check(fabs((double)y[2 * i] - first) < 1e-6, "the first class's probability");
      check(fabs((double)y[2 * i + 1] - (1 - first)) < 1e-6, "the second class's");
    }
    check(lander_net_predict(net, x, 0, y, &error) == LANDER_ERROR_ARGUMENT,
          "an empty batch is refused");
    lander_net_free(net);
  }

  check(lander_net_load("/tmp/there-is-no-such-net.npz", &error) == NULL &&
            error.code == LANDER_ERROR_IO && strstr(error.message, "no-such-net"),
        "a missing file is named");
  remove(path);
  return finish();
}
