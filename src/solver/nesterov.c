/* nesterov.c: momentum that looks ahead, as Caffe's NesterovSolver does it (Nesterov
 * 1983; Sutskever et al. 2013). What is stored is the point that the momentum leads to,
 * where the next gradient is wanted: hence the step back, and further forward. */
#include "types.h"

typedef struct nesterov {
  solver_settings common;
  double momentum;
} nesterov;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_NUMBER(nesterov, momentum, "0", 0, 1, 0,
                  "mu, how much of the last step goes into this one"),
    OPTION_END};

static void update(const solver_settings *settings, const solver_update *u) {
  const nesterov *self = (const nesterov *)(const void *)settings;
  u->kernels->nesterov_update(u->count, &u->terms, (real)self->momentum, u->grad, u->w,
                              u->history[0]);
}

const solver_type solver_nesterov = {
    .name = "nesterov",
    .help = "momentum that looks ahead: V' = mu V - alpha lr_mult g; "
            "W <- W + (1 + mu) V' - mu V",
    .example =
        "lander.solver(net, { type = \"nesterov\", base_lr = 0.01, momentum = 0.9 })",
    .options = options,
    .size = sizeof(nesterov),
    .history = {"velocity"},
    .is_direction = {true},
    .update = update,
};
