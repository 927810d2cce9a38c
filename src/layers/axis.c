/* axis.c: one dimension of a sample. */
#include "axis.h"

#include "../tensor/tensor.h"

lander_status axis_setup(const layer *l, int number, axis *a, lander_error *error) {
  const shape *in = &l->in[0];
  int dim = number < 0 ? in->dims + number : number - 1;
  if (number == 0 || dim < 0 || dim >= in->dims) {
    char found[SHAPE_TEXT];
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: axis %d of an input with %d dimension%s, %s", l->type->name,
                     number, in->dims, in->dims == 1 ? "" : "s",
                     shape_text(found, in->dims, in->size));
  }
  *a = (axis){dim, 1, in->size[dim], 1};
  for (int d = 0; d < dim; d++) a->outer *= in->size[d];
  for (int d = dim + 1; d < in->dims; d++) a->inner *= in->size[d];
  return LANDER_OK;
}
