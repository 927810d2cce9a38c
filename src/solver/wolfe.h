/* wolfe.h: a line search: how far to go in a direction that leads down. */
#ifndef LANDER_SOLVER_WOLFE_H
#define LANDER_SOLVER_WOLFE_H

#include "../base/base.h"

/* The function along the line: its value and slope at t. */
typedef struct line_point {
  double t, f, slope;
} line_point;

typedef struct line_search {
  /* Fills in f and slope at at->t. A value that is not finite says that t is too far. */
  lander_status (*look)(void *arg, line_point *at, lander_error *error);
  void *arg;
  line_point start; /* t = 0, with a slope below 0 */
  int looks;        /* how many may be made; counted down */
  double narrow;    /* a bracket as wide as this is not searched further */
} line_search;

/* Looks at t = first and where that leads, until a point is found that satisfies the
 * strong Wolfe conditions with c1 = 1e-4, c2 = 0.9 (Nocedal and Wright, Numerical
 * Optimization, 2006, algorithms 3.5 and 3.6; 3.59 interpolates). *found is that point,
 * or when the looks are spent the lowest one, which may be the start.
 * fails: what look fails with. */
lander_status wolfe_search(line_search *s, double first, line_point *found,
                           lander_error *error);

#endif
