/* pool.h: what max_pool and avg_pool share: options, sizes, the loop over planes. */
#ifndef LANDER_LAYERS_POOL_H
#define LANDER_LAYERS_POOL_H

#include "window.h"

/* A layer's structure begins with this. */
typedef struct pool_layer {
  lander_ints kernel, stride, pad;
  int rounding;
  /* worked out: */
  window window;
  int64_t planes;  /* channels */
  int64_t in, out; /* numbers of a plane */
} pool_layer;

extern const char *const pool_roundings[];

#define POOL_MOST (1 << 20)
#define POOL_OPTIONS(self)                                                               \
  OPTION_INTS(self, kernel, NULL, 1, POOL_MOST, 1,                                       \
              "size of the window: one number, or height,width"),                        \
      OPTION_INTS(self, stride, "", 1, POOL_MOST, 0,                                     \
                  "steps of the window; without it, the window's size"),                 \
      OPTION_INTS(self, pad, "0", 0, POOL_MOST, 0,                                       \
                  "border around the input, smaller than the kernel"),                   \
      OPTION_CHOICE(self, rounding, "floor", pool_roundings,                             \
                    "of the output's size: floor (as PyTorch), or ceil (as Caffe): the " \
                    "last window may hang over the end")

/* Shapes. fails: shape, argument. */
lander_status pool_setup(layer *l, lander_error *error);

/* One plane (channel of a sample), number `plane` of the batch. scratch: the thread's. */
typedef void (*pool_body)(const layer *l, const layer_call *c, int64_t plane,
                          real *scratch);

/* All planes of the batch, shared out over the threads. */
void pool_run(const layer *l, const layer_call *c, pool_body body);

/* To whole vectors; and so many numbers a row of the image has with its padding and all
 * that a row of windows sees, and as much as whole vectors of windows may read beyond. */
int64_t pool_round_up(int64_t count);
int64_t pool_row_size(const window *w);

/* The windows along one side that lie inside the image with all their places: [begin,
 * end). */
typedef struct pool_whole {
  int64_t begin, end;
} pool_whole;
pool_whole pool_whole_of(const window *w, int side);

/* Where window number `at` lies along one side: [begin, end) inside the image; and how
 * many places it has with the padding, but without what hangs over that. */
typedef struct pool_span {
  int64_t begin, end, padded;
} pool_span;
pool_span pool_span_at(const window *w, int side, int64_t at);

#endif
