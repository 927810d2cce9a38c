/* slice.c: cuts its input along one dimension; each part is an output. */
#include "axis.h"
#include "parts.h"

typedef struct slice {
  int axis, parts;
  lander_ints points;
  struct parts cuts;
} slice;

static const lander_option options[] = {
    OPTION_INT(slice, parts, "1", 1, LAYER_MAX_OUTPUTS, 1,
               "into how many equal parts, each an output"),
    OPTION_INTS(slice, points, "", 1, 1 << 30, 0,
                "or where it is cut: behind these places, in ascending order"),
    OPTION_AXIS(slice, "1", "the dimension along which it is cut"), OPTION_END};

/* Where part number `part` begins; the last part ends where the next would begin. */
static int64_t cut(const slice *self, int64_t count, int part) {
  if (part == 0) return 0;
  if (self->parts > 1) return count / self->parts * part;
  return part <= self->points.count ? self->points.at[part - 1] : count;
}

static lander_status check(const slice *self, int64_t count, lander_error *error) {
  if ((self->parts > 1) == (self->points.count > 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "slice takes either a number of parts (2 or more) or points");
  if (self->points.count >= LAYER_MAX_OUTPUTS)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "slice: %d points make %d outputs, at most %d are possible",
                     self->points.count, self->points.count + 1, LAYER_MAX_OUTPUTS);
  if (count % self->parts)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "slice: the dimension has %lld places, which can't be divided into "
                     "%d equal parts",
                     (long long)count, self->parts);
  for (int i = 0; i < self->points.count; i++)
    if (self->points.at[i] >= count || self->points.at[i] <= cut(self, count, i))
      return error_set(error, LANDER_ERROR_SHAPE,
                       "slice: points must ascend between 1 and %lld, point %d is %d",
                       (long long)count - 1, i + 1, self->points.at[i]);
  return LANDER_OK;
}

static lander_status setup(layer *l, lander_error *error) {
  slice *self = l->self;
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status == LANDER_OK) status = check(self, a.count, error);
  if (status != LANDER_OK) return status;
  parts *p = &self->cuts;
  *p = (parts){.count = self->parts > 1 ? self->parts : self->points.count + 1,
               .outer = a.outer,
               .whole = a.count * a.inner};
  l->outputs = p->count;
  for (int i = 0; i < p->count; i++) {
    int64_t begin = cut(self, a.count, i), end = cut(self, a.count, i + 1);
    p->begin[i] = begin * a.inner;
    p->size[i] = (end - begin) * a.inner;
    l->out[i] = l->in[0];
    l->out[i].size[a.dim] = end - begin;
  }
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  const slice *self = l->self;
  parts_cut(&self->cuts, c, c->x[0], c->y);
}

static void backward(const layer *l, const layer_call *c) {
  const slice *self = l->self;
  if (c->dx[0]) parts_join(&self->cuts, c, c->dy, c->dx[0]);
}

const layer_type layer_slice = {
    .name = "slice",
    .help = "cuts its input along one dimension into parts, each an output: y:output(1), "
            "y:output(2) ...",
    .example = "nn.input { 6, 4 }:slice { parts = 2 }:output(1)",
    .options = options,
    .size = sizeof(slice),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
