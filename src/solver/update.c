/* update.c: passes over the arenas of parameters, gradients and history. */
#include <math.h>

#include "solver.h"

static bool is_trained(const lander_solver *s, int index) {
  return !lander_net_param(s->net, index)->frozen;
}

typedef struct pass {
  lander_solver *solver;
  const real *grad;
  real *data;
  double scale, rate;
  int pieces;
} pass;

static void run(pass *p, parallel_body body) {
  int64_t count;
  p->grad = net_grad_arena(p->solver->net, &count);
  p->data = net_data_arena(p->solver->net, &count);
  p->pieces = parallel_pieces(p->solver->spans_count, 1);
  parallel_run(p->solver->engine, p->pieces, body, p);
}

/* ---- the norm of the gradient ---- */

static void sum_piece(void *arg, int piece, int thread) {
  (void)thread;
  const pass *p = arg;
  lander_solver *s = p->solver;
  int64_t begin, end;
  parallel_range(s->spans_count, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    const span_of_param *at = &s->spans[i];
    s->squares[i] = is_trained(s, at->param)
                        ? kernels_table()->sum_squares(at->count, p->grad + at->begin)
                        : 0;
  }
}

double solver_sum_squares(lander_solver *s) {
  double sum = 0;
  run(&(pass){.solver = s}, sum_piece);
  for (int i = 0; i < s->spans_count; i++) sum += s->squares[i];
  return sum;
}

const char *solver_bad_gradient(const lander_solver *s) {
  for (int i = 0; i < s->spans_count; i++)
    if (!isfinite(s->squares[i]))
      return lander_net_param(s->net, s->spans[i].param)->name;
  return NULL;
}

/* ---- the update ---- */

static void update_span(const pass *p, const span_of_param *at) {
  const lander_solver *s = p->solver;
  const lander_param *of = lander_net_param(s->net, at->param);
  solver_update u = {.kernels = kernels_table(),
                     .iter = s->state.iter,
                     .count = at->count,
                     .w = p->data + at->begin,
                     .grad = p->grad + at->begin,
                     .scale = (real)p->scale,
                     .decay = (real)(s->settings->weight_decay * of->decay_mult),
                     .l1 = s->settings->regularization_type == REGULARIZATION_L1,
                     .rate = (real)(p->rate * of->lr_mult)};
  for (int i = 0; s->type->history[i]; i++) u.history[i] = s->history[i] + at->begin;
  s->type->update(s->settings, &u);
}

static void update_piece(void *arg, int piece, int thread) {
  (void)thread;
  const pass *p = arg;
  int64_t begin, end;
  parallel_range(p->solver->spans_count, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    if (is_trained(p->solver, p->solver->spans[i].param))
      update_span(p, &p->solver->spans[i]);
}

void solver_apply(lander_solver *s, double scale, double rate) {
  run(&(pass){.solver = s, .scale = scale, .rate = rate}, update_piece);
}
