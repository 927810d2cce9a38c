/* global_avg_pool.c: the mean of every channel (Lin, Chen and Yan, "Network in Network",
 * 2013). */
#include "layer.h"

#include "../tensor/tensor.h"

typedef struct global_avg_pool {
  int64_t channels;
  int64_t plane; /* numbers of a channel */
} global_avg_pool;

static const lander_option options[] = {OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  global_avg_pool *self = l->self;
  const shape *in = &l->in[0];
  char found[SHAPE_TEXT];
  if (in->dims < 2)
    return error_set(
        error, LANDER_ERROR_SHAPE,
        "global_avg_pool needs an input of at least 2 dimensions, (channels, "
        "length) or (channels, height, width), got %s",
        shape_text(found, in->dims, in->size));
  self->channels = in->size[0];
  self->plane = shape_count(in) / self->channels;
  l->outputs = 1;
  l->out[0] = (shape){1, {self->channels}};
  return LANDER_OK;
}

#define PLANE_WORK 16384 /* numbers a piece should have at least */

typedef struct job {
  const global_avg_pool *self;
  const layer_call *call;
  int64_t planes;
  int pieces;
} job;

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const global_avg_pool *self = l->self;
  int64_t planes = c->batch * self->channels;
  job j = {self, c, planes, parallel_pieces(planes, PLANE_WORK / self->plane)};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end, n = j->self->plane;
  parallel_range(j->planes, j->pieces, piece, &begin, &end);
  for (int64_t p = begin; p < end; p++)
    c->y[0][p] = (real)(c->kernels->sum(n, c->x[0] + p * n) / (double)n);
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end, n = j->self->plane;
  parallel_range(j->planes, j->pieces, piece, &begin, &end);
  for (int64_t p = begin; p < end; p++)
    c->kernels->fill(n, c->dy[0][p] / (real)n, c->dx[0] + p * n);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_global_avg_pool = {
    .name = "global_avg_pool",
    .help = "the mean of every channel: y[c] = sum over all places p of x[c, p] / n",
    .example = "nn.global_avg_pool {}",
    .options = options,
    .size = sizeof(global_avg_pool),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
