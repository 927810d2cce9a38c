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

static void moments_back(int64_t rows, int64_t n, int64_t step, real mean, const real *x,
                         const real *dy, double sums[2]) {
  wide first[CHAINS] = {{0}}, second[CHAINS] = {{0}};
  double rest[2] = {0};
#define WIDE(c, at)                                                                      \
  {                                                                                      \
    wide d = LOAD(dy + (at));                                                            \
    first[c] += d;                                                                       \
    second[c] += d * (LOAD(x + (at)) - (double)mean);                                    \
  }
#define ONE(at)                                                                          \
  {                                                                                      \
    rest[0] += dy[at];                                                                   \
    rest[1] += (double)dy[at] * ((double)x[at] - (double)mean);                          \
  }
  ROW_SUMS(WIDE, ONE)
#undef WIDE
#undef ONE
  sums[0] = add_up(first) + rest[0];
  sums[1] = add_up(second) + rest[1];
}

static void normalise(int64_t rows, int64_t n, int64_t step, const norm_line *line,
                      const real *x, real *y) {
  const norm_line a = *line;
  for (int64_t r = 0; r < rows; r++, x += step, y += step)
    EACH(int64_t i = 0; i < n; i++) y[i] = a.by_x * (x[i] - a.mean) + a.shift;
}

static void normalise_back(int64_t rows, int64_t n, int64_t step, const norm_line *line,
                           const real *x, const real *dy, real *dx) {
  const norm_line a = *line;
  for (int64_t r = 0; r < rows; r++, x += step, dy += step, dx += step)
    EACH(int64_t i = 0; i < n; i++)
  dx[i] = a.by_dy * dy[i] + (a.by_x * (x[i] - a.mean) + a.shift);
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
