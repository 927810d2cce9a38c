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
  /* Squares or ratios of a block in all channels, and a sum; or of a plane, and two. */
  l->scratch = (within ? 3 : self->channels + 1) * self->block;
  l->scratch = (l->scratch + 63) / 64 * 64;
  return LANDER_OK;
}

static int64_t at_least(int64_t a, int64_t low) {
  return a < low ? low : a;
}

static int64_t at_most(int64_t a, int64_t high) {
  return a > high ? high : a;
}

/* y = s^-beta */
static void decay(const lrn *self, const kernels *k, int64_t n, const real *s, real *y) {
  k->log(n, s, y);
  k->scale(n, (real)-self->beta, y, y);
  k->exp(n, y, y);
}

/* ---- across channels: `at` is where a block begins in the first channel ------------ */

/* sum (n) = the block's numbers in the channels that the window of `channel` covers. */
static void sum_channels(const lrn *self, const kernels *k, int64_t channel,
                         int64_t before, int64_t after, int64_t n, const real *values,
                         real *sum) {
  int64_t first = at_least(channel - before, 0);
  int64_t last = at_most(channel + after, self->channels - 1);
  k->fill(n, 0, sum);
  for (int64_t i = first; i <= last; i++) k->add(n, sum, values + i * n, sum);
}

static void forward_across(const lrn *self, const layer_call *c, int64_t at, int64_t n,
                           real *squares) {
  const kernels *k = c->kernels;
  for (int64_t i = 0; i < self->channels; i++) {
    const real *x = c->x[0] + at + i * self->plane;
    k->mul(n, x, x, squares + i * n);
  }
  for (int64_t i = 0; i < self->channels; i++) {
    int64_t place = at + i * self->plane;
    real *s = c->kept + place, *y = c->y[0] + place;
    sum_channels(self, k, i, self->before, self->after, n, squares, s);
    k->scale(n, self->factor, s, s);
    k->add_scalar(n, (real)self->k, s, s);
    decay(self, k, n, s, y);
    k->mul(n, y, c->x[0] + place, y);
  }
}

/* values = dy y / s */
static void ratio(const layer_call *c, int64_t place, int64_t n, real *values) {
  c->kernels->mul(n, c->dy[0] + place, c->y[0] + place, values);
  c->kernels->div(n, values, c->kept + place, values);
}

/* dx = dy s^-beta - 2 beta factor x sum; the sum is used up. */
static void finish(const lrn *self, const layer_call *c, int64_t place, int64_t n,
                   real *sum) {
  const kernels *k = c->kernels;
  real *dx = c->dx[0] + place;
  decay(self, k, n, c->kept + place, dx);
  k->mul(n, dx, c->dy[0] + place, dx);
  k->mul(n, sum, c->x[0] + place, sum);
  k->axpy(n, (real)(-2 * self->beta) * self->factor, sum, dx);
}

static void backward_across(const lrn *self, const layer_call *c, int64_t at, int64_t n,
                            real *ratios) {
  real *sum = ratios + self->channels * n;
  for (int64_t i = 0; i < self->channels; i++)
    ratio(c, at + i * self->plane, n, ratios + i * n);
  for (int64_t i = 0; i < self->channels; i++) {
    /* The channels whose windows cover this one: the window turned round. */
    sum_channels(self, c->kernels, i, self->after, self->before, n, ratios, sum);
    finish(self, c, at + i * self->plane, n, sum);
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
  decay(self, k, n, s, y);
  k->mul(n, y, x, y);
}

static void backward_within(const lrn *self, const layer_call *c, int64_t at,
                            real *scratch) {
  int64_t n = self->plane;
  real *sum = scratch + 2 * n;
  ratio(c, at, n, scratch);
  sum_square(self, c->kernels, self->after, self->before, scratch, scratch + n, sum);
  finish(self, c, at, n, sum);
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
