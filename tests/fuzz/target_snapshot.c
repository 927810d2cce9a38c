/* target_snapshot.c: a snapshot, restored into a solver. The input is the file; which net
 * and which type of solver it is for is not in question here. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

static const char net_text[] = "data = input () shape=3\n"
                               "fc = linear (data) outputs=2\n"
                               "label = label ()\n"
                               "loss = softmax_loss (fc, label)\n";
static const char *const solvers[] = {
    "type=sgd base_lr=0.1 momentum=0.9 lr_policy=step gamma=0.5 stepsize=3 max_iter=9",
    "type=adam base_lr=0.01 lr_policy=plateau patience=2 gamma=0.5",
    "type=lbfgs base_lr=1 history_size=2"};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  return fuzz_mutate_zip(data, size, room, seed);
}

static double first_weight(const lander_net *net) {
  return (double)lander_tensor_data(lander_net_param(net, 0)->data)[0];
}

/* One step; whatever a snapshot says, weights stay finite while the guard is on. */
static void step(lander_engine *engine, lander_solver *solver) {
  lander_error error;
  int64_t x_size[2] = {2, 3}, y_size[1] = {2};
  lander_tensor *inputs[2] = {lander_tensor_new(engine, 2, x_size, &error),
                              lander_tensor_new(engine, 1, y_size, &error)};
  lander_step found;
  lander_tensor_fill(inputs[0], 0.5, &error);
  lander_tensor_fill(inputs[1], 1, &error);
  if (lander_solver_step(solver, inputs, 2, &found, &error) != LANDER_OK)
    fuzz_refused(&error);
  lander_tensor_free(inputs[0]);
  lander_tensor_free(inputs[1]);
}

static void restore(lander_engine *engine, const char *path, const char *options,
                    size_t size) {
  lander_error error;
  lander_net *net = lander_net_build(engine, net_text, 1, &error);
  lander_solver *solver = lander_solver_new(net, options, &error);
  FUZZ_REQUIRE(net && solver);
  double weight = first_weight(net);
  char *text = strdup(lander_net_text(net));
  if (lander_solver_restore(solver, path, &error) == LANDER_OK) {
    FUZZ_REQUIRE(lander_solver_iter(solver) >= 0);
    FUZZ_REQUIRE(lander_solver_rate(solver) >= 0);
  } else { /* nothing was changed */
    fuzz_refused(&error);
    FUZZ_REQUIRE(lander_solver_iter(solver) == 0 && first_weight(net) == weight);
    FUZZ_REQUIRE(!strcmp(text, lander_net_text(net)) && !lander_solver_note(solver));
  }
  FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size) + (1 << 20));
  step(engine, solver);
  free(text);
  lander_solver_free(solver);
  lander_net_free(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(0, data, size);
  for (int i = 0; i < 3; i++) {
    lander_engine *engine = fuzz_open(FUZZ_MEMORY);
    restore(engine, path, solvers[i], size);
    fuzz_close(engine);
  }
  return 0;
}
