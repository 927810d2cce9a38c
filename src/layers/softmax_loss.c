/* softmax_loss.c: the cross entropy of the softmax of the scores and the label.
 *
 * Computed from the scores as log(sum of e^x) - x[label], and nothing is clamped: the
 * loss of a net that has diverged is infinite or NaN, and can be seen to be. */
#include "classes.h"
#include "sums.h"

#include <math.h>

typedef struct softmax_loss {
  lander_ints ignore_label;
  double label_smoothing;
  classes size;
} softmax_loss;

static const lander_option options[] = {
    OPTION_IGNORE_LABEL(softmax_loss),
    OPTION_NUMBER(softmax_loss, label_smoothing, "0", 0, 1, 0,
                  "the part of the target that is shared out over all classes alike"),
    OPTION_END};

#define PIECE_WORK 4096 /* numbers a piece should have at least */

/* The logarithms of the sums of a sample are doubles in the thread's scratch. */
#define REALS_IN_DOUBLE ((int64_t)(sizeof(double) / sizeof(real)))

static lander_status setup(layer *l, lander_error *error) {
  softmax_loss *self = l->self;
  lander_status status = classes_setup(l, &self->size, error);
  if (status != LANDER_OK) return status;
  sums_setup(l);
  l->kept = self->size.count * self->size.inner;
  l->scratch = (self->size.inner * REALS_IN_DOUBLE + 63) / 64 * 64;
  return LANDER_OK;
}

static int64_t grain(const layer *l) {
  return PIECE_WORK / l->kept;
}

/* Of one place: with s = label_smoothing, (1 - s) (lse - x[label]) + s (lse - the mean of
 * all x), which is the cross entropy with a target of 1 - s + s / n at the label's class
 * and s / n at the n - 1 others. */
static double place_loss(const softmax_loss *self, const real *x, int64_t class,
                         double lse) {
  const classes *size = &self->size;
  double s = self->label_smoothing, sum = 0;
  double loss = lse - (double)x[class * size->inner];
  if (s == 0) return loss;
  for (int64_t k = 0; k < size->count; k++) sum += (double)x[k * size->inner];
  return (1 - s) * loss + s * (lse - sum / (double)size->count);
}

/* The losses of some samples, added up; their probabilities are kept for backward. */
static double add_losses(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                         int thread) {
  const softmax_loss *self = l->self;
  const classes *size = &self->size;
  double *lse = (double *)layer_scratch(l, c, thread), sum = 0;
  for (int64_t sample = begin; sample < end; sample++) {
    const real *x = c->x[0] + sample * l->kept;
    const real *label = c->x[1] + sample * size->inner;
    classes_softmax(c->kernels, size, 1, x, c->kept + sample * l->kept, lse);
    for (int64_t i = 0; i < size->inner; i++)
      if (!classes_is_ignored(&self->ignore_label, label[i]))
        sum += place_loss(self, x + i, (int64_t)label[i] - 1, lse[i]);
  }
  return sum;
}

static void forward(const layer *l, const layer_call *c) {
  const softmax_loss *self = l->self;
  c->y[0][0] = (real)NAN;
  if (!classes_check_labels(&self->size, &self->ignore_label, c)) return;
  double sum = sums_run(l, c, c->batch, grain(l), add_losses);
  int64_t counted = classes_counted(&self->size, &self->ignore_label, c);
  c->y[0][0] = counted > 0 ? (real)(sum / (double)counted) : 0;
}

static real back_scale(const layer *l, const layer_call *c) {
  const softmax_loss *self = l->self;
  int64_t counted = classes_counted(&self->size, &self->ignore_label, c);
  return counted > 0 ? (real)((double)c->dy[0][0] / (double)counted) : 0;
}

/* dx = scale (p - the target), over the classes of one place. */
static void place_back(const softmax_loss *self, const real *p, real label, real scale,
                       real *dx) {
  const classes *size = &self->size;
  if (classes_is_ignored(&self->ignore_label, label)) {
    for (int64_t k = 0; k < size->count; k++) dx[k * size->inner] = 0;
    return;
  }
  double s = self->label_smoothing;
  real shared = (real)(s / (double)size->count);
  for (int64_t k = 0; s > 0 && k < size->count; k++)
    dx[k * size->inner] = (p[k * size->inner] - shared) * scale;
  int64_t at = ((int64_t)label - 1) * size->inner;
  dx[at] = (p[at] - (real)(1 - s) - shared) * scale;
}

static void backward_samples(const layer *l, const layer_call *c, int64_t begin,
                             int64_t end, real scale) {
  const softmax_loss *self = l->self;
  const classes *size = &self->size;
  c->kernels->scale((end - begin) * l->kept, scale, c->kept + begin * l->kept,
                    c->dx[0] + begin * l->kept);
  for (int64_t sample = begin; sample < end; sample++)
    for (int64_t i = 0; i < size->inner; i++) {
      int64_t at = sample * l->kept + i;
      place_back(self, c->kept + at, c->x[1][sample * size->inner + i], scale,
                 c->dx[0] + at);
    }
}

static void backward(const layer *l, const layer_call *c) {
  const softmax_loss *self = l->self;
  if (c->dx[0])
    sums_run_back(l, c, c->batch, grain(l), back_scale(l, c), backward_samples);
  if (c->dx[1]) c->kernels->fill(c->batch * self->size.inner, 0, c->dx[1]);
}

static void predict(const layer *l, const layer_call *c, const real *x, real *y) {
  const softmax_loss *self = l->self;
  classes_softmax(c->kernels, &self->size, c->batch, x, y, NULL);
}

static double chance(const layer *l) {
  const softmax_loss *self = l->self;
  return classes_chance(&self->size, &self->ignore_label, self->label_smoothing);
}

const layer_type layer_softmax_loss = {
    .name = "softmax_loss",
    .help = "cross entropy of (scores, label), the mean over batch and places of log(sum "
            "over j of e^x[j]) - x[label]; ignored places don't count, and the loss is 0 "
            "when all are",
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
    .chance = chance,
};
