/* im2col.h: an image as the matrix that makes a convolution a matrix product, and back.
 */
#ifndef LANDER_LAYERS_IM2COL_H
#define LANDER_LAYERS_IM2COL_H

#include "window.h"

/* columns (channels * kernel, out): a row for each channel and place of the kernel, which
 * holds what lies under that place, window after window; padding is zero. */
void im2col(const window *w, const kernels *k, int64_t channels, const real *image,
            real *columns);

/* The gradient of that: image = the sum of all that was taken from each of its places. */
void col2im(const window *w, const kernels *k, int64_t channels, const real *columns,
            real *image);

#endif
