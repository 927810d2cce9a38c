/* power.c: y = (shift + scale x)^power (Caffe's Power). */
#include <math.h>

#include "elementwise.h"

typedef struct power_layer {
  double power, scale, shift;
} power_layer;

static const lander_option options[] = {
    OPTION_NUMBER(power_layer, power, "1", -1e6, 1e6, 1, "the exponent"),
    OPTION_NUMBER(power_layer, scale, "1", -1e30, 1e30, 0, "factor on x"),
    OPTION_NUMBER(power_layer, shift, "0", -1e30, 1e30, 0, "added to scale x"),
    OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const power_layer *self = l->self;
  const real *x = c->x[0] + begin;
  real *y = c->y[0] + begin;
  if (self->power == 1 || self->power == 2) {
    c->kernels->scale(count, (real)self->scale, x, y);
    c->kernels->add_scalar(count, (real)self->shift, y, y);
    if (self->power == 2) c->kernels->mul(count, y, y, y);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    y[i] = (real)pow(self->shift + self->scale * (double)x[i], self->power);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const power_layer *self = l->self;
  const real *x = c->x[0] + begin, *dy = c->dy[0] + begin;
  real *dx = c->dx[0] + begin;
  double factor = self->power * self->scale, exponent = self->power - 1;
  if (factor == 0 || exponent == 0) { /* then pow(0, exponent) would be infinite, or 1 */
    c->kernels->scale(count, (real)factor, dy, dx);
    return;
  }
  if (exponent == 1) {
    c->kernels->scale(count, (real)(factor * self->scale), x, dx);
    c->kernels->add_scalar(count, (real)(factor * self->shift), dx, dx);
    c->kernels->mul(count, dx, dy, dx);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    double base = self->shift + self->scale * (double)x[i];
    dx[i] = (real)((double)dy[i] * factor * pow(base, exponent));
  }
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_power = {
    .name = "power",
    .help = "y = (shift + scale x)^power",
    .example = "nn.power { 2, scale = 0.5, shift = 1 }",
    .options = options,
    .size = sizeof(power_layer),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
