/* schedule.h: the learning rate as a function of the iteration. */
#ifndef LANDER_SOLVER_SCHEDULE_H
#define LANDER_SOLVER_SCHEDULE_H

#include "settings.h"

/* The one schedule that has a memory: it counts how long the loss has not become better.
 * All zeros is its beginning. */
typedef struct plateau {
  bool begun;
  double best; /* the lowest loss, with the threshold between */
  int waited;  /* iterations since then */
  int cooling; /* iterations in which nothing is counted */
  int drops;   /* how often the rate was multiplied by gamma */
} plateau;

typedef struct lr_schedule {
  const char *name;
  const char *help;             /* one line: the formula */
  const char *example;          /* a line of Lua */
  const lander_option *options; /* what it uses; without a default: what it needs */
  double (*rate)(const solver_settings *s, const plateau *p, int64_t t);
  /* Is told the smoothed loss of each accepted iteration; NULL: a pure function of t. */
  void (*observe)(plateau *p, const solver_settings *s, double loss);
} lr_schedule;

/* Index from 0, which is lr_policy's number; NULL past the last. */
const lr_schedule *schedule_at(int index);

/* The rate of iteration t, counting from 0: what the schedule says, or `of_host` when
 * that is not NULL, with the warmup in front and lr_scale on top. Pure. */
double schedule_rate(const solver_settings *s, const plateau *p, const double *of_host,
                     int64_t t);

/* fails: argument: something is missing that the schedule needs, or out of its bounds. */
lander_status schedule_check(lander_engine *engine, const solver_settings *s,
                             lander_error *error);

/* Whether an option is a schedule's word, and whether this schedule uses it. */
bool schedule_has(const lr_schedule *s, const char *option);

#endif
