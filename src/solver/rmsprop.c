/* rmsprop.c: the gradient by the root of its mean square over the last iterations
 * (Tieleman and Hinton 2012), as Caffe's RMSPropSolver does it: the regulariser is in g,
 * delta is outside the root, and nothing corrects that the mean begins at 0. */
#include "types.h"

typedef struct rmsprop {
  solver_settings common;
  double rms_decay, delta;
} rmsprop;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(rmsprop, rms_decay, "0.99", 0, SETTING_BELOW_ONE, 0,
                  "rho, how much of the mean square is kept"),
    OPTION_NUMBER(rmsprop, delta, "1e-8", SETTING_DELTA, 1, 0,
                  "is added to the root that is divided by"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const rmsprop *self = (const rmsprop *)(const void *)settings;
  u->kernels->rmsprop_update(u->count, &u->terms, running_mean(self->rms_decay),
                             (real)self->delta, u->grad, u->w, u->history[0]);
}

const solver_type solver_rmsprop = {
    .name = "rmsprop",
    .help = "a rate for each weight, by its last gradients: H <- rho H + (1 - rho) g^2; "
            "W <- W - alpha lr_mult g / (sqrt(H) + delta)",
    .example = "lander.solver(net, { type = \"rmsprop\", base_lr = 0.001 })",
    .options = options,
    .size = sizeof(rmsprop),
    .history = {"squares"},
    .update = update,
};
