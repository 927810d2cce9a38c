/* flatten.c: all dimensions of a sample become one. */
#include "elementwise.h"

static const lander_option options[] = {OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  (void)error; /* any shape will do */
  l->outputs = 1;
  l->out[0] = (shape){1, {shape_count(&l->in[0])}};
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, elementwise_copy);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, elementwise_copy_back);
}

const layer_type layer_flatten = {
    .name = "flatten",
    .help = "the same numbers in one dimension: (c, h, w) becomes (c h w)",
    .example = "nn.flatten {}",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
