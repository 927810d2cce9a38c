/* schedule.c: every schedule, one row each.
 *
 * Caffe's are in its sgd_solver.cpp (GetLearningRate); cosine is from Loshchilov and
 * Hutter, "SGDR" (2017), without restarts; one_cycle from Smith, "Super-convergence"
 * (2018). doc/solver.md has all formulas. */
#include "schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"

#define PI 3.14159265358979323846

/* A rate that a factor makes 0 is 0, also where another one has grown past all numbers.
 */
static double times(double rate, double factor) {
  bool is_zero = (rate == 0 && isinf(factor)) || (factor == 0 && isinf(rate));
  return is_zero ? 0 : rate * factor;
}

static double fixed(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p, (void)t;
  return s->base_lr;
}

static double step(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return times(s->base_lr, pow(s->gamma, (double)(t / s->stepsize)));
}

static double exponential(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return times(s->base_lr, pow(s->gamma, (double)t));
}

static double inverse(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return s->base_lr * pow(1 + s->gamma * (double)t, -s->power);
}

static double multistep(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  int passed = 0;
  while (passed < s->stepvalue.count && s->stepvalue.at[passed] <= t) passed++;
  return s->base_lr * pow(s->gamma, passed);
}

/* How much of the training is done, from 0 to 1; it stays at its end. */
static double done(const solver_settings *s, int64_t t) {
  return t >= s->max_iter ? 1 : (double)t / s->max_iter;
}

static double polynomial(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return s->base_lr * pow(1 - done(s, t), s->power);
}

static double sigmoid(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return s->base_lr / (1 + exp(-s->gamma * ((double)t - s->stepsize)));
}

/* From 1 to 0 as x goes from 0 to 1, flat at both ends. */
static double half_cosine(double x) {
  return (1 + cos(PI * x)) / 2;
}

static double cosine(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  return s->base_lr * half_cosine(done(s, t));
}

static double one_cycle(const solver_settings *s, const plateau *p, int64_t t) {
  (void)p;
  const double top = 0.3; /* of the training */
  double start = s->base_lr / 25, end = start / 1e4, x = done(s, t);
  if (x < top) return s->base_lr + (start - s->base_lr) * half_cosine(x / top);
  return end + (s->base_lr - end) * half_cosine((x - top) / (1 - top));
}

static double on_plateau(const solver_settings *s, const plateau *p, int64_t t) {
  (void)t;
  double rate = s->base_lr * pow(s->gamma, p->drops);
  return rate > s->min_lr ? rate : fmin(s->min_lr, s->base_lr);
}

/* As PyTorch's ReduceLROnPlateau, but "better" means the same below zero as above. */
static void watch_loss(plateau *p, const solver_settings *s, double loss) {
  if (!p->begun || loss < p->best - s->threshold * fabs(p->best)) {
    p->begun = true;
    p->best = loss;
    p->waited = 0;
  } else if (p->cooling == 0) {
    p->waited++;
  }
  if (p->cooling > 0) p->cooling--;
  if (p->waited < s->patience) return;
  p->drops += p->drops < INT_MAX;
  p->cooling = s->cooldown;
  p->waited = 0;
}

/* ---- what they use -------------------------------------------------------------------
 */

#define NEEDS_GAMMA(low, high)                                                           \
  OPTION_NUMBER(solver_settings, gamma, NULL, low, high, 0, "the factor of each drop")
#define NEEDS_STEPSIZE                                                                   \
  OPTION_INT(solver_settings, stepsize, NULL, 1, INT_MAX, 0,                             \
             "how many iterations lie between two drops")
#define NEEDS_POWER                                                                      \
  OPTION_NUMBER(solver_settings, power, NULL, 1e-6, 1e6, 0, "the exponent")
#define NEEDS_MAX_ITER                                                                   \
  OPTION_INT(solver_settings, max_iter, NULL, 1, INT_MAX, 0, "where the training ends")

static const lander_option nothing[] = {OPTION_END};
static const lander_option of_step[] = {NEEDS_GAMMA(1e-6, 1e6), NEEDS_STEPSIZE,
                                        OPTION_END};
static const lander_option of_exp[] = {NEEDS_GAMMA(1e-6, 1e6), OPTION_END};
static const lander_option of_inv[] = {
    OPTION_NUMBER(solver_settings, gamma, NULL, 1e-15, 1e6, 0, "how fast the rate falls"),
    NEEDS_POWER, OPTION_END};
static const lander_option of_multistep[] = {
    NEEDS_GAMMA(1e-6, 1e6),
    OPTION_INTS(solver_settings, stepvalue, NULL, 1, INT_MAX, 0,
                "the iterations of the drops, in order"),
    OPTION_END};
static const lander_option of_poly[] = {NEEDS_POWER, NEEDS_MAX_ITER, OPTION_END};
static const lander_option of_sigmoid[] = {
    OPTION_NUMBER(solver_settings, gamma, NULL, -1e6, 1e6, 0,
                  "the slope; below zero the rate falls"),
    OPTION_INT(solver_settings, stepsize, NULL, 1, INT_MAX, 0,
               "the iteration in the middle of the slope"),
    OPTION_END};
static const lander_option of_max_iter[] = {NEEDS_MAX_ITER, OPTION_END};
static const lander_option of_plateau[] = {
    NEEDS_GAMMA(1e-6, 0.999999),
    OPTION_INT(solver_settings, patience, NULL, 1, INT_MAX, 0,
               "how many iterations to wait for a better loss"),
    OPTION_NUMBER(solver_settings, threshold, "0.0001", 0, 1, 0,
                  "how much better, relative to the best loss, counts"),
    OPTION_INT(solver_settings, cooldown, "0", 0, INT_MAX, 0,
               "iterations after a drop in which nothing is counted"),
    OPTION_NUMBER(solver_settings, min_lr, "0", 0, SETTING_HUGE, 0,
                  "the rate goes no lower"),
    OPTION_END};

/* ---- the table
 * ------------------------------------------------------------------------- */

/* In the order of lr_policy's words. */
#define SCHEDULES(X)                                                                     \
  X("fixed", fixed, NULL, nothing, "base_lr", "lr_policy = \"fixed\"")                   \
  X("step", step, NULL, of_step, "base_lr gamma^floor(t / stepsize)",                    \
    "lr_policy = \"step\", gamma = 0.1, stepsize = 1000")                                \
  X("exp", exponential, NULL, of_exp, "base_lr gamma^t",                                 \
    "lr_policy = \"exp\", gamma = 0.999")                                                \
  X("inv", inverse, NULL, of_inv, "base_lr (1 + gamma t)^-power",                        \
    "lr_policy = \"inv\", gamma = 0.0001, power = 0.75")                                 \
  X("multistep", multistep, NULL, of_multistep,                                          \
    "base_lr gamma^(how many of stepvalue are <= t)",                                    \
    "lr_policy = \"multistep\", gamma = 0.1, stepvalue = { 2000, 3000 }")                \
  X("poly", polynomial, NULL, of_poly, "base_lr (1 - t / max_iter)^power",               \
    "lr_policy = \"poly\", power = 1, max_iter = 3500")                                  \
  X("sigmoid", sigmoid, NULL, of_sigmoid, "base_lr / (1 + exp(-gamma (t - stepsize)))",  \
    "lr_policy = \"sigmoid\", gamma = -0.01, stepsize = 2000")                           \
  X("cosine", cosine, NULL, of_max_iter, "base_lr (1 + cos(pi t / max_iter)) / 2",       \
    "lr_policy = \"cosine\", max_iter = 3500")                                           \
  X("one_cycle", one_cycle, NULL, of_max_iter,                                           \
    "by cosines from base_lr / 25 up to base_lr at 0.3 max_iter, then down to "          \
    "base_lr / 250000",                                                                  \
    "lr_policy = \"one_cycle\", max_iter = 3500")                                        \
  X("plateau", on_plateau, watch_loss, of_plateau,                                       \
    "base_lr gamma^(how often the smoothed loss stopped falling), at least min_lr",      \
    "lr_policy = \"plateau\", gamma = 0.5, patience = 500")

#define NAME(word, function, watch, uses, formula, line) word,
#define ROW(word, function, watch, uses, formula, line)                                  \
  {.name = word,                                                                         \
   .help = formula,                                                                      \
   .example = line,                                                                      \
   .options = uses,                                                                      \
   .rate = function,                                                                     \
   .observe = watch},

const char *const schedule_names[] = {SCHEDULES(NAME) NULL};
static const lr_schedule schedules[] = {SCHEDULES(ROW)};

const lr_schedule *schedule_at(int index) {
  return index >= 0 && index < COUNT_OF(schedules) ? &schedules[index] : NULL;
}

bool schedule_has(const lr_schedule *s, const char *option) {
  for (const lander_option *o = s->options; o->name; o++)
    if (!strcmp(o->name, option)) return true;
  return false;
}

double schedule_rate(const solver_settings *s, const plateau *p, const double *of_host,
                     int64_t t) {
  if (t < 0) t = 0;
  double rate = of_host ? *of_host : schedules[s->lr_policy].rate(s, p, t);
  if (t < s->warmup_iter)
    rate =
        times(rate, s->warmup_start + (1 - s->warmup_start) * (double)t / s->warmup_iter);
  return times(rate, s->lr_scale);
}

/* ---- checking
 * ---------------------------------------------------------------------------- */

/* What stands for "not given" is no value that a schedule takes. */
static bool is_given(const lander_option *o, const solver_settings *s) {
  const char *field = (const char *)s + o->offset;
  switch (o->kind) {
  case LANDER_OPTION_NUMBER: return *(const double *)(const void *)field != 0;
  case LANDER_OPTION_INTS: return ((const lander_ints *)(const void *)field)->count > 0;
  default: return *(const int *)(const void *)field != 0;
  }
}

static lander_status check_increasing(const lander_ints *list, lander_error *error) {
  for (int i = 1; i < list->count; i++)
    if (list->at[i] <= list->at[i - 1])
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "solver: stepvalue must go up, but %d comes after %d", list->at[i],
                       list->at[i - 1]);
  return LANDER_OK;
}

lander_status schedule_check(lander_engine *engine, const solver_settings *s,
                             lander_error *error) {
  const lr_schedule *policy = &schedules[s->lr_policy];
  char owner[48];
  snprintf(owner, sizeof owner, "solver: lr_policy=%s", policy->name);
  for (const lander_option *o = policy->options; o->name; o++) {
    if (!o->fallback && !is_given(o, s))
      return error_set(error, LANDER_ERROR_ARGUMENT, "%s needs %s (%s)", owner, o->name,
                       o->help);
    /* Its bounds are narrower than the table's for all: read the value once more. */
    text value = {.engine = engine};
    solver_settings unused;
    lander_status status =
        options_write_one(policy->options, o->name, owner, s, &value, error);
    if (status == LANDER_OK)
      status =
          options_read_one(policy->options, o->name, value.data, owner, &unused, error);
    text_free(&value);
    if (status != LANDER_OK) return status;
  }
  return check_increasing(&s->stepvalue, error);
}
