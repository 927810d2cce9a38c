/* kernels_pool.h: windows of pooling; a part of kernels.c, whose vectors it uses. */

static inline void pool_one(const real *top, const real *bottom, real *y, real *which) {
  const real value[4] = {top[0], top[1], bottom[0], bottom[1]};
  int best = 0;
  for (int i = 1; i < 4; i++)
    if (value[i] > value[best] || value[i] != value[i]) best = i;
  *y = value[best];
  *which = (real)best;
}

/* Four windows at a time. */
#define TAKE(candidate, number)                                                          \
  do {                                                                                   \
    mask4 larger = ((candidate) > best) | ((candidate) != (candidate));                  \
    best = SELECT(real4, mask4, larger, candidate, best);                                \
    place =                                                                              \
        SELECT(real4, mask4, larger, ((real4){number, number, number, number}), place);  \
  } while (0)

static void max_pool_2x2(int64_t rows, int64_t n, int64_t width, const real *x, real *y,
                         real *which) {
  for (int64_t r = 0; r < rows; r++, x += 2 * width, y += n, which += n) {
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
      real8 top = *(const real8 *)(x + 2 * i);
      real8 bottom = *(const real8 *)(x + width + 2 * i);
      real4 best = __builtin_shufflevector(top, top, 0, 2, 4, 6), place = {0};
      TAKE(__builtin_shufflevector(top, top, 1, 3, 5, 7), 1);
      TAKE(__builtin_shufflevector(bottom, bottom, 0, 2, 4, 6), 2);
      TAKE(__builtin_shufflevector(bottom, bottom, 1, 3, 5, 7), 3);
      *(real4 *)(y + i) = best;
      *(real4 *)(which + i) = place;
    }
    for (; i < n; i++) pool_one(x + 2 * i, x + width + 2 * i, y + i, which + i);
  }
}

static void max_pool_2x2_back(int64_t rows, int64_t n, int64_t width, const real *which,
                              const real *dy, real *dx) {
  const real8 at_top = {0, 1, 0, 1, 0, 1, 0, 1}, at_bottom = {2, 3, 2, 3, 2, 3, 2, 3};
  for (int64_t r = 0; r < rows; r++, which += n, dy += n, dx += 2 * width) {
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
      real4 d = *(const real4 *)(dy + i), w = *(const real4 *)(which + i);
      real8 twice = __builtin_shufflevector(d, d, 0, 0, 1, 1, 2, 2, 3, 3);
      real8 place = __builtin_shufflevector(w, w, 0, 0, 1, 1, 2, 2, 3, 3);
      *(real8 *)(dx + 2 * i) = (real8)((place == at_top) & (mask8)twice);
      *(real8 *)(dx + width + 2 * i) = (real8)((place == at_bottom) & (mask8)twice);
    }
    for (; i < n; i++)
      for (int k = 0; k < 4; k++)
        dx[k / 2 * width + 2 * i + k % 2] = which[i] == (real)k ? dy[i] : 0;
  }
}

/* ---- windows of any size ----------------------------------------------------------- */

/* The first n lanes, fewer than 8, without a detour through memory; the others are 0. */
INLINE void load_some(const real *x, int64_t n, real8 *out) {
  real4 low = {0}, high = {0};
  if (n >= 4) {
    low = *(const real4 *)x;
    x += 4;
  }
  if (n & 2) {
    high[0] = x[0];
    high[1] = x[1];
    x += 2;
  }
  if ((n & 3) == 3) high[2] = x[0];
  if ((n & 3) == 1) high[0] = x[0];
  if (n >= 4)
    *out = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  else
    *out = __builtin_shufflevector(high, low, 0, 1, 2, 3, 4, 5, 6, 7);
}

INLINE void store_some(const real8 *x, int64_t n, real *y) {
  real4 low = __builtin_shufflevector(*x, *x, 0, 1, 2, 3);
  if (n >= 4) {
    *(real4 *)y = low;
    low = __builtin_shufflevector(*x, *x, 4, 5, 6, 7);
    y += 4;
  }
  if (n & 2) {
    y[0] = low[0];
    y[1] = low[1];
    y += 2;
  }
  if ((n & 3) == 3) y[0] = low[2];
  if ((n & 3) == 1) y[0] = low[0];
}

/* Of each lane the larger and its place; a NaN in `value` is taken, one in `best` stays.
 */
INLINE void take_larger(const real8 *value, const real8 *place, real8 *best, real8 *at) {
  mask8 take = (*value > *best) | (*value != *value);
  *best = SELECT(real8, mask8, take, *value, *best);
  *at = SELECT(real8, mask8, take, *place, *at);
}

/* Of one row of each of eight windows, of which the first columns have these places. */
INLINE void max_of_row(const int64_t columns, const int64_t step, const real *x,
                       const real8 *first, real8 *best, real8 *at) {
  real8 place = *first, value;
  load8(x, step, best);
  *at = place;
  for (int64_t c = 1; c < columns; c++) {
    place += 1;
    load8(x + c, step, &value);
    take_larger(&value, &place, best, at);
  }
}

/* Rows one by one, so that comparisons need not wait for all those before them. */
INLINE void max_of_eight(const int64_t rows, const int64_t columns, const int64_t step,
                         const pool_windows *w, int64_t i, const real *x, real8 *best,
                         real8 *at) {
  const real8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  real8 first = (real)(w->place + i * step) + (real)step * lanes, other, there;
  const real8 lowest = (real)w->lowest - (real8){0};
  max_of_row(columns, step, x + i * step, &first, best, at);
  for (int64_t r = 1; r < rows; r++) {
    first += (real)w->places;
    max_of_row(columns, step, x + r * w->width + i * step, &first, &other, &there);
    take_larger(&other, &there, best, at);
  }
  *at = SELECT(real8, mask8, *at < lowest, lowest, *at);
}

/* The last eight may overlap those before. */
INLINE void max_windows_of(const int64_t rows, const int64_t columns, const int64_t step,
                           const pool_windows *w, const real *x, real *y, real *places) {
  int64_t n = w->count;
  real8 best, at;
  for (int64_t i = 0; n >= 8; i = i + 16 <= n ? i + 8 : n - 8) {
    max_of_eight(rows, columns, step, w, i, x, &best, &at);
    *(real8 *)(y + i) = best;
    *(real8 *)(places + i) = at;
    if (i == n - 8) return;
  }
  max_of_eight(rows, columns, step, w, 0, x, &best, &at);
  store_some(&best, n, y);
  store_some(&at, n, places);
}

static void max_windows(const pool_windows *w, const real *x, real *y, real *places) {
  if (w->step == 2 && w->rows == 3 && w->columns == 3)
    max_windows_of(3, 3, 2, w, x, y, places);
  else if (w->step == 2)
    max_windows_of(w->rows, w->columns, 2, w, x, y, places);
  else if (w->step == 1)
    max_windows_of(w->rows, w->columns, 1, w, x, y, places);
  else
    max_windows_of(w->rows, w->columns, w->step, w, x, y, places);
}

static inline void mean_windows_step(int64_t n, int64_t columns, const int64_t step,
                                     const real *x, const real *size, real by, real *y) {
  for (int64_t i = 0; i < n; i += 8) {
    real8 sum = {0}, value;
    for (int64_t c = 0; c < columns; c++) {
      load8(x + i * step + c, step, &value);
      sum += value;
    }
    sum /= by * *(const real8 *)(size + i);
    if (i + 8 <= n)
      *(real8 *)(y + i) = sum;
    else
      store_some(&sum, n - i, y + i);
  }
}

static void mean_windows(int64_t n, int64_t columns, int64_t step, const real *x,
                         const real *size, real by, real *y) {
  if (step == 2)
    mean_windows_step(n, columns, 2, x, size, by, y);
  else if (step == 1)
    mean_windows_step(n, columns, 1, x, size, by, y);
  else
    mean_windows_step(n, columns, step, x, size, by, y);
}

/* Windows of one to four columns that begin two apart: a place is in that of its own
 * pair of places and, for the third and fourth column, in the one before. */
INLINE void spread_pairs(const int64_t columns, int64_t n, const real *dy,
                         const real *size, real by, real *dx) {
  real8 before = {0};
  for (int64_t i = 0; i <= n; i += 8) {
    real8 part = {0};
    if (i + 8 <= n)
      part = *(const real8 *)(dy + i);
    else
      load_some(dy + i, n - i, &part);
    if (i < n) part /= by * *(const real8 *)(size + i);
    real8 both =
        part + __builtin_shufflevector(before, part, 7, 8, 9, 10, 11, 12, 13, 14);
    real8 even = part, odd = {0};
    if (columns > 1) odd = part;
    if (columns > 2) even = both;
    if (columns > 3) odd = both;
    real8 *to = (real8 *)(dx + 2 * i);
    to[0] = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    to[1] = __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
    before = part;
  }
}

#define PARTS 64 /* windows whose parts are worked out at a time */

static void spread_windows(int64_t n, int64_t columns, int64_t step, const real *dy,
                           const real *size, real by, real *dx) {
  if (step == 2 && columns <= 4) {
    spread_pairs(columns, n, dy, size, by, dx);
    return;
  }
  real part[PARTS];
  fill((n - 1) * step + columns, 0, dx);
  for (int64_t i = 0; i < n; i += PARTS) {
    int64_t count = n - i < PARTS ? n - i : PARTS;
    EACH(int64_t j = 0; j < count; j++) part[j] = dy[i + j] / (by * size[i + j]);
    for (int64_t c = 0; c < columns; c++)
      add_to_steps(count, step, part, dx + i * step + c);
  }
}
