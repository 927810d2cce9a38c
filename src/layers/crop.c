/* crop.c: a part of every dimension from one on (Caffe's Crop). */
#include "strided.h"

#include "../tensor/tensor.h"
#include "axis.h"
#include "elementwise.h"

typedef struct crop {
  lander_ints size, offset;
  int axis;
  strided places; /* of the output's elements in the input */
} crop;

static const lander_option options[] = {
    OPTION_INTS(crop, size, "", 1, 1 << 30, -1,
                "sizes of what stays, one for each dimension from axis on, or one for "
                "all; left out: those of the second input"),
    OPTION_INTS(crop, offset, "0", 0, 1 << 30, 0,
                "how many places before it are cut off, likewise one for each or one "
                "for all"),
    OPTION_AXIS(crop, "2", "the first dimension that is cropped"), OPTION_END};

static int entry(const lander_ints *list, int i) {
  return list->at[list->count == 1 ? 0 : i];
}

static lander_status check_entries(const lander_ints *list, const char *what, int wanted,
                                   lander_error *error) {
  if (list->count == 1 || list->count == wanted) return LANDER_OK;
  return error_set(error, LANDER_ERROR_SHAPE,
                   "crop: %s has %d entries, expected one or %d, one for each dimension "
                   "from axis on",
                   what, list->count, wanted);
}

/* The sizes that stay: of the options, or of the second input. */
static lander_status find_sizes(const layer *l, int first, shape *out,
                                lander_error *error) {
  const crop *self = l->self;
  const shape *in = &l->in[0], *like = &l->in[1];
  bool second = l->inputs == 2;
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  if (second == (self->size.count > 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "crop takes either a size or a second input whose size it gets");
  if (second && like->dims != in->dims)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "crop: the input is %s, but the second one, whose size it gets, %s",
                     shape_text(expected, in->dims, in->size),
                     shape_text(found, like->dims, like->size));
  lander_status status = LANDER_OK;
  if (!second) status = check_entries(&self->size, "size", in->dims - first, error);
  *out = *in;
  for (int d = first; status == LANDER_OK && d < in->dims; d++)
    out->size[d] = second ? like->size[d] : entry(&self->size, d - first);
  return status;
}

static lander_status setup(layer *l, lander_error *error) {
  crop *self = l->self;
  const shape *in = &l->in[0];
  strided *at = &self->places;
  axis from;
  lander_status status = axis_setup(l, self->axis, &from, error);
  if (status == LANDER_OK) status = find_sizes(l, from.dim, &l->out[0], error);
  if (status == LANDER_OK)
    status = check_entries(&self->offset, "offset", in->dims - from.dim, error);
  if (status != LANDER_OK) return status;
  strided_rows(in, at->stride);
  at->dims = in->dims;
  at->sample = shape_count(in);
  at->offset = 0;
  for (int d = 0; d < in->dims; d++) {
    int64_t offset = d < from.dim ? 0 : entry(&self->offset, d - from.dim);
    at->size[d] = l->out[0].size[d];
    at->offset += offset * at->stride[d];
    if (offset + at->size[d] > in->size[d])
      return error_set(error, LANDER_ERROR_SHAPE,
                       "crop: offset %lld and size %lld in dimension %d of an input that "
                       "has %lld there",
                       (long long)offset, (long long)at->size[d], d + 1,
                       (long long)in->size[d]);
  }
  strided_simplify(at);
  l->outputs = 1;
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  const crop *self = l->self;
  strided_gather(&self->places, c, c->x[0], c->y[0]);
}

static void backward(const layer *l, const layer_call *c) {
  const crop *self = l->self;
  if (c->dx[0]) {
    elementwise_run(l, c, elementwise_zero_back);
    strided_scatter(&self->places, c, c->dy[0], c->dx[0]);
  }
  if (l->inputs == 2 && c->dx[1])
    c->kernels->fill(c->batch * shape_count(&l->in[1]), 0, c->dx[1]);
}

const layer_type layer_crop = {
    .name = "crop",
    .help = "a part of every dimension from axis on: the places offset + 1 to offset + "
            "size; with a second input, of its size",
    .example = "nn.input { 3, 32, 32 }:crop { 28, 28, offset = 2 }",
    .options = options,
    .size = sizeof(crop),
    .min_inputs = 1,
    .max_inputs = 2,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
