/* types.h: what an update rule is.
 *
 * A rule is one C file that ends in one `const solver_type`, one line in types.c, and one
 * test. It is described by data, and does one thing: update a range of one parameter. A
 * rule that has to look at the loss elsewhere before it moves has a `move` instead. */
#ifndef LANDER_SOLVER_TYPES_H
#define LANDER_SOLVER_TYPES_H

#include "../tensor/kernels.h"
#include "settings.h"

#define SOLVER_MAX_HISTORY 4
#define SOLVER_MAX_WORK    4

/* One call: `count` numbers of one parameter, in place. Never fails, never allocates. */
typedef struct solver_update {
  const kernels *kernels;
  int64_t iter; /* from 0 */
  int64_t count;
  real *w;
  const real *grad;                  /* the sum over iter_size parts */
  real *history[SOLVER_MAX_HISTORY]; /* zeros before the first iteration */
  /* scale makes grad the mean and clips it; l2 and l1 are weight_decay times decay_mult,
   * as regularization_type has it; rate is alpha times lr_mult. */
  update_terms terms;
  /* In norms types alone: of all of the parameter, of its weights and of scale grad. */
  double weight_norm, gradient_norm;
} solver_update;

struct solver_type {
  const char *name;
  const char *help;             /* one line: what it does, and the formula */
  const char *example;          /* a line of Lua */
  const lander_option *options; /* SOLVER_OPTIONS, its own, OPTION_END */
  size_t size;                  /* of its settings, which begin with solver_settings */
  /* What it remembers of each number, by name: "velocity". Ended by NULL. */
  const char *history[SOLVER_MAX_HISTORY + 1];
  /* Which of these are directions of past steps: a velocity, a first moment. */
  bool is_direction[SOLVER_MAX_HISTORY];
  bool norms; /* it wants to know the norms of each parameter */
  void (*update)(const solver_settings *settings, const solver_update *u);

  /* In place of update: makes one iteration, at whose weights loss and gradient have been
   * computed and accepted. When it fails, or sets step->rule, weights, history and state
   * are as they were. It allocates nothing: it has `work` arenas to work in. */
  lander_status (*move)(lander_solver *solver, lander_tensor *const *inputs, int count,
                        lander_step *step, lander_error *error);
  int work;
  /* How many of each history it has, which can't be changed later; NULL: one. */
  int (*copies)(const solver_settings *settings);
  /* Options that make no sense together, beyond what their bounds say; NULL: none. */
  lander_status (*check)(const solver_settings *settings, lander_error *error);
};

/* The registry: index from 0, NULL past the last. */
const solver_type *solver_types(int index);

#endif
