/* monitor.c: the rules, a function each, and what they remember. */
#include "monitor.h"

#include <math.h>

/* ---- what is remembered --------------------------------------------------------------
 */

void monitor_set_baseline(monitor *m, const double *losses, int times, double chance) {
  double sum = 0, squares = 0;
  for (int i = 0; i < times; i++) sum += losses[i];
  double mean = times > 0 ? sum / times : (double)NAN;
  for (int i = 0; i < times; i++) squares += (losses[i] - mean) * (losses[i] - mean);
  m->has_baseline = isfinite(mean) && isfinite(squares);
  m->baseline = m->has_baseline ? mean : 0;
  m->spread = m->has_baseline && times > 1 ? sqrt(squares / (times - 1)) : 0;
  m->chance = m->has_baseline && chance > 0 && isfinite(chance) ? chance : 0;
  m->best = DBL_MAX;
}

/* The mean of the last losses, none of which counts for more than twice the chance level:
 * a single huge one says nothing about what was learnt. */
static double level(const monitor *m) {
  double sum = 0;
  for (int back = MONITOR_WINDOW - 1; back >= 0; back--)
    sum += fmin(monitor_loss(m, back), 2 * m->chance);
  return sum / MONITOR_WINDOW;
}

void monitor_accept(monitor *m, double loss) {
  m->loss[m->accepted++ % SETTING_LOSSES] = loss;
  if (m->chance > 0 && m->accepted >= MONITOR_WINDOW) m->best = fmin(m->best, level(m));
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

static double window_deviation(const monitor *m, double mean) {
  int count = monitor_count(m) < MONITOR_WINDOW ? monitor_count(m) : MONITOR_WINDOW;
  double squares = 0;
  for (int back = count - 1; back >= 0; back--) {
    double d = monitor_loss(m, back) - mean;
    squares += d * d;
  }
  return count > 1 ? sqrt(squares / (count - 1)) : 0;
}

bool monitor_has_learnt(const monitor *m, const solver_settings *s) {
  return m->chance > 0 && m->best < s->guard_learnt * m->chance;
}

/* ---- R1, R2: what is not finite ------------------------------------------------------
 */

bool rule_loss(double loss, bool output_is_finite) {
  return !(isfinite(loss) && output_is_finite);
}

bool rule_gradient(double sum_of_squares) {
  return !isfinite(sum_of_squares);
}

/* ---- R3, R4: the median of the last losses -------------------------------------------
 */

/* The size of a loss that is not small: L0 alone would be next to nothing where a solved
 * problem is trained on, and any change a rise. */
static double size_of_loss(const monitor *m) {
  return fmax(fabs(m->baseline), m->chance);
}

static double median(double *values) {
  for (int i = 1; i < MONITOR_MEDIAN; i++) /* insertion sort */
    for (int k = i; k > 0 && values[k] < values[k - 1]; k--) {
      double swap = values[k];
      values[k] = values[k - 1];
      values[k - 1] = swap;
    }
  return values[MONITOR_MEDIAN / 2];
}

/* Of this loss and the accepted ones before it, of which there are enough. */
static double last_median(const monitor *m, double loss) {
  double last[MONITOR_MEDIAN] = {loss};
  for (int i = 1; i < MONITOR_MEDIAN; i++) last[i] = monitor_loss(m, i - 1);
  return median(last);
}

static bool note(double value, double threshold, double baseline, finding *found) {
  found->value = value;
  found->threshold = threshold;
  found->baseline = baseline;
  return true;
}

/* A comparison that is not true, as with NaN, is a value that passes the bound. */
static bool passes(double value, double threshold, double baseline, finding *found) {
  return !(value <= threshold) && note(value, threshold, baseline, found);
}

bool rule_blowup(const monitor *m, const solver_settings *s, double loss,
                 finding *found) {
  if (!m->has_baseline || m->accepted < MONITOR_MEDIAN - 1) return false;
  double room =
      fmax(s->guard_blowup * size_of_loss(m), s->guard_blowup_spread * m->spread);
  return passes(last_median(m, loss), m->baseline + room, m->baseline, found);
}

bool rule_rise(const monitor *m, const solver_settings *s, double loss, finding *found) {
  if (!m->has_baseline || m->accepted < s->guard_rise_after) return false;
  double mean = monitor_smoothed(m, MONITOR_WINDOW);
  double room = fmax(s->guard_rise * fabs(mean), s->guard_rise_first * size_of_loss(m));
  room = fmax(room, s->guard_rise_spread * window_deviation(m, mean));
  return passes(last_median(m, loss), mean + room, mean, found);
}

/* ---- R4b, R5: the level of the last losses beside chance --------------------
 */

/* How far such a mean is off by chance: the deviation of what it is made of, by the root
 * of how many they are. */
static double level_deviation(const monitor *m, double mean) {
  double squares = 0;
  for (int back = MONITOR_WINDOW - 1; back >= 0; back--) {
    double d = fmin(monitor_loss(m, back), 2 * m->chance) - mean;
    squares += d * d;
  }
  return sqrt(squares / (MONITOR_WINDOW - 1) / MONITOR_WINDOW);
}

/* The best mean is the luckiest of many, so where rare samples make the losses differ
 * this one may be above it by some deviations. */
bool rule_shift(const monitor *m, const solver_settings *s, finding *found) {
  if (!monitor_has_learnt(m, s)) return false;
  double mean = level(m);
  double room =
      fmax(s->guard_shift * (m->chance - m->best), 6 * level_deviation(m, mean));
  return passes(mean, m->best + room, m->best, found);
}

bool rule_stall(const monitor *m, const solver_settings *s, finding *found) {
  int64_t since = m->accepted - s->warmup_iter - s->guard_stall_after;
  if (m->chance <= 0 || since < 0 || since % MONITOR_WINDOW) return false;
  double bound = s->guard_stall * m->chance, mean = level(m);
  return !(mean < bound) && note(mean, bound, m->chance, found);
}

bool rule_stall_is_dead(const solver_settings *s, double distance, finding *found) {
  found->distance = distance;
  bool is_dead = distance >= s->guard_dead;
  found->reason = is_dead                     ? "dead net"
                  : distance <= s->guard_slow ? "rate too low"
                                              : "nothing to learn";
  return is_dead;
}
