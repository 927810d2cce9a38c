/* dense.h: every row times a matrix: what linear and attention share. */
#ifndef LANDER_LAYERS_DENSE_H
#define LANDER_LAYERS_DENSE_H

#include "layer.h"

/* y (rows, outputs) = x (rows, inputs) W^T + b, with W (outputs, inputs). */
typedef struct dense {
  int64_t rows, inputs, outputs;
  const real *x, *weight, *bias; /* bias: NULL where there is none */
} dense;

/* The layer's partial blocks, with room for the gradient of a bias of so many numbers. */
void dense_setup(layer *l, int64_t outputs);

void dense_forward(const layer_call *c, const dense *d, real *y);
/* Each of dx, dw and db may be NULL. */
void dense_backward(const layer *l, const layer_call *c, const dense *d, const real *dy,
                    real *dx, real *dw, real *db);

#endif
