/* spread.h: numbers that are spread over an input: one for each place of some of its
 * dimensions (the channels), the same at all places of the others. What scale and bias
 * share. */
#ifndef LANDER_LAYERS_SPREAD_H
#define LANDER_LAYERS_SPREAD_H

#include "layer.h"

typedef struct spread {
  shape shape;                 /* of the numbers */
  int64_t outer, count, inner; /* a sample is (outer, count, inner), they are (count) */
  bool given; /* by the second input, each sample its own; else they are learnt */
} spread;

/* Rows of the option table, for fields called axis and num_axes. */
#define OPTION_SPREAD(self)                                                              \
  OPTION_AXIS(self, "1", "the first dimension that they are for"),                       \
      OPTION_INT(self, num_axes, "1", -1, LANDER_MAX_DIMS, 0,                            \
                 "for how many dimensions they are, from axis on; -1: for all; with a "  \
                 "second input, its shape says so")

/* With a second input num_axes is its number of dimensions (sizes of 1 at its end don't
 * count). fails: shape. */
lander_status spread_setup(const layer *l, int axis, int num_axes, spread *s,
                           lander_error *error);

/* For a row (count, inner) of the batch's (batch * outer) rows; x and y may be the same.
 */
void spread_mul(const spread *s, const kernels *k, const real *x, const real *w, real *y);
void spread_add(const spread *s, const kernels *k, const real *x, const real *w, real *y);

/* Does rows begin .. end - 1. */
typedef void (*spread_body)(const layer *l, const layer_call *c, int64_t begin,
                            int64_t end);
void spread_run(const spread *s, const layer *l, const layer_call *c, spread_body body);

/* The numbers for a row: `w` are all of them, of a batch when they are given. */
static inline const real *spread_row(const spread *s, bool given, const real *w,
                                     int64_t row) {
  return given ? w + row / s->outer * s->count : w;
}

/* dw = beta dw + the sums of a b (b NULL: of a) over all that a number is spread over;
 * `given`: for each sample by itself. */
void spread_sum(const spread *s, bool given, const layer_call *c, const real *a,
                const real *b, real beta, real *dw);

#endif
