/* nll_loss.c: the negative logarithm of the label's probability, from logarithms of
 * probabilities. */
#include "classes.h"
#include "elementwise.h"
#include "sums.h"

#include <math.h>

typedef struct nll_loss {
  lander_ints ignore_label;
  classes size;
} nll_loss;

static const lander_option options[] = {OPTION_IGNORE_LABEL(nll_loss), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  nll_loss *self = l->self;
  sums_setup(l);
  return classes_setup(l, &self->size, error);
}

#define GRAIN 4096 /* labels a piece */

/* Where the label's class lies for place i of the batch; -1: it is ignored. */
static int64_t chosen(const nll_loss *self, const layer_call *c, int64_t i) {
  const classes *size = &self->size;
  real label = c->x[1][i];
  if (classes_is_ignored(&self->ignore_label, label)) return -1;
  int64_t sample = i / size->inner, place = i % size->inner;
  return (sample * size->count + (int64_t)label - 1) * size->inner + place;
}

static double add_losses(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                         int thread) {
  (void)thread;
  double sum = 0;
  for (int64_t i = begin; i < end; i++) {
    int64_t at = chosen(l->self, c, i);
    if (at >= 0) sum -= (double)c->x[0][at];
  }
  return sum;
}

static void forward(const layer *l, const layer_call *c) {
  const nll_loss *self = l->self;
  c->y[0][0] = (real)NAN;
  if (!classes_check_labels(&self->size, &self->ignore_label, c)) return;
  double sum = sums_run(l, c, c->batch * self->size.inner, GRAIN, add_losses);
  int64_t counted = classes_counted(&self->size, &self->ignore_label, c);
  c->y[0][0] = counted > 0 ? (real)(sum / (double)counted) : 0;
}

static void backward_places(const layer *l, const layer_call *c, int64_t begin,
                            int64_t end, real scale) {
  for (int64_t i = begin; i < end; i++) {
    int64_t at = chosen(l->self, c, i);
    if (at >= 0) c->dx[0][at] = -scale;
  }
}

static void backward(const layer *l, const layer_call *c) {
  const nll_loss *self = l->self;
  int64_t places = c->batch * self->size.inner;
  int64_t counted = classes_counted(&self->size, &self->ignore_label, c);
  real scale = counted > 0 ? (real)((double)c->dy[0][0] / (double)counted) : 0;
  if (c->dx[0]) {
    elementwise_run(l, c, elementwise_zero_back);
    sums_run_back(l, c, places, GRAIN, scale, backward_places);
  }
  if (c->dx[1]) c->kernels->fill(places, 0, c->dx[1]);
}

/* Probabilities. */
static void predict(const layer *l, const layer_call *c, const real *x, real *y) {
  c->kernels->exp(c->batch * shape_count(&l->in[0]), x, y);
}

static double chance(const layer *l) {
  const nll_loss *self = l->self;
  return classes_chance(&self->size, &self->ignore_label, 0);
}

const layer_type layer_nll_loss = {
    .name = "nll_loss",
    .help =
        "of (logarithms of probabilities, label), as log_softmax makes them: the mean "
        "over batch and places of -x[label]; ignored places don't count, and the loss "
        "is 0 when all are",
    .example = "y:log_softmax {}:nll_loss { nn.label {} }",
    .options = options,
    .size = sizeof(nll_loss),
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .chance = chance,
};
