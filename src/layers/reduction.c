/* reduction.c: one number for all of the dimensions from one on (Caffe's Reduction). */
#include "axis.h"

#include <math.h>

enum { SUM, MEAN, ASUM, SUMSQ };

static const char *const operations[] = {"sum", "mean", "asum", "sumsq", NULL};

typedef struct reduction {
  int operation, axis;
  double coeff;
  int64_t outer, block; /* a sample is (outer, block) and becomes (outer) */
} reduction;

static const lander_option options[] = {
    OPTION_CHOICE(reduction, operation, "sum", operations,
                  "what becomes of the numbers: their sum, their mean, the sum of their "
                  "magnitudes, the sum of their squares"),
    OPTION_AXIS(reduction, "1", "the first of the dimensions that go away"),
    OPTION_NUMBER(reduction, coeff, "1", -1e30, 1e30, 0, "a factor on the result"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  reduction *self = l->self;
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status != LANDER_OK) return status;
  self->outer = a.outer;
  self->block = a.count * a.inner;
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->out[0].dims = a.dim;
  return LANDER_OK;
}

static double factor(const reduction *self) {
  return self->operation == MEAN ? self->coeff / (double)self->block : self->coeff;
}

static double reduce(const reduction *self, const kernels *k, const real *x) {
  if (self->operation == SUMSQ) return k->sum_squares(self->block, x);
  if (self->operation != ASUM) return k->sum(self->block, x);
  double sum = 0;
  for (int64_t i = 0; i < self->block; i++) sum += fabs((double)x[i]);
  return sum;
}

static void reduce_back(const reduction *self, const kernels *k, const real *x, real dy,
                        real *dx) {
  if (self->operation == SUMSQ) {
    k->scale(self->block, 2 * dy, x, dx);
  } else if (self->operation == ASUM) {
    for (int64_t i = 0; i < self->block; i++)
      dx[i] = x[i] > 0 ? dy : x[i] < 0 ? -dy : x[i] * dy; /* 0, or NaN */
  } else {
    k->fill(self->block, dy, dx);
  }
}

#define GRAIN 16384 /* numbers a piece */

typedef struct job {
  const reduction *reduction;
  const layer_call *call;
  int64_t rows;
  int pieces;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const reduction *self = j->reduction;
  const layer_call *c = j->call;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    c->y[0][row] =
        (real)(factor(self) * reduce(self, c->kernels, c->x[0] + row * self->block));
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const reduction *self = j->reduction;
  const layer_call *c = j->call;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    reduce_back(self, c->kernels, c->x[0] + row * self->block,
                (real)(factor(self) * (double)c->dy[0][row]),
                c->dx[0] + row * self->block);
}

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const reduction *self = l->self;
  int64_t rows = c->batch * self->outer;
  job j = {self, c, rows, parallel_pieces(rows, GRAIN / self->block)};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_reduction = {
    .name = "reduction",
    .help = "all dimensions from axis on become one number: coeff times the sum of x, "
            "their mean, the sum of |x|, or the sum of x^2",
    .example = "nn.reduction { operation = \"mean\" }",
    .options = options,
    .size = sizeof(reduction),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
