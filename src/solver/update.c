/* update.c: passes over the arenas of parameters, gradients and history. */
#include "solver.h"

#include <math.h>
#include <string.h>

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

/* ---- the norms of each parameter ---- */

static void weigh_piece(void *arg, int piece, int thread) {
  (void)thread;
  const pass *p = arg;
  lander_solver *s = p->solver;
  int64_t begin, end;
  parallel_range(s->spans_count, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    s->weight_squares[i] =
        kernels_table()->sum_squares(s->spans[i].count, p->data + s->spans[i].begin);
}

/* The gradient's squares are those of the last solver_sum_squares. */
static void make_norms(lander_solver *s) {
  run(&(pass){.solver = s}, weigh_piece);
  memset(s->norms, 0, (size_t)lander_net_params(s->net) * sizeof *s->norms);
  for (int i = 0; i < s->spans_count; i++) {
    s->norms[s->spans[i].param].weight += s->weight_squares[i];
    s->norms[s->spans[i].param].gradient += s->squares[i];
  }
  for (int i = 0; i < lander_net_params(s->net); i++)
    s->norms[i] = (norms_of_param){sqrt(s->norms[i].weight), sqrt(s->norms[i].gradient)};
}

/* ---- the update ---- */

static void update_span(const pass *p, const span_of_param *at) {
  const lander_solver *s = p->solver;
  const lander_param *of = lander_net_param(s->net, at->param);
  int type = s->settings->regularization_type;
  real decay = (real)(s->settings->weight_decay * of->decay_mult);
  solver_update u = {.kernels = kernels_table(),
                     .iter = s->state.iter,
                     .count = at->count,
                     .w = p->data + at->begin,
                     .grad = p->grad + at->begin,
                     .terms = {.scale = (real)p->scale,
                               .l2 = type != REGULARIZATION_L1 ? decay : 0,
                               .l1 = type != REGULARIZATION_L2 ? decay : 0,
                               .rate = (real)(p->rate * of->lr_mult)}};
  if (s->type->norms) {
    u.weight_norm = s->norms[at->param].weight;
    u.gradient_norm = p->scale * s->norms[at->param].gradient;
  }
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
  if (s->type->norms) make_norms(s);
  run(&(pass){.solver = s, .scale = scale, .rate = rate}, update_piece);
}
