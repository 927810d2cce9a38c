/* adam.c: momentum, by the root of the mean square (Kingma and Ba 2015), as Caffe's
 * AdamSolver does it: beta1 is called momentum, the regulariser is in g, and the
 * correction for means that begin at 0 is a factor of the rate, so delta is added to the
 * uncorrected root: the paper's epsilon-hat, in the form at the end of its section 2. */
#include "types.h"

#include <math.h>

typedef struct adam {
  solver_settings common;
  double momentum, momentum2, delta;
} adam;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(adam, momentum, "0", 0, SETTING_BELOW_ONE, 0,
                  "beta1, how much of the mean gradient is kept; usual is 0.9"),
    OPTION_NUMBER(adam, momentum2, "0.999", 0, SETTING_BELOW_ONE, 0,
                  "beta2, how much of the mean square is kept"),
    OPTION_NUMBER(adam, delta, "1e-8", SETTING_DELTA, 1, 0,
                  "is added to the root that is divided by"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const adam *self = (const adam *)(const void *)settings;
  double t = (double)u->iter + 1;
  double correction = sqrt(1 - pow(self->momentum2, t)) / (1 - pow(self->momentum, t));
  update_terms terms = u->terms;
  terms.rate = (real)(terms.rate * correction);
  u->kernels->adam_update(u->count, &terms, running_mean(self->momentum),
                          running_mean(self->momentum2), (real)self->delta, u->grad, u->w,
                          u->history[0], u->history[1]);
}

const solver_type solver_adam = {
    .name = "adam",
    .help = "momentum, and a rate for each weight: M <- beta1 M + (1 - beta1) g; "
            "V <- beta2 V + (1 - beta2) g^2; W <- W - alpha lr_mult "
            "sqrt(1 - beta2^t) / (1 - beta1^t) M / (sqrt(V) + delta), t from 1",
    .example = "lander.solver(net, { type = \"adam\", base_lr = 0.001, momentum = 0.9 })",
    .options = options,
    .size = sizeof(adam),
    .history = {"mean", "squares"},
    .is_direction = {true},
    .update = update,
};
