/* conv.h: convolution from inside: what its two ways of computing share. */
#ifndef LANDER_LAYERS_CONV_H
#define LANDER_LAYERS_CONV_H

#include "im2col.h"
#include "images.h"
#include "strips.h"

typedef struct conv {
  int outputs;
  lander_ints kernel, stride, pad, dilation;
  int groups;
  bool bias;
  filler weight_filler, bias_filler;
  /* worked out: */
  window window;
  int64_t in, out;      /* numbers of one image */
  int64_t positions;    /* of the window */
  int64_t group_in;     /* channels that an output sees */
  int64_t group_out;    /* outputs of a group */
  int64_t group_kernel; /* numbers that an output sums up: group_in * kh * kw */
  bool is_product;      /* 1 x 1 without steps: the image is its own matrix */
  bool direct;          /* sums over strips, not products */
  bool direct_back;     /* likewise for the image's gradient */
  strips ahead, back;   /* of the image, and of the output's gradient */
  strips places;        /* of the image, for the weights' gradient */
  int64_t chunk;        /* images whose strips for it are there together */
} conv;

/* conv_product.c */
void conv_product_forward(const layer *l, const layer_call *c);
void conv_product_backward(const layer *l, const layer_call *c);
/* The gradient of one image. */
void conv_product_image(const layer *l, const layer_call *c, int64_t image,
                        real *scratch);

/* conv_direct.c; setup decides, and asks for the memory. */
void conv_direct_setup(layer *l);
void conv_direct_forward(const layer *l, const layer_call *c);
void conv_direct_backward(const layer *l, const layer_call *c);

#endif
