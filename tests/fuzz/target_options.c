/* target_options.c: options as text. The input is a line each with a type of layer, its
 * options, a solver's options, an option to change and its value, the options of batches.
 */
#include "fuzz.h"

#include <math.h>

static const char net_text[] = "data = input () shape=2\n"
                               "fc = linear (data) outputs=2\n"
                               "label = label ()\n"
                               "loss = softmax_loss (fc, label)\n";

/* Rates are numbers, whatever was asked for. */
static void use_schedule(const lander_solver *solver) {
  static const int64_t times[] = {0, 1, 2, 999, 1000, 123456789, INT64_MAX};
  for (int i = 0; i < (int)(sizeof times / sizeof times[0]); i++)
    FUZZ_REQUIRE(!isnan(lander_solver_rate_at(solver, times[i])));
}

static void use_solver(lander_engine *engine, const char *options, const char *name,
                       const char *value) {
  lander_error error;
  lander_net *net = lander_net_build(engine, net_text, 1, &error);
  FUZZ_REQUIRE(net);
  lander_solver *solver = lander_solver_new(net, options, &error);
  if (solver) {
    char text[256];
    use_schedule(solver);
    if (lander_solver_set(solver, name, value, &error) != LANDER_OK)
      fuzz_refused(&error);
    else if (lander_solver_get(solver, name, text, sizeof text, &error) != LANDER_OK)
      fuzz_refused(&error);
    else /* what was got can be set */
      FUZZ_REQUIRE(lander_solver_set(solver, name, text, &error) == LANDER_OK);
    use_schedule(solver);
  } else {
    fuzz_refused(&error);
  }
  lander_solver_free(solver);
  lander_net_free(net);
}

static void use_batches(lander_engine *engine, const char *options) {
  lander_error error;
  const int64_t size[3] = {3, 4, 5}, labels[1] = {3};
  lander_tensor *x = lander_tensor_new(engine, 3, size, &error);
  lander_tensor *y = lander_tensor_new(engine, 1, labels, &error);
  lander_dataset *d = lander_data_tensors(x, y, "", &error);
  FUZZ_REQUIRE(d);
  lander_batches *b = lander_batches_new(d, options, &error);
  lander_tensor *u, *v;
  if (!b)
    fuzz_refused(&error);
  else if (lander_batches_next(b, &u, &v, &error) != LANDER_OK)
    fuzz_refused(&error);
  lander_batches_free(b);
  lander_dataset_free(d);
  lander_tensor_free(x);
  lander_tensor_free(y);
}

enum { TYPE, LAYER, SOLVER, NAME, VALUE, BATCHES, LINES };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  char *line[LINES];
  for (int i = 0; i < LINES; i++) line[i] = fuzz_line(&data, &size);
  lander_engine *engine = fuzz_open((int64_t)16 << 20);
  if (lander_layer_check(engine, line[TYPE], line[LAYER], &error) != LANDER_OK)
    fuzz_refused(&error);
  use_solver(engine, line[SOLVER], line[NAME], line[VALUE]);
  use_batches(engine, line[BATCHES]);
  fuzz_close(engine);
  for (int i = 0; i < LINES; i++) free(line[i]);
  return 0;
}
