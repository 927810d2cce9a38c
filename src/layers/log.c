/* log.c: y = log(shift + scale x) (Caffe's Log). */
#include <math.h>

#include "elementwise.h"

typedef struct log_layer {
  double base, scale, shift;
} log_layer;

static const lander_option options[] = {
    OPTION_NUMBER(log_layer, base, "-1", -1, 1e30, 0,
                  "a number above 0 but not 1; -1 stands for e"),
    OPTION_NUMBER(log_layer, scale, "1", -1e30, 1e30, 0, "factor on x"),
    OPTION_NUMBER(log_layer, shift, "0", -1e30, 1e30, 0, "added to scale x"), OPTION_END};

/* Of the base; -1 stands for e. */
static double log_base(const log_layer *self) {
  return self->base == -1 ? 1 : log(self->base);
}

static lander_status setup(layer *l, lander_error *error) {
  const log_layer *self = l->self;
  if (self->base != -1 && !(self->base > 0 && self->base != 1))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "log: option 'base' must be above 0, but not 1, or -1 for e, got %g",
                     self->base);
  return elementwise_setup(l, error);
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const log_layer *self = l->self;
  const kernels *k = c->kernels;
  real *y = c->y[0] + begin;
  k->scale(count, (real)self->scale, c->x[0] + begin, y);
  k->add_scalar(count, (real)self->shift, y, y);
  k->log(count, y, y);
  k->scale(count, (real)(1 / log_base(self)), y, y);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const log_layer *self = l->self;
  const kernels *k = c->kernels;
  real *dx = c->dx[0] + begin;
  k->scale(count, (real)self->scale, c->x[0] + begin, dx);
  k->add_scalar(count, (real)self->shift, dx, dx);
  k->div(count, c->dy[0] + begin, dx, dx);
  k->scale(count, (real)(self->scale / log_base(self)), dx, dx);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_log = {
    .name = "log",
    .help = "logarithm: y = log(shift + scale x) / log(base)",
    .example = "nn.log { base = 10 }",
    .options = options,
    .size = sizeof(log_layer),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
