/* kernels.h: the inner loops, built for several instruction sets, chosen at run time.
 *
 * kernels.c holds them as plain loops and GCC's vector extensions; the Makefile compiles
 * it once for each instruction set, and kernels_table() hands out the best table that
 * this processor runs. All work on contiguous memory, on the calling thread. Inputs and
 * outputs may be the same memory where not said otherwise. */
#ifndef LANDER_TENSOR_KERNELS_H
#define LANDER_TENSOR_KERNELS_H

#include "../base/base.h"

typedef struct kernels {
  const char *name; /* "AVX2" */

  void (*fill)(int64_t n, real value, real *y);
  void (*add)(int64_t n, const real *a, const real *b, real *y);
  void (*sub)(int64_t n, const real *a, const real *b, real *y);
  void (*mul)(int64_t n, const real *a, const real *b, real *y);
  void (*div)(int64_t n, const real *a, const real *b, real *y);
  void (*scale)(int64_t n, real alpha, const real *x, real *y); /* y = alpha x */
  void (*axpy)(int64_t n, real alpha, const real *x, real *y);  /* y += alpha x */
  void (*add_scalar)(int64_t n, real alpha, const real *x, real *y);

  double (*sum)(int64_t n, const real *x);         /* in double, in a fixed order */
  double (*sum_squares)(int64_t n, const real *x); /* in double, in a fixed order */
  bool (*is_finite)(int64_t n, const real *x);     /* false: a NaN or an infinity */

  void (*relu)(int64_t n, real slope, const real *x, real *y);
  void (*relu_back)(int64_t n, real slope, const real *x, const real *dy, real *dx);
  void (*sigmoid)(int64_t n, const real *x, real *y);
  void (*sigmoid_back)(int64_t n, const real *y, const real *dy, real *dx);
  void (*tanh)(int64_t n, const real *x, real *y);
  void (*tanh_back)(int64_t n, const real *y, const real *dy, real *dx);

  /* rows x n: every row of y += bias (n); and dbias (n) += column sums of dy */
  void (*add_rows)(int64_t rows, int64_t n, const real *bias, real *y);
  void (*sum_rows)(int64_t rows, int64_t n, const real *dy, real *dbias);

  /* Softmax of one row, stable: y = exp(x - max) / sum. Returns log(sum exp x), which is
   * NaN or infinite when x is: nothing is clamped. */
  double (*softmax)(int64_t n, const real *x, real *y);

  /* One parameter's update; all of n elements, in place:
   *   g = scale * grad + decay * w (L2), or + decay * sign(w) (L1, when l1 is true)
   *   v = mu * v - rate * g;  w += v                                               */
  void (*sgd_update)(int64_t n, real *w, const real *grad, real *v, real scale,
                     real decay, bool l1, real mu, real rate);
} kernels;

/* The table for this processor; chosen once. fails: never. */
const kernels *kernels_table(void);

#endif
