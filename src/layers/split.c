/* split.c: copies of its input, each an output. */
#include "elementwise.h"

#include <string.h>

typedef struct split {
  int outputs;
} split;

static const lander_option options[] = {
    OPTION_INT(split, outputs, NULL, 1, LAYER_MAX_OUTPUTS, 1, "how many copies"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  (void)error; /* any shape will do */
  const split *self = l->self;
  l->outputs = self->outputs;
  for (int i = 0; i < l->outputs; i++) l->out[i] = l->in[0];
  return LANDER_OK;
}

static void copy(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  for (int i = 0; i < l->outputs; i++)
    memcpy(c->y[i] + begin, c->x[0] + begin, (size_t)count * sizeof(real));
}

static void add_up(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  real *dx = c->dx[0] + begin;
  memcpy(dx, c->dy[0] + begin, (size_t)count * sizeof(real));
  for (int i = 1; i < l->outputs; i++) c->kernels->add(count, dx, c->dy[i] + begin, dx);
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, copy);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, add_up);
}

const layer_type layer_split = {
    .name = "split",
    .help = "copies of its input, each an output; a graph may also simply use a layer "
            "twice",
    .example = "y:split { 2 }:output(2)",
    .options = options,
    .size = sizeof(split),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
