/* dropout.c: y = x, or 0 with probability `ratio` while training (Srivastava et al.,
 * "Dropout", JMLR 2014). What is kept is scaled up while training, so that testing needs
 * nothing. */
#include "elementwise.h"

typedef struct dropout {
  double ratio;
} dropout;

/* The largest double below 1: a ratio of 1 would leave nothing to scale. */
static const lander_option options[] = {
    OPTION_NUMBER(dropout, ratio, "0.5", 0, 0.99999999999999989, 1,
                  "probability of dropping a number, from 0 to below 1"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  l->kept = shape_count(&l->in[0]);
  l->x_unread = l->y_unread = l->over_x = l->over_dy = true;
  return elementwise_setup(l, error);
}

/* The mask is 0 or 1 / (1 - ratio). A number's draw is its place in the batch. */
static void drop(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  const dropout *self = l->self;
  real *mask = c->kept + begin;
  real ratio = (real)self->ratio, scale = (real)(1 / (1 - self->ratio));
  random_uniform(c->random, (uint64_t)begin, (size_t)count, mask);
  for (int64_t i = 0; i < count; i++) mask[i] = mask[i] >= ratio ? scale : 0;
  c->kernels->mul(count, c->x[0] + begin, mask, c->y[0] + begin);
}

static void drop_back(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  (void)l;
  c->kernels->mul(count, c->dy[0] + begin, c->kept + begin, c->dx[0] + begin);
}

static bool drops(const layer *l, const layer_call *c) {
  const dropout *self = l->self;
  return c->phase == LANDER_TRAIN && self->ratio > 0;
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, drops(l, c) ? drop : elementwise_copy);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, drops(l, c) ? drop_back : elementwise_copy_back);
}

const layer_type layer_dropout = {
    .name = "dropout",
    .help =
        "while training: y = x / (1 - ratio), or 0 with probability ratio; else y = x",
    .example = "nn.dropout { 0.5 }",
    .options = options,
    .size = sizeof(dropout),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
