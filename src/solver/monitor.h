/* monitor.h: when an iteration must not be accepted. DIVERGENCE's rules R1 to R3.
 *
 * What is not finite is rejected before anything else is looked at, so no such value
 * reaches a statistic. */
#ifndef LANDER_SOLVER_MONITOR_H
#define LANDER_SOLVER_MONITOR_H

#include "settings.h"

typedef struct monitor {
  bool has_baseline;
  double baseline, spread; /* L0 and s0: the loss before training, and its deviation */
  int64_t accepted;        /* iterations */
  double loss[SETTING_LOSSES]; /* of accepted iteration i at i % SETTING_LOSSES */
} monitor;

/* Mean and sample deviation of losses that were measured without an update. Unless all
 * are finite there is no baseline, and R3 is off. */
void monitor_set_baseline(monitor *m, const double *losses, int times);

void monitor_accept(monitor *m, double loss);

/* How many losses are remembered, and the one of `back` iterations ago (0: the last). */
int monitor_count(const monitor *m);
double monitor_loss(const monitor *m, int back);
/* The mean of the last `times` accepted losses (fewer at the start); NaN without any. */
double monitor_smoothed(const monitor *m, int times);

/* R1, R2, R3: true when the iteration is to be rejected. `loss` has passed R1 when R3 is
 * asked; *threshold is the bound that was passed. */
bool rule_loss(double loss, bool output_is_finite);
bool rule_gradient(double sum_of_squares);
bool rule_blowup(const monitor *m, double loss, double *threshold);

#endif
