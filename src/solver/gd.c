/* gd.c: gradient descent: sgd without momentum, to the last bit, and without the memory.
 * With batch_size = #data it is the classical one, a step for all samples (Cauchy 1847).
 */
#include "types.h"

static const lander_option options[] = {SOLVER_OPTIONS, OPTION_END};

#define STEP_COUNT 512 /* numbers whose steps fit comfortably on the stack */

static void update(const solver_settings *settings, const solver_update *u) {
  (void)settings;
  real step[STEP_COUNT];
  for (int64_t i = 0; i < u->count; i += STEP_COUNT) {
    int64_t count = u->count - i < STEP_COUNT ? u->count - i : STEP_COUNT;
    u->kernels->fill(count, 0, step);
    u->kernels->sgd_update(count, &u->terms, 0, u->grad + i, u->w + i, step);
  }
}

const solver_type solver_gd = {
    .name = "gd",
    .help = "gradient descent: W <- W - alpha lr_mult g",
    .example = "lander.solver(net, { type = \"gd\", base_lr = 0.1 })",
    .options = options,
    .size = sizeof(solver_settings),
    .update = update,
};
