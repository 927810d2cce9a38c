/* merge.c: several inputs of the same shape. */
#include "merge.h"

#include "../tensor/tensor.h"

lander_status merge_setup(layer *l, lander_error *error) {
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  for (int i = 1; i < l->inputs; i++)
    if (!shape_same(&l->in[0], &l->in[i]))
      return error_set(error, LANDER_ERROR_SHAPE,
                       "%s: all inputs must have one shape; the first is %s, but input "
                       "%d %s",
                       l->type->name, shape_text(expected, l->in[0].dims, l->in[0].size),
                       i + 1, shape_text(found, l->in[i].dims, l->in[i].size));
  return elementwise_setup(l, error);
}
