/* axis.h: one dimension of a sample, and how the numbers lie around it. */
#ifndef LANDER_LAYERS_AXIS_H
#define LANDER_LAYERS_AXIS_H

#include "layer.h"

/* Data lies (outer, count, inner): what comes before the dimension, and after it. */
typedef struct axis {
  int dim; /* from 0 */
  int64_t outer, count, inner;
} axis;

/* A row of a layer's option table, for a field called `axis`. */
#define OPTION_AXIS(self, default, text)                                                 \
  OPTION_INT(self, axis, default, -LANDER_MAX_DIMS, LANDER_MAX_DIMS, 0,                  \
             text ", counting from 1 without the batch; negative ones count from the "   \
                  "end")

/* Finds dimension `number` (from 1; from the end when negative) of input 0.
 * fails: shape (there is no such dimension). */
lander_status axis_setup(const layer *l, int number, axis *a, lander_error *error);

#endif
