/* elu.c: y = x, or alpha (e^x - 1) below zero (Clevert, Unterthiner and Hochreiter,
 * 2015). */
#include "elementwise.h"

typedef struct elu {
  double alpha;
} elu;

static const lander_option options[] = {
    OPTION_NUMBER(elu, alpha, "1", -1e6, 1e6, 0,
                  "what large negative inputs come out as, with a minus sign"),
    OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const elu *self = l->self;
  c->kernels->elu(count, (real)self->alpha, c->x[0] + begin, c->y[0] + begin);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const elu *self = l->self;
  c->kernels->elu_back(count, (real)self->alpha, c->x[0] + begin, c->dy[0] + begin,
                       c->dx[0] + begin);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, apply_back);
}

const layer_type layer_elu = {
    .name = "elu",
    .help = "exponential linear unit: y = x for x > 0, else alpha (e^x - 1)",
    .example = "nn.elu { alpha = 1 }",
    .options = options,
    .size = sizeof(elu),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = elementwise_setup,
    .forward = forward,
    .backward = backward,
};
