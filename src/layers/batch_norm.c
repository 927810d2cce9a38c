/* batch_norm.c: every channel with mean 0 and variance 1 over the batch (Ioffe and
 * Szegedy, "Batch Normalization", 2015). */
#include <math.h>

#include "norm.h"

typedef struct batch_norm {
  double eps, momentum;
  bool affine;
  int64_t channels;
  int64_t plane; /* numbers of a channel in one sample */
} batch_norm;

static const lander_option options[] = {
    NORM_EPS(batch_norm),
    OPTION_NUMBER(batch_norm, momentum, "0.1", 0, 1, 0,
                  "how much of the running statistics a batch replaces"),
    NORM_AFFINE(batch_norm), OPTION_END};

enum { RUNNING_MEAN, RUNNING_VAR };

static lander_status setup(layer *l, lander_error *error) {
  batch_norm *self = l->self;
  const shape *in = &l->in[0];
  if (in->dims < 1)
    return layer_want_dims(l, 0, 1, "(channels) or (channels, ...)", error);
  self->channels = in->size[0];
  self->plane = shape_count(in) / self->channels;
  shape channels = {1, {self->channels}};
  l->outputs = 1;
  l->out[0] = *in;
  if (self->affine) norm_declare(l, &channels);
  l->states = 2;
  l->state[RUNNING_MEAN] = (layer_state){"running_mean", channels, 0};
  l->state[RUNNING_VAR] = (layer_state){"running_var", channels, 1};
  l->y_unread = l->over_dy = true;
  l->may_relu = self->plane > 1;
  l->kept = 2 * self->channels; /* used once a batch: means, then 1 / deviations */
  l->partial = 2 * self->channels * (int64_t)(sizeof(double) / sizeof(real));
  l->workspace = self->channels * (int64_t)(sizeof(norm_line) / sizeof(real));
  return LANDER_OK;
}

static real *means(const layer_call *c) {
  return c->kept;
}

static real *inverses(const batch_norm *self, const layer_call *c) {
  return c->kept + self->channels;
}

static real weight_of(const batch_norm *self, const layer_call *c, int64_t channel) {
  return self->affine ? c->w[0][channel] : 1;
}

static real bias_of(const batch_norm *self, const layer_call *c, int64_t channel) {
  return self->affine ? c->w[1][channel] : 0;
}

/* Some number near the mean, for the variance's sake. */
static real pivot_of(const batch_norm *self, const layer_call *c, int64_t channel) {
  return c->x[0][channel * self->plane];
}

static double count_of(const batch_norm *self, const layer_call *c) {
  return (double)c->batch * (double)self->plane;
}

/* The line of y = w (x - mean) / deviation + b; backward finds the relu's zeros by it. */
static norm_line line_of(const batch_norm *self, const layer_call *c, int64_t channel) {
  return (norm_line){.mean = means(c)[channel],
                     .by_x = weight_of(self, c, channel) * inverses(self, c)[channel],
                     .shift = bias_of(self, c, channel),
                     .relu = c->relu};
}

/* ---- a channel: from sums to lines ------------------------------------------------ */

static void keep(const batch_norm *self, const layer_call *c, int64_t channel,
                 double mean, double variance) {
  means(c)[channel] = (real)mean;
  inverses(self, c)[channel] = (real)(1 / sqrt(variance + self->eps));
}

static void keep_running(const batch_norm *self, const layer_call *c, int64_t channel) {
  keep(self, c, channel, c->state[RUNNING_MEAN][channel], c->state[RUNNING_VAR][channel]);
}

/* Of a batch; the running variance is that of the population (count - 1). */
static void keep_batch(const batch_norm *self, const layer_call *c, int64_t channel,
                       const double sums[2], real pivot) {
  double count = count_of(self, c), m = self->momentum;
  norm_stats s = norm_of_sums(sums, count, pivot);
  real *mean = &c->state[RUNNING_MEAN][channel], *var = &c->state[RUNNING_VAR][channel];
  keep(self, c, channel, s.mean, s.variance);
  *mean = (real)((1 - m) * (double)*mean + m * s.mean);
  *var = (real)((1 - m) * (double)*var + m * s.variance * count / (count - 1));
}

/* Writes dw from the sums of dy and of dy (x - mean); the line of dx. In the test phase
 * mean and deviation are constants. */
static norm_line gradient(const batch_norm *self, const layer_call *c, int64_t channel,
                          const double sums[2]) {
  real mean = means(c)[channel], inverse = inverses(self, c)[channel];
  real weight = weight_of(self, c, channel);
  if (self->affine) {
    norm_put(c, c->dw[0], channel, sums[1] * (double)inverse);
    norm_put(c, c->dw[1], channel, sums[0]);
  }
  if (c->phase != LANDER_TRAIN)
    return (norm_line){.mean = mean, .by_dy = weight * inverse};
  const double weighted[2] = {(double)weight * sums[0], (double)weight * sums[1]};
  return norm_gradient(weighted, count_of(self, c), mean, inverse, weight);
}

/* ---- channels that are planes ------------------------------------------------------ */

/* The batch is cut into parts, each with sums of its own; where they are few, their
 * channels are cut up too. A piece goes over its memory once for sums, and once more with
 * lines: a few samples at a time, as memory lies, since one channel's planes, which are
 * far apart, come from it at half the speed. */
#define TOGETHER 4

typedef struct planes {
  const layer *layer;
  const layer_call *call;
  int parts, cuts; /* of the batch, and of the channels */
} planes;

static planes planes_of(const layer *l, const layer_call *c) {
  const batch_norm *self = l->self;
  int64_t numbers = c->batch * self->channels * self->plane;
  int pieces = parallel_pieces(numbers, NORM_GRAIN);
  planes p = {.layer = l, .call = c, .parts = pieces};
  if (p.parts > c->batch) p.parts = (int)c->batch;
  p.cuts = pieces / p.parts;
  if (p.cuts > self->channels) p.cuts = (int)self->channels;
  return p;
}

static double *part_sums(const planes *p, int part) {
  return (double *)layer_partial(p->layer, p->call, part);
}

typedef struct channel_sums {
  double at[2];
} channel_sums;

static channel_sums add_parts(const planes *p, int64_t channel) {
  channel_sums sums = {{0}};
  for (int part = 0; part < p->parts; part++)
    for (int i = 0; i < 2; i++) sums.at[i] += part_sums(p, part)[2 * channel + i];
  return sums;
}

static norm_line *back_lines(const layer_call *c) {
  return (norm_line *)c->workspace;
}

/* The planes of one channel in some samples of a part. */
typedef struct rows {
  int part;
  bool first; /* of the part */
  int64_t channel, count;
  int64_t at; /* where the first of them begins */
} rows;

typedef void (*planes_body)(const planes *p, const rows *r);

static void put_sums(const planes *p, const rows *r, const double sums[2]) {
  double *to = part_sums(p, r->part) + 2 * r->channel;
  for (int i = 0; i < 2; i++) to[i] = r->first ? sums[i] : to[i] + sums[i];
}

static void take_moments(const planes *p, const rows *r) {
  const batch_norm *self = p->layer->self;
  const layer_call *c = p->call;
  double sums[2];
  c->kernels->moments(r->count, self->plane, self->channels * self->plane,
                      pivot_of(self, c, r->channel), c->x[0] + r->at, sums);
  put_sums(p, r, sums);
}

static void take_moments_back(const planes *p, const rows *r) {
  const batch_norm *self = p->layer->self;
  const layer_call *c = p->call;
  norm_line ahead = line_of(self, c, r->channel);
  double sums[2];
  c->kernels->moments_back(r->count, self->plane, self->channels * self->plane, &ahead,
                           c->x[0] + r->at, c->dy[0] + r->at, sums);
  put_sums(p, r, sums);
}

static void normalise(const planes *p, const rows *r) {
  const batch_norm *self = p->layer->self;
  const layer_call *c = p->call;
  norm_line line = line_of(self, c, r->channel);
  c->kernels->normalise(r->count, self->plane, self->channels * self->plane, &line,
                        c->x[0] + r->at, c->y[0] + r->at);
}

static void normalise_back(const planes *p, const rows *r) {
  const batch_norm *self = p->layer->self;
  const layer_call *c = p->call;
  norm_line ahead = line_of(self, c, r->channel);
  c->kernels->normalise_back(r->count, self->plane, self->channels * self->plane, &ahead,
                             &back_lines(c)[r->channel], c->x[0] + r->at,
                             c->dy[0] + r->at, c->dx[0] + r->at);
}

typedef struct sweep {
  const planes *planes;
  planes_body body;
} sweep;

static void sweep_piece(void *arg, int piece, int thread) {
  (void)thread;
  const sweep *s = arg;
  const planes *p = s->planes;
  const batch_norm *self = p->layer->self;
  int64_t begin, end, first, behind;
  parallel_range(p->call->batch, p->parts, piece / p->cuts, &begin, &end);
  parallel_range(self->channels, p->cuts, piece % p->cuts, &first, &behind);
  for (int64_t sample = begin; sample < end; sample += TOGETHER)
    for (int64_t i = first; i < behind; i++)
      s->body(p, &(rows){.part = piece / p->cuts,
                         .first = sample == begin,
                         .channel = i,
                         .count = end - sample < TOGETHER ? end - sample : TOGETHER,
                         .at = (sample * self->channels + i) * self->plane});
}

static void run_planes(const planes *p, planes_body body) {
  sweep s = {p, body};
  parallel_run(p->call->engine, p->parts * p->cuts, sweep_piece, &s);
}

static void forward_planes(const layer *l, const layer_call *c) {
  const batch_norm *self = l->self;
  planes p = planes_of(l, c);
  bool learns = c->phase == LANDER_TRAIN;
  if (learns) run_planes(&p, take_moments);
  for (int64_t i = 0; i < self->channels; i++)
    if (learns)
      keep_batch(self, c, i, add_parts(&p, i).at, pivot_of(self, c, i));
    else
      keep_running(self, c, i);
  run_planes(&p, normalise);
}

static void backward_planes(const layer *l, const layer_call *c) {
  const batch_norm *self = l->self;
  planes p = planes_of(l, c);
  run_planes(&p, take_moments_back);
  for (int64_t i = 0; i < self->channels; i++)
    back_lines(c)[i] = gradient(self, c, i, add_parts(&p, i).at);
  if (c->dx[0]) run_planes(&p, normalise_back);
}

/* ---- channels that are columns: pieces have some of them, of the whole batch --------
 */

#define COLUMNS 64 /* channels at a time: threads should not write to one cache line */

typedef struct job {
  const batch_norm *self;
  const layer_call *call;
  int pieces;
} job;

static void run_columns(const layer *l, const layer_call *c, parallel_body body) {
  const batch_norm *self = l->self;
  int64_t grain = NORM_GRAIN / c->batch;
  if (grain < COLUMNS) grain = COLUMNS;
  job j = {self, c, parallel_pieces(self->channels, grain)};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward_columns(const batch_norm *self, const layer_call *c, int64_t first,
                            int64_t n) {
  const real *x = c->x[0] + first;
  double sums[COLUMNS], squares[COLUMNS];
  real by_x[COLUMNS], shift[COLUMNS];
  if (c->phase == LANDER_TRAIN)
    c->kernels->moments_columns(c->batch, n, self->channels, x, x, sums, squares);
  for (int64_t i = 0; i < n; i++) {
    if (c->phase == LANDER_TRAIN)
      keep_batch(self, c, first + i, (double[2]){sums[i], squares[i]}, x[i]);
    else
      keep_running(self, c, first + i);
    norm_line line = line_of(self, c, first + i);
    by_x[i] = line.by_x;
    shift[i] = line.shift;
  }
  norm_lines lines = {.mean = means(c) + first, .by_x = by_x, .shift = shift};
  c->kernels->normalise_columns(c->batch, n, self->channels, &lines, x, c->y[0] + first);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->self->channels, j->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i += COLUMNS)
    forward_columns(j->self, j->call, i, end - i < COLUMNS ? end - i : COLUMNS);
}

static void backward_columns(const batch_norm *self, const layer_call *c, int64_t first,
                             int64_t n) {
  const real *x = c->x[0] + first, *dy = c->dy[0] + first;
  double sums[COLUMNS], products[COLUMNS];
  real by_x[COLUMNS], by_dy[COLUMNS], shift[COLUMNS];
  c->kernels->moments_columns_back(c->batch, n, self->channels, means(c) + first, x, dy,
                                   sums, products);
  for (int64_t i = 0; i < n; i++) {
    norm_line line = gradient(self, c, first + i, (double[2]){sums[i], products[i]});
    by_x[i] = line.by_x;
    by_dy[i] = line.by_dy;
    shift[i] = line.shift;
  }
  norm_lines lines = {means(c) + first, by_x, by_dy, shift};
  if (c->dx[0])
    c->kernels->normalise_columns_back(c->batch, n, self->channels, &lines, x, dy,
                                       c->dx[0] + first);
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->self->channels, j->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i += COLUMNS)
    backward_columns(j->self, j->call, i, end - i < COLUMNS ? end - i : COLUMNS);
}

/* ---- the layer --------------------------------------------------------------------- */

static void forward(const layer *l, const layer_call *c) {
  const batch_norm *self = l->self;
  if (c->phase == LANDER_TRAIN && count_of(self, c) < 2) {
    if (c->error && c->error->code == LANDER_OK)
      error_set(c->error, LANDER_ERROR_SHAPE,
                "batch_norm: one number a channel has no variance to train with; use a "
                "batch of at least 2, or the test phase");
    return;
  }
  if (self->plane > 1)
    forward_planes(l, c);
  else
    run_columns(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  const batch_norm *self = l->self;
  if (self->plane > 1)
    backward_planes(l, c);
  else
    run_columns(l, c, backward_piece);
}

const layer_type layer_batch_norm = {
    .name = "batch_norm",
    .help = "each channel normalised over the batch: y = weight (x - mean) / sqrt(var + "
            "eps) + bias; in the test phase by running statistics, running = (1 - "
            "momentum) running + momentum batch",
    .example = "nn.batch_norm {}",
    .options = options,
    .size = sizeof(batch_norm),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
