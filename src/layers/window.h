/* window.h: a window that moves over an image: what convolution and pooling share. */
#ifndef LANDER_LAYERS_WINDOW_H
#define LANDER_LAYERS_WINDOW_H

#include "layer.h"

/* Sizes along the two sides of an image, height first. A sample of one dimension
 * (channels, length) is an image of height 1. */
typedef struct window {
  int64_t in[2]; /* height, width of the input */
  int64_t kernel[2], stride[2], pad[2], dilation[2];
  int64_t out[2]; /* how often the window fits */
} window;

/* The options as a user gave them: one number for both sides, or two. A list without
 * entries stands for `fallback`. */
typedef struct window_options {
  const lander_ints *kernel, *stride, *pad, *dilation; /* dilation NULL: 1 */
  bool stride_is_kernel;                               /* where no stride is given */
  bool round_up;                                       /* the last window may hang over */
} window_options;

/* Checks the layer's input, (channels, height, width) or (channels, length), and works
 * out `w`. fails: shape, argument (too many numbers in a list; a window larger than the
 * padded image). */
lander_status window_setup(const layer *l, const window_options *o, window *w,
                           lander_error *error);

/* The windows along one side for which place `at` of the kernel lies inside the image:
 * [begin, end); and where it lies in the first of them. */
typedef struct window_span {
  int64_t begin, end, first;
} window_span;
window_span window_inside(const window *w, int side, int64_t at);

/* The output's shape: `channels`, then as many sides as the input has. */
shape window_shape(const layer *l, const window *w, int64_t channels);

#endif
