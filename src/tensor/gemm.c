/* gemm.c: the matrix product: one on the calling thread, one that is cut into tiles. */
#include "gemm.h"

#include "../base/parallel.h"
#include "kernels.h"

/* ---- one product ----------------------------------------------------------------- */

static void scale_rows(int64_t m, int64_t n, real beta, real *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

static product_job make_job(gemm_transpose ta, gemm_transpose tb, int64_t m, int64_t n,
                            int64_t k, real alpha, const real *a, int64_t lda,
                            const real *b, int64_t ldb, real beta, real *c, int64_t ldc) {
  return (product_job){.m = m,
                       .n = n,
                       .k = k,
                       .alpha = alpha,
                       .a = a,
                       .a_row = ta == GEMM_N ? lda : 1,
                       .a_step = ta == GEMM_N ? 1 : lda,
                       .b = b,
                       .b_row = tb == GEMM_N ? ldb : 1,
                       .b_step = tb == GEMM_N ? 1 : ldb,
                       .beta = beta,
                       .c = c,
                       .c_row = ldc};
}

static void run(const product_job *t) {
  if (t->m <= 0 || t->n <= 0) return;
  if (t->k > 0)
    kernels_table()->product(t);
  else
    scale_rows(t->m, t->n, t->beta, t->c, t->c_row);
}

void gemm(gemm_transpose ta, gemm_transpose tb, int64_t m, int64_t n, int64_t k,
          real alpha, const real *a, int64_t lda, const real *b, int64_t ldb, real beta,
          real *c, int64_t ldc) {
  product_job t = make_job(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  run(&t);
}

/* ---- one matrix for many products ------------------------------------------------- */

int64_t gemm_packed_size(int64_t n, int64_t k) {
  int64_t columns = kernels_table()->product_columns;
  return (n + columns - 1) / columns * columns * k;
}

void gemm_pack(gemm_transpose tb, int64_t n, int64_t k, const real *b, int64_t ldb,
               real *packed) {
  product_job t = make_job(GEMM_N, tb, 0, n, k, 1, NULL, 0, b, ldb, 0, NULL, 0);
  kernels_table()->pack(&t, packed);
}

void gemm_packed(int64_t m, int64_t n, int64_t k, const real *a, int64_t lda,
                 const real *packed, real beta, real *c, int64_t ldc) {
  product_job t = make_job(GEMM_N, GEMM_N, m, n, k, 1, a, lda, NULL, 0, beta, c, ldc);
  t.packed = packed;
  run(&t);
}

/* ---- cut into tiles -------------------------------------------------------------- */

/* Multiply-adds that are worth a tile of their own. */
#define TILE_WORK  ((int64_t)1 << 20)
#define TILE_SMALL ((int64_t)1 << 18) /* below, the product stays in one piece */
#define TILES      4                  /* a thread, to share out */
/* Every tile makes its own copy of its part of b, which is nothing beside the work of so
 * many rows. */
#define TALL   512
#define LOWEST 16

typedef struct tiles {
  product_job whole;
  int64_t tile_m, tile_n; /* rows and columns of a tile */
  int64_t across;         /* tiles side by side */
} tiles;

static void run_tile(void *arg, int piece, int thread) {
  (void)thread;
  const tiles *t = arg;
  int64_t i = piece / t->across * t->tile_m, j = piece % t->across * t->tile_n;
  product_job part = t->whole;
  part.m = t->whole.m - i < t->tile_m ? t->whole.m - i : t->tile_m;
  part.n = t->whole.n - j < t->tile_n ? t->whole.n - j : t->tile_n;
  part.a += i * part.a_row;
  part.b += j * part.b_step;
  part.c += i * part.c_row + j;
  if (part.bias) part.bias += j;
  run(&part);
}

/* Half of a side, in whole units; the side itself when it has no two of them. */
static int64_t half(int64_t side, int64_t unit) {
  int64_t units = (side + unit - 1) / unit;
  return units < 2 ? side : (units + 1) / 2 * unit;
}

/* Tall tiles are cut across, others lengthwise while that can be. */
static bool cut(tiles *t, int64_t columns) {
  int64_t lower = half(t->tile_m, LOWEST), narrower = half(t->tile_n, columns);
  if (lower >= TALL || narrower == t->tile_n) {
    if (lower == t->tile_m) return false;
    t->tile_m = lower;
  } else {
    t->tile_n = narrower;
  }
  return true;
}

static int choose_tiles(tiles *t, int threads) {
  const product_job *whole = &t->whole;
  t->tile_m = whole->m;
  t->tile_n = whole->n;
  double work = (double)whole->m * (double)whole->n * (double)whole->k;
  int columns = kernels_table()->product_columns;
  if (work > TILE_SMALL) {
    double wanted = work / TILE_WORK;
    int share =
        threads < PARALLEL_MAX_PIECES / TILES ? threads * TILES : PARALLEL_MAX_PIECES;
    int most = wanted < 2 ? 2 : wanted > share ? share : (int)wanted;
    for (int pieces = 1; pieces < most && cut(t, columns); pieces *= 2) continue;
  }
  t->across = (whole->n + t->tile_n - 1) / t->tile_n;
  return (int)(t->across * ((whole->m + t->tile_m - 1) / t->tile_m));
}

static void run_in_tiles(lander_engine *engine, const product_job *whole) {
  if (whole->m <= 0 || whole->n <= 0) return;
  tiles t = {.whole = *whole};
  int pieces = choose_tiles(&t, lander_engine_threads(engine));
  parallel_run(engine, pieces, run_tile, &t);
}

void gemm_parallel(lander_engine *engine, gemm_transpose ta, gemm_transpose tb, int64_t m,
                   int64_t n, int64_t k, real alpha, const real *a, int64_t lda,
                   const real *b, int64_t ldb, real beta, real *c, int64_t ldc) {
  product_job t = make_job(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  run_in_tiles(engine, &t);
}

void gemm_linear(lander_engine *engine, int64_t m, int64_t n, int64_t k, const real *x,
                 const real *w, const real *bias, real *y) {
  product_job t = make_job(GEMM_N, GEMM_T, m, n, k, 1, x, k, w, k, 0, y, n);
  t.bias = bias;
  run_in_tiles(engine, &t);
}
