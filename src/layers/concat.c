/* concat.c: inputs one after another along one dimension. */
#include "axis.h"
#include "parts.h"

#include "../tensor/tensor.h"

typedef struct concat {
  int axis;
  parts parts;
} concat;

static const lander_option options[] = {
    OPTION_AXIS(concat, "1", "the dimension along which they are put together"),
    OPTION_END};

static bool fits(const shape *a, const shape *b, int dim) {
  if (a->dims != b->dims) return false;
  for (int d = 0; d < a->dims; d++)
    if (d != dim && a->size[d] != b->size[d]) return false;
  return true;
}

static lander_status setup(layer *l, lander_error *error) {
  concat *self = l->self;
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status != LANDER_OK) return status;
  parts *p = &self->parts;
  *p = (parts){.count = l->inputs, .outer = a.outer};
  int64_t sum = 0;
  for (int i = 0; i < l->inputs; i++) {
    if (!fits(&l->in[0], &l->in[i], a.dim))
      return error_set(error, LANDER_ERROR_SHAPE,
                       "concat: input %d is %s, but the first one %s; they may differ "
                       "only in dimension %d",
                       i + 1, shape_text(found, l->in[i].dims, l->in[i].size),
                       shape_text(expected, l->in[0].dims, l->in[0].size), a.dim + 1);
    p->begin[i] = sum * a.inner;
    p->size[i] = l->in[i].size[a.dim] * a.inner;
    sum += l->in[i].size[a.dim];
  }
  status = layer_check_size(l, "the output",
                            (double)a.outer * (double)sum * (double)a.inner, error);
  if (status != LANDER_OK) return status;
  p->whole = sum * a.inner;
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->out[0].size[a.dim] = sum;
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  const concat *self = l->self;
  parts_join(&self->parts, c, c->x, c->y[0]);
}

static void backward(const layer *l, const layer_call *c) {
  const concat *self = l->self;
  parts_cut(&self->parts, c, c->dy[0], c->dx);
}

const layer_type layer_concat = {
    .name = "concat",
    .help = "its inputs one after another along one dimension; their other sizes are "
            "equal",
    .example = "nn.concat { y:linear { 2 }, y:linear { 5 } }",
    .options = options,
    .size = sizeof(concat),
    .min_inputs = 1,
    .max_inputs = LAYER_MAX_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
