/* lars.c: momentum, with a rate for each parameter that makes the step a fraction of the
 * parameter's norm (You, Gitman and Ginsburg 2017, algorithm 1), for large minibatches.
 *
 * As in the authors' own code biases are parameters like others, and where a norm is 0
 * (a bias before its first step) the ratio is 1. */
#include "types.h"

#include <math.h>

typedef struct lars {
  solver_settings common;
  double momentum, trust_coefficient;
} lars;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(lars, momentum, "0", 0, 1, 0,
                  "mu, how much of the last step goes into this one"),
    OPTION_NUMBER(lars, trust_coefficient, "0.001", 0, 1e6, 0,
                  "eta, the step as a fraction of the weights at a rate of 1"),
    OPTION_END};

static double trust_ratio(const lars *self, const solver_update *u) {
  if (!(u->weight_norm > 0 && u->gradient_norm > 0)) return 1;
  return self->trust_coefficient * u->weight_norm /
         (u->gradient_norm + u->terms.l2 * u->weight_norm);
}

static void update(const solver_settings *settings, const solver_update *u) {
  const lars *self = (const lars *)(const void *)settings;
  update_terms terms = u->terms;
  /* A gradient that is almost nothing must not make the factor infinite. */
  terms.rate = (real)fmin(terms.rate * trust_ratio(self, u), SETTING_HUGE);
  u->kernels->sgd_update(u->count, &terms, (real)self->momentum, u->grad, u->w,
                         u->history[0]);
}

const solver_type solver_lars = {
    .name = "lars",
    .help = "momentum with a rate for each parameter: "
            "r = eta |W| / (|dL/dW| + lambda |W|); V <- mu V - alpha lr_mult r g; "
            "W <- W + V",
    .example = "lander.solver(net, { type = \"lars\", base_lr = 1, momentum = 0.9 })",
    .options = options,
    .size = sizeof(lars),
    .history = {"velocity"},
    .is_direction = {true},
    .norms = true,
    .update = update,
};
