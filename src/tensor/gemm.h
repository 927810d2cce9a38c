/* gemm.h: the matrix product. */
#ifndef LANDER_TENSOR_GEMM_H
#define LANDER_TENSOR_GEMM_H

#include "../base/base.h"

typedef enum gemm_transpose { GEMM_N, GEMM_T } gemm_transpose;

/* c (m, n) = alpha * op(a) (m, k) * op(b) (k, n) + beta * c, row-major, on the calling
 * thread. lda, ldb, ldc are the distances of rows as stored. beta 0: c is not read. An
 * element of c has the same bits whatever other rows and columns there are. */
void gemm(gemm_transpose ta, gemm_transpose tb, int64_t m, int64_t n, int64_t k,
          real alpha, const real *a, int64_t lda, const real *b, int64_t ldb, real beta,
          real *c, int64_t ldc);

/* The same, cut into tiles of c that are shared out over the engine's threads. Each
 * thread more makes more of them, which doesn't change the bits of any element. Not to be
 * called inside a parallel body. */
void gemm_parallel(lander_engine *engine, gemm_transpose ta, gemm_transpose tb, int64_t m,
                   int64_t n, int64_t k, real alpha, const real *a, int64_t lda,
                   const real *b, int64_t ldb, real beta, real *c, int64_t ldc);

/* The second matrix of a product, (k, n) or turned, put in the order in which products
 * read it: for one that many share. The order is the processor's. */
int64_t gemm_packed_size(int64_t n, int64_t k);
void gemm_pack(gemm_transpose tb, int64_t n, int64_t k, const real *b, int64_t ldb,
               real *packed);
/* c (m, n) = a (m, k) b + beta c, on the calling thread. `packed` lies on a cache line.
 */
void gemm_packed(int64_t m, int64_t n, int64_t k, const real *a, int64_t lda,
                 const real *packed, real beta, real *c, int64_t ldc);

/* y (m, n) = x (m, k) w^T + bias in every row, w (n, k), bias (n) or NULL, all dense and
 * k at least 1; cut up likewise. */
void gemm_linear(lander_engine *engine, int64_t m, int64_t n, int64_t k, const real *x,
                 const real *w, const real *bias, real *y);

#endif
