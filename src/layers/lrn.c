/* lrn.c: local response normalisation (Krizhevsky, Sutskever and Hinton, "ImageNet
 * Classification with Deep Convolutional Neural Networks", 2012, section 3.3): over
 * neighbouring channels, or within a channel over neighbouring places.
 *
 *   s = k + alpha / n * sum over the window of x^2,  y = x s^-beta
 *   dx = dy s^-beta - 2 alpha beta / n * x * sum over the windows with x of dy y / s */
#include "layer.h"

#include "../tensor/tensor.h"

typedef struct lrn {
  int local_size;
  double alpha, beta, k;
  int norm_region;
  /* worked out: */
  int64_t channels;
  int64_t plane;         /* numbers of a channel */
  int64_t sides[2];      /* of a plane, height first */
  int64_t block;         /* places that are done at a time, across channels */
  int64_t blocks;        /* of them in a plane */
  int64_t before, after; /* how far the window reaches */
  real factor;           /* alpha / n */
} lrn;

enum { ACROSS_CHANNELS, WITHIN_CHANNEL };

static const char *const regions[] = {"across_channels", "within_channel", NULL};

static const lander_option options[] = {
    OPTION_INT(lrn, local_size, "5", 1, 1 << 20, 1,
               "channels of a window, or places along each of its sides"),
    OPTION_NUMBER(lrn, alpha, "1e-4", 0, 1e6, 0, "factor on the mean square"),
    OPTION_NUMBER(lrn, beta, "0.75", -1e3, 1e3, 0, "exponent"),
    OPTION_NUMBER(lrn, k, "1", 0, 1e6, 0, "added to the mean square"),
    OPTION_CHOICE(
        lrn, norm_region, "across_channels", regions,
        "where the window lies: over neighbouring channels, or over a square of "
        "neighbouring places"),
    OPTION_END};

#define BLOCK 512 /* places: the block's channels should stay in cache */

static lander_status check_shape(const layer *l, lander_error *error) {
  const lrn *self = l->self;
  const shape *in = &l->in[0];
  char found[SHAPE_TEXT];
  if (self->norm_region == ACROSS_CHANNELS && in->dims < 1)
    return layer_want_dims(l, 0, 1, "(channels) or (channels, ...)", error);
  if (self->norm_region == WITHIN_CHANNEL && in->dims != 2 && in->dims != 3)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "lrn within_channel needs an input (channels, length) or (channels, "
                     "height, width), got %s",
                     shape_text(found, in->dims, in->size));
  return LANDER_OK;
}

static lander_status setup(layer *l, lander_error *error) {
  lrn *self = l->self;
  const shape *in = &l->in[0];
  lander_status status = check_shape(l, error);
  if (status != LANDER_OK) return status;
  bool within = self->norm_region == WITHIN_CHANNEL;
  double places = self->local_size;
  if (within && in->dims == 3) places *= self->local_size;
  self->factor = (real)(self->alpha / places);
  self->before = self->local_size / 2;
  self->after = (self->local_size - 1) / 2;
  self->channels = in->size[0];
  self->plane = shape_count(in) / self->channels;
  self->sides[1] = in->size[in->dims - 1];
  self->sides[0] = self->plane / self->sides[1];
  self->block = within || self->plane < BLOCK ? self->plane : BLOCK;
  self->blocks = (self->plane + self->block - 1) / self->block;
  l->outputs = 1;
  l->out[0] = *in;
  l->kept = shape_count(in); /* s */
  l->y_unread = true;
  /* Ratios of a block in all channels; or squares or ratios of a plane, and two sums. */
  l->scratch = (within ? 3 : self->channels) * self->block;
  l->scratch = (l->scratch + 63) / 64 * 64;
  return LANDER_OK;
}

static int64_t at_least(int64_t a, int64_t low) {
  return a < low ? low : a;
}

static int64_t at_most(int64_t a, int64_t high) {
  return a > high ? high : a;
}

/* ---- across channels: `at` is where a block begins in the first channel ------------ */

/* The channels that a window covers, which reaches so far around `channel`. */
typedef struct span {
  int64_t first, count;
} span;

static span span_around(const lrn *self, int64_t channel, int64_t before, int64_t after) {
  int64_t first = at_least(channel - before, 0);
  int64_t last = at_most(channel + after, self->channels - 1);
  return (span){first, last + 1 - first};
}

static void forward_across(const lrn *self, const layer_call *c, int64_t at, int64_t n,
                           real *scratch) {
  (void)scratch;
  const kernels *k = c->kernels;
  for (int64_t i = 0; i < self->channels; i++) {
    span w = span_around(self, i, self->before, self->after);
    int64_t place = at + i * self->plane;
    k->lrn_sums(w.count, n, self->plane, self->factor, (real)self->k,
                c->x[0] + at + w.first * self->plane, c->kept + place);
    k->lrn_scale(n, (real)self->beta, c->kept + place, c->x[0] + place, c->y[0] + place);
  }
}

/* dx = dy s^-beta, and dy y / s. */
static void scale_back(const lrn *self, const layer_call *c, int64_t place, int64_t n,
                       real *ratios) {
  c->kernels->lrn_scale_back(n, (real)self->beta, c->kept + place, c->x[0] + place,
                             c->dy[0] + place, c->dx[0] + place, ratios);
}

/* The factor on x and the sum of ratios in dx. */
static real back_factor(const lrn *self) {
  return (real)(2 * self->beta) * self->factor;
}

/* The channels whose windows cover this one: the window turned round. */
static void finish_channel(const lrn *self, const layer_call *c, int64_t at,
                           int64_t channel, int64_t n, const real *ratios) {
  span w = span_around(self, channel, self->after, self->before);
  int64_t place = at + channel * self->plane;
  c->kernels->lrn_back(w.count, n, n, back_factor(self), ratios + w.first * n,
                       c->x[0] + place, c->dx[0] + place);
}

/* Each channel is finished as soon as there are all ratios that it needs. */
static void backward_across(const lrn *self, const layer_call *c, int64_t at, int64_t n,
                            real *ratios) {
  int64_t channels = self->channels, late = at_most(self->before, channels);
  for (int64_t i = 0; i < channels + late; i++) {
    if (i < channels) scale_back(self, c, at + i * self->plane, n, ratios + i * n);
    if (i >= late) finish_channel(self, c, at, i - late, n, ratios);
  }
}

/* ---- within a channel -------------------------------------------------------------- */

/* sum = the sums over windows of a plane: along rows, then along columns. */
static void sum_square(const lrn *self, const kernels *k, int64_t before, int64_t after,
                       const real *values, real *rows, real *sum) {
  int64_t height = self->sides[0], width = self->sides[1], n = self->plane;
  k->fill(n, 0, rows);
  for (int64_t d = -at_most(before, width - 1); d <= at_most(after, width - 1); d++)
    k->add_2d(height, width - (d < 0 ? -d : d), values + at_least(d, 0), width,
              rows + at_least(-d, 0), width);
  k->fill(n, 0, sum);
  for (int64_t d = -at_most(before, height - 1); d <= at_most(after, height - 1); d++) {
    real *to = sum + at_least(-d, 0) * width;
    k->add((height - (d < 0 ? -d : d)) * width, to, rows + at_least(d, 0) * width, to);
  }
}

static void forward_within(const lrn *self, const layer_call *c, int64_t at,
                           real *scratch) {
  const kernels *k = c->kernels;
  int64_t n = self->plane;
  const real *x = c->x[0] + at;
  real *s = c->kept + at, *y = c->y[0] + at;
  k->mul(n, x, x, scratch);
  sum_square(self, k, self->before, self->after, scratch, scratch + n, s);
  k->scale(n, self->factor, s, s);
  k->add_scalar(n, (real)self->k, s, s);
  k->lrn_scale(n, (real)self->beta, s, x, y);
}

static void backward_within(const lrn *self, const layer_call *c, int64_t at,
                            real *scratch) {
  int64_t n = self->plane;
  real *sum = scratch + 2 * n;
  scale_back(self, c, at, n, scratch);
  sum_square(self, c->kernels, self->after, self->before, scratch, scratch + n, sum);
  c->kernels->lrn_back(1, n, n, back_factor(self), sum, c->x[0] + at, c->dx[0] + at);
}

/* ---- the loop over blocks of all channels, or over planes -------------------------- */

#define GRAIN 16384 /* numbers a piece should have at least */

typedef struct job {
  const layer *layer;
  const layer_call *call;
  bool back;
  int64_t items;
  int pieces;
} job;

static void run_block(const job *j, int64_t item, real *scratch) {
  const lrn *self = j->layer->self;
  int64_t begin = item % self->blocks * self->block;
  int64_t n = at_most(self->plane - begin, self->block);
  int64_t at = item / self->blocks * self->channels * self->plane + begin;
  (j->back ? backward_across : forward_across)(self, j->call, at, n, scratch);
}

static void run_plane(const job *j, int64_t item, real *scratch) {
  const lrn *self = j->layer->self;
  int64_t at = item * self->plane;
  (j->back ? backward_within : forward_within)(self, j->call, at, scratch);
}

static void run_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const lrn *self = j->layer->self;
  real *scratch = layer_scratch(j->layer, j->call, thread);
  int64_t begin, end;
  parallel_range(j->items, j->pieces, piece, &begin, &end);
  for (int64_t item = begin; item < end; item++)
    (self->norm_region == WITHIN_CHANNEL ? run_plane : run_block)(j, item, scratch);
}

static void run(const layer *l, const layer_call *c, bool back) {
  const lrn *self = l->self;
  bool within = self->norm_region == WITHIN_CHANNEL;
  int64_t items = c->batch * (within ? self->channels : self->blocks);
  int64_t item = within ? self->plane : self->block * self->channels;
  job j = {l, c, back, items, parallel_pieces(items, GRAIN / item)};
  parallel_run(c->engine, j.pieces, run_piece, &j);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, false);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, true);
}

const layer_type layer_lrn = {
    .name = "lrn",
    .help = "local response normalisation: y = x (k + alpha / n * sum over the window of "
            "x^2)^-beta, n the window's size, what hangs over included",
    .example = "nn.lrn { 5, alpha = 1e-4, beta = 0.75 }",
    .options = options,
    .size = sizeof(lrn),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
