/* l1_loss.c: the distance to the target as a sum of magnitudes. */
#include "pairs.h"

#include <math.h>

static const lander_option options[] = {OPTION_END};

static double terms(const layer *l, const real *x, const real *t, int64_t count) {
  (void)l;
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += fabs((double)x[i] - (double)t[i]);
  return sum;
}

static void slopes(const layer *l, const kernels *k, const real *x, const real *t,
                   int64_t count, real scale, real *dx) {
  (void)l;
  (void)k;
  for (int64_t i = 0; i < count; i++) {
    real d = x[i] - t[i];
    dx[i] = d > 0 ? scale : d < 0 ? -scale : d * scale; /* 0, or NaN */
  }
}

static void forward(const layer *l, const layer_call *c) {
  pairs_forward(l, c, terms);
}

static void backward(const layer *l, const layer_call *c) {
  pairs_backward(l, c, 0, 1, slopes);
  pairs_backward(l, c, 1, -1, slopes);
}

const layer_type layer_l1_loss = {
    .name = "l1_loss",
    .help =
        "of (prediction, target): the sum over a sample of |x - t|, the mean over the "
        "batch: 1 / batch * sum of |x - t|",
    .example = "y:l1_loss { nn.label { 3 } }",
    .options = options,
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = pairs_setup,
    .forward = forward,
    .backward = backward,
};
