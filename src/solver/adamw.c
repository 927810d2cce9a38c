/* adamw.c: adam whose weight decay is not divided by anything (Loshchilov and Hutter
 * 2019), in the form of PyTorch's AdamW: the decay is alpha lambda W, apart from g, and
 * delta is added to the corrected root. */
#include "types.h"

#include <math.h>

typedef struct adamw {
  solver_settings common;
  double momentum, momentum2, delta;
} adamw;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(adamw, momentum, "0.9", 0, SETTING_BELOW_ONE, 0,
                  "beta1, how much of the mean gradient is kept"),
    OPTION_NUMBER(adamw, momentum2, "0.999", 0, SETTING_BELOW_ONE, 0,
                  "beta2, how much of the mean square is kept"),
    OPTION_NUMBER(adamw, delta, "1e-8", SETTING_DELTA, 1, 0,
                  "is added to the root that is divided by"),
    OPTION_END};

/* m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + delta), with the factors taken out. */
static void update(const solver_settings *settings, const solver_update *u) {
  const adamw *self = (const adamw *)(const void *)settings;
  double t = (double)u->iter + 1, rate = u->terms.rate;
  double root = sqrt(1 - pow(self->momentum2, t));
  update_terms terms = {.scale = u->terms.scale,
                        .l2 = (real)(rate * u->terms.l2),
                        .l1 = (real)(rate * u->terms.l1),
                        .rate = (real)(rate * root / (1 - pow(self->momentum, t)))};
  u->kernels->adamw_update(u->count, &terms, running_mean(self->momentum),
                           running_mean(self->momentum2), (real)(self->delta * root),
                           u->grad, u->w, u->history[0], u->history[1]);
}

const solver_type solver_adamw = {
    .name = "adamw",
    .help = "adam with the decay apart: M and V as adam's, of dL/dW alone; "
            "W <- W - alpha lr_mult (lambda W + M' / (sqrt(V') + delta)), "
            "M' = M / (1 - beta1^t), V' = V / (1 - beta2^t), t from 1",
    .example = "lander.solver(net, { type = \"adamw\", base_lr = 0.001, "
               "weight_decay = 0.01 })",
    .options = options,
    .size = sizeof(adamw),
    .history = {"mean", "squares"},
    .is_direction = {true},
    .update = update,
};
