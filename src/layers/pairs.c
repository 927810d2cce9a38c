/* pairs.c: losses with a term for each pair of numbers. */
#include "pairs.h"

#include "../tensor/tensor.h"
#include "sums.h"

lander_status pairs_setup(layer *l, lander_error *error) {
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  if (!shape_alike(&l->in[0], &l->in[1]))
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: the prediction is %s, but the target %s", l->type->name,
                     shape_text(expected, l->in[0].dims, l->in[0].size),
                     shape_text(found, l->in[1].dims, l->in[1].size));
  sums_setup(l);
  return LANDER_OK;
}

#define GRAIN 4096 /* numbers a piece */

typedef struct job {
  const layer *layer;
  const layer_call *call;
  pairs_terms terms;
  pairs_slopes slopes;
  real scale;
  real *dx;
  int64_t count;
  int pieces;
} job;

static void terms_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  *(double *)layer_partial(j->layer, j->call, piece) =
      j->terms(j->layer, j->call->x[0] + begin, j->call->x[1] + begin, end - begin);
}

void pairs_forward(const layer *l, const layer_call *c, pairs_terms terms) {
  int64_t count = c->batch * shape_count(&l->in[0]);
  job j = {.layer = l,
           .call = c,
           .terms = terms,
           .count = count,
           .pieces = parallel_pieces(count, GRAIN)};
  parallel_run(c->engine, j.pieces, terms_piece, &j);
  c->y[0][0] = (real)(sums_total(l, c, j.pieces) / (double)c->batch);
}

static void slopes_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->slopes(j->layer, c->kernels, c->x[0] + begin, c->x[1] + begin, end - begin, j->scale,
            j->dx + begin);
}

void pairs_backward(const layer *l, const layer_call *c, int input, double sign,
                    pairs_slopes slopes) {
  if (!c->dx[input]) return;
  int64_t count = c->batch * shape_count(&l->in[0]);
  job j = {.layer = l,
           .call = c,
           .slopes = slopes,
           .scale = (real)(sign * (double)c->dy[0][0] / (double)c->batch),
           .dx = c->dx[input],
           .count = count,
           .pieces = parallel_pieces(count, GRAIN)};
  parallel_run(c->engine, j.pieces, slopes_piece, &j);
}
