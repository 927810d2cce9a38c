/* settings.h: the options of a solver, as they are while it runs. */
#ifndef LANDER_SOLVER_SETTINGS_H
#define LANDER_SOLVER_SETTINGS_H

#include "../base/base.h"
#include "../base/options.h"

#include <float.h>
#include <limits.h>

/* What every type has. A type's own structure begins with this one, and its table of
 * options with these rows, so that one table describes all that may be given.
 * The words and their meanings are Caffe's. */
typedef struct solver_settings {
  int type;
  double base_lr;
  double lr_scale;
  int max_iter;
  int iter_size;
  double weight_decay;
  int regularization_type;
  double clip_gradients;
  int average_loss;
  int random_seed;
  bool guard;
  /* the thresholds of the rules: see monitor.c */
  double guard_blowup, guard_blowup_spread;
  double guard_rise, guard_rise_spread, guard_rise_first;
  int guard_rise_after;
  double guard_learnt, guard_shift;
  double guard_stall, guard_dead, guard_slow;
  int guard_stall_after;
  /* the schedule's; 0 where a schedule needs it stands for "not given" */
  int lr_policy;
  double gamma, power;
  int stepsize;
  lander_ints stepvalue;
  int patience, cooldown;
  double threshold, min_lr;
  int warmup_iter;
  double warmup_start;
} solver_settings;

enum { REGULARIZATION_L2, REGULARIZATION_L1, REGULARIZATION_L1L2 };
extern const char *const regularization_names[];
extern const char *const solver_type_names[];
extern const char *const schedule_names[];

#define SETTING_HUGE   1e30 /* larger rates are infinite when multiplied in float */
#define SETTING_LOSSES 1000 /* losses that a solver remembers */

/* Bounds of what several types have. A running mean that takes nothing new stays 0, and
 * is divided by; delta is above the roots of all that vanishes when it is squared. */
#define SETTING_BELOW_ONE 0.999999
#define SETTING_DELTA     1e-20

/* clang-format off */
#define SOLVER_OPTIONS                                                                   \
  OPTION_CHOICE(solver_settings, type, "sgd", solver_type_names, "the update rule"),     \
  OPTION_NUMBER(solver_settings, base_lr, NULL, 0, SETTING_HUGE, 0,                      \
                "the learning rate that the schedule starts from"),                      \
  OPTION_NUMBER(solver_settings, lr_scale, "1", 0, SETTING_HUGE, 0,                      \
                "multiplies what the schedule says; a retry lowers it"),                 \
  OPTION_INT(solver_settings, max_iter, "0", 0, INT_MAX, 0,                              \
             "how many iterations a training makes; poly, cosine and one_cycle end "     \
             "there"),                                                                   \
  OPTION_INT(solver_settings, iter_size, "1", 1, 1 << 20, 0,                             \
             "in how many equal parts a minibatch is worked on, to save memory"),        \
  OPTION_NUMBER(solver_settings, weight_decay, "0", 0, SETTING_HUGE, 0,                  \
                "lambda, the strength of the regulariser"),                              \
  OPTION_CHOICE(solver_settings, regularization_type, "L2", regularization_names,        \
                "L2: lambda/2 sum w^2; L1: lambda sum |w|; L1L2: both added"),           \
  OPTION_NUMBER(solver_settings, clip_gradients, "0", 0, SETTING_HUGE, 0,                \
                "the largest norm of dL/dW over all parameters; 0: any"),                \
  OPTION_INT(solver_settings, average_loss, "1", 1, SETTING_LOSSES, 0,                   \
             "over how many iterations the loss that is shown is averaged"),             \
  OPTION_INT(solver_settings, random_seed, "1", 0, INT_MAX, 0,                           \
             "the order of the samples in a training"),                                  \
  OPTION_BOOL(solver_settings, guard, "true",                                            \
              "whether the rules that watch the loss, R3 to R5, may reject an "           \
              "iteration; R1 and R2 always do"),                                         \
  OPTION_NUMBER(solver_settings, guard_blowup, "2", 0, SETTING_HUGE, 0,                  \
                "R3: how far above the first loss is too far, in sizes of it"),          \
  OPTION_NUMBER(solver_settings, guard_blowup_spread, "6", 0, SETTING_HUGE, 0,           \
                "R3: or in deviations of the first losses"),                             \
  OPTION_NUMBER(solver_settings, guard_rise, "1", 0, SETTING_HUGE, 0,                    \
                "R4: how far above the last hundred is too far, in sizes of their mean"), \
  OPTION_NUMBER(solver_settings, guard_rise_spread, "6", 0, SETTING_HUGE, 0,             \
                "R4: or in their deviations"),                                           \
  OPTION_NUMBER(solver_settings, guard_rise_first, "0.5", 0, SETTING_HUGE, 0,            \
                "R4: or in sizes of the first loss"),                                    \
  OPTION_INT(solver_settings, guard_rise_after, "50", 5, INT_MAX, 0,                     \
             "R4: how many iterations before it looks"),                                 \
  OPTION_NUMBER(solver_settings, guard_learnt, "0.9", 0, 1, 0,                           \
                "R4b: a mean loss under this part of chance has learnt something"),      \
  OPTION_NUMBER(solver_settings, guard_shift, "0.7", 0, SETTING_HUGE, 0,                 \
                "R4b: which part of the way from the best mean back to chance is lost"), \
  OPTION_NUMBER(solver_settings, guard_stall, "0.97", 0, SETTING_HUGE, 0,                \
                "R5: a mean loss from this part of chance on has learnt nothing"),       \
  OPTION_INT(solver_settings, guard_stall_after, "500", 100, INT_MAX, 0,                 \
             "R5: how many iterations after the warmup before it looks"),                \
  OPTION_NUMBER(solver_settings, guard_dead, "0.6", 0, SETTING_HUGE, 0,                  \
                "R5: weights that have gone this far, relative to where they began, are " \
                "dead"),                                                                 \
  OPTION_NUMBER(solver_settings, guard_slow, "0.06", 0, SETTING_HUGE, 0,                 \
                "R5: weights that have gone no farther had too low a rate"),             \
  OPTION_CHOICE(solver_settings, lr_policy, "fixed", schedule_names,                     \
                "the schedule of the learning rate"),                                    \
  OPTION_NUMBER(solver_settings, gamma, "0", -1e6, 1e6, 0,                               \
                "the schedule's factor or slope"),                                       \
  OPTION_NUMBER(solver_settings, power, "0", 0, 1e6, 0, "the schedule's exponent"),      \
  OPTION_INT(solver_settings, stepsize, "0", 0, INT_MAX, 0,                              \
             "iterations between two steps; sigmoid: where its middle is"),              \
  OPTION_INTS(solver_settings, stepvalue, "", 1, INT_MAX, 0,                             \
              "the iterations at which multistep multiplies by gamma"),                  \
  OPTION_INT(solver_settings, patience, "0", 0, INT_MAX, 0,                              \
             "how many iterations plateau waits for a better loss"),                     \
  OPTION_NUMBER(solver_settings, threshold, "0.0001", 0, 1, 0,                           \
                "how much better, relative to the best loss, counts for plateau"),       \
  OPTION_INT(solver_settings, cooldown, "0", 0, INT_MAX, 0,                              \
             "iterations after a drop in which plateau doesn't count"),                  \
  OPTION_NUMBER(solver_settings, min_lr, "0", 0, SETTING_HUGE, 0,                        \
                "plateau goes no lower"),                                                \
  OPTION_INT(solver_settings, warmup_iter, "0", 0, INT_MAX, 0,                           \
             "in how many iterations the rate climbs to what the schedule says"),        \
  OPTION_NUMBER(solver_settings, warmup_start, "0.1", 0, 1, 0,                           \
                "the fraction of the rate that a warmup starts with")
/* clang-format on */

/* New settings of a type from key=value text; NULL on failure.
 * owns: the caller (memory_free). fails: argument (also for what is missing or has no
 * effect), memory. */
typedef struct solver_type solver_type;
solver_settings *settings_read(lander_engine *engine, const char *given,
                               const solver_type **type, lander_error *error);

/* A copy with one option changed; NULL on failure. */
solver_settings *settings_change(lander_engine *engine, const solver_type *type,
                                 const solver_settings *from, const char *name,
                                 const char *value, lander_error *error);

/* What the schedule and the type say about options together; from: what they were, or
 * NULL. fails: argument. */
lander_status settings_check(lander_engine *engine, const solver_type *type,
                             const solver_settings *from, const solver_settings *s,
                             lander_error *error);

/* How many of each history such a solver has. */
int settings_copies(const solver_type *type, const solver_settings *s);

/* Where an option stands in the type's table, -1 if it is not there. */
int settings_find(const solver_type *type, const char *name);

#endif
