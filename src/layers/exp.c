/* exp.c: y = base^(shift + scale x) (Caffe's Exp). */
#include <math.h>

#include "elementwise.h"

typedef struct exp_layer {
  double base, scale, shift;
} exp_layer;

static const lander_option options[] = {
    OPTION_NUMBER(exp_layer, base, "-1", -1, 1e30, 0,
                  "a number above 0; -1 stands for e"),
    OPTION_NUMBER(exp_layer, scale, "1", -1e30, 1e30, 0, "factor on x"),
    OPTION_NUMBER(exp_layer, shift, "0", -1e30, 1e30, 0, "added to scale x"), OPTION_END};

/* Of the base; -1 stands for e. */
static double log_base(const exp_layer *self) {
  return self->base == -1 ? 1 : log(self->base);
}

static lander_status setup(layer *l, lander_error *error) {
  const exp_layer *self = l->self;
  if (self->base != -1 && !(self->base > 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "exp: option 'base' must be above 0, or -1 for e, got %g",
                     self->base);
  return elementwise_setup(l, error);
}

/* y = factor e^(slope x) */
static double slope(const exp_layer *self) {
  return log_base(self) * self->scale;
}

static double factor(const exp_layer *self) {
  return exp(log_base(self) * self->shift);
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const kernels *k = c->kernels;
  real *y = c->y[0] + begin;
  k->scale(count, (real)slope(l->self), c->x[0] + begin, y);
  k->exp(count, y, y);
  k->scale(count, (real)factor(l->self), y, y);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const kernels *k = c->kernels;
  real *dx = c->dx[0] + begin;
  k->mul(count, c->dy[0] + begin, c->y[0] + begin, dx);
  k->scale(count, (real)slope(l->self), dx, dx);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_exp = {
    .name = "exp",
    .help = "exponential: y = base^(shift + scale x)",
    .example = "nn.exp { base = 2 }",
    .options = options,
    .size = sizeof(exp_layer),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
