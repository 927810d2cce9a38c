/* log_softmax.c: scores become logarithms of probabilities. */
#include "axis.h"
#include "classes.h"

typedef struct log_softmax {
  int axis;
  classes size;
} log_softmax;

static const lander_option options[] = {
    OPTION_AXIS(log_softmax, "1", "the dimension of the classes"), OPTION_END};

/* For each of the `inner` places a double in the thread's scratch: the logarithm of the
 * sum of e^x, or the sum of dy. */
#define REALS_IN_DOUBLE ((int64_t)(sizeof(double) / sizeof(real)))

static lander_status setup(layer *l, lander_error *error) {
  log_softmax *self = l->self;
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status != LANDER_OK) return status;
  self->size = (classes){a.outer, a.count, a.inner};
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->scratch = (a.inner * REALS_IN_DOUBLE + 63) / 64 * 64;
  return LANDER_OK;
}

#define GRAIN 4096 /* numbers a piece */

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int64_t blocks; /* (classes, inner) each */
  int pieces;
} job;

/* y = x - lse: from the scores, not as the logarithm of what may have become zero. */
static void forward_block(const classes *size, const kernels *k, const real *x, real *y,
                          double *lse) {
  if (size->inner == 1) {
    k->log_softmax(size->count, x, y);
    return;
  }
  classes_softmax(k, size, 1, x, y, lse);
  for (int64_t c = 0; c < size->count; c++)
    for (int64_t i = 0; i < size->inner; i++)
      y[c * size->inner + i] = (real)((double)x[c * size->inner + i] - lse[i]);
}

/* dx = dy - e^y (sum over the classes of dy) */
static void backward_block(const classes *size, const kernels *k, const real *y,
                           const real *dy, real *dx, double *sum) {
  if (size->inner == 1) {
    k->log_softmax_back(size->count, y, dy, dx);
    return;
  }
  k->exp(size->count * size->inner, y, dx);
  for (int64_t i = 0; i < size->inner; i++) sum[i] = 0;
  for (int64_t c = 0; c < size->count; c++)
    for (int64_t i = 0; i < size->inner; i++) sum[i] += (double)dy[c * size->inner + i];
  for (int64_t c = 0; c < size->count; c++)
    for (int64_t i = 0; i < size->inner; i++) {
      int64_t at = c * size->inner + i;
      dx[at] = (real)((double)dy[at] - (double)dx[at] * sum[i]);
    }
}

static void forward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const layer_call *c = j->call;
  const log_softmax *self = j->layer->self;
  int64_t begin, end, n = self->size.count * self->size.inner;
  parallel_range(j->blocks, j->pieces, piece, &begin, &end);
  for (int64_t o = begin; o < end; o++)
    forward_block(&self->size, c->kernels, c->x[0] + o * n, c->y[0] + o * n,
                  (double *)layer_scratch(j->layer, c, thread));
}

static void backward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const layer_call *c = j->call;
  const log_softmax *self = j->layer->self;
  int64_t begin, end, n = self->size.count * self->size.inner;
  parallel_range(j->blocks, j->pieces, piece, &begin, &end);
  for (int64_t o = begin; o < end; o++)
    backward_block(&self->size, c->kernels, c->y[0] + o * n, c->dy[0] + o * n,
                   c->dx[0] + o * n, (double *)layer_scratch(j->layer, c, thread));
}

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const log_softmax *self = l->self;
  const classes *size = &self->size;
  int64_t blocks = c->batch * size->outer;
  job j = {l, c, blocks, parallel_pieces(blocks, GRAIN / (size->count * size->inner))};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_log_softmax = {
    .name = "log_softmax",
    .help = "scores become logarithms of probabilities: y[k] = x[k] - log(sum over j of "
            "e^x[j]); nll_loss takes them",
    .example = "nn.log_softmax {}",
    .options = options,
    .size = sizeof(log_softmax),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
