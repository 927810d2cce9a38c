/* sums.c: sums over the batch, in pieces. */
#include "sums.h"

void sums_setup(layer *l) {
  l->outputs = 1;
  l->out[0] = (shape){.dims = 0};
  l->unbatched = true;
  l->partial = (int64_t)(sizeof(double) / sizeof(real));
}

double sums_total(const layer *l, const layer_call *c, int pieces) {
  double sum = 0;
  for (int piece = 0; piece < pieces; piece++)
    sum += *(const double *)layer_partial(l, c, piece);
  return sum;
}

typedef struct job {
  const layer *layer;
  const layer_call *call;
  sums_body body;
  sums_back_body back_body;
  real scale;
  int64_t count;
  int pieces;
} job;

static void sum_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  *(double *)layer_partial(j->layer, j->call, piece) =
      j->body(j->layer, j->call, begin, end, thread);
}

double sums_run(const layer *l, const layer_call *c, int64_t count, int64_t grain,
                sums_body body) {
  job j = {.layer = l,
           .call = c,
           .body = body,
           .count = count,
           .pieces = parallel_pieces(count, grain)};
  parallel_run(c->engine, j.pieces, sum_piece, &j);
  return sums_total(l, c, j.pieces);
}

static void back_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->back_body(j->layer, j->call, begin, end, j->scale);
}

void sums_run_back(const layer *l, const layer_call *c, int64_t count, int64_t grain,
                   real scale, sums_back_body body) {
  job j = {.layer = l,
           .call = c,
           .back_body = body,
           .scale = scale,
           .count = count,
           .pieces = parallel_pieces(count, grain)};
  parallel_run(c->engine, j.pieces, back_piece, &j);
}
