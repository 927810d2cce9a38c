/* elementwise.h: layers whose output has the input's shape, each element from its own. */
#ifndef LANDER_LAYERS_ELEMENTWISE_H
#define LANDER_LAYERS_ELEMENTWISE_H

#include "layer.h"

/* out[0] = in[0]. */
lander_status elementwise_setup(layer *l, lander_error *error);

/* Does the elements begin .. begin + count - 1 of the batch. */
typedef void (*elementwise_body)(const layer *l, const layer_call *c, int64_t begin,
                                 int64_t count);

/* The whole batch, in pieces that are shared out over the threads. */
void elementwise_run(const layer *l, const layer_call *c, elementwise_body body);

/* Bodies for a layer that hands its numbers on as they are: y = x, and dx = dy. */
void elementwise_copy(const layer *l, const layer_call *c, int64_t begin, int64_t count);
void elementwise_copy_back(const layer *l, const layer_call *c, int64_t begin,
                           int64_t count);
/* For a layer that no gradient passes: dx = 0. */
void elementwise_zero_back(const layer *l, const layer_call *c, int64_t begin,
                           int64_t count);

#endif
