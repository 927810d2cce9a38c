/* adagrad.c: each weight has a rate of its own that falls with every gradient it has seen
 * (Duchi, Hazan and Singer 2011), as Caffe's AdaGradSolver does it: the regulariser is in
 * g, delta is outside the root. */
#include "types.h"

typedef struct adagrad {
  solver_settings common;
  double delta;
} adagrad;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(adagrad, delta, "1e-8", SETTING_DELTA, 1, 0,
                  "is added to the root that is divided by"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const adagrad *self = (const adagrad *)(const void *)settings;
  u->kernels->adagrad_update(u->count, &u->terms, (real)self->delta, u->grad, u->w,
                             u->history[0]);
}

const solver_type solver_adagrad = {
    .name = "adagrad",
    .help = "a rate for each weight that only falls: H <- H + g^2; "
            "W <- W - alpha lr_mult g / (sqrt(H) + delta)",
    .example = "lander.solver(net, { type = \"adagrad\", base_lr = 0.01 })",
    .options = options,
    .size = sizeof(adagrad),
    .history = {"squares"},
    .update = update,
};
