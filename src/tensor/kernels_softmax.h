/* kernels_softmax.h: softmax; a part of kernels.c, whose vectors and sums it uses. */

static double softmax(int64_t n, const real *x, real *y) {
  real largest = max(n, x);
  EACH(int64_t i = 0; i < n; i++) y[i] = exp_one(x[i] - largest);
  double total = sum(n, y);
  scale_by(n, (real)(1 / total), y, y);
  return (double)largest + log(total);
}

static void softmax_back(int64_t n, const real *y, const real *dy, real *dx) {
  const real mean = (real)dot(n, y, dy);
  EACH(int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - mean);
}

/* From the scores, not as the logarithm of what may have become zero. */
static void log_softmax(int64_t n, const real *x, real *y) {
  const double lse = softmax(n, x, y);
  EACH(int64_t i = 0; i < n; i++) y[i] = (real)((double)x[i] - lse);
}

static void log_softmax_back(int64_t n, const real *y, const real *dy, real *dx) {
  const double total = sum(n, dy);
  EACH(int64_t i = 0; i < n; i++)
  dx[i] = (real)((double)dy[i] - (double)exp_one(y[i]) * total);
}

#define PLACES 64 /* that are worked on side by side */

/* A NaN is passed over, as in `max`. */
static void softmax_places(int64_t classes, int64_t n, int64_t step, const real *x,
                           real *y, double *lse) {
  real largest[PLACES], factor[PLACES];
  double total[PLACES] = {0};
  for (int64_t i = 0; i < n; i++) largest[i] = -(real)INFINITY;
  for (int64_t c = 0; c < classes; c++) EACH(int64_t i = 0; i < n; i++)
  largest[i] = x[c * step + i] > largest[i] ? x[c * step + i] : largest[i];
  for (int64_t c = 0; c < classes; c++) {
    EACH(int64_t i = 0; i < n; i++)
    y[c * step + i] = exp_one(x[c * step + i] - largest[i]);
    EACH(int64_t i = 0; i < n; i++) total[i] += (double)y[c * step + i];
  }
  for (int64_t i = 0; i < n; i++) factor[i] = (real)(1 / total[i]);
  for (int64_t c = 0; c < classes; c++)
    EACH(int64_t i = 0; i < n; i++) y[c * step + i] *= factor[i];
  for (int64_t i = 0; lse && i < n; i++) lse[i] = (double)largest[i] + log(total[i]);
}

static void softmax_columns(int64_t classes, int64_t n, int64_t step, const real *x,
                            real *y, double *lse) {
  for (int64_t i = 0; i < n; i += PLACES)
    softmax_places(classes, n - i < PLACES ? n - i : PLACES, step, x + i, y + i,
                   lse ? lse + i : NULL);
}

static void softmax_places_back(int64_t classes, int64_t n, int64_t step, const real *y,
                                const real *dy, real *dx) {
  double total[PLACES] = {0};
  real mean[PLACES];
  for (int64_t c = 0; c < classes; c++) EACH(int64_t i = 0; i < n; i++)
  total[i] += (double)y[c * step + i] * (double)dy[c * step + i];
  for (int64_t i = 0; i < n; i++) mean[i] = (real)total[i];
  for (int64_t c = 0; c < classes; c++) EACH(int64_t i = 0; i < n; i++)
  dx[c * step + i] = y[c * step + i] * (dy[c * step + i] - mean[i]);
}

static void softmax_columns_back(int64_t classes, int64_t n, int64_t step, const real *y,
                                 const real *dy, real *dx) {
  for (int64_t i = 0; i < n; i += PLACES)
    softmax_places_back(classes, n - i < PLACES ? n - i : PLACES, step, y + i, dy + i,
                        dx + i);
}
