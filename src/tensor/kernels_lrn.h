/* kernels_lrn.h: local response normalisation (layers/lrn.c); a part of kernels.c. */

/* ---- sums over rows ---- */

/* Places i .. i + lanes - 1 at a time, as long as there are so many. */
#define LRN_SUMS(vector, lanes)                                                          \
  for (; i + (lanes) <= n; i += (lanes)) {                                               \
    vector sum = {0};                                                                    \
    for (int64_t r = 0; r < rows; r++) {                                                 \
      vector value = *(const vector *)(x + r * step + i);                                \
      sum += value * value;                                                              \
    }                                                                                    \
    *(vector *)(s + i) = add + factor * sum;                                             \
  }

static void lrn_sums(int64_t rows, int64_t n, int64_t step, real factor, real add,
                     const real *x, real *s) {
  int64_t i = 0;
  LRN_SUMS(real16, 16)
  LRN_SUMS(real4, 4)
  LRN_SUMS(real1, 1)
}

#define LRN_BACK(vector, lanes)                                                          \
  for (; i + (lanes) <= n; i += (lanes)) {                                               \
    vector sum = {0};                                                                    \
    for (int64_t r = 0; r < rows; r++) sum += *(const vector *)(ratios + r * step + i);  \
    *(vector *)(dx + i) -= factor * *(const vector *)(x + i) * sum;                      \
  }

static void lrn_back(int64_t rows, int64_t n, int64_t step, real factor,
                     const real *ratios, const real *x, real *dx) {
  int64_t i = 0;
  LRN_BACK(real16, 16)
  LRN_BACK(real4, 4)
  LRN_BACK(real1, 1)
}

/* ---- the power ---- */

/* By roots, which are faster than a logarithm and an exponential, and nearer. The product
 * of two of them does not overflow where the result is a number. */
enum { ANY_BETA, BETA_HALF, BETA_THREE_QUARTERS, BETA_ONE };

INLINE real lrn_power(const int kind, real beta, real s, real x) {
  real by = kind == BETA_ONE ? s : root(s);
  if (kind == BETA_THREE_QUARTERS) by *= root(by);
  return kind == ANY_BETA ? x * exp_one(-beta * log_one(s)) : x / by;
}

#define EACH_BETA(run, ...)                                                              \
  do {                                                                                   \
    if (beta == (real)0.75)                                                              \
      run(BETA_THREE_QUARTERS, __VA_ARGS__);                                             \
    else if (beta == (real)0.5)                                                          \
      run(BETA_HALF, __VA_ARGS__);                                                       \
    else if (beta == 1)                                                                  \
      run(BETA_ONE, __VA_ARGS__);                                                        \
    else                                                                                 \
      run(ANY_BETA, __VA_ARGS__);                                                        \
  } while (0)

INLINE void lrn_scale_by(const int kind, int64_t n, real beta, const real *s,
                         const real *x, real *y) {
  EACH(int64_t i = 0; i < n; i++) y[i] = lrn_power(kind, beta, s[i], x[i]);
}

static void lrn_scale(int64_t n, real beta, const real *s, const real *x, real *y) {
  EACH_BETA(lrn_scale_by, n, beta, s, x, y);
}

INLINE void lrn_scale_back_by(const int kind, int64_t n, real beta, const real *s,
                              const real *x, const real *dy, real *dx, real *ratios) {
  EACH(int64_t i = 0; i < n; i++) {
    dx[i] = lrn_power(kind, beta, s[i], dy[i]);
    ratios[i] = dx[i] * x[i] / s[i];
  }
}

static void lrn_scale_back(int64_t n, real beta, const real *s, const real *x,
                           const real *dy, real *dx, real *ratios) {
  EACH_BETA(lrn_scale_back_by, n, beta, s, x, dy, dx, ratios);
}
