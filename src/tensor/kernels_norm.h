/* kernels_norm.h: the passes of normalisation; a part of kernels.c, whose vectors and
 * loops it uses. Several rows go into one call, since planes may be small. */

/* Rows of these, and what is left of a row; `rest` is added to one by one. */
#define ROW_SUMS(body_wide, body_one)                                                    \
  for (int64_t r = 0; r < rows; r++) {                                                   \
    int64_t i = r * step, end = i + n;                                                   \
    for (; i + LANES * CHAINS <= end; i += LANES * CHAINS)                               \
      for (int c = 0; c < CHAINS; c++) body_wide(c, i + c * LANES);                      \
    for (; i + LANES <= end; i += LANES) body_wide(0, i);                                \
    for (; i < end; i++) body_one(i);                                                    \
  }

static void moments(int64_t rows, int64_t n, int64_t step, real pivot, const real *x,
                    double sums[2]) {
  wide first[CHAINS] = {{0}}, second[CHAINS] = {{0}};
  double rest[2] = {0};
#define WIDE(c, at)                                                                      \
  {                                                                                      \
    wide d = LOAD(x + (at)) - (double)pivot;                                             \
    first[c] += d;                                                                       \
    second[c] += d * d;                                                                  \
  }
#define ONE(at)                                                                          \
  {                                                                                      \
    double d = (double)x[at] - (double)pivot;                                            \
    rest[0] += d;                                                                        \
    rest[1] += d * d;                                                                    \
  }
  ROW_SUMS(WIDE, ONE)
#undef WIDE
#undef ONE
  sums[0] = add_up(first) + rest[0];
  sums[1] = add_up(second) + rest[1];
}

/* y of the line, the same bits wherever it is worked out. */
#define ON_LINE(a, x) ((a)->by_x * ((x) - (a)->mean) + (a)->shift)

/* dy, or 0 where the line and the relu behind it gave 0. */
INLINE void load_back(const bool relu, const norm_line *ahead, const real *x,
                      const real *dy, wide *to) {
  real8 d = *(const real8 *)dy;
  if (relu) {
    real8 y = ON_LINE(ahead, *(const real8 *)x);
    d = (real8)(~(mask8)(y <= 0) & (mask8)d);
  }
  *to = __builtin_convertvector(d, wide);
}

INLINE real back_one(const bool relu, const norm_line *ahead, real x, real dy) {
  return relu && ON_LINE(ahead, x) <= 0 ? 0 : dy;
}

INLINE void moments_back_of(const bool relu, int64_t rows, int64_t n, int64_t step,
                            const norm_line *line, const real *x, const real *dy,
                            double sums[2]) {
  const norm_line ahead = *line;
  wide first[CHAINS] = {{0}}, second[CHAINS] = {{0}};
  double rest[2] = {0};
#define WIDE(c, at)                                                                      \
  {                                                                                      \
    wide d;                                                                              \
    load_back(relu, &ahead, x + (at), dy + (at), &d);                                    \
    first[c] += d;                                                                       \
    second[c] += d * (LOAD(x + (at)) - (double)ahead.mean);                              \
  }
#define ONE(at)                                                                          \
  {                                                                                      \
    double d = back_one(relu, &ahead, x[at], dy[at]);                                    \
    rest[0] += d;                                                                        \
    rest[1] += d * ((double)x[at] - (double)ahead.mean);                                 \
  }
  ROW_SUMS(WIDE, ONE)
#undef WIDE
#undef ONE
  sums[0] = add_up(first) + rest[0];
  sums[1] = add_up(second) + rest[1];
}

static void moments_back(int64_t rows, int64_t n, int64_t step, const norm_line *ahead,
                         const real *x, const real *dy, double sums[2]) {
  if (ahead->relu)
    moments_back_of(true, rows, n, step, ahead, x, dy, sums);
  else
    moments_back_of(false, rows, n, step, ahead, x, dy, sums);
}

INLINE void normalise_of(const bool relu, int64_t rows, int64_t n, int64_t step,
                         const norm_line *line, const real *x, real *y) {
  const norm_line a = *line;
  for (int64_t r = 0; r < rows; r++, x += step, y += step)
    EACH(int64_t i = 0; i < n; i++) {
      real v = ON_LINE(&a, x[i]);
      y[i] = relu && v <= 0 ? 0 : v;
    }
}

static void normalise(int64_t rows, int64_t n, int64_t step, const norm_line *line,
                      const real *x, real *y) {
  if (line->relu)
    normalise_of(true, rows, n, step, line, x, y);
  else
    normalise_of(false, rows, n, step, line, x, y);
}

INLINE void normalise_back_of(const bool relu, int64_t rows, int64_t n, int64_t step,
                              const norm_line *ahead, const norm_line *line,
                              const real *x, const real *dy, real *dx) {
  const norm_line a = *line, before = *ahead;
  for (int64_t r = 0; r < rows; r++, x += step, dy += step, dx += step)
    EACH(int64_t i = 0; i < n; i++)
  dx[i] = a.by_dy * back_one(relu, &before, x[i], dy[i]) + ON_LINE(&a, x[i]);
}

static void normalise_back(int64_t rows, int64_t n, int64_t step, const norm_line *ahead,
                           const norm_line *line, const real *x, const real *dy,
                           real *dx) {
  if (ahead->relu)
    normalise_back_of(true, rows, n, step, ahead, line, x, dy, dx);
  else
    normalise_back_of(false, rows, n, step, ahead, line, x, dy, dx);
}

/* ---- columns ---- */

static void moments_columns(int64_t rows, int64_t n, int64_t step, const real *pivot,
                            const real *x, double *sums, double *squares) {
  for (int64_t i = 0; i < n; i++) sums[i] = squares[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += step) EACH(int64_t i = 0; i < n; i++) {
      double d = (double)x[i] - (double)pivot[i];
      sums[i] += d;
      squares[i] += d * d;
    }
}

static void moments_columns_back(int64_t rows, int64_t n, int64_t step, const real *mean,
                                 const real *x, const real *dy, double *sums,
                                 double *products) {
  for (int64_t i = 0; i < n; i++) sums[i] = products[i] = 0;
  for (int64_t r = 0; r < rows; r++, x += step, dy += step)
    EACH(int64_t i = 0; i < n; i++) {
      sums[i] += dy[i];
      products[i] += (double)dy[i] * ((double)x[i] - (double)mean[i]);
    }
}

static void normalise_columns(int64_t rows, int64_t n, int64_t step,
                              const norm_lines *lines, const real *x, real *y) {
  const norm_lines a = *lines;
  for (int64_t r = 0; r < rows; r++, x += step, y += step)
    EACH(int64_t i = 0; i < n; i++) y[i] = a.by_x[i] * (x[i] - a.mean[i]) + a.shift[i];
}

static void normalise_columns_back(int64_t rows, int64_t n, int64_t step,
                                   const norm_lines *lines, const real *x, const real *dy,
                                   real *dx) {
  const norm_lines a = *lines;
  for (int64_t r = 0; r < rows; r++, x += step, dy += step, dx += step)
    EACH(int64_t i = 0; i < n; i++)
  dx[i] = a.by_dy[i] * dy[i] + (a.by_x[i] * (x[i] - a.mean[i]) + a.shift[i]);
}
