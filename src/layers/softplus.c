/* softplus.c: y = log(1 + e^(beta x)) / beta, a relu without a corner. */
#include "elementwise.h"

typedef struct softplus {
  double beta, threshold;
} softplus;

static const lander_option options[] = {
    OPTION_NUMBER(softplus, beta, "1", 1e-6, 1e6, 0, "how sharp the bend is"),
    OPTION_NUMBER(softplus, threshold, "20", 0, 1e6, 0, "beta x from which on y is x"),
    OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const softplus *self = l->self;
  c->kernels->softplus(count, (real)self->beta, (real)self->threshold, c->x[0] + begin,
                       c->y[0] + begin);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const softplus *self = l->self;
  c->kernels->softplus_back(count, (real)self->beta, (real)self->threshold,
                            c->x[0] + begin, c->dy[0] + begin, c->dx[0] + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_softplus = {
    .name = "softplus",
    .help = "smooth relu: y = log(1 + e^(beta x)) / beta, and x where beta x > threshold",
    .example = "nn.softplus { beta = 1 }",
    .options = options,
    .size = sizeof(softplus),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
