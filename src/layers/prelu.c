/* prelu.c: a relu that learns its slope below zero (He et al., "Delving Deep into
 * Rectifiers", 2015). */
#include "layer.h"

#include "../tensor/tensor.h"

typedef struct prelu {
  double init;
  bool channel_shared;
  int64_t channels;
  int64_t plane; /* numbers of a channel, which share a slope */
} prelu;

static const lander_option options[] = {
    OPTION_NUMBER(prelu, init, "0.25", -1e6, 1e6, 0,
                  "the slope that training begins with"),
    OPTION_BOOL(prelu, channel_shared, "true",
                "whether there is one slope for all channels, not one for each"),
    OPTION_END};

#define PLANE_WORK  16384 /* numbers a piece should have at least */
#define MOST_PIECES 32    /* with sums of their own */

static lander_status setup(layer *l, lander_error *error) {
  prelu *self = l->self;
  const shape *in = &l->in[0];
  if (!self->channel_shared && in->dims < 1)
    return layer_want_dims(l, 0, 1, "(channels) or (channels, ...)", error);
  self->channels = self->channel_shared ? 1 : in->size[0];
  self->plane = shape_count(in) / self->channels;
  l->outputs = 1;
  l->out[0] = *in;
  l->weights = 1;
  l->weight[0] = (layer_weight){.name = "weight",
                                .shape = {1, {self->channels}},
                                .filler = {.value = self->init},
                                .fan_in = 1,
                                .fan_out = 1};
  l->partial = self->channels;
  l->partial_pieces = MOST_PIECES;
  return LANDER_OK;
}

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int pieces;
} job;

/* Pieces have whole samples, so that each can add up a sum for every channel. */
static int run(const layer *l, const layer_call *c, parallel_body body) {
  const prelu *self = l->self;
  int pieces = parallel_pieces(c->batch, PLANE_WORK / (self->channels * self->plane));
  job j = {l, c, pieces < MOST_PIECES ? pieces : MOST_PIECES};
  parallel_run(c->engine, j.pieces, body, &j);
  return j.pieces;
}

static void forward_sample(const prelu *self, const layer_call *c, int64_t sample) {
  int64_t n = self->plane;
  const real *slope = c->w[0], *x = c->x[0] + sample * self->channels * n;
  real *y = c->y[0] + sample * self->channels * n;
  if (n == 1)
    for (int64_t i = 0; i < self->channels; i++)
      y[i] = x[i] <= 0 ? slope[i] * x[i] : x[i];
  else
    for (int64_t i = 0; i < self->channels; i++)
      c->kernels->relu(n, slope[i], x + i * n, y + i * n);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->call->batch, j->pieces, piece, &begin, &end);
  for (int64_t sample = begin; sample < end; sample++)
    forward_sample(j->layer->self, j->call, sample);
}

static void backward_sample(const prelu *self, const layer_call *c, int64_t sample,
                            real *sums) {
  int64_t n = self->plane, at = sample * self->channels * n;
  const real *slope = c->w[0], *x = c->x[0] + at, *dy = c->dy[0] + at;
  for (int64_t i = 0; c->dw[0] && i < self->channels; i++)
    sums[i] += (real)c->kernels->dot_negative(n, x + i * n, dy + i * n);
  if (!c->dx[0]) return;
  real *dx = c->dx[0] + at;
  if (n == 1)
    for (int64_t i = 0; i < self->channels; i++)
      dx[i] = x[i] <= 0 ? slope[i] * dy[i] : dy[i];
  else
    for (int64_t i = 0; i < self->channels; i++)
      c->kernels->relu_back(n, slope[i], x + i * n, dy + i * n, dx + i * n);
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  real *sums = layer_partial(j->layer, c, piece);
  int64_t begin, end;
  parallel_range(c->batch, j->pieces, piece, &begin, &end);
  c->kernels->fill(j->layer->partial, 0, sums);
  for (int64_t sample = begin; sample < end; sample++)
    backward_sample(j->layer->self, c, sample, sums);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  const prelu *self = l->self;
  int pieces = run(l, c, backward_piece);
  if (c->dw[0]) layer_sum_partials(l, c, pieces, 0, self->channels, c->dw[0]);
}

const layer_type layer_prelu = {
    .name = "prelu",
    .help = "relu with a learnt slope: y = max(0, x) + weight * min(0, x)",
    .example = "nn.prelu { channel_shared = false }",
    .options = options,
    .size = sizeof(prelu),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
