/* abs.c: y = |x|. */
#include "elementwise.h"

static const lander_option options[] = {OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  (void)l;
  const real *x = c->x[0] + begin;
  real *y = c->y[0] + begin;
  for (int64_t i = 0; i < count; i++) y[i] = x[i] < 0 ? -x[i] : x[i] + 0; /* -0 too */
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  (void)l;
  const real *x = c->x[0] + begin, *dy = c->dy[0] + begin;
  real *dx = c->dx[0] + begin;
  for (int64_t i = 0; i < count; i++) {
    real signed_dy = x[i] < 0 ? -dy[i] : dy[i];
    dx[i] = x[i] == 0 ? 0 : signed_dy;
  }
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_abs = {
    .name = "abs",
    .help = "absolute value: y = |x|",
    .example = "nn.abs {}",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
