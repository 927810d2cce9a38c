/* dense.c: every row times a matrix. */
#include "dense.h"

#define PIECES 16
#define GRAIN  16384 /* numbers a piece */

void dense_setup(layer *l, int64_t outputs) {
  l->partial = outputs;
  l->partial_pieces = PIECES;
}

void dense_forward(const layer_call *c, const dense *d, real *y) {
  gemm_linear(c->engine, d->rows, d->outputs, d->inputs, d->x, d->weight, d->bias, y);
}

typedef struct sum_job {
  const layer *layer;
  const layer_call *call;
  int64_t rows, n;
  const real *dy;
  int pieces;
} sum_job;

static void sum_piece(void *arg, int piece, int thread) {
  (void)thread;
  const sum_job *j = arg;
  const kernels *k = j->call->kernels;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  real *sum = layer_partial(j->layer, j->call, piece);
  k->fill(j->n, 0, sum);
  k->sum_rows(end - begin, j->n, j->dy + begin * j->n, sum);
}

void dense_backward(const layer *l, const layer_call *c, const dense *d, const real *dy,
                    real *dx, real *dw, real *db) {
  if (dw)
    gemm_parallel(c->engine, GEMM_T, GEMM_N, d->outputs, d->inputs, d->rows, 1, dy,
                  d->outputs, d->x, d->inputs, c->beta, dw, d->inputs);
  if (dx)
    gemm_parallel(c->engine, GEMM_N, GEMM_N, d->rows, d->inputs, d->outputs, 1, dy,
                  d->outputs, d->weight, d->inputs, 0, dx, d->inputs);
  if (!db) return;
  int pieces = parallel_pieces(d->rows, GRAIN / d->outputs);
  sum_job j = {l, c, d->rows, d->outputs, dy, pieces < PIECES ? pieces : PIECES};
  parallel_run(c->engine, j.pieces, sum_piece, &j);
  layer_sum_partials(l, c, j.pieces, 0, d->outputs, db);
}
