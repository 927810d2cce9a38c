/* softmax_loss.c: the cross entropy of the softmax of the scores and the label.
 *
 * Computed from the scores as log(sum of e^x) - x[label], and nothing is clamped: the
 * loss of a net that has diverged is infinite or NaN, and can be seen to be. */
#include "classes.h"

#include <math.h>

typedef struct softmax_loss {
  classes size;
} softmax_loss;

static const lander_option options[] = {OPTION_END};

#define PIECE_WORK 4096 /* numbers a piece should have at least */

/* Each piece keeps its sum of losses, a double, in its partial block; the logarithms of
 * the sums of a sample are doubles in the thread's scratch. */
#define REALS_IN_DOUBLE ((int64_t)(sizeof(double) / sizeof(real)))

static lander_status setup(layer *l, lander_error *error) {
  softmax_loss *self = l->self;
  lander_status status = classes_setup(l, &self->size, error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = (shape){.dims = 0};
  l->unbatched = true;
  l->kept = self->size.count * self->size.inner;
  l->scratch = (self->size.inner * REALS_IN_DOUBLE + 63) / 64 * 64;
  l->partial = REALS_IN_DOUBLE;
  return LANDER_OK;
}

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int pieces;
} job;

static int count_pieces(const classes *size, int64_t batch) {
  return parallel_pieces(batch, PIECE_WORK / (size->count * size->inner));
}

/* The losses of one sample, added up; its probabilities are kept for backward. */
static double sample_loss(const classes *size, const layer_call *c, int64_t sample,
                          double *lse) {
  int64_t block = size->count * size->inner;
  const real *x = c->x[0] + sample * block, *label = c->x[1] + sample * size->inner;
  classes_softmax(c->kernels, size, 1, x, c->kept + sample * block, lse);
  double sum = 0;
  for (int64_t i = 0; i < size->inner; i++) {
    int64_t class = (int64_t)label[i] - 1;
    sum += lse[i] - (double)x[class * size->inner + i];
  }
  return sum;
}

static void forward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const softmax_loss *self = j->layer->self;
  int64_t begin, end;
  parallel_range(j->call->batch, j->pieces, piece, &begin, &end);
  double *lse = (double *)layer_scratch(j->layer, j->call, thread), sum = 0;
  for (int64_t sample = begin; sample < end; sample++)
    sum += sample_loss(&self->size, j->call, sample, lse);
  *(double *)layer_partial(j->layer, j->call, piece) = sum;
}

static void forward(const layer *l, const layer_call *c) {
  const softmax_loss *self = l->self;
  c->y[0][0] = (real)NAN;
  if (!classes_check_labels(&self->size, c)) return;
  job j = {l, c, count_pieces(&self->size, c->batch)};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
  double sum = 0;
  for (int piece = 0; piece < j.pieces; piece++)
    sum += *(const double *)layer_partial(l, c, piece);
  c->y[0][0] = (real)(sum / ((double)c->batch * (double)self->size.inner));
}

/* dx = (p - 1 at the label's class) / (batch * places) */
static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  const softmax_loss *self = j->layer->self;
  const classes *size = &self->size;
  real scale =
      (real)((double)c->dy[0][0] / ((double)c->batch * (double)self->size.inner));
  int64_t begin, end, block = size->count * size->inner;
  parallel_range(c->batch, j->pieces, piece, &begin, &end);
  c->kernels->scale((end - begin) * block, scale, c->kept + begin * block,
                    c->dx[0] + begin * block);
  for (int64_t sample = begin; sample < end; sample++)
    for (int64_t i = 0; i < size->inner; i++) {
      int64_t class = (int64_t)c->x[1][sample * size->inner + i] - 1;
      int64_t at = sample * block + class * size->inner + i;
      c->dx[0][at] = (c->kept[at] - 1) * scale;
    }
}

static void backward(const layer *l, const layer_call *c) {
  const softmax_loss *self = l->self;
  job j = {l, c, count_pieces(&self->size, c->batch)};
  if (c->dx[0]) parallel_run(c->engine, j.pieces, backward_piece, &j);
  if (c->dx[1]) c->kernels->fill(c->batch * self->size.inner, 0, c->dx[1]);
}

static void predict(const layer *l, const layer_call *c, const real *x, real *y) {
  const softmax_loss *self = l->self;
  classes_softmax(c->kernels, &self->size, c->batch, x, y, NULL);
}

const layer_type layer_softmax_loss = {
    .name = "softmax_loss",
    .help = "cross entropy of (scores, label), the mean over batch and places of log(sum "
            "over j of e^x[j]) - x[label]",
    .example = "y:softmax_loss { nn.label {} }",
    .options = options,
    .size = sizeof(softmax_loss),
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .predict = predict,
};
