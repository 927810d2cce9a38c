/* sgd.c: stochastic gradient descent with momentum, as Caffe's SGDSolver does it
 * (Polyak 1964). The rate is inside V, so a drop of the rate takes effect over some
 * iterations. */
#include "types.h"

typedef struct sgd {
  solver_settings common;
  double momentum;
} sgd;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(sgd, momentum, "0", 0, 1, 0,
                  "mu, how much of the last step goes into this one"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const sgd *self = (const sgd *)(const void *)settings;
  u->kernels->sgd_update(u->count, &u->terms, (real)self->momentum, u->grad, u->w,
                         u->history[0]);
}

const solver_type solver_sgd = {
    .name = "sgd",
    .help = "gradient descent with momentum: V <- mu V - alpha lr_mult g; W <- W + V",
    .example = "lander.solver(net, { type = \"sgd\", base_lr = 0.01, momentum = 0.9 })",
    .options = options,
    .size = sizeof(sgd),
    .history = {"velocity"},
    .is_direction = {true},
    .update = update,
};
