/* monitor.c: the rules, a function each, and what they remember. */
#include "monitor.h"

#include <math.h>

void monitor_set_baseline(monitor *m, const double *losses, int times) {
  double sum = 0, squares = 0;
  for (int i = 0; i < times; i++) sum += losses[i];
  double mean = times > 0 ? sum / times : (double)NAN;
  for (int i = 0; i < times; i++) squares += (losses[i] - mean) * (losses[i] - mean);
  m->has_baseline = isfinite(mean) && isfinite(squares);
  m->baseline = m->has_baseline ? mean : 0;
  m->spread = m->has_baseline && times > 1 ? sqrt(squares / (times - 1)) : 0;
}

void monitor_accept(monitor *m, double loss) {
  m->loss[m->accepted++ % SETTING_LOSSES] = loss;
}

int monitor_count(const monitor *m) {
  return m->accepted < SETTING_LOSSES ? (int)m->accepted : SETTING_LOSSES;
}

double monitor_loss(const monitor *m, int back) {
  return m->loss[(m->accepted - 1 - back) % SETTING_LOSSES];
}

double monitor_smoothed(const monitor *m, int times) {
  int count = monitor_count(m) < times ? monitor_count(m) : times;
  double sum = 0;
  for (int back = count - 1; back >= 0; back--) sum += monitor_loss(m, back);
  return count > 0 ? sum / count : (double)NAN;
}

bool rule_loss(double loss, bool output_is_finite) {
  return !(isfinite(loss) && output_is_finite);
}

bool rule_gradient(double sum_of_squares) {
  return !isfinite(sum_of_squares);
}

#define BLOWUP_LOSSES 5

static double median(double *values) {
  for (int i = 1; i < BLOWUP_LOSSES; i++) /* insertion sort */
    for (int k = i; k > 0 && values[k] < values[k - 1]; k--) {
      double swap = values[k];
      values[k] = values[k - 1];
      values[k - 1] = swap;
    }
  return values[BLOWUP_LOSSES / 2];
}

bool rule_blowup(const monitor *m, double loss, double *threshold) {
  if (!m->has_baseline || m->accepted < BLOWUP_LOSSES - 1) return false;
  double last[BLOWUP_LOSSES] = {loss};
  for (int i = 1; i < BLOWUP_LOSSES; i++) last[i] = monitor_loss(m, i - 1);
  double bound = m->baseline + fmax(2 * fabs(m->baseline), 6 * m->spread);
  if (median(last) <= bound) return false;
  *threshold = bound;
  return true;
}
