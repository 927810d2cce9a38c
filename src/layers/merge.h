/* merge.h: layers that make one output of several inputs of the same shape, element by
 * element. */
#ifndef LANDER_LAYERS_MERGE_H
#define LANDER_LAYERS_MERGE_H

#include "elementwise.h"

/* out[0] = the shape that all inputs have. fails: shape (they differ). */
lander_status merge_setup(layer *l, lander_error *error);

#endif
