/* test_wolfe.c: the line search on functions whose minima are known. */
#include "../../src/solver/wolfe.h"
#include "unit.h"

#include <math.h>

#define C1 1e-4
#define C2 0.9

typedef struct function {
  double (*f)(double t);
  double (*slope)(double t);
  int looks;
  int fail_at; /* this look fails; 0: none */
} function;

static double bowl(double t) {
  return (t - 3) * (t - 3);
}
static double bowl_slope(double t) {
  return 2 * (t - 3);
}

/* Nearly straight, then a sharp bend (More and Thuente 1994, their first one). */
static double bend(double t) {
  return -t / (t * t + 2);
}
static double bend_slope(double t) {
  return (t * t - 2) / ((t * t + 2) * (t * t + 2));
}

/* Waves on a slope: many minima. */
static double waves(double t) {
  return 0.05 * t * t - t - sin(5 * t);
}
static double waves_slope(double t) {
  return 0.1 * t - 1 - 5 * cos(5 * t);
}

/* Infinite from 2 on, and NaN from 5 on. */
static double wall(double t) {
  return t >= 5 ? (double)NAN : t >= 2 ? (double)INFINITY : -log(2 - t) - 3 * t;
}
static double wall_slope(double t) {
  return t >= 2 ? (double)NAN : 1 / (2 - t) - 3;
}

/* It falls for ever. */
static double line(double t) {
  return -t;
}
static double line_slope(double t) {
  return t < 0 ? 0 : -1;
}

/* Its slope says down, but it goes up: as rounding does near a minimum. */
static double lie(double t) {
  return t;
}

static double nothing(double t) {
  return t == 0 ? 0 : (double)NAN;
}

static lander_status look(void *arg, line_point *at, lander_error *error) {
  function *of = arg;
  if (++of->looks == of->fail_at) {
    if (error) error->code = LANDER_ERROR_STATE;
    return LANDER_ERROR_STATE;
  }
  at->f = of->f(at->t);
  at->slope = of->slope(at->t);
  return LANDER_OK;
}

static line_search search_of(function *of, int looks) {
  return (line_search){.look = look,
                       .arg = of,
                       .start = {0, of->f(0), of->slope(0)},
                       .looks = looks,
                       .narrow = 1e-12};
}

static void check_found(function *of, double first) {
  line_search s = search_of(of, 100);
  line_point p;
  of->looks = 0;
  UNIT_CHECK(s.start.slope < 0);
  UNIT_CHECK(wolfe_search(&s, first, &p, NULL) == LANDER_OK);
  UNIT_CHECK(p.t > 0 && p.f == of->f(p.t) && p.slope == of->slope(p.t));
  UNIT_CHECK(p.f <= s.start.f + C1 * p.t * s.start.slope);
  UNIT_CHECK(fabs(p.slope) <= -C2 * s.start.slope);
  UNIT_CHECK(of->looks < 40);
}

static void test_conditions(void) {
  const struct {
    const char *name;
    function of;
  } all[] = {{"a bowl", {bowl, bowl_slope, 0, 0}},
             {"a bend", {bend, bend_slope, 0, 0}},
             {"waves", {waves, waves_slope, 0, 0}},
             {"a wall", {wall, wall_slope, 0, 0}}};
  for (int i = 0; i < COUNT_OF(all); i++) {
    UNIT_TEST(all[i].name);
    function of = all[i].of;
    for (double first = 1e-6; first < 1e7; first *= 3) check_found(&of, first);
  }
}

static void test_bounds(void) {
  line_point p;
  UNIT_TEST("the looks are counted, and the lowest point is kept");
  for (int looks = 1; looks <= 6; looks++) {
    function of = {line, line_slope, 0, 0};
    line_search s = search_of(&of, looks);
    UNIT_CHECK(wolfe_search(&s, 1, &p, NULL) == LANDER_OK);
    UNIT_CHECK(of.looks == looks && p.f == -p.t && p.t >= 1);
  }

  UNIT_TEST("where nothing is lower the start is what is found");
  function up = {lie, line_slope, 0, 0}, nowhere = {nothing, line_slope, 0, 0};
  line_search s = search_of(&up, 200);
  UNIT_CHECK(wolfe_search(&s, 1, &p, NULL) == LANDER_OK && p.t == 0 && p.f == 0);
  UNIT_CHECK(up.looks < 200); /* the bracket has become too narrow before */
  s = search_of(&nowhere, 8);
  UNIT_CHECK(wolfe_search(&s, 1, &p, NULL) == LANDER_OK && p.t == 0 && p.f == 0);
  UNIT_CHECK(nowhere.looks == 8);

  UNIT_TEST("an error ends it");
  for (int at = 1; at <= 3; at++) {
    function of = {line, line_slope, 0, at};
    s = search_of(&of, 10);
    UNIT_CHECK(wolfe_search(&s, 1, &p, NULL) == LANDER_ERROR_STATE && of.looks == at);
  }
}

int main(void) {
  test_conditions();
  test_bounds();
  return unit_finish();
}
