/* add.c: the sum of its inputs, each with a coefficient. */
#include "merge.h"

typedef struct add {
  lander_numbers coeff;
} add;

static const lander_option options[] = {
    OPTION_NUMBERS(add, coeff, "", -1e30, 1e30, 0,
                   "a factor on each input; left out: all are 1"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  const add *self = l->self;
  if (self->coeff.count > 0 && self->coeff.count != l->inputs)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "add: coeff has %d entries, but there are %d inputs",
                     self->coeff.count, l->inputs);
  l->x_unread = l->y_unread = l->over_x = l->over_dy = l->may_relu = true;
  return merge_setup(l, error);
}

static real coefficient(const layer *l, int input) {
  const add *self = l->self;
  return self->coeff.count > 0 ? (real)self->coeff.at[input] : 1;
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const kernels *k = c->kernels;
  real *y = c->y[0] + begin;
  bool plain = coefficient(l, 0) == 1 && coefficient(l, 1) == 1;
  if (plain) /* most are, and memory is passed over once */
    k->add(count, c->x[0] + begin, c->x[1] + begin, y);
  else
    k->scale(count, coefficient(l, 0), c->x[0] + begin, y);
  for (int i = plain ? 2 : 1; i < l->inputs; i++)
    k->axpy(count, coefficient(l, i), c->x[i] + begin, y);
  if (c->relu) k->relu(count, 0, y, y);
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  const kernels *k = c->kernels;
  for (int i = l->inputs - 1; i >= 0; i--) { /* the first may lie where dy does */
    if (!c->dx[i]) continue;
    const real *dy = c->dy[0] + begin;
    real *dx = c->dx[i] + begin;
    if (c->relu) {
      k->relu_back(count, 0, c->y[0] + begin, dy, dx);
      dy = dx;
    }
    if (dx != dy || coefficient(l, i) != 1) k->scale(count, coefficient(l, i), dy, dx);
  }
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply_back);
}

const layer_type layer_add = {
    .name = "add",
    .help = "the sum of inputs of one shape: y = coeff[1] a + coeff[2] b + ...",
    .example = "nn.add { y, y:linear { 3 }, coeff = { 1, -0.5 } }",
    .options = options,
    .size = sizeof(add),
    .min_inputs = 2,
    .max_inputs = LAYER_MAX_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
