/* lbfgs.c: limited-memory BFGS with a line search (Liu and Nocedal 1989; Nocedal and
 * Wright 2006, algorithms 7.4 and 7.5), for problems whose every iteration sees all the
 * data.
 *
 * The objective is the loss with its regulariser. From the last `history_size` pairs of a
 * step s and the change y of the gradient along it, the two-loop recursion makes
 * the direction -H g; H begins as gamma diag(lr_mult), gamma = s'y / (y' diag(lr_mult) y)
 * of the newest pair. The rate is the first length that the line search tries; without
 * pairs, at most 1 / |direction|_1, as PyTorch does it.
 *
 * History: slot k of a ring holds pair k. The slot behind the newest pair holds the step
 * that was made last and, as its change, the gradient before it: the next gradient makes
 * a pair of them. Pairs are only counted when an iteration is accepted, and arrays change
 * places with those that were worked in, so a rejected one has touched nothing. */
#include "solver.h"

#include <math.h>
#include <string.h>

#include "wolfe.h"

#define MOST_PAIRS 100
#define CURVED     1e-10 /* s'y by |s| |y|: below, a pair says nothing but rounding */

#ifdef LANDER_REAL_DOUBLE
#define PRECISION DBL_EPSILON
#else
#define PRECISION FLT_EPSILON
#endif

typedef struct lbfgs {
  solver_settings common;
  int history_size, max_evaluations;
} lbfgs;

static const lander_option options[] = {
    SOLVER_OPTIONS,
    OPTION_INT(lbfgs, history_size, "10", 1, MOST_PAIRS, 0,
               "how many pairs of step and change of the gradient are remembered"),
    OPTION_INT(lbfgs, max_evaluations, "25", 2, 10000, 0,
               "how often one iteration looks at loss and gradient, at most"),
    OPTION_END};

static int copies(const solver_settings *settings) {
  return ((const lbfgs *)(const void *)settings)->history_size + 1;
}

static lander_status check(const solver_settings *settings, lander_error *error) {
  if (settings->clip_gradients == 0) return LANDER_OK;
  return error_set(
      error, LANDER_ERROR_ARGUMENT,
      "solver: clip_gradients has no place in lbfgs, whose line search needs "
      "the gradient as it is");
}

/* ---- sums and steps over all parameters -------------------------------------------- */

typedef struct vectors {
  const lander_solver *solver;
  const real *a, *b;
  real *y;
  double factor;
} vectors;

static double dot_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  return kernels_table()->dot(at->count, v->a + at->begin, v->b + at->begin);
}

static double dot(lander_solver *s, const real *a, const real *b) {
  return solver_over_spans(s, dot_span, &(vectors){.a = a, .b = b});
}

static double sum_abs_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  return kernels_table()->sum_abs(at->count, v->a + at->begin);
}

static double copy_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  memcpy(v->y + at->begin, v->a + at->begin, (size_t)at->count * sizeof(real));
  return 0;
}

static void copy(lander_solver *s, const real *a, real *y) {
  solver_over_spans(s, copy_span, &(vectors){.a = a, .y = y});
}

static double subtract_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  kernels_table()->sub(at->count, v->a + at->begin, v->b + at->begin, v->y + at->begin);
  return 0;
}

/* y = a - b */
static void subtract(lander_solver *s, const real *a, const real *b, real *y) {
  solver_over_spans(s, subtract_span, &(vectors){.a = a, .b = b, .y = y});
}

static double axpy_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  kernels_table()->axpy(at->count, (real)v->factor, v->a + at->begin, v->y + at->begin);
  return 0;
}

static void axpy(lander_solver *s, double factor, const real *a, real *y) {
  solver_over_spans(s, axpy_span, &(vectors){.a = a, .y = y, .factor = factor});
}

static double along_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  real *y = v->y + at->begin;
  kernels_table()->scale(at->count, (real)v->factor, v->b + at->begin, y);
  kernels_table()->add(at->count, v->a + at->begin, y, y);
  return 0;
}

static double shape_of(const vectors *v, const span_of_param *at) {
  return lander_net_param(v->solver->net, at->param)->lr_mult;
}

/* The sum of lr_mult a^2. */
static double shaped_squares_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  return shape_of(v, at) * kernels_table()->sum_squares(at->count, v->a + at->begin);
}

/* y = factor lr_mult y */
static double shape_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  real *y = v->y + at->begin;
  kernels_table()->scale(at->count, (real)(v->factor * shape_of(v, at)), y, y);
  return 0;
}

/* y = the gradient of the objective; a: of the loss, summed over the parts, b: weights.
 * The sum is the regulariser. */
static double gradient_span(const void *arg, const span_of_param *at) {
  const vectors *v = arg;
  const real *w = v->b + at->begin;
  update_terms t = solver_terms(v->solver, at->param, v->factor, 0);
  kernels_table()->full_gradient(at->count, &t, v->a + at->begin, w, v->y + at->begin);
  double value = 0;
  if (t.l2 != 0) value += t.l2 / 2 * kernels_table()->sum_squares(at->count, w);
  if (t.l1 != 0) value += t.l1 * kernels_table()->sum_abs(at->count, w);
  return value;
}

/* ---- one iteration ------------------------------------------------------------------
 */

typedef struct pair {
  const real *step, *change;
  double product; /* s'y; 0: not to be used */
  double alpha;   /* of the first loop */
} pair;

typedef struct move {
  lander_solver *solver;
  lander_tensor *const *inputs;
  int count;
  real *weights, *grad;                   /* the net's */
  real *now, *change, *direction, *start; /* the solver's work arenas */
  bool fresh;                             /* `change` makes a pair with the last step */
  int pairs;
  double slope;      /* along the direction */
  double at;         /* where the weights are on it */
  bool seen_finite;  /* of the points that were looked at */
  lander_step fault; /* of the last one that was not */
} move;

static real *step_of(const lander_solver *s, int64_t k) {
  return s->history[2 * (k % (s->histories / 2))];
}

static real **change_of(lander_solver *s, int64_t k) {
  return &s->history[2 * (k % (s->histories / 2)) + 1];
}

static move begin_move(lander_solver *s, lander_tensor *const *inputs, int count) {
  int64_t unused;
  return (move){.solver = s,
                .inputs = inputs,
                .count = count,
                .weights = net_data_arena(s->net, &unused),
                .grad = net_grad_arena(s->net, &unused),
                .now = s->work[0],
                .change = s->work[1],
                .direction = s->work[2],
                .start = s->work[3]};
}

/* The gradient of the objective at the weights as they are, to y; returns its value. */
static double objective(move *m, double loss, real *y) {
  lander_solver *s = m->solver;
  return loss + solver_over_spans(s, gradient_span,
                                  &(vectors){.solver = s,
                                             .a = m->grad,
                                             .b = m->weights,
                                             .y = y,
                                             .factor = 1.0 / s->settings->iter_size});
}

/* Whether the last step and the change of the gradient since make a pair. */
static bool make_pair(move *m) {
  lander_solver *s = m->solver;
  if (!s->state.curvature.moved) return false;
  int64_t k = s->state.curvature.pairs;
  const real *step = step_of(s, k);
  subtract(s, m->now, *change_of(s, k), m->change);
  double most = dot(s, step, step) * dot(s, m->change, m->change);
  return dot(s, step, m->change) > CURVED * sqrt(most);
}

/* The newest first. */
static int gather_pairs(move *m, pair *list) {
  lander_solver *s = m->solver;
  int64_t k = s->state.curvature.pairs;
  int most = s->histories / 2 - 1, count = 0;
  if (m->fresh) list[count++] = (pair){step_of(s, k), m->change, 0, 0};
  while (--k >= 0 && count < most)
    list[count++] = (pair){step_of(s, k), *change_of(s, k), 0, 0};
  return count;
}

/* direction = -H now */
static void two_loops(move *m, pair *list, int count) {
  lander_solver *s = m->solver;
  double gamma = 1;
  copy(s, m->now, m->direction);
  for (int i = 0; i < count; i++) {
    pair *p = &list[i];
    p->product = dot(s, p->step, p->change);
    if (!(p->product > 0)) continue; /* a parameter was frozen since */
    p->alpha = dot(s, p->step, m->direction) / p->product;
    axpy(s, -p->alpha, p->change, m->direction);
  }
  if (count > 0 && list[0].product > 0)
    gamma =
        list[0].product / solver_over_spans(s, shaped_squares_span,
                                            &(vectors){.solver = s, .a = list[0].change});
  solver_over_spans(s, shape_span,
                    &(vectors){.solver = s, .y = m->direction, .factor = -gamma});
  for (int i = count - 1; i >= 0; i--) {
    pair *p = &list[i];
    if (!(p->product > 0)) continue;
    double beta = dot(s, p->change, m->direction) / p->product;
    axpy(s, -(p->alpha + beta), p->step, m->direction);
  }
  m->slope = dot(s, m->now, m->direction);
}

/* A direction that leads down, steepest descent where the pairs do not make one; false
 * when there is none, because the gradient is 0. */
static bool find_direction(move *m) {
  pair list[MOST_PAIRS];
  m->fresh = make_pair(m);
  m->pairs = gather_pairs(m, list);
  two_loops(m, list, m->pairs);
  if (m->slope < 0 && isfinite(m->slope)) return true;
  m->pairs = 0;
  two_loops(m, list, 0);
  return m->slope < 0 && isfinite(m->slope);
}

/* ---- along the line ---- */

static void go_to(move *m, double t) {
  lander_solver *s = m->solver;
  m->at = t;
  if (t == 0)
    copy(s, m->start, m->weights);
  else
    solver_over_spans(
        s, along_span,
        &(vectors){.a = m->start, .b = m->direction, .y = m->weights, .factor = t});
}

static lander_status look(void *arg, line_point *at, lander_error *error) {
  move *m = arg;
  lander_step found;
  go_to(m, at->t);
  net_restore_state(m->solver->net); /* as before the iteration */
  lander_status status = solver_run(m->solver, m->inputs, m->count, &found, NULL, error);
  if (status != LANDER_OK) return status;
  at->f = at->slope = (double)INFINITY;
  if (found.rule != LANDER_RULE_NONE) {
    m->fault = found;
    return LANDER_OK;
  }
  double value = objective(m, found.loss, m->grad);
  double slope = dot(m->solver, m->grad, m->direction);
  if (!isfinite(value) || !isfinite(slope)) return LANDER_OK;
  m->seen_finite = true;
  at->f = value;
  at->slope = slope;
  return LANDER_OK;
}

/* What layers remember is of the weights where the iteration began, as with every other
 * rule, and not of the point that was looked at last, which may have been refused.
 * `start` has room for it: steps leave untrained parameters alone. */
static void copy_states(const move *m, real *to, const real *from) {
  const lander_net *net = m->solver->net;
  for (int i = 0; i < lander_net_params(net); i++) {
    if (!lander_net_param(net, i)->frozen) continue;
    int64_t at = net_param_offset(net, i);
    memcpy(to + at, from + at, (size_t)net_param_count(net, i) * sizeof(real));
  }
}

static lander_status search(move *m, double value, double rate, line_point *found,
                            lander_error *error) {
  lander_solver *s = m->solver;
  const real *d = m->direction;
  double size = solver_over_spans(s, sum_abs_span, &(vectors){.a = d});
  double first = m->pairs > 0 ? rate : rate * fmin(1, 1 / size);
  copy(s, m->weights, m->start);
  copy_states(m, m->start, m->weights);
  line_search line = {
      .look = look,
      .arg = m,
      .start = {0, value, m->slope},
      .looks = ((const lbfgs *)(const void *)s->settings)->max_evaluations - 1,
      .narrow = PRECISION * sqrt(dot(s, m->start, m->start) / dot(s, d, d))};
  return wolfe_search(&line, first, found, error);
}

/* ---- the end of an iteration ---- */

static void swap(real **a, real **b) {
  real *old = *a;
  *a = *b;
  *b = old;
}

static void remember(move *m) {
  lander_solver *s = m->solver;
  curvature *c = &s->state.curvature;
  if (m->pairs == 0) {
    c->pairs = 0;
  } else if (m->fresh) {
    swap(change_of(s, c->pairs), &s->work[1]);
    c->pairs++;
  }
  subtract(s, m->weights, m->start, step_of(s, c->pairs));
  swap(change_of(s, c->pairs), &s->work[0]);
  c->moved = true;
}

/* No point was lower. When none was finite either, the iteration is rejected, because a
 * shorter step has to be asked for; else the next one begins without the pairs, which
 * have led nowhere. */
static void stay(move *m, lander_step *step) {
  go_to(m, 0);
  if (m->seen_finite || m->fault.rule == LANDER_RULE_NONE) {
    m->solver->state.curvature = (curvature){0};
    return;
  }
  step->rule = m->fault.rule;
  step->value = m->fault.value;
  step->where = m->fault.where;
}

static lander_status move_along(lander_solver *s, lander_tensor *const *inputs, int count,
                                lander_step *step, lander_error *error) {
  move m = begin_move(s, inputs, count);
  double value = objective(&m, step->loss, m.now);
  if (step->rate == 0 || !find_direction(&m)) return LANDER_OK;
  line_point found;
  lander_status status = search(&m, value, step->rate, &found, error);
  copy_states(&m, m.weights, m.start);
  if (status != LANDER_OK) {
    go_to(&m, 0);
  } else if (found.t == 0) {
    stay(&m, step);
  } else {
    if (m.at != found.t) go_to(&m, found.t);
    remember(&m);
  }
  return status;
}

const solver_type solver_lbfgs = {
    .name = "lbfgs",
    .help = "limited-memory BFGS with a strong Wolfe line search, for full batches: "
            "W <- W - t H g; base_lr = 1 is the first t that is tried",
    .example = "lander.solver(net, { type = \"lbfgs\", base_lr = 1 })",
    .options = options,
    .size = sizeof(lbfgs),
    .history = {"step", "change"},
    .move = move_along,
    .work = 4,
    .copies = copies,
    .check = check,
};
