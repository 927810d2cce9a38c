/* norm.h: what batch_norm, layer_norm and group_norm share. */
#ifndef LANDER_LAYERS_NORM_H
#define LANDER_LAYERS_NORM_H

#include "layer.h"

#define NORM_EPS(self)                                                                   \
  OPTION_NUMBER(self, eps, "1e-5", 0, 1e6, 0,                                            \
                "added to the variance, so that it is never zero")
#define NORM_AFFINE(self)                                                                \
  OPTION_BOOL(self, affine, "true", "whether a learnt weight and bias follow")

#define NORM_GRAIN 16384 /* numbers a piece should have at least */

/* Mean and variance (divided by count) of numbers whose sums about `pivot` are known. */
typedef struct norm_stats {
  double mean, variance;
} norm_stats;
norm_stats norm_of_sums(const double sums[2], double count, real pivot);

/* The line of a normalisation's gradient, for numbers that share mean and 1 / deviation
 * with count - 1 others, and are then multiplied by `weight`. sums: of g = weight dy over
 * all of them, and of g (x - mean). Source: Ioffe and Szegedy, "Batch Normalization",
 * 2015, section 3. */
norm_line norm_gradient(const double sums[2], double count, real mean, real inverse,
                        real weight);

/* Declares weight, which begins with 1, and bias, with 0. */
void norm_declare(layer *l, const shape *size);

/* Numbers that are normalised one by one (rows), with sums over all rows for dw: how
 * many pieces `rows` make, and how many of them may have a block of partial sums. */
int norm_pieces(int64_t rows, int64_t row_size);
int norm_partial_pieces(int64_t partial);

/* *dw = value, or is added to. Nothing when dw is NULL. */
static inline void norm_put(const layer_call *c, real *dw, int64_t at, double value) {
  if (dw) dw[at] = (real)(c->beta == 0 ? value : (double)dw[at] + value);
}

#endif
