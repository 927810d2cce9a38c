/* mse_loss.c: half the squared distance to the target, the mean over the batch: what
 * Caffe calls EuclideanLoss. */
#include "elementwise.h"
#include "pairs.h"

static const lander_option options[] = {OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  l->kept = shape_count(&l->in[0]);
  return pairs_setup(l, error);
}

/* The differences are kept for backward. */
static void subtract(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  (void)l;
  c->kernels->sub(count, c->x[0] + begin, c->x[1] + begin, c->kept + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, subtract);
  double sum = c->kernels->sum_squares(c->batch * l->kept, c->kept);
  c->y[0][0] = (real)(sum / (2 * (double)c->batch));
}

static void scale(const layer_call *c, int64_t begin, int64_t count, double sign,
                  real *dx) {
  real factor = (real)(sign * (double)c->dy[0][0] / (double)c->batch);
  c->kernels->scale(count, factor, c->kept + begin, dx + begin);
}

static void scale_prediction(const layer *l, const layer_call *c, int64_t begin,
                             int64_t count) {
  (void)l;
  scale(c, begin, count, 1, c->dx[0]);
}

static void scale_target(const layer *l, const layer_call *c, int64_t begin,
                         int64_t count) {
  (void)l;
  scale(c, begin, count, -1, c->dx[1]);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, scale_prediction);
  if (c->dx[1]) elementwise_run(l, c, scale_target);
}

const layer_type layer_mse_loss = {
    .name = "mse_loss",
    .help = "half the squared distance of (prediction, target), the mean over the batch: "
            "1 / (2 batch) * sum of (x - t)^2",
    .example = "y:mse_loss { nn.label { 3 } }",
    .options = options,
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
