/* permute.c: the dimensions of a sample in another order. */
#include "strided.h"

#include "../tensor/tensor.h"

typedef struct permute {
  lander_ints order;
  strided places; /* of the output's elements in the input */
} permute;

static const lander_option options[] = {
    OPTION_INTS(permute, order, NULL, 1, LANDER_MAX_DIMS, -1,
                "for each dimension of the output, which one of the input it is, "
                "counting from 1 without the batch"),
    OPTION_END};

static bool is_permutation(const lander_ints *order, int dims) {
  unsigned seen = 0;
  for (int d = 0; d < order->count; d++) seen |= 1u << (order->at[d] - 1);
  return order->count == dims && seen == (1u << dims) - 1;
}

static lander_status setup(layer *l, lander_error *error) {
  permute *self = l->self;
  const shape *in = &l->in[0];
  char found[SHAPE_TEXT];
  if (!is_permutation(&self->order, in->dims))
    return error_set(error, LANDER_ERROR_SHAPE,
                     "permute: the order must have each of the numbers 1 to %d once, for "
                     "an input %s",
                     in->dims, shape_text(found, in->dims, in->size));
  int64_t stride[LANDER_MAX_DIMS];
  strided_rows(in, stride);
  l->outputs = 1;
  l->out[0].dims = self->places.dims = in->dims;
  for (int d = 0; d < in->dims; d++) {
    int from = self->order.at[d] - 1;
    l->out[0].size[d] = self->places.size[d] = in->size[from];
    self->places.stride[d] = stride[from];
  }
  self->places.sample = shape_count(in);
  strided_simplify(&self->places);
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  const permute *self = l->self;
  strided_gather(&self->places, c, c->x[0], c->y[0]);
}

static void backward(const layer *l, const layer_call *c) {
  const permute *self = l->self;
  if (c->dx[0]) strided_scatter(&self->places, c, c->dy[0], c->dx[0]);
}

const layer_type layer_permute = {
    .name = "permute",
    .help = "the dimensions in another order: dimension d of y is dimension order[d] of "
            "x",
    .example = "nn.input { 2, 3, 5 }:permute { 3, 1, 2 }",
    .options = options,
    .size = sizeof(permute),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
