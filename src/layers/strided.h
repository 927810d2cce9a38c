/* strided.h: layers that hand on numbers of a sample in another order, or some of them.
 */
#ifndef LANDER_LAYERS_STRIDED_H
#define LANDER_LAYERS_STRIDED_H

#include "layer.h"

/* Places in a sample of some other array, one for each element of a dense one, which lies
 * row-major. */
typedef struct strided {
  int dims;
  int64_t size[LANDER_MAX_DIMS];   /* of the dense array */
  int64_t stride[LANDER_MAX_DIMS]; /* in the other one */
  int64_t offset;                  /* of the first place */
  int64_t sample;                  /* numbers of a sample of the other one */
} strided;

/* The strides of a row-major array. */
void strided_rows(const shape *s, int64_t stride[LANDER_MAX_DIMS]);

/* Joins dimensions that can be walked through as one. */
void strided_simplify(strided *s);

/* For every sample: dense = other at the places; and back. */
void strided_gather(const strided *s, const layer_call *c, const real *other,
                    real *dense);
void strided_scatter(const strided *s, const layer_call *c, const real *dense,
                     real *other);

#endif
