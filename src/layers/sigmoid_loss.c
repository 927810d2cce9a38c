/* sigmoid_loss.c: the cross entropy of the sigmoid of each score and its target (Caffe's
 * SigmoidCrossEntropyLoss). */
#include "pairs.h"

#include <math.h>

static const lander_option options[] = {OPTION_END};

/* -t log p - (1 - t) log(1 - p) with p = 1 / (1 + e^-x), written so that no power
 * overflows. */
static double terms(const layer *l, const real *x, const real *t, int64_t count) {
  (void)l;
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    double v = x[i], target = t[i];
    sum += (v > 0 ? v * (1 - target) : -v * target) + log1p(exp(-fabs(v)));
  }
  return sum;
}

static void score_slopes(const layer *l, const kernels *k, const real *x, const real *t,
                         int64_t count, real scale, real *dx) {
  (void)l;
  k->sigmoid(count, x, dx);
  k->sub(count, dx, t, dx);
  k->scale(count, scale, dx, dx);
}

static void target_slopes(const layer *l, const kernels *k, const real *x, const real *t,
                          int64_t count, real scale, real *dt) {
  (void)l;
  (void)t;
  k->scale(count, -scale, x, dt);
}

static void forward(const layer *l, const layer_call *c) {
  pairs_forward(l, c, terms);
}

static void backward(const layer *l, const layer_call *c) {
  pairs_backward(l, c, 0, 1, score_slopes);
  pairs_backward(l, c, 1, 1, target_slopes);
}

/* Probabilities. */
static void predict(const layer *l, const layer_call *c, const real *x, real *y) {
  c->kernels->sigmoid(c->batch * shape_count(&l->in[0]), x, y);
}

/* A half for each output. */
static double chance(const layer *l) {
  return (double)shape_count(&l->in[0]) * log(2);
}

const layer_type layer_sigmoid_loss = {
    .name = "sigmoid_loss",
    .help =
        "of (scores, target from 0 to 1), with p = 1 / (1 + e^-x): -t log p - (1 - t) "
        "log(1 - p), the sum over a sample, the mean over the batch",
    .example = "y:sigmoid_loss { nn.label { 3 } }",
    .options = options,
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = pairs_setup,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .chance = chance,
};
