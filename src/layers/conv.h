/* conv.h: convolution from inside: what its four ways of computing share. */
#ifndef LANDER_LAYERS_CONV_H
#define LANDER_LAYERS_CONV_H

#include "im2col.h"
#include "images.h"
#include "strips.h"

/* The passes, each of which is computed in one of several ways: forward, the gradient of
 * the weights and biases, and that of the image. */
enum { CONV_FORWARD, CONV_WEIGHTS, CONV_IMAGE, CONV_PASSES };

typedef struct conv_way {
  void (*setup)(layer *l, int pass); /* asks for the memory of one pass */
  void (*run[CONV_PASSES])(const layer *l, const layer_call *c);
} conv_way;

extern const conv_way conv_products; /* conv_product.c */
extern const conv_way conv_sums;     /* conv_direct.c */
extern const conv_way conv_points;   /* conv_winograd.c */
extern const conv_way conv_planes;   /* conv_depth.c */

/* The tiles that a pass of conv_winograd.c takes of a group, and its memory. */
typedef struct winograd {
  window window;
  int64_t from, to;           /* channels that go in, that come out */
  int64_t from_room, to_room; /* the same in whole vectors */
  int64_t side;               /* places of a tile that come out, along a side */
  int64_t down, across;       /* tiles of an image */
  int64_t band, images; /* of a block: rows of tiles; of one image, or all of some */
  int64_t from_step, to_step;               /* from point to point, of a block's tiles */
  int64_t weights_step;                     /* likewise, of the weights */
  int64_t from_at, to_at, line_at, sums_at; /* the parts of a thread's scratch */
} winograd;

/* The planes that a pass of conv_depth.c goes over, as they lie between their zeros. */
typedef struct planes {
  window window;                    /* in: a plane as it comes; out: what is made of it */
  int64_t spread[2];                /* its numbers lie so far apart then */
  int64_t top, left, height, width; /* where the first of them is; the whole */
  int64_t size;
  plane_windows windows;
} planes;

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
  const conv_way *way[CONV_PASSES];
  strips ahead, back;             /* of the image, and of the output's gradient */
  strips places;                  /* of the image, for the weights' gradient */
  int64_t chunk;                  /* images whose strips for it are there together */
  winograd winograd[CONV_PASSES]; /* for the passes that go that way */
  planes planes[CONV_PASSES];     /* likewise */
} conv;

/* The window that goes over the output's gradient and makes the image's. */
window conv_turned(const window *w);

/* Asks for at least so much; scratch in whole cache lines, so that threads' blocks lie on
 * lines of their own. */
void conv_want(layer *l, int64_t scratch, int64_t workspace);

/* The biases' gradient of some images, which goes behind the weights' in a piece's block;
 * and then the sum over the pieces. */
void conv_bias_gradient(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                        real *sums);
void conv_sum_pieces(const layer *l, const layer_call *c, int pieces);

/* Whether tiles, with what turning them takes, are less than the `others` multiplications
 * of another way. */
bool conv_winograd_wins(const window *w, int64_t from, int64_t to, double others);

/* Whether each group is a channel of its own, with a plane that can be summed up where it
 * lies. */
bool conv_depth_wins(const conv *self);

#endif
