/* update.c: passes over the arenas of parameters, gradients and history. */
#include "solver.h"

#include <math.h>
#include <string.h>

static bool is_trained(const lander_solver *s, int index) {
  return !lander_net_param(s->net, index)->frozen;
}

/* ---- over the spans ---- */

typedef struct pass {
  lander_solver *solver;
  span_body body;
  const void *arg;
  int pieces;
} pass;

static void run_piece(void *arg, int piece, int thread) {
  (void)thread;
  const pass *p = arg;
  lander_solver *s = p->solver;
  int64_t begin, end;
  parallel_range(s->spans_count, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    s->sums[i] = is_trained(s, s->spans[i].param) ? p->body(p->arg, &s->spans[i]) : 0;
}

double solver_over_spans(lander_solver *s, span_body body, const void *arg) {
  pass p = {s, body, arg, parallel_pieces(s->spans_count, 1)};
  parallel_run(s->engine, p.pieces, run_piece, &p);
  double sum = 0;
  for (int i = 0; i < s->spans_count; i++) sum += s->sums[i];
  return sum;
}

static double squares_of_span(const void *arg, const span_of_param *at) {
  const real *arena = arg;
  return kernels_table()->sum_squares(at->count, arena + at->begin);
}

/* ---- the norm of the gradient ---- */

double solver_sum_squares(lander_solver *s) {
  int64_t count;
  return solver_over_spans(s, squares_of_span, net_grad_arena(s->net, &count));
}

const char *solver_bad_gradient(const lander_solver *s) {
  for (int i = 0; i < s->spans_count; i++)
    if (!isfinite(s->sums[i])) return lander_net_param(s->net, s->spans[i].param)->name;
  return NULL;
}

bool solver_gradient_vanished(const lander_solver *s) {
  int trained = 0, moved = 0, last = -1, last_moved = -1;
  for (int i = 0; i < s->spans_count; i++) {
    int index = s->spans[i].param;
    if (!is_trained(s, index)) continue;
    trained += index != last;
    last = index;
    if (s->sums[i] == 0) continue;
    moved += index != last_moved;
    last_moved = index;
  }
  return 2 * moved < trained;
}

/* ---- the norms of each parameter ---- */

/* The sums over the gradient are still there, from solver_sum_squares. */
static void make_norms(lander_solver *s) {
  int64_t count;
  memset(s->norms, 0, (size_t)lander_net_params(s->net) * sizeof *s->norms);
  for (int i = 0; i < s->spans_count; i++)
    s->norms[s->spans[i].param].gradient += s->sums[i];
  solver_over_spans(s, squares_of_span, net_data_arena(s->net, &count));
  for (int i = 0; i < s->spans_count; i++)
    s->norms[s->spans[i].param].weight += s->sums[i];
  for (int i = 0; i < lander_net_params(s->net); i++)
    s->norms[i] = (norms_of_param){sqrt(s->norms[i].weight), sqrt(s->norms[i].gradient)};
}

/* ---- the update ---- */

update_terms solver_terms(const lander_solver *s, int index, double scale, double rate) {
  const lander_param *of = lander_net_param(s->net, index);
  int type = s->settings->regularization_type;
  real decay = (real)(s->settings->weight_decay * of->decay_mult);
  return (update_terms){.scale = (real)scale,
                        .l2 = type != REGULARIZATION_L1 ? decay : 0,
                        .l1 = type != REGULARIZATION_L2 ? decay : 0,
                        .rate = (real)(rate * of->lr_mult)};
}

typedef struct update {
  const lander_solver *solver;
  const real *grad;
  real *data;
  double scale, rate;
} update;

static double update_span(const void *arg, const span_of_param *at) {
  const update *a = arg;
  const lander_solver *s = a->solver;
  solver_update u = {.kernels = kernels_table(),
                     .iter = s->state.iter,
                     .count = at->count,
                     .w = a->data + at->begin,
                     .grad = a->grad + at->begin,
                     .terms = solver_terms(s, at->param, a->scale, a->rate)};
  if (s->type->norms) {
    u.weight_norm = s->norms[at->param].weight;
    u.gradient_norm = a->scale * s->norms[at->param].gradient;
  }
  for (int i = 0; s->type->history[i]; i++) u.history[i] = s->history[i] + at->begin;
  s->type->update(s->settings, &u);
  return 0;
}

void solver_apply(lander_solver *s, double scale, double rate) {
  int64_t count;
  if (s->type->norms) make_norms(s);
  solver_over_spans(s, update_span,
                    &(update){.solver = s,
                              .grad = net_grad_arena(s->net, &count),
                              .data = net_data_arena(s->net, &count),
                              .scale = scale,
                              .rate = rate});
}
