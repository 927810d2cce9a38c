/* monitor.h: when an iteration must not be accepted: rules R1 to R5 of doc/divergence.md,
 * a function each, and what they remember.
 *
 * What is not finite is rejected before anything else is looked at, so no such value
 * reaches a statistic. Statistics are of accepted losses alone; they are taken anew from
 * the losses that are remembered, so that they have the same bits after a resume. */
#ifndef LANDER_SOLVER_MONITOR_H
#define LANDER_SOLVER_MONITOR_H

#include "settings.h"

#define MONITOR_MEDIAN 5   /* losses, the present one counted */
#define MONITOR_WINDOW 100 /* accepted losses that statistics are taken over */

typedef struct monitor {
  bool has_baseline;
  double baseline, spread; /* L0 and s0: the loss before training, and its deviation */
  double chance;           /* the loss of a net that knows nothing; 0: not known */
  double best;             /* the lowest level so far, see level(); DBL_MAX: none yet */
  bool warned;             /* R5 has said its warning */
  int64_t vanished;        /* accepted iterations on end without most of the gradients */
  int64_t accepted;        /* iterations */
  double loss[SETTING_LOSSES]; /* of accepted iteration i at i % SETTING_LOSSES */
} monitor;

/* What a rule has found. All are NaN, and `reason` is NULL, unless a rule says so. */
typedef struct finding {
  double value;     /* what was too high */
  double threshold; /* the bound that it passed */
  double baseline;  /* what the bound was made from */
  double distance;  /* R5: how far the weights have gone, relative to where they began */
  const char *reason;
} finding;

/* Mean and sample deviation of losses that were measured without an update, and the
 * chance level (0: not known). Unless all losses are finite there is no baseline, and R3
 * to R5 are off. */
void monitor_set_baseline(monitor *m, const double *losses, int times, double chance);

void monitor_accept(monitor *m, double loss);

/* How many losses are remembered, and the one of `back` iterations ago (0: the last). */
int monitor_count(const monitor *m);
double monitor_loss(const monitor *m, int back);
/* The mean of the last `times` accepted losses (fewer at the start); NaN without any. */
double monitor_smoothed(const monitor *m, int times);
/* Whether the loss was clearly under the chance level once. */
bool monitor_has_learnt(const monitor *m, const solver_settings *s);

/* R1 and R2: true when the iteration is to be rejected. */
bool rule_loss(double loss, bool output_is_finite);
bool rule_gradient(double sum_of_squares);

/* R3, R4, R4b: the same; `loss` is the iteration's and has passed R1. What was found is
 * written down only when it is to be rejected. */
bool rule_blowup(const monitor *m, const solver_settings *s, double loss, finding *found);
bool rule_rise(const monitor *m, const solver_settings *s, double loss, finding *found);
bool rule_shift(const monitor *m, const solver_settings *s, finding *found);

/* R5: whether this is an iteration at which it looks, and the loss is at chance. Then the
 * distance that the weights have gone says what it is: a dead net (rejected) or not. */
bool rule_stall(const monitor *m, const solver_settings *s, finding *found);
bool rule_stall_is_dead(const solver_settings *s, double distance, finding *found);

#endif
