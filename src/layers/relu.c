/* relu.c: y = max(0, x), or slope * x below zero. */
#include "elementwise.h"

typedef struct relu {
  double slope;
} relu;

static const lander_option options[] = {
    OPTION_NUMBER(relu, slope, "0", -1e6, 1e6, 0,
                  "factor for negative inputs; 0.01 makes a leaky ReLU"),
    OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const relu *self = l->self;
  c->kernels->relu(count, (real)self->slope, c->x[0] + begin, c->y[0] + begin);
}

/* y has the sign of x, unless the slope is negative, and may lie where x did. */
static lander_status setup(layer *l, lander_error *error) {
  const relu *self = l->self;
  l->x_unread = l->over_x = self->slope >= 0;
  l->over_dy = true;
  l->is_relu = self->slope == 0;
  return elementwise_setup(l, error);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const relu *self = l->self;
  const real *sign = l->x_unread ? c->y[0] : c->x[0];
  c->kernels->relu_back(count, (real)self->slope, sign + begin, c->dy[0] + begin,
                        c->dx[0] + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_relu = {
    .name = "relu",
    .help = "rectified linear unit: y = max(0, x) + slope * min(0, x)",
    .example = "nn.relu { slope = 0.01 }",
    .options = options,
    .size = sizeof(relu),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
