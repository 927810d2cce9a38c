/* relu.c: y = max(0, x), or slope * x below zero. */
#include "layer.h"

typedef struct relu {
  double slope;
  int64_t count;
} relu;

static const lander_option options[] = {
    OPTION_NUMBER(relu, slope, "0", -1e6, 1e6, 0,
                  "factor for negative inputs; 0.01 makes a leaky ReLU"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  (void)error;
  relu *self = l->self;
  self->count = shape_count(&l->in[0]);
  l->outputs = 1;
  l->out[0] = l->in[0];
  return LANDER_OK;
}

/* Elements a piece: small enough to stay in cache, large enough to be worth a thread. */
#define GRAIN 16384

typedef struct job {
  const relu *self;
  const layer_call *call;
  int64_t count;
  int pieces;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->call->kernels->relu(end - begin, (real)j->self->slope, j->call->x[0] + begin,
                         j->call->y[0] + begin);
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->call->kernels->relu_back(end - begin, (real)j->self->slope, j->call->x[0] + begin,
                              j->call->dy[0] + begin, j->call->dx[0] + begin);
}

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const relu *self = l->self;
  int64_t count = c->batch * self->count;
  job j = {self, c, count, parallel_pieces(count, GRAIN)};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_relu = {
    .name = "relu",
    .help = "rectified linear unit: y = max(0, x) + slope * min(0, x)",
    .example = "nn.relu { slope = 0.01 }",
    .options = options,
    .size = sizeof(relu),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
