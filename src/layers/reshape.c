/* reshape.c: the same numbers in another shape. */
#include "elementwise.h"

#include "../tensor/tensor.h"

typedef struct reshape {
  lander_ints shape;
} reshape;

static const lander_option options[] = {
    OPTION_INTS(reshape, shape, NULL, -1, 1 << 30, -1,
                "the new sizes without the batch; one may be -1 and is worked out, 0 "
                "keeps the input's size at its place"),
    OPTION_END};

static lander_status mismatch(const layer *l, const shape *out, lander_error *error) {
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  return error_set(
      error, LANDER_ERROR_SHAPE, "reshape: an input %s of %lld numbers can't become %s",
      shape_text(found, l->in[0].dims, l->in[0].size), (long long)shape_count(&l->in[0]),
      shape_text(expected, out->dims, out->size));
}

static lander_status setup(layer *l, lander_error *error) {
  const reshape *self = l->self;
  const shape *in = &l->in[0];
  shape out = {.dims = self->shape.count};
  if (out.dims >= LANDER_MAX_DIMS)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "reshape: a sample has at most %d dimensions, got %d",
                     LANDER_MAX_DIMS - 1, out.dims);
  int open = -1;
  double known = 1;
  for (int d = 0; d < out.dims; d++) {
    out.size[d] = self->shape.at[d];
    if (out.size[d] == 0 && d >= in->dims) return mismatch(l, &out, error);
    if (out.size[d] == 0) out.size[d] = in->size[d];
    if (out.size[d] == -1 && open >= 0)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "reshape: only one size of the shape can be -1");
    if (out.size[d] == -1)
      open = d;
    else
      known *= (double)out.size[d];
  }
  /* Exact: nothing that can be an input's count is as large as 2^53. */
  double count = (double)shape_count(in);
  if (open < 0 && known != count) return mismatch(l, &out, error);
  if (open >= 0) {
    if (known > count || shape_count(in) % (int64_t)known)
      return mismatch(l, &out, error);
    out.size[open] = shape_count(in) / (int64_t)known;
  }
  l->outputs = 1;
  l->out[0] = out;
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  elementwise_run(l, c, elementwise_copy);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, elementwise_copy_back);
}

const layer_type layer_reshape = {
    .name = "reshape",
    .help = "the same numbers, in row-major order, in another shape",
    .example = "nn.input { 8, 6 }:reshape { 4, -1 }",
    .options = options,
    .size = sizeof(reshape),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
