/* wolfe.c: a line search for the strong Wolfe conditions. Comparisons are written so that
 * NaN falls on the side of "too far". */
#include "wolfe.h"

#include <math.h>

#define ENOUGH_DESCENT 1e-4 /* c1 */
#define ENOUGH_FLATTER 0.9  /* c2 */
#define FARTHER        10   /* times the last t, at most, while the slope leads down */
#define A_LITTLE       0.01 /* farther, at least: of the last stride */
#define MARGIN         0.1  /* of a bracket's width: nearer to its ends nothing is new */

static bool low_enough(const line_search *s, const line_point *p) {
  return p->f <= s->start.f + ENOUGH_DESCENT * p->t * s->start.slope;
}

static bool flat_enough(const line_search *s, const line_point *p) {
  return fabs(p->slope) <= -ENOUGH_FLATTER * s->start.slope;
}

/* Where the cubic through two points, a before b, has its minimum; the middle of the
 * bounds when it has none, or a point is not finite. */
static double cubic(const line_point *a, const line_point *b, double from, double to) {
  double d1 = a->slope + b->slope - 3 * (a->f - b->f) / (a->t - b->t);
  double square = d1 * d1 - a->slope * b->slope;
  if (!(square >= 0)) return (from + to) / 2;
  double d2 = sqrt(square);
  double t =
      b->t - (b->t - a->t) * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2));
  if (!isfinite(t)) return (from + to) / 2;
  return fmin(fmax(t, from), to);
}

static lander_status look(line_search *s, line_point *at, lander_error *error) {
  s->looks--;
  return s->look(s->arg, at, error);
}

/* A point inside a bracket. One near an end is taken once; the next time it is moved
 * away from that end, so that the bracket does become narrower. */
static double inside(const line_point *low, const line_point *high, bool *crowded) {
  const line_point *a = low->t < high->t ? low : high, *b = a == low ? high : low;
  double t = cubic(a, b, a->t, b->t), margin = MARGIN * (b->t - a->t);
  bool near_end = fmin(b->t - t, t - a->t) < margin;
  bool moved = near_end && (*crowded || t <= a->t || t >= b->t);
  *crowded = near_end && !moved;
  if (!moved) return t;
  return b->t - t < t - a->t ? b->t - margin : a->t + margin;
}

/* Between low, the lowest point so far that has descended enough, from which the slope
 * leads towards high, and high, lies what is wanted. */
static lander_status zoom(line_search *s, line_point low, line_point high,
                          line_point *found, lander_error *error) {
  bool crowded = false;
  while (s->looks > 0 && fabs(high.t - low.t) > s->narrow) {
    line_point now = {.t = inside(&low, &high, &crowded)};
    lander_status status = look(s, &now, error);
    if (status != LANDER_OK) return status;
    if (!low_enough(s, &now) || !(now.f < low.f)) {
      high = now;
      continue;
    }
    if (!flat_enough(s, &now) && now.slope * (high.t - low.t) >= 0) high = low;
    low = now;
    if (flat_enough(s, &now)) break;
  }
  *found = low;
  return LANDER_OK;
}

lander_status wolfe_search(line_search *s, double first, line_point *found,
                           lander_error *error) {
  line_point before = s->start, now = {.t = first};
  *found = before;
  while (s->looks > 0) {
    lander_status status = look(s, &now, error);
    if (status != LANDER_OK) return status;
    if (!low_enough(s, &now) || !(now.f < before.f))
      return zoom(s, before, now, found, error);
    *found = now;
    if (flat_enough(s, &now)) break;
    if (now.slope >= 0) return zoom(s, now, before, found, error);
    double next =
        cubic(&before, &now, now.t + A_LITTLE * (now.t - before.t), FARTHER * now.t);
    before = now;
    now = (line_point){.t = next};
  }
  return LANDER_OK;
}
