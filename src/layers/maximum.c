/* maximum.c: the largest of its inputs. */
#include "merge.h"

static const lander_option options[] = {OPTION_END};

/* The first of the largest; the first NaN when there is one. */
static int largest(const layer *l, const layer_call *c, int64_t at) {
  int best = 0;
  for (int i = 1; i < l->inputs; i++) {
    real v = c->x[i][at], top = c->x[best][at];
    if (v > top || (v != v && top == top)) best = i;
  }
  return best;
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t count) {
  for (int64_t i = begin; i < begin + count; i++) c->y[0][i] = c->x[largest(l, c, i)][i];
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin,
                       int64_t count) {
  for (int64_t i = begin; i < begin + count; i++) {
    int best = largest(l, c, i);
    for (int k = 0; k < l->inputs; k++)
      if (c->dx[k]) c->dx[k][i] = k == best ? c->dy[0][i] : 0;
  }
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, apply_back);
}

const layer_type layer_maximum = {
    .name = "maximum",
    .help = "the largest of inputs of one shape, element by element: y = max(a, b, ...); "
            "the gradient goes to it, to the first one when several are equal",
    .example = "nn.maximum { y, y:linear { 3 } }",
    .options = options,
    .min_inputs = 2,
    .max_inputs = LAYER_MAX_INPUTS,
    .setup = merge_setup,
    .forward = forward,
    .backward = backward,
};
