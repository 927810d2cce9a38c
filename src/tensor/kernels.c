/* kernels.c: the inner loops. Compiled once for each instruction set, each time under
 * another name (KERNELS): loops that the compiler makes vector instructions of, and
 * vector extensions where it would not.
 *
 * Sums are taken in double, in a number of lanes that is the same for every instruction
 * set, so their order does not change. */
#include "kernels.h"

#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels_math.h"

/* In a loop marked EACH, an element is read and written in one round only: in place or
 * not, the compiler need not compare pointers. One marked UNROLL, whose bounds are
 * constant where it is put, leaves no loop: what it works on may be in registers. */
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define EACH   _Pragma("clang loop vectorize(assume_safety)") for
#define UNROLL _Pragma("clang loop unroll(full)") for
/* libm's functions, in the double build, stay calls. */
#pragma clang diagnostic ignored "-Wpass-failed"
#elif defined(__GNUC__)
#define EACH   _Pragma("GCC ivdep") for
#define UNROLL _Pragma("GCC unroll 24") for
#else
#define EACH   for
#define UNROLL for
#endif

/* ---- element by element ---------------------------------------------------------- */

static void fill(int64_t n, real value, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = value;
}

static void add(int64_t n, const real *a, const real *b, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void sub(int64_t n, const real *a, const real *b, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = a[i] - b[i];
}

static void mul(int64_t n, const real *a, const real *b, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void divide(int64_t n, const real *a, const real *b, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = a[i] / b[i];
}

static void scale_by(int64_t n, real alpha, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = alpha * x[i];
}

static void axpy(int64_t n, real alpha, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] += alpha * x[i];
}

static void add_scalar(int64_t n, real alpha, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = x[i] + alpha;
}

/* ---- sums ------------------------------------------------------------------------ */

#define LANES  8 /* doubles; the float build reads as many floats */
#define CHAINS 4 /* sums under way, so that none waits for the one before it */

typedef double wide __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t wide_bits __attribute__((vector_size(LANES * sizeof(int64_t))));
typedef real narrow
    __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

#define LOAD(x) __builtin_convertvector(*(const narrow *)(x), wide)

static double add_up(const wide *chain) {
  wide four = (chain[0] + chain[1]) + (chain[2] + chain[3]);
  double total = 0;
  for (int lane = 0; lane < LANES; lane++) total += four[lane];
  return total;
}

static double sum(int64_t n, const real *x) {
  wide chain[CHAINS] = {{0}};
  int64_t i = 0;
  for (; i + LANES * CHAINS <= n; i += LANES * CHAINS)
    for (int c = 0; c < CHAINS; c++) chain[c] += LOAD(x + i + c * LANES);
  double total = add_up(chain);
  for (; i < n; i++) total += x[i];
  return total;
}

/* Without the sign bit. */
static double sum_abs(int64_t n, const real *x) {
  wide chain[CHAINS] = {{0}};
  int64_t i = 0;
  for (; i + LANES * CHAINS <= n; i += LANES * CHAINS)
    for (int c = 0; c < CHAINS; c++) {
      wide v = LOAD(x + i + c * LANES);
      chain[c] += (wide)((wide_bits)v & INT64_MAX);
    }
  double total = add_up(chain);
  for (; i < n; i++) total += fabs((double)x[i]);
  return total;
}

static double dot(int64_t n, const real *a, const real *b) {
  wide chain[CHAINS] = {{0}};
  int64_t i = 0;
  for (; i + LANES * CHAINS <= n; i += LANES * CHAINS)
    for (int c = 0; c < CHAINS; c++)
      chain[c] += LOAD(a + i + c * LANES) * LOAD(b + i + c * LANES);
  double total = add_up(chain);
  for (; i < n; i++) total += (double)a[i] * b[i];
  return total;
}

static double sum_squares(int64_t n, const real *x) {
  return dot(n, x, x);
}

/* Without a test inside, so that it runs at the speed of memory; a block at a time, so
 * that it ends early. An exponent of all ones is an infinity or a NaN. */
#define FINITE_BLOCK 4096

#ifdef LANDER_REAL_DOUBLE
typedef uint64_t real_bits;
#define EXPONENT 0x7ff0000000000000u
#else
typedef uint32_t real_bits;
#define EXPONENT 0x7f800000u
#endif

static bool is_finite(int64_t n, const real *x) {
  for (int64_t begin = 0; begin < n; begin += FINITE_BLOCK) {
    int64_t end = n - begin < FINITE_BLOCK ? n : begin + FINITE_BLOCK;
    real_bits found = 0;
    for (int64_t i = begin; i < end; i++) {
      real_bits bits;
      memcpy(&bits, &x[i], sizeof bits);
      found |= (bits & EXPONENT) == EXPONENT;
    }
    if (found) return false;
  }
  return true;
}

static void add_rows(int64_t rows, int64_t n, const real *bias, real *y) {
  for (int64_t r = 0; r < rows; r++) add(n, y + r * n, bias, y + r * n);
}

#define COLUMNS 64 /* that are summed at a time */

static void sum_rows(int64_t rows, int64_t n, const real *dy, real *dbias) {
  for (int64_t begin = 0; begin < n; begin += COLUMNS) {
    int64_t columns = n - begin < COLUMNS ? n - begin : COLUMNS;
    double total[COLUMNS] = {0};
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < columns; c++) total[c] += dy[r * n + begin + c];
    for (int64_t c = 0; c < columns; c++) dbias[begin + c] += (real)total[c];
  }
}

/* ---- the exponential, the logarithm and what is made of them ---------------------- */

static void exp_all(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = exp_one(x[i]);
}

static void log_all(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = log_one(x[i]);
}

static void sigmoid(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = sigmoid_one(x[i]);
}

static void sigmoid_back(int64_t n, const real *y, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++) dx[i] = dy[i] * y[i] * (1 - y[i]);
}

static void tanh_all(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = tanh_one(x[i]);
}

static void tanh_back(int64_t n, const real *y, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++) dx[i] = dy[i] * (1 - y[i] * y[i]);
}

static void silu(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = x[i] * sigmoid_one(x[i]);
}

static void silu_back(int64_t n, const real *x, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++)
  dx[i] = dy[i] * (sigmoid_one(x[i]) + x[i] * sigmoid_slope(x[i]));
}

static void gelu(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = x[i] * normal_one(x[i]).below;
}

static void gelu_back(int64_t n, const real *x, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++) {
    normal_at at = normal_one(x[i]);
    dx[i] = dy[i] * (at.below + x[i] * at.density);
  }
}

/* (1 + tanh u) / 2 is sigmoid(2 u), which keeps its digits where tanh is near -1. */
#define GELU_LINEAR ((real)1.5957691216057308) /* 2 sqrt(2 / pi) */
#define GELU_CUBIC  ((real)0.044715)

static void gelu_tanh(int64_t n, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) {
    real v = x[i];
    y[i] = v * sigmoid_one(GELU_LINEAR * (v + GELU_CUBIC * v * v * v));
  }
}

static void gelu_tanh_back(int64_t n, const real *x, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++) {
    real v = x[i]; /* far out the slope is what it is at 100, and no power too large */
    v = v > 100 ? 100 : v < -100 ? -100 : v;
    real u = GELU_LINEAR * (v + GELU_CUBIC * v * v * v);
    real du = GELU_LINEAR * (1 + 3 * GELU_CUBIC * v * v);
    dx[i] = dy[i] * (sigmoid_one(u) + v * sigmoid_slope(u) * du);
  }
}

static void elu(int64_t n, real alpha, const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : alpha * expm1_one(x[i]);
}

static void elu_back(int64_t n, real alpha, const real *x, const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++)
  dx[i] = x[i] > 0 ? dy[i] : dy[i] * (alpha * exp_one(x[i]));
}

static void softplus(int64_t n, real beta, real threshold, const real *x, real *y) {
  const real scale = 1 / beta;
  EACH(int64_t i = 0; i < n; i++) {
    real z = beta * x[i];
    real soft = (z > 0 ? z : 0) + log1p_one(exp_one(z > 0 ? -z : z));
    y[i] = z > threshold ? x[i] : soft * scale;
  }
}

static void softplus_back(int64_t n, real beta, real threshold, const real *x,
                          const real *dy, real *dx) {
  EACH(int64_t i = 0; i < n; i++) {
    real z = beta * x[i];
    dx[i] = z > threshold ? dy[i] : dy[i] * sigmoid_one(z);
  }
}

/* ---- comparisons ----------------------------------------------------------------- */

/* A slope of zero gives zero whatever the other factor is, also infinity or NaN. */
static void relu(int64_t n, real slope, const real *x, real *y) {
  if (slope == 0)
    EACH(int64_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? 0 : x[i];
  else
    EACH(int64_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? slope * x[i] : x[i];
}

static void relu_back(int64_t n, real slope, const real *x, const real *dy, real *dx) {
  if (slope == 0)
    EACH(int64_t i = 0; i < n; i++) dx[i] = x[i] <= 0 ? 0 : dy[i];
  else
    EACH(int64_t i = 0; i < n; i++) dx[i] = x[i] <= 0 ? slope * dy[i] : dy[i];
}

/* Vectors of whole numbers as wide as a real: what comparisons give. */
#ifdef LANDER_REAL_DOUBLE
typedef int64_t real_int;
#else
typedef int32_t real_int;
#endif
#define VECTOR(type, count)                                                              \
  __attribute__((vector_size((count) * sizeof(type)), aligned(sizeof(type)), may_alias))
typedef real real1 VECTOR(real, 1);
typedef real real2 VECTOR(real, 2);
typedef real real4 VECTOR(real, 4);
typedef real real8 VECTOR(real, 8);
typedef real real16 VECTOR(real, 16);
typedef real_int mask4 VECTOR(real, 4);
typedef real_int mask8 VECTOR(real, 8);
typedef real_int mask16 VECTOR(real, 16);

/* where mask: a, elsewhere b */
#define SELECT(vector, mask_type, mask, a, b)                                            \
  ((vector)(((mask) & (mask_type)(a)) | (~(mask) & (mask_type)(b))))

/* A positive x gives 0, but a NaN of dy comes through. */
static double dot_negative(int64_t n, const real *x, const real *dy) {
  wide chain[CHAINS] = {{0}};
  int64_t i = 0;
  for (; i + LANES * CHAINS <= n; i += LANES * CHAINS)
    for (int c = 0; c < CHAINS; c++) {
      real8 v = *(const real8 *)(x + i + c * LANES);
      real8 below = (real8)(~(mask8)(v > 0) & (mask8)v);
      chain[c] += __builtin_convertvector(below, wide) * LOAD(dy + i + c * LANES);
    }
  double total = add_up(chain);
  for (; i < n; i++) total += (x[i] > 0 ? 0 : (double)x[i]) * (double)dy[i];
  return total;
}

/* Of each lane the larger; a NaN in `next` is passed over. */
INLINE void keep_larger(const real16 *next, real16 *best) {
  *best = SELECT(real16, mask16, *next > *best, *next, *best);
}

INLINE real largest_lane(real16 *v) {
  real16 other = __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3,
                                         4, 5, 6, 7);
  keep_larger(&other, v);
  other = __builtin_shufflevector(*v, *v, 4, 5, 6, 7, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
  keep_larger(&other, v);
  other = __builtin_shufflevector(*v, *v, 2, 3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1);
  keep_larger(&other, v);
  return (*v)[0] > (*v)[1] ? (*v)[0] : (*v)[1];
}

static real max(int64_t n, const real *x) {
  const real low = -(real)INFINITY;
  real16 best[CHAINS];
  UNROLL(int c = 0; c < CHAINS; c++) best[c] = low - (real16){0};
  int64_t i = 0;
  for (; i + 16 * CHAINS <= n; i += 16 * CHAINS) UNROLL(int c = 0; c < CHAINS; c++)
  keep_larger((const real16 *)(x + i + c * 16), &best[c]);
  for (; i + 16 <= n; i += 16) keep_larger((const real16 *)(x + i), &best[0]);
  UNROLL(int c = 1; c < CHAINS; c++) keep_larger(&best[c], &best[0]);
  real largest = largest_lane(&best[0]);
  for (; i < n; i++)
    if (x[i] > largest) largest = x[i];
  return largest;
}

/* ---- rows with steps ------------------------------------------------------------- */

/* Rows are short here, a call of memcpy for each would cost more than the copying: so in
 * vectors, of which the last one overlaps the one before. */
#define COPY_ROWS(vector, width)                                                         \
  for (int64_t r = 0; r < rows; r++, x += x_step, y += y_step) {                         \
    for (int64_t i = 0; i + (width) < n; i += (width))                                   \
      *(vector *)(y + i) = *(const vector *)(x + i);                                     \
    *(vector *)(y + n - (width)) = *(const vector *)(x + n - (width));                   \
  }

static void copy_2d(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                    int64_t y_step) {
  if (n >= 8) {
    COPY_ROWS(real8, 8)
  } else if (n >= 4) {
    COPY_ROWS(real4, 4)
  } else if (n >= 2) {
    COPY_ROWS(real2, 2)
  } else if (n == 1) {
    for (int64_t r = 0; r < rows; r++) y[r * y_step] = x[r * x_step];
  }
}

static void add_2d(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                   int64_t y_step) {
  for (int64_t r = 0; r < rows; r++, x += x_step, y += y_step) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) *(real8 *)(y + i) += *(const real8 *)(x + i);
    if (n - i >= 4) {
      *(real4 *)(y + i) += *(const real4 *)(x + i);
      i += 4;
    }
    for (; i < n; i++) y[i] += x[i];
  }
}

#define ADD_UP(vector, lanes)                                                            \
  for (; i + (lanes) <= n; i += (lanes)) {                                               \
    vector sum = {0};                                                                    \
    for (int64_t r = 0; r < rows; r++) sum += *(const vector *)(x + r * x_step + i);     \
    *(vector *)(y + i) = sum;                                                            \
  }

static void add_up_rows(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y) {
  int64_t i = 0;
  ADD_UP(real16, 16)
  ADD_UP(real8, 8)
  ADD_UP(real4, 4)
  ADD_UP(real1, 1)
}

/* Eight or four elements `step` apart; nothing behind the last of them is read. (By a
 * pointer: how a vector is returned depends on the instruction set.) */
static inline void load8(const real *x, int64_t step, real8 *out) {
  if (step == 1) {
    *out = *(const real8 *)x;
  } else if (step == 2) {
    real8 low = *(const real8 *)x, high = *(const real8 *)(x + 7);
    *out = __builtin_shufflevector(low, high, 0, 2, 4, 6, 9, 11, 13, 15);
  } else {
    for (int lane = 0; lane < 8; lane++) (*out)[lane] = x[lane * step];
  }
}

static inline void load4(const real *x, int64_t step, real4 *out) {
  for (int lane = 0; lane < 4; lane++) (*out)[lane] = x[lane * step];
}

static void add_to_steps(int64_t n, int64_t step, const real *x, real *y) {
  int64_t i = 0;
  if (step == 1) {
    add(n, y, x, y);
    return;
  }
  for (; step == 2 && i + 8 < n; i += 8) { /* to the zeros' places too: nothing behind */
    const real8 value = *(const real8 *)(x + i), zero = {0};
    real8 *to = (real8 *)(y + 2 * i);
    to[0] += __builtin_shufflevector(value, zero, 0, 8, 1, 9, 2, 10, 3, 11);
    to[1] += __builtin_shufflevector(value, zero, 4, 12, 5, 13, 6, 14, 7, 15);
  }
  for (; i < n; i++) y[i * step] += x[i];
}

#include "kernels_lrn.h"
#include "kernels_norm.h"
#include "kernels_pool.h"
#include "kernels_product.h"
#include "kernels_random.h"
#include "kernels_softmax.h"
#include "kernels_taps.h"
#include "kernels_windows.h"
#include "kernels_winograd.h"

/* ---- gates of recurrent layers --------------------------------------------------- */

static void lstm(int64_t n, int64_t step, const real *bias, real *gates,
                 const real *before, real *c, real *h) {
  real *i = gates, *f = i + step, *g = f + step, *o = g + step, *squashed = o + step;
  const real *bi = bias, *bf = bi + step, *bg = bf + step, *bo = bg + step;
  EACH(int64_t u = 0; u < n; u++) {
    real in = sigmoid_one(i[u] + bi[u]), forget = sigmoid_one(f[u] + bf[u]);
    real value = tanh_one(g[u] + bg[u]), out = sigmoid_one(o[u] + bo[u]);
    real cell = forget * before[u] + in * value;
    real tanh_cell = tanh_one(cell);
    i[u] = in;
    f[u] = forget;
    g[u] = value;
    o[u] = out;
    squashed[u] = tanh_cell;
    c[u] = cell;
    h[u] = out * tanh_cell;
  }
}

static void lstm_back(int64_t n, int64_t step, const real *gates, const real *before,
                      const real *dout, real *carry, real *dc, real *dgates) {
  const real *i = gates, *f = i + step, *g = f + step, *o = g + step;
  const real *squashed = o + step;
  real *di = dgates, *df = di + step, *dg = df + step, *d_o = dg + step;
  EACH(int64_t u = 0; u < n; u++) {
    real dh = dout[u] + carry[u];
    real dcell = dc[u] + dh * o[u] * (1 - squashed[u] * squashed[u]);
    di[u] = dcell * g[u] * i[u] * (1 - i[u]);
    df[u] = dcell * before[u] * f[u] * (1 - f[u]);
    dg[u] = dcell * i[u] * (1 - g[u] * g[u]);
    d_o[u] = dh * squashed[u] * o[u] * (1 - o[u]);
    dc[u] = dcell * f[u];
    carry[u] = 0;
  }
}

static void gru(int64_t n, int64_t step, const real *bias, real *gates,
                const real *before, real *h) {
  real *r = gates, *z = r + step, *v = z + step, *part = v + step;
  const real *br = bias, *bz = br + step, *bv = bz + step, *bpart = bv + step;
  EACH(int64_t u = 0; u < n; u++) {
    real reset = sigmoid_one(r[u] + br[u]), keep = sigmoid_one(z[u] + bz[u]);
    real from_state = part[u] + bpart[u];
    real value = tanh_one(v[u] + bv[u] + reset * from_state);
    r[u] = reset;
    z[u] = keep;
    v[u] = value;
    part[u] = from_state;
    h[u] = value + keep * (before[u] - value);
  }
}

static void gru_back(int64_t n, int64_t step, const real *gates, const real *before,
                     const real *dout, real *carry, real *dgates) {
  const real *r = gates, *z = r + step, *v = z + step, *part = v + step;
  real *dr = dgates, *dz = dr + step, *dv = dz + step, *dpart = dv + step;
  EACH(int64_t u = 0; u < n; u++) {
    real dh = dout[u] + carry[u];
    real dvalue = dh * (1 - z[u]) * (1 - v[u] * v[u]);
    dr[u] = dvalue * part[u] * r[u] * (1 - r[u]);
    dz[u] = dh * (before[u] - v[u]) * z[u] * (1 - z[u]);
    dv[u] = dvalue;
    dpart[u] = dvalue * r[u];
    carry[u] = dh * z[u];
  }
}

/* ---- updates --------------------------------------------------------------------- */

static inline real sign_of(real w) {
  return (real)((w > 0) - (w < 0));
}

static inline real gradient(const update_terms *t, real grad, real w) {
  return t->scale * grad + t->l2 * w + t->l1 * sign_of(w);
}

static inline real mean_of(running mean, real old, real fresh) {
  return mean.keep * old + mean.take * fresh;
}

static void full_gradient(int64_t n, const update_terms *t, const real *grad,
                          const real *w, real *g) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) g[i] = gradient(&terms, grad[i], w[i]);
}

static void sgd_update(int64_t n, const update_terms *t, real mu, const real *grad,
                       real *w, real *v) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = gradient(&terms, grad[i], w[i]);
    v[i] = mu * v[i] - terms.rate * g;
    w[i] += v[i];
  }
}

static void nesterov_update(int64_t n, const update_terms *t, real mu, const real *grad,
                            real *w, real *v) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real old = v[i];
    v[i] = mu * old - terms.rate * gradient(&terms, grad[i], w[i]);
    w[i] += (1 + mu) * v[i] - mu * old;
  }
}

static void adagrad_update(int64_t n, const update_terms *t, real delta, const real *grad,
                           real *w, real *h) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = gradient(&terms, grad[i], w[i]);
    h[i] += g * g;
    w[i] -= terms.rate * g / (root(h[i]) + delta);
  }
}

static void rmsprop_update(int64_t n, const update_terms *t, running mean, real delta,
                           const real *grad, real *w, real *h) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = gradient(&terms, grad[i], w[i]);
    h[i] = mean_of(mean, h[i], g * g);
    w[i] -= terms.rate * g / (root(h[i]) + delta);
  }
}

static void adadelta_update(int64_t n, const update_terms *t, running mean, real delta,
                            const real *grad, real *w, real *h, real *u) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = gradient(&terms, grad[i], w[i]);
    h[i] = mean_of(mean, h[i], g * g);
    real d = g * root((u[i] + delta) / (h[i] + delta));
    u[i] = mean_of(mean, u[i], d * d);
    w[i] -= terms.rate * d;
  }
}

static void adam_update(int64_t n, const update_terms *t, running first, running second,
                        real delta, const real *grad, real *w, real *m, real *v) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = gradient(&terms, grad[i], w[i]);
    m[i] = mean_of(first, m[i], g);
    v[i] = mean_of(second, v[i], g * g);
    w[i] -= terms.rate * m[i] / (root(v[i]) + delta);
  }
}

static void adamw_update(int64_t n, const update_terms *t, running first, running second,
                         real delta, const real *grad, real *w, real *m, real *v) {
  const update_terms terms = *t;
  EACH(int64_t i = 0; i < n; i++) {
    real g = terms.scale * grad[i];
    m[i] = mean_of(first, m[i], g);
    v[i] = mean_of(second, v[i], g * g);
    real kept = w[i] - (terms.l2 * w[i] + terms.l1 * sign_of(w[i]));
    w[i] = kept - terms.rate * m[i] / (root(v[i]) + delta);
  }
}

extern const kernels KERNELS;
const kernels KERNELS = {
    .name = KERNELS_NAME,
    .fill = fill,
    .add = add,
    .sub = sub,
    .mul = mul,
    .div = divide,
    .scale = scale_by,
    .axpy = axpy,
    .add_scalar = add_scalar,
    .sum = sum,
    .sum_abs = sum_abs,
    .sum_squares = sum_squares,
    .dot = dot,
    .dot_negative = dot_negative,
    .max = max,
    .is_finite = is_finite,
    .exp = exp_all,
    .log = log_all,
    .relu = relu,
    .relu_back = relu_back,
    .sigmoid = sigmoid,
    .sigmoid_back = sigmoid_back,
    .tanh = tanh_all,
    .tanh_back = tanh_back,
    .silu = silu,
    .silu_back = silu_back,
    .gelu = gelu,
    .gelu_back = gelu_back,
    .gelu_tanh = gelu_tanh,
    .gelu_tanh_back = gelu_tanh_back,
    .elu = elu,
    .elu_back = elu_back,
    .softplus = softplus,
    .softplus_back = softplus_back,
    .uniform = uniform,
    .drop = drop,
    .drop_back = drop_back,
    .add_rows = add_rows,
    .sum_rows = sum_rows,
    .copy_2d = copy_2d,
    .add_2d = add_2d,
    .add_up = add_up_rows,
    .add_to_steps = add_to_steps,
    .softmax = softmax,
    .softmax_back = softmax_back,
    .log_softmax = log_softmax,
    .log_softmax_back = log_softmax_back,
    .softmax_columns = softmax_columns,
    .softmax_columns_back = softmax_columns_back,
    .max_pool_2x2 = max_pool_2x2,
    .max_pool_2x2_back = max_pool_2x2_back,
    .max_windows = max_windows,
    .mean_windows = mean_windows,
    .spread_windows = spread_windows,
    .fill_strip = fill_strip,
    .tap_rows = TAP_ROWS,
    .sum_taps = sum_taps,
    .sum_places = sum_places,
    .sum_windows = sum_windows,
    .multiply_windows = multiply_windows,
    .lanes = TAP_LANES,
    .winograd_spread = winograd_spread,
    .winograd_evaluate = winograd_evaluate,
    .winograd_combine = winograd_combine,
    .moments = moments,
    .moments_back = moments_back,
    .normalise = normalise,
    .normalise_back = normalise_back,
    .moments_columns = moments_columns,
    .moments_columns_back = moments_columns_back,
    .normalise_columns = normalise_columns,
    .normalise_columns_back = normalise_columns_back,
    .lrn_sums = lrn_sums,
    .lrn_scale = lrn_scale,
    .lrn_scale_back = lrn_scale_back,
    .lrn_back = lrn_back,
    .lstm = lstm,
    .lstm_back = lstm_back,
    .gru = gru,
    .gru_back = gru_back,
    .product = multiply,
    .pack = pack,
    .product_columns = PANEL,
    .transpose = transpose,
    .full_gradient = full_gradient,
    .sgd_update = sgd_update,
    .nesterov_update = nesterov_update,
    .adagrad_update = adagrad_update,
    .rmsprop_update = rmsprop_update,
    .adadelta_update = adadelta_update,
    .adam_update = adam_update,
    .adamw_update = adamw_update,
};
