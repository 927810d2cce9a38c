/* strips.h: an image laid out so that a window's sums run along memory.
 *
 * For each channel and each column of the kernel there is a strip: what lies under that
 * column, window after window, row after row, with zeros for the padding. Under the next
 * row of the kernel lies the same strip, a row of windows further on. So a convolution is
 * a sum of shifted strips, whole vectors of them whatever the width of the image is; and
 * it takes the kernel's width in copies of the image, where a matrix of all windows
 * (im2col.h) takes its area. Where the window's rows move by more than one, a strip has
 * the rows of the kernel one after another instead. */
#ifndef LANDER_LAYERS_STRIPS_H
#define LANDER_LAYERS_STRIPS_H

#include "window.h"

typedef struct strips {
  window window; /* whose padding may be negative: a border that no window sees */
  int64_t channels;
  int64_t band; /* rows of windows that are laid out at a time */
  taps taps;    /* where the window's places are in a band */
  int64_t size; /* numbers of a band */
} strips;

/* Lays out bands of at most `room` numbers, if a single row of windows does not take
 * more. */
void strips_setup(strips *s, const window *w, int64_t channels, int64_t room);

/* Rows row .. row + rows - 1 of windows, at most a band, of an image (channels, height,
 * width). */
void strips_fill(const strips *s, const kernels *k, int64_t row, int64_t rows,
                 const real *image, real *to);

#endif
