/* gemm.c: the matrix product, by OpenBLAS on one thread. */
#include "gemm.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../base/parallel.h"

/* ---- OpenBLAS -------------------------------------------------------------------- */

/* An OpenBLAS with threads of its own (for OpenMP or pthreads) is told to leave them
 * alone, since the threads are the engine's: once by each thread that calls it, because
 * under OpenMP the number is kept for each thread.
 *
 * One built without threads must not be called by two at a time: Debian's (0.3.21) hands
 * out its buffers without a lock, and products come out wrong. Calls take turns then. */
static pthread_mutex_t blas_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool enter_blas(void) {
  static _Thread_local bool told;
  bool take_turns = openblas_get_parallel() == 0;
  if (take_turns || !told) pthread_mutex_lock(&blas_mutex);
  if (take_turns) return true;
  if (!told) {
    openblas_set_num_threads(1);
    told = true;
    pthread_mutex_unlock(&blas_mutex);
  }
  return false;
}

static void leave_blas(bool locked) {
  if (locked) pthread_mutex_unlock(&blas_mutex);
}

static char description[96];

/* openblas_get_config: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
static void write_description(void) {
  char config[256], *rest = NULL;
  snprintf(config, sizeof config, "%s", openblas_get_config());
  const char *name = strtok_r(config, " ", &rest);
  const char *version = strtok_r(NULL, " ", &rest);
  snprintf(description, sizeof description, "%s %s %s", name ? name : "OpenBLAS",
           version ? version : "", openblas_get_corename());
}

const char *gemm_describe(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, write_description);
  return description;
}

/* ---- one product ----------------------------------------------------------------- */

static void scale_rows(int64_t m, int64_t n, real beta, real *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/* For sizes that OpenBLAS's int can't hold: such a product is rare, and long anyway. */
static void gemm_huge(gemm_transpose ta, gemm_transpose tb, int64_t m, int64_t n,
                      int64_t k, real alpha, const real *a, int64_t lda, const real *b,
                      int64_t ldb, real beta, real *c, int64_t ldc) {
  int64_t a_row = ta == GEMM_N ? lda : 1, a_column = ta == GEMM_N ? 1 : lda;
  int64_t b_row = tb == GEMM_N ? ldb : 1, b_column = tb == GEMM_N ? 1 : ldb;
  scale_rows(m, n, beta, c, ldc);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double total = 0;
      for (int64_t p = 0; p < k; p++)
        total += (double)a[i * a_row + p * a_column] * b[p * b_row + j * b_column];
      c[i * ldc + j] += alpha * (real)total;
    }
}

static bool fits(int64_t size) {
  return size <= INT_MAX;
}

static int leading(int64_t ld) { /* OpenBLAS wants at least 1, also for one column */
  return ld > 0 ? (int)ld : 1;
}

void gemm(gemm_transpose ta, gemm_transpose tb, int64_t m, int64_t n, int64_t k,
          real alpha, const real *a, int64_t lda, const real *b, int64_t ldb, real beta,
          real *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    scale_rows(m, n, beta, c, ldc);
    return;
  }
  if (!fits(m) || !fits(n) || !fits(k) || !fits(lda) || !fits(ldb) || !fits(ldc)) {
    gemm_huge(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  bool locked = enter_blas();
  CBLAS_TRANSPOSE blas_ta = ta == GEMM_N ? CblasNoTrans : CblasTrans;
  CBLAS_TRANSPOSE blas_tb = tb == GEMM_N ? CblasNoTrans : CblasTrans;
#ifdef LANDER_REAL_DOUBLE
  cblas_dgemm(CblasRowMajor, blas_ta, blas_tb, (int)m, (int)n, (int)k, alpha, a,
              leading(lda), b, leading(ldb), beta, c, leading(ldc));
#else
  cblas_sgemm(CblasRowMajor, blas_ta, blas_tb, (int)m, (int)n, (int)k, alpha, a,
              leading(lda), b, leading(ldb), beta, c, leading(ldc));
#endif
  leave_blas(locked);
}

/* ---- cut into tiles -------------------------------------------------------------- */

/* Multiply-adds that are worth a tile of their own, and the sizes of tiles: multiples of
 * this, which is one of the BLAS's own blocks. */
#define TILE_WORK  ((int64_t)1 << 20)
#define TILE_SMALL ((int64_t)1 << 16) /* below, the product stays in one piece */
#define TILE_UNIT  32

typedef struct tiles {
  gemm_transpose ta, tb;
  int64_t m, n, k;
  real alpha, beta;
  const real *a, *b;
  real *c;
  int64_t lda, ldb, ldc;
  int64_t tile_m, tile_n; /* rows and columns of a tile */
  int64_t across;         /* tiles side by side */
} tiles;

static void run_tile(void *arg, int piece, int thread) {
  (void)thread;
  const tiles *t = arg;
  int64_t i = piece / t->across * t->tile_m, j = piece % t->across * t->tile_n;
  int64_t rows = t->m - i < t->tile_m ? t->m - i : t->tile_m;
  int64_t columns = t->n - j < t->tile_n ? t->n - j : t->tile_n;
  gemm(t->ta, t->tb, rows, columns, t->k, t->alpha,
       t->a + (t->ta == GEMM_N ? i * t->lda : i), t->lda,
       t->b + (t->tb == GEMM_N ? j : j * t->ldb), t->ldb, t->beta, t->c + i * t->ldc + j,
       t->ldc);
}

static int64_t round_up(int64_t value, int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/* Cuts the longer side first: the other matrix is read once for each cut. */
static int choose_tiles(tiles *t) {
  t->tile_m = t->m;
  t->tile_n = t->n;
  double work = (double)t->m * (double)t->n * (double)t->k;
  int pieces = 1;
  if (work > TILE_SMALL) {
    double wanted = work / TILE_WORK;
    int most = wanted < 2 ? 2 : wanted > 16 ? 16 : (int)wanted;
    while (pieces < most) {
      int64_t *side = t->tile_m > t->tile_n ? &t->tile_m : &t->tile_n;
      int64_t half = round_up((*side + 1) / 2, TILE_UNIT);
      if (half >= *side) break;
      *side = half;
      pieces *= 2;
    }
  }
  t->across = (t->n + t->tile_n - 1) / t->tile_n;
  return (int)(t->across * ((t->m + t->tile_m - 1) / t->tile_m));
}

void gemm_parallel(lander_engine *engine, gemm_transpose ta, gemm_transpose tb, int64_t m,
                   int64_t n, int64_t k, real alpha, const real *a, int64_t lda,
                   const real *b, int64_t ldb, real beta, real *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  tiles t = {ta, tb, m, n, k, alpha, beta, a, b, c, lda, ldb, ldc, 0, 0, 0};
  int pieces = choose_tiles(&t);
  parallel_run(engine, pieces, run_tile, &t);
}
