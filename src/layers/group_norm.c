/* group_norm.c: groups of channels of one sample with mean 0 and variance 1 (Wu and He,
 * "Group Normalization", 2018). As many groups as channels make instance normalisation.
 */
#include <math.h>

#include "norm.h"

typedef struct group_norm {
  int groups;
  double eps;
  bool affine;
  int64_t channels, group_channels;
  int64_t plane; /* numbers of a channel */
  int64_t n;     /* of a group */
} group_norm;

static const lander_option options[] = {
    OPTION_INT(group_norm, groups, NULL, 1, 1 << 24, 1,
               "how many groups the channels make; a divisor of their number"),
    NORM_EPS(group_norm), NORM_AFFINE(group_norm), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  group_norm *self = l->self;
  const shape *in = &l->in[0];
  if (in->dims < 1)
    return layer_want_dims(l, 0, 1, "(channels) or (channels, ...)", error);
  self->channels = in->size[0];
  if (self->channels % self->groups != 0)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "group_norm: %lld channels must be divisible by groups, which is %d",
                     (long long)self->channels, self->groups);
  self->group_channels = self->channels / self->groups;
  self->plane = shape_count(in) / self->channels;
  self->n = self->group_channels * self->plane;
  l->outputs = 1;
  l->out[0] = *in;
  l->kept = 2 * self->groups; /* mean and 1 / deviation of each group */
  if (!self->affine) return LANDER_OK;
  norm_declare(l, &(shape){1, {self->channels}});
  l->partial = 2 * self->channels;
  l->partial_pieces = norm_partial_pieces(l->partial);
  return LANDER_OK;
}

/* Rows are the groups of all samples, one after another. */
typedef struct job {
  const layer *layer;
  const layer_call *call;
  int64_t rows;
  int pieces;
} job;

static int64_t first_channel(const group_norm *self, int64_t row) {
  return row % self->groups * self->group_channels;
}

/* ---- forward --------------------------------------------------------------------- */

static void forward_row(const group_norm *self, const layer_call *c, int64_t row) {
  const kernels *k = c->kernels;
  int64_t n = self->n, plane = self->plane, channel = first_channel(self, row);
  const real *x = c->x[0] + row * n;
  real *y = c->y[0] + row * n, *kept = c->kept + 2 * row;
  double sums[2];
  k->moments(1, n, n, *x, x, sums);
  norm_stats s = norm_of_sums(sums, (double)n, *x);
  kept[0] = (real)s.mean;
  kept[1] = (real)(1 / sqrt(s.variance + self->eps));
  norm_line line = {.mean = kept[0], .by_x = kept[1]};
  if (!self->affine) {
    k->normalise(1, n, n, &line, x, y);
    return;
  }
  for (int64_t i = 0; i < self->group_channels; i++, x += plane, y += plane) {
    line.by_x = kept[1] * c->w[0][channel + i];
    line.shift = c->w[1][channel + i];
    k->normalise(1, plane, plane, &line, x, y);
  }
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++) forward_row(j->layer->self, j->call, row);
}

static void forward(const layer *l, const layer_call *c) {
  const group_norm *self = l->self;
  int64_t rows = c->batch * self->groups;
  job j = {l, c, rows, norm_pieces(rows, self->n)};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
}

/* ---- backward -------------------------------------------------------------------- */

/* The sums over a group of g = weight dy and of g (x - mean); and adds the group's part
 * of dw to a piece's sums: of the weight first, then of the bias. */
static void group_sums(const group_norm *self, const layer_call *c, int64_t row,
                       real *partial, double total[2]) {
  int64_t plane = self->plane, channel = first_channel(self, row);
  const real *x = c->x[0] + row * self->n, *dy = c->dy[0] + row * self->n;
  const real *kept = c->kept + 2 * row;
  norm_line ahead = {.mean = kept[0]};
  if (!self->affine) {
    c->kernels->moments_back(1, self->n, self->n, &ahead, x, dy, total);
    return;
  }
  total[0] = total[1] = 0;
  for (int64_t i = channel; i < channel + self->group_channels; i++) {
    double sums[2];
    c->kernels->moments_back(1, plane, plane, &ahead, x, dy, sums);
    partial[i] += (real)(sums[1] * (double)kept[1]);
    partial[self->channels + i] += (real)sums[0];
    total[0] += (double)c->w[0][i] * sums[0];
    total[1] += (double)c->w[0][i] * sums[1];
    x += plane;
    dy += plane;
  }
}

static void row_gradient(const group_norm *self, const layer_call *c, int64_t row,
                         const double total[2]) {
  int64_t n = self->n, plane = self->plane, channel = first_channel(self, row);
  const real *x = c->x[0] + row * n, *dy = c->dy[0] + row * n, *kept = c->kept + 2 * row;
  real *dx = c->dx[0] + row * n;
  norm_line ahead = {.mean = kept[0]};
  norm_line line = norm_gradient(total, (double)n, kept[0], kept[1], 1);
  if (!self->affine) {
    c->kernels->normalise_back(1, n, n, &ahead, &line, x, dy, dx);
    return;
  }
  for (int64_t i = 0; i < self->group_channels; i++) {
    line.by_dy = c->w[0][channel + i] * kept[1];
    c->kernels->normalise_back(1, plane, plane, &ahead, &line, x + i * plane,
                               dy + i * plane, dx + i * plane);
  }
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  const group_norm *self = j->layer->self;
  real *partial = layer_partial(j->layer, c, piece);
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  if (self->affine) c->kernels->fill(j->layer->partial, 0, partial);
  for (int64_t row = begin; row < end; row++) {
    double total[2];
    group_sums(self, c, row, partial, total);
    if (c->dx[0]) row_gradient(self, c, row, total);
  }
}

static void backward(const layer *l, const layer_call *c) {
  const group_norm *self = l->self;
  int64_t rows = c->batch * self->groups;
  int pieces = norm_pieces(rows, self->n);
  if (self->affine && pieces > l->partial_pieces) pieces = l->partial_pieces;
  job j = {l, c, rows, pieces};
  parallel_run(c->engine, pieces, backward_piece, &j);
  for (int i = 0; i < 2; i++)
    if (c->dw[i])
      layer_sum_partials(l, c, pieces, i * self->channels, self->channels, c->dw[i]);
}

const layer_type layer_group_norm = {
    .name = "group_norm",
    .help = "each group of channels of a sample normalised: y = weight (x - mean) / "
            "sqrt(var + eps) + bias, with a weight for every channel",
    .example = "nn.group_norm { 4 }",
    .options = options,
    .size = sizeof(group_norm),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
