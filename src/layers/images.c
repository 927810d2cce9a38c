/* images.c: the loop over the images of a batch. */
#include "images.h"

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int pieces;
  image_body forward;
  image_back_body backward;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->call->batch, j->pieces, piece, &begin, &end);
  for (int64_t image = begin; image < end; image++)
    j->forward(j->layer, j->call, image, layer_scratch(j->layer, j->call, thread));
}

void images_each(const layer *l, const layer_call *c, image_body body) {
  job j = {l, c, parallel_pieces(c->batch, 1), body, NULL};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
}

static void backward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const layer *l = j->layer;
  const layer_call *c = j->call;
  real *scratch = layer_scratch(l, c, thread), *sums = layer_partial(l, c, piece);
  int64_t begin, end;
  parallel_range(c->batch, j->pieces, piece, &begin, &end);
  for (int64_t image = begin; image < end; image++)
    j->backward(l, c, image, image == begin, scratch, sums);
}

void images_backward(const layer *l, const layer_call *c, image_back_body body,
                     int64_t weights, int64_t biases) {
  int pieces = c->batch < l->partial_pieces ? (int)c->batch : l->partial_pieces;
  job j = {l, c, pieces, NULL, body};
  parallel_run(c->engine, pieces, backward_piece, &j);
  if (c->dw[0]) layer_sum_partials(l, c, pieces, 0, weights, c->dw[0]);
  if (biases > 0 && c->dw[1]) layer_sum_partials(l, c, pieces, weights, biases, c->dw[1]);
}
