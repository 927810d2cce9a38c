/* images.h: the loop over the images of a batch, for layers that take one at a time with
 * products: conv and deconv. */
#ifndef LANDER_LAYERS_IMAGES_H
#define LANDER_LAYERS_IMAGES_H

#include "layer.h"

/* One image forward, or its gradient. `scratch` is the thread's. */
typedef void (*image_body)(const layer *l, const layer_call *c, int64_t image,
                           real *scratch);
void images_each(const layer *l, const layer_call *c, image_body body);

/* One image backward: its dx, and its part of dw added to `sums` (the first image of a
 * piece writes them): weights first, then biases. */
typedef void (*image_back_body)(const layer *l, const layer_call *c, int64_t image,
                                bool first, real *scratch, real *sums);
/* Then the pieces' sums are added up: dw[0] has `weights` numbers, dw[1] `biases` (0: the
 * layer has none). */
void images_backward(const layer *l, const layer_call *c, image_back_body body,
                     int64_t weights, int64_t biases);

#endif
