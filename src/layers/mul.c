/* mul.c: the product of its inputs. */
#include "merge.h"

static const lander_option options[] = {OPTION_END};

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  real *y = c->y[0] + begin;
  c->kernels->mul(count, c->x[0] + begin, c->x[1] + begin, y);
  for (int i = 2; i < l->inputs; i++) c->kernels->mul(count, y, c->x[i] + begin, y);
}

/* dx[i] = dy times the other inputs; y / x[i] would fail at zero. */
static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  for (int i = 0; i < l->inputs; i++) {
    if (!c->dx[i]) continue;
    real *dx = c->dx[i] + begin;
    const real *product = c->dy[0] + begin;
    for (int other = 0; other < l->inputs; other++) {
      if (other == i) continue;
      c->kernels->mul(count, product, c->x[other] + begin, dx);
      product = dx;
    }
  }
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply_back);
}

const layer_type layer_mul = {
    .name = "mul",
    .help = "the product of inputs of one shape, element by element: y = a b ...",
    .example = "nn.mul { y, y:linear { 3 }:sigmoid {} }",
    .options = options,
    .min_inputs = 2,
    .max_inputs = LAYER_MAX_INPUTS,
    .setup = merge_setup,
    .forward = forward,
    .backward = backward,
};
