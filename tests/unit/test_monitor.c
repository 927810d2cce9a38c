/* test_monitor.c: the rules that reject an iteration, and the schedule that looks at the
 * loss: what needs losses that no net would give on demand. */
#include "../../src/solver/monitor.h"
#include "../../src/solver/schedule.h"

#include <math.h>
#include <string.h>

#include "unit.h"

static monitor m; /* large */
static solver_settings guard = {.guard_blowup = 2, .guard_blowup_spread = 6};

static void start(double baseline, double spread) {
  memset(&m, 0, sizeof m);
  double losses[3] = {baseline - spread, baseline, baseline + spread};
  monitor_set_baseline(&m, losses, 3, 0);
}

static bool rejected(double loss) {
  finding found;
  return rule_blowup(&m, &guard, loss, &found);
}

static void accept(int times, double loss) {
  for (int i = 0; i < times; i++) monitor_accept(&m, loss);
}

static void test_finite(void) {
  UNIT_TEST("R1: a loss or an output that is not finite");
  UNIT_CHECK(!rule_loss(2.3, true));
  UNIT_CHECK(rule_loss((double)NAN, true));
  UNIT_CHECK(rule_loss((double)INFINITY, true));
  UNIT_CHECK(rule_loss(-(double)INFINITY, true));
  UNIT_CHECK(rule_loss(2.3, false));

  UNIT_TEST("R2: a norm that is not finite");
  UNIT_CHECK(!rule_gradient(0));
  UNIT_CHECK(!rule_gradient(1e300));
  UNIT_CHECK(rule_gradient((double)NAN));
  UNIT_CHECK(rule_gradient((double)INFINITY));
}

static void test_baseline(void) {
  UNIT_TEST("the baseline is the mean and the sample deviation");
  double losses[5] = {2, 4, 4, 4, 6};
  memset(&m, 0, sizeof m);
  monitor_set_baseline(&m, losses, 5, 0);
  UNIT_CHECK(m.has_baseline && m.baseline == 4 && fabs(m.spread - sqrt(2)) < 1e-15);
  monitor_set_baseline(&m, losses, 1, 0);
  UNIT_CHECK(m.has_baseline && m.baseline == 2 && m.spread == 0);

  UNIT_TEST("without finite losses there is no baseline, and R3 is off");
  losses[2] = (double)NAN;
  monitor_set_baseline(&m, losses, 5, 0);
  UNIT_CHECK(!m.has_baseline && m.baseline == 0 && m.spread == 0);
  accept(10, 1);
  accept(10, 1e30);
  UNIT_CHECK(!rejected(1e30));
  monitor_set_baseline(&m, losses, 0, 0);
  UNIT_CHECK(!m.has_baseline);
}

static void test_blowup(void) {
  UNIT_TEST("R3: the median of five, this one counted, above three times the first loss");
  start(2, 0.1);
  accept(4, 100);
  UNIT_CHECK(rejected(100));
  start(2, 0.1);
  accept(3, 100);
  UNIT_CHECK(!rejected(100)); /* four losses say nothing yet */
  start(2, 0.1);
  accept(2, 1);
  accept(2, 6.1);
  UNIT_CHECK(rejected(6.1)); /* 1 1 6.1 6.1 6.1 */
  UNIT_CHECK(!rejected(5.9));
  start(2, 0.1);
  accept(4, 1);
  UNIT_CHECK(!rejected(1e9)); /* one spike is no blow-up */

  UNIT_TEST("R3: the bound itself is not passed, and is told");
  finding found = {.threshold = 0};
  start(2, 0);
  accept(4, 6);
  UNIT_CHECK(!rejected(6));
  start(2, 0);
  accept(4, 6.5);
  UNIT_CHECK(rule_blowup(&m, &guard, 7, &found) && found.threshold == 6);

  UNIT_TEST("R3: six deviations where losses scatter, also below zero and from zero");
  start(1, 10); /* 1 + 60 */
  accept(4, 60);
  UNIT_CHECK(!rejected(60));
  accept(4, 62);
  UNIT_CHECK(rejected(62));
  start(-1, 0.1); /* -1 + 2 */
  accept(4, 0.9);
  UNIT_CHECK(!rejected(0.9));
  accept(4, 1.1);
  UNIT_CHECK(rejected(1.1));
  start(0, 0.5);
  accept(4, 2.9);
  UNIT_CHECK(!rejected(2.9));
}

static void test_rise(void) {
  finding found = {.threshold = 0};
  solver_settings s = {.guard_rise = 1, .guard_rise_first = 0.5, .guard_rise_after = 50};
  UNIT_TEST("R4: from the 50th accepted loss on");
  start(1, 0);
  accept(45, 1);
  accept(4, 9);
  UNIT_CHECK(!rule_rise(&m, &s, 9, &found));
  accept(1, 9);
  UNIT_CHECK(rule_rise(&m, &s, 9, &found) && found.value == 9);
  UNIT_CHECK(fabs(found.baseline - 1.8) < 1e-12 && fabs(found.threshold - 3.6) < 1e-12);

  UNIT_TEST("R4: half the first loss is no rise; nor are deviations");
  start(40, 0);
  accept(100, 1);
  accept(2, 21);
  UNIT_CHECK(!rule_rise(&m, &s, 23, &found)); /* 21, where 1.4 + 20 are allowed */
  start(40, 0);
  accept(100, 1);
  accept(2, 22);
  UNIT_CHECK(rule_rise(&m, &s, 23, &found) && fabs(found.threshold - 21.42) < 1e-12);
  s.guard_rise_spread = 8; /* times 2.95 */
  UNIT_CHECK(!rule_rise(&m, &s, 23, &found));
}

static void test_memory(void) {
  UNIT_TEST("the smoothed loss is the mean of the last ones");
  start(1, 0);
  UNIT_CHECK(isnan(monitor_smoothed(&m, 3)));
  accept(1, 1);
  UNIT_CHECK(monitor_smoothed(&m, 3) == 1);
  accept(1, 2);
  accept(1, 6);
  accept(1, 7);
  UNIT_CHECK(monitor_smoothed(&m, 3) == 5);
  for (int i = 1; i <= 3 * SETTING_LOSSES; i++) accept(1, i);
  UNIT_CHECK(monitor_count(&m) == SETTING_LOSSES);
  UNIT_CHECK(monitor_loss(&m, 0) == 3 * SETTING_LOSSES);
  UNIT_CHECK(monitor_loss(&m, SETTING_LOSSES - 1) == 2 * SETTING_LOSSES + 1);
}

/* ---- plateau ---- */

static solver_settings s;
static plateau p;
static const lr_schedule *policy;

static void start_plateau(int patience, int cooldown) {
  memset(&s, 0, sizeof s);
  memset(&p, 0, sizeof p);
  for (int i = 0; schedule_at(i); i++)
    if (!strcmp(schedule_at(i)->name, "plateau")) s.lr_policy = i;
  policy = schedule_at(s.lr_policy);
  s.base_lr = s.lr_scale = 1;
  s.gamma = 0.5;
  s.threshold = 0.1;
  s.patience = patience;
  s.cooldown = cooldown;
}

static void observe(int times, double loss) {
  for (int i = 0; i < times; i++) policy->observe(&p, &s, loss);
}

static double rate(void) {
  return schedule_rate(&s, &p, NULL, 0);
}

static void test_plateau(void) {
  UNIT_TEST("plateau drops the rate when the loss stopped falling, again and again");
  start_plateau(3, 0);
  observe(1, 10);
  observe(2, 10);
  UNIT_CHECK(rate() == 1);
  observe(1, 10);
  UNIT_CHECK(rate() == 0.5);
  observe(2, 10);
  UNIT_CHECK(rate() == 0.5);
  observe(1, 10);
  UNIT_CHECK(rate() == 0.25);

  UNIT_TEST("plateau: a loss that is better by the threshold starts the count anew");
  start_plateau(3, 0);
  observe(1, 10);
  observe(2, 9.5); /* not better enough */
  observe(1, 8.9);
  observe(2, 8.9);
  UNIT_CHECK(rate() == 1);
  observe(1, 8.9);
  UNIT_CHECK(rate() == 0.5);

  UNIT_TEST("plateau: losses below zero");
  start_plateau(2, 0);
  observe(1, -10);
  for (int i = 1; i < 10; i++) observe(1, -10 * pow(1.2, i));
  UNIT_CHECK(rate() == 1);
  observe(2, -10);
  UNIT_CHECK(rate() == 0.5);

  UNIT_TEST("plateau: nothing is counted in the cooldown");
  start_plateau(2, 5);
  observe(3, 10);
  UNIT_CHECK(rate() == 0.5);
  observe(6, 10); /* 5 of the cooldown, 1 counted */
  UNIT_CHECK(rate() == 0.5);
  observe(1, 10);
  UNIT_CHECK(rate() == 0.25);

  UNIT_TEST("plateau: min_lr is the floor");
  start_plateau(1, 0);
  s.min_lr = 0.2;
  observe(100, 10);
  UNIT_CHECK(rate() == 0.2);
  s.min_lr = 0;
  observe(5000, 10);
  UNIT_CHECK(rate() == 0);
}

int main(void) {
  test_finite();
  test_baseline();
  test_blowup();
  test_rise();
  test_memory();
  test_plateau();
  return unit_finish();
}
