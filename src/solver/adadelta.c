/* adadelta.c: steps as long as the last ones were, for gradients as long as the last ones
 * were (Zeiler 2012), as Caffe's AdaDeltaSolver does it: rho is called momentum, the
 * regulariser is in g, delta is inside both roots, and the rate multiplies the step when
 * it is made but not the steps that are remembered. */
#include "types.h"

typedef struct adadelta {
  solver_settings common;
  double momentum, delta;
} adadelta;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(adadelta, momentum, "0", 0, 1, 0,
                  "rho, how much of both mean squares is kept; usual is 0.95"),
    OPTION_NUMBER(adadelta, delta, "1e-8", SETTING_DELTA, 1, 0,
                  "is added to both mean squares; 1e-6 makes the first steps longer"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const adadelta *self = (const adadelta *)(const void *)settings;
  u->kernels->adadelta_update(u->count, &u->terms, running_mean(self->momentum),
                              (real)self->delta, u->grad, u->w, u->history[0],
                              u->history[1]);
}

const solver_type solver_adadelta = {
    .name = "adadelta",
    .help = "needs no rate (base_lr = 1): H <- rho H + (1 - rho) g^2; "
            "d = g sqrt((U + delta) / (H + delta)); U <- rho U + (1 - rho) d^2; "
            "W <- W - alpha lr_mult d",
    .example =
        "lander.solver(net, { type = \"adadelta\", base_lr = 1, momentum = 0.95 })",
    .options = options,
    .size = sizeof(adadelta),
    .history = {"squares", "steps"},
    .update = update,
};
