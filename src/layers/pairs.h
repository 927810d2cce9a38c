/* pairs.h: losses of (prediction, target) of one shape with a term for each pair of
 * numbers: the sum over a sample, the mean over the batch. */
#ifndef LANDER_LAYERS_PAIRS_H
#define LANDER_LAYERS_PAIRS_H

#include "layer.h"

/* fails: shape (the target's differs in more than sizes of 1). */
lander_status pairs_setup(layer *l, lander_error *error);

/* The sum of `count` terms. */
typedef double (*pairs_terms)(const layer *l, const real *x, const real *t,
                              int64_t count);
void pairs_forward(const layer *l, const layer_call *c, pairs_terms terms);

/* dx = scale times the derivatives of the terms. */
typedef void (*pairs_slopes)(const layer *l, const kernels *k, const real *x,
                             const real *t, int64_t count, real scale, real *dx);

/* Writes dx[input] if anybody needs it; `sign` is a factor on the slopes. */
void pairs_backward(const layer *l, const layer_call *c, int input, double sign,
                    pairs_slopes slopes);

#endif
