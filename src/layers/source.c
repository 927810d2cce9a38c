/* source.c: what input and label share. */
#include "source.h"

lander_status source_setup(layer *l, lander_error *error) {
  const source *self = l->self;
  if (self->shape.count >= LANDER_MAX_DIMS)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: a sample has at most %d dimensions, got %d", l->type->name,
                     LANDER_MAX_DIMS - 1, self->shape.count);
  l->outputs = 1;
  l->out[0].dims = self->shape.count;
  for (int d = 0; d < self->shape.count; d++) l->out[0].size[d] = self->shape.at[d];
  return LANDER_OK;
}
