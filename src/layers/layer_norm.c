/* layer_norm.c: every sample, or each of its last dimensions' vectors, with mean 0 and
 * variance 1 (Ba, Kiros and Hinton, "Layer Normalization", 2016). */
#include <math.h>

#include "../tensor/tensor.h"
#include "norm.h"

typedef struct layer_norm {
  int dims;
  double eps;
  bool affine;
  int64_t rows; /* of a sample */
  int64_t n;    /* numbers of a row, which are normalised together */
} layer_norm;

static const lander_option options[] = {
    OPTION_INT(layer_norm, dims, "0", 0, LANDER_MAX_DIMS, 0,
               "how many of the last dimensions are normalised together; 0: all but the "
               "batch"),
    NORM_EPS(layer_norm), NORM_AFFINE(layer_norm), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  layer_norm *self = l->self;
  const shape *in = &l->in[0];
  char found[SHAPE_TEXT];
  if (self->dims > in->dims)
    return error_set(
        error, LANDER_ERROR_SHAPE,
        "layer_norm: option 'dims' is %d, but the input %s has %d dimension%s",
        self->dims, shape_text(found, in->dims, in->size), in->dims,
        in->dims == 1 ? "" : "s");
  shape row = {.dims = self->dims > 0 ? self->dims : in->dims};
  for (int d = 0; d < row.dims; d++) row.size[d] = in->size[in->dims - row.dims + d];
  self->n = shape_count(&row);
  self->rows = shape_count(in) / self->n;
  l->outputs = 1;
  l->out[0] = *in;
  l->kept = 2 * self->rows; /* mean and 1 / deviation of each row */
  if (!self->affine) return LANDER_OK;
  norm_declare(l, &row);
  l->scratch = (self->n + 63) / 64 * 64;
  l->partial = 2 * self->n;
  l->partial_pieces = norm_partial_pieces(l->partial);
  return LANDER_OK;
}

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int64_t rows; /* of the batch */
  int pieces;
} job;

/* ---- forward --------------------------------------------------------------------- */

static void forward_row(const layer_norm *self, const layer_call *c, int64_t row) {
  const kernels *k = c->kernels;
  int64_t n = self->n;
  const real *x = c->x[0] + row * n;
  real *y = c->y[0] + row * n, *kept = c->kept + 2 * row;
  double sums[2];
  k->moments(1, n, n, *x, x, sums);
  norm_stats s = norm_of_sums(sums, (double)n, *x);
  kept[0] = (real)s.mean;
  kept[1] = (real)(1 / sqrt(s.variance + self->eps));
  norm_line line = {.mean = kept[0], .by_x = kept[1]};
  k->normalise(1, n, n, &line, x, y);
  if (!self->affine) return;
  k->mul(n, y, c->w[0], y);
  k->add(n, y, c->w[1], y);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++) forward_row(j->layer->self, j->call, row);
}

static void forward(const layer *l, const layer_call *c) {
  const layer_norm *self = l->self;
  int64_t rows = c->batch * self->rows;
  job j = {l, c, rows, norm_pieces(rows, self->n)};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
}

/* ---- backward -------------------------------------------------------------------- */

/* Adds a row's part of dw to a piece's sums: of the weight first, then of the bias. */
static void add_gradients(const layer_norm *self, const layer_call *c, int64_t row,
                          real *scratch, real *sums) {
  const kernels *k = c->kernels;
  int64_t n = self->n;
  const real *dy = c->dy[0] + row * n, *kept = c->kept + 2 * row;
  norm_line line = {.mean = kept[0], .by_x = kept[1]};
  k->normalise(1, n, n, &line, c->x[0] + row * n, scratch);
  k->mul(n, scratch, dy, scratch);
  k->add(n, sums, scratch, sums);
  k->add(n, sums + n, dy, sums + n);
}

/* dx begins as the gradient before weight and bias. */
static void row_gradient(const layer_norm *self, const layer_call *c, int64_t row) {
  const kernels *k = c->kernels;
  int64_t n = self->n;
  const real *x = c->x[0] + row * n, *g = c->dy[0] + row * n, *kept = c->kept + 2 * row;
  real *dx = c->dx[0] + row * n;
  if (self->affine) {
    k->mul(n, g, c->w[0], dx);
    g = dx;
  }
  double sums[2];
  norm_line ahead = {.mean = kept[0]};
  k->moments_back(1, n, n, &ahead, x, g, sums);
  norm_line line = norm_gradient(sums, (double)n, kept[0], kept[1], 1);
  k->normalise_back(1, n, n, &ahead, &line, x, g, dx);
}

static bool wants_gradients(const layer_call *c) {
  return c->dw[0] || c->dw[1];
}

static void backward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const layer *l = j->layer;
  const layer_call *c = j->call;
  const layer_norm *self = l->self;
  real *scratch = layer_scratch(l, c, thread), *sums = layer_partial(l, c, piece);
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  if (wants_gradients(c)) c->kernels->fill(l->partial, 0, sums);
  for (int64_t row = begin; row < end; row++) {
    if (wants_gradients(c)) add_gradients(self, c, row, scratch, sums);
    if (c->dx[0]) row_gradient(self, c, row);
  }
}

static void backward(const layer *l, const layer_call *c) {
  const layer_norm *self = l->self;
  int64_t rows = c->batch * self->rows;
  int pieces = norm_pieces(rows, self->n);
  if (self->affine && pieces > l->partial_pieces) pieces = l->partial_pieces;
  job j = {l, c, rows, pieces};
  parallel_run(c->engine, pieces, backward_piece, &j);
  for (int i = 0; i < 2; i++)
    if (c->dw[i]) layer_sum_partials(l, c, pieces, i * self->n, self->n, c->dw[i]);
}

const layer_type layer_layer_norm = {
    .name = "layer_norm",
    .help = "each sample normalised, or each vector of its last dimensions: y = weight * "
            "(x - mean) / sqrt(var + eps) + bias, with a weight for every place",
    .example = "nn.layer_norm { dims = 1 }",
    .options = options,
    .size = sizeof(layer_norm),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
