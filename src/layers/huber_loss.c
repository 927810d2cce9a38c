/* huber_loss.c: half the squared distance where it is small, and a straight line beyond
 * delta (Huber, "Robust Estimation of a Location Parameter", 1964). */
#include "pairs.h"

#include <math.h>

typedef struct huber_loss {
  double delta;
} huber_loss;

static const lander_option options[] = {
    OPTION_NUMBER(huber_loss, delta, "1", 1e-12, 1e30, 0,
                  "up to which distance the loss is quadratic"),
    OPTION_END};

static double terms(const layer *l, const real *x, const real *t, int64_t count) {
  const huber_loss *self = l->self;
  double sum = 0, delta = self->delta;
  for (int64_t i = 0; i < count; i++) {
    double d = fabs((double)x[i] - (double)t[i]);
    sum += d <= delta ? d * d / 2 : delta * (d - delta / 2);
  }
  return sum;
}

static void slopes(const layer *l, const kernels *k, const real *x, const real *t,
                   int64_t count, real scale, real *dx) {
  (void)k;
  const huber_loss *self = l->self;
  real delta = (real)self->delta;
  for (int64_t i = 0; i < count; i++) {
    real d = x[i] - t[i];
    dx[i] = scale * (d > delta ? delta : d < -delta ? -delta : d);
  }
}

static void forward(const layer *l, const layer_call *c) {
  pairs_forward(l, c, terms);
}

static void backward(const layer *l, const layer_call *c) {
  pairs_backward(l, c, 0, 1, slopes);
  pairs_backward(l, c, 1, -1, slopes);
}

const layer_type layer_huber_loss = {
    .name = "huber_loss",
    .help = "of (prediction, target), with d = x - t: d^2 / 2 where |d| <= delta, else "
            "delta (|d| - delta / 2); the sum over a sample, the mean over the batch",
    .example = "y:huber_loss { nn.label { 3 }, delta = 1 }",
    .options = options,
    .size = sizeof(huber_loss),
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = pairs_setup,
    .forward = forward,
    .backward = backward,
};
