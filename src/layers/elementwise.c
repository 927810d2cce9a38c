/* elementwise.c: the loop of the layers that work element by element. */
#include "elementwise.h"

#include <string.h>

/* Elements a piece: small enough to stay in cache, large enough to be worth a thread. */
#define ELEMENTS 16384

lander_status elementwise_setup(layer *l, lander_error *error) {
  (void)error; /* any shape will do */
  l->outputs = 1;
  l->out[0] = l->in[0];
  return LANDER_OK;
}

typedef struct elementwise_job {
  const layer *layer;
  const layer_call *call;
  elementwise_body body;
  int64_t count;
  int pieces;
} elementwise_job;

static void elementwise_piece(void *arg, int piece, int thread) {
  (void)thread;
  const elementwise_job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->body(j->layer, j->call, begin, end - begin);
}

void elementwise_run(const layer *l, const layer_call *c, elementwise_body body) {
  int64_t count = c->batch * shape_count(&l->in[0]);
  elementwise_job j = {l, c, body, count, parallel_pieces(count, ELEMENTS)};
  parallel_run(c->engine, j.pieces, elementwise_piece, &j);
}

void elementwise_copy(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  (void)l;
  if (c->y[0] != c->x[0])
    memcpy(c->y[0] + begin, c->x[0] + begin, (size_t)count * sizeof(real));
}

void elementwise_copy_back(const layer *l, const layer_call *c, int64_t begin,
                           int64_t count) {
  (void)l;
  if (c->dx[0] != c->dy[0])
    memcpy(c->dx[0] + begin, c->dy[0] + begin, (size_t)count * sizeof(real));
}

void elementwise_zero_back(const layer *l, const layer_call *c, int64_t begin,
                           int64_t count) {
  (void)l;
  c->kernels->fill(count, 0, c->dx[0] + begin);
}
