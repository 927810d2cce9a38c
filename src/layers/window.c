/* window.c: how often a window fits into an image. */
#include "window.h"

#include <stdio.h>

#include "../tensor/tensor.h"

/* Entry `side` of a list that has one entry for all sides, or one for each. */
static int64_t entry(const lander_ints *list, int sides, int side, int64_t fallback) {
  if (!list || list->count == 0) return fallback;
  if (list->count == 1) return list->at[0];
  return list->at[sides == 1 ? 0 : side];
}

static lander_status check_list(const layer *l, const char *name, const lander_ints *list,
                                int sides, lander_error *error) {
  if (!list || list->count <= sides) return LANDER_OK;
  return error_set(
      error, LANDER_ERROR_ARGUMENT,
      "%s: option '%s' must be one number%s for an input with %d side%s, got "
      "%d",
      l->type->name, name, sides == 2 ? ", or two: height,width" : "", sides,
      sides == 1 ? "" : "s", list->count);
}

/* What the window covers, holes included. */
static int64_t extent(const window *w, int side) {
  return w->dilation[side] * (w->kernel[side] - 1) + 1;
}

static lander_status too_large(const layer *l, const window *w, int side,
                               lander_error *error) {
  char found[SHAPE_TEXT];
  char dilated[64] = "";
  if (w->dilation[side] > 1)
    snprintf(dilated, sizeof dilated, " (%lld with dilation %lld)",
             (long long)extent(w, side), (long long)w->dilation[side]);
  return error_set(
      error, LANDER_ERROR_SHAPE,
      "%s: a kernel of %s %lld%s is larger than the input %s with padding %lld, which is "
      "%lld; use a smaller kernel, or more padding",
      l->type->name, side == 0 ? "height" : "width", (long long)w->kernel[side], dilated,
      shape_text(found, l->in[0].dims, l->in[0].size), (long long)w->pad[side],
      (long long)(w->in[side] + 2 * w->pad[side]));
}

/* With round_up, the last window may hang over the end, but begins inside the image or
 * its padding on the left (Caffe's rule, and PyTorch's ceil_mode). */
static int64_t count_windows(const window *w, int side, bool round_up) {
  int64_t room = w->in[side] + 2 * w->pad[side] - extent(w, side);
  int64_t stride = w->stride[side], count = room / stride + 1;
  if (round_up && room % stride != 0 && count * stride < w->in[side] + w->pad[side])
    count++;
  return count;
}

static int sides_of(const layer *l) {
  return l->in[0].dims - 1;
}

lander_status window_setup(const layer *l, const window_options *o, window *w,
                           lander_error *error) {
  const shape *in = &l->in[0];
  int sides = sides_of(l);
  if (sides != 1 && sides != 2)
    return layer_want_dims(l, 0, 3, "(channels, height, width)", error);
  lander_status status = check_list(l, "kernel", o->kernel, sides, error);
  if (status == LANDER_OK) status = check_list(l, "stride", o->stride, sides, error);
  if (status == LANDER_OK) status = check_list(l, "pad", o->pad, sides, error);
  if (status == LANDER_OK) status = check_list(l, "dilation", o->dilation, sides, error);
  if (status != LANDER_OK) return status;
  for (int side = 0; side < 2; side++) {
    bool flat = sides == 1 && side == 0; /* the height of a sample that has none */
    w->in[side] = flat ? 1 : in->size[sides - 1 + side];
    w->kernel[side] = flat ? 1 : entry(o->kernel, sides, side, 1);
    w->stride[side] =
        flat ? 1
             : entry(o->stride, sides, side, o->stride_is_kernel ? w->kernel[side] : 1);
    w->pad[side] = flat ? 0 : entry(o->pad, sides, side, 0);
    w->dilation[side] = flat ? 1 : entry(o->dilation, sides, side, 1);
    if (extent(w, side) > w->in[side] + 2 * w->pad[side])
      return too_large(l, w, side, error);
    w->out[side] = count_windows(w, side, o->round_up);
  }
  return LANDER_OK;
}

window_span window_inside(const window *w, int side, int64_t at) {
  int64_t stride = w->stride[side], start = at * w->dilation[side] - w->pad[side];
  window_span s;
  s.begin = start < 0 ? (-start + stride - 1) / stride : 0;
  int64_t last = w->in[side] - 1 - start; /* how far the window may move */
  s.end = last < 0 ? 0 : last / stride + 1;
  if (s.end > w->out[side]) s.end = w->out[side];
  if (s.begin > s.end) s.begin = s.end;
  s.first = start + s.begin * stride;
  return s;
}

shape window_shape(const layer *l, const window *w, int64_t channels) {
  if (sides_of(l) == 1) return (shape){2, {channels, w->out[1]}};
  return (shape){3, {channels, w->out[0], w->out[1]}};
}
