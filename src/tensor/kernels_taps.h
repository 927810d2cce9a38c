/* kernels_taps.h: the inner loops of convolution; a part of kernels.c.
 *
 * A block of sums is held in registers: some rows (output channels), each in some vectors
 * of neighbouring places. A tap is one load for each vector and one weight, spread over a
 * vector, for each row. The sizes of blocks are constants where they are used, so that
 * the compiler unrolls the loops over them and keeps the sums where they belong. */

/* As wide as this instruction set's registers. */
#if defined(__AVX512F__)
#define TAP_BYTES 64
#elif defined(__AVX__)
#define TAP_BYTES 32
#else
#define TAP_BYTES 16
#endif
#ifdef LANDER_REAL_DOUBLE
#define TAP_LANES (TAP_BYTES / 8)
#else
#define TAP_LANES (TAP_BYTES / 4)
#endif
typedef real tap_vector
    __attribute__((vector_size(TAP_BYTES), aligned(sizeof(real)), may_alias));

typedef real_int tap_mask
    __attribute__((vector_size(TAP_BYTES), aligned(sizeof(real)), may_alias));

/* The registers: 32 with AVX-512, 16 elsewhere. */
#if defined(__AVX512F__)
#define TAP_ROWS  8
#define BACK_ROWS 4
#define BACK_TAPS 6
#else
#define TAP_ROWS  4
#define BACK_ROWS 3
#define BACK_TAPS 3
#endif
#define BACK_SUMS    ((BACK_ROWS * BACK_TAPS + 3) / 4 * 4)
#define MOST_VECTORS 8

/* ---- sums over the taps ----------------------------------------------------------- */

INLINE void taps_block(const taps *t, const real *x, const real *w, const real *bias,
                       real *y, int64_t y_step, const int rows, const int vectors) {
  tap_vector sum[TAP_ROWS][MOST_VECTORS], at[MOST_VECTORS];
  UNROLL(int r = 0; r < rows; r++)
  UNROLL(int v = 0; v < vectors; v++) sum[r][v] = (tap_vector){0} + (bias ? bias[r] : 0);
  for (int64_t c = 0; c < t->channels; c++, x += t->channel_step)
    for (int64_t j = 0; j < t->columns; j++) {
      const real *from = x + j * t->column_step;
      for (int64_t i = 0; i < t->rows; i++, from += t->row_step, w += rows) {
        UNROLL(int v = 0; v < vectors; v++)
        at[v] = *(const tap_vector *)(from + v * TAP_LANES);
        UNROLL(int r = 0; r < rows; r++)
        UNROLL(int v = 0; v < vectors; v++) sum[r][v] += w[r] * at[v];
      }
    }
  UNROLL(int r = 0; r < rows; r++)
  UNROLL(int v = 0; v < vectors; v++)
  *(tap_vector *)(y + r * y_step + v * TAP_LANES) = sum[r][v];
}

INLINE void taps_rows(int64_t n, const taps *t, const real *x, const real *w,
                      const real *bias, real *y, int64_t y_step, const int rows,
                      const int vectors) {
  int64_t q = 0;
  for (; q + vectors * TAP_LANES <= n; q += vectors * TAP_LANES)
    taps_block(t, x + q, w, bias, y + q, y_step, rows, vectors);
  for (; q + TAP_LANES <= n; q += TAP_LANES)
    taps_block(t, x + q, w, bias, y + q, y_step, rows, 1);
  if (q == n) return;
  real last[TAP_ROWS * TAP_LANES];
  taps_block(t, x + q, w, bias, last, TAP_LANES, rows, 1);
  for (int r = 0; r < rows; r++)
    memcpy(y + r * y_step + q, last + r * TAP_LANES, (size_t)(n - q) * sizeof(real));
}

/* The fewer rows, the more vectors: enough sums that none waits for the one before it. */
static void sum_taps(int rows, int64_t n, const taps *t, const real *x, const real *w,
                     const real *bias, real *y, int64_t y_step) {
  switch (rows) {
#if TAP_ROWS == 8
  case 8: taps_rows(n, t, x, w, bias, y, y_step, 8, 2); return;
  case 7: taps_rows(n, t, x, w, bias, y, y_step, 7, 2); return;
  case 6: taps_rows(n, t, x, w, bias, y, y_step, 6, 2); return;
  case 5: taps_rows(n, t, x, w, bias, y, y_step, 5, 2); return;
  case 4: taps_rows(n, t, x, w, bias, y, y_step, 4, 4); return;
  case 3: taps_rows(n, t, x, w, bias, y, y_step, 3, 4); return;
  case 2: taps_rows(n, t, x, w, bias, y, y_step, 2, 8); return;
  default: taps_rows(n, t, x, w, bias, y, y_step, 1, 8); return;
#else
  case 4: taps_rows(n, t, x, w, bias, y, y_step, 4, 3); return;
  case 3: taps_rows(n, t, x, w, bias, y, y_step, 3, 3); return;
  case 2: taps_rows(n, t, x, w, bias, y, y_step, 2, 4); return;
  default: taps_rows(n, t, x, w, bias, y, y_step, 1, 8); return;
#endif
  }
}

/* ---- sums over the places --------------------------------------------------------- */

/* Halves added, and again, down to four lanes. */
INLINE void fold(const tap_vector *v, real4 *four) {
#if TAP_LANES == 16
  real8 half = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7) +
               __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
  *four = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
          __builtin_shufflevector(half, half, 4, 5, 6, 7);
#elif TAP_LANES == 8
  *four = __builtin_shufflevector(*v, *v, 0, 1, 2, 3) +
          __builtin_shufflevector(*v, *v, 4, 5, 6, 7);
#elif TAP_LANES == 4
  *four = *v;
#else
  *four = (real4){(*v)[0], (*v)[1]};
#endif
}

/* total[i] = all lanes of sum[i], for four vectors at a time, of which each gives the
 * lanes of one vector in the end. */
INLINE void add_lanes(const tap_vector sum[4], real *total) {
  real4 part[4];
  UNROLL(int i = 0; i < 4; i++) fold(&sum[i], &part[i]);
  real4 low = __builtin_shufflevector(part[0], part[1], 0, 4, 1, 5) +
              __builtin_shufflevector(part[0], part[1], 2, 6, 3, 7);
  real4 high = __builtin_shufflevector(part[2], part[3], 0, 4, 1, 5) +
               __builtin_shufflevector(part[2], part[3], 2, 6, 3, 7);
  *(real4 *)total = __builtin_shufflevector(low, high, 0, 1, 4, 5) +
                    __builtin_shufflevector(low, high, 2, 3, 6, 7);
}

/* What is left of a row, and zeros. */
INLINE void load_rest(const real *from, int64_t rest, tap_vector *to) {
  real lane[TAP_LANES] = {0};
  memcpy(lane, from, (size_t)rest * sizeof(real));
  memcpy(to, lane, sizeof lane);
}

/* The last `rest` lanes of a vector, and zeros before them. */
INLINE void load_last(const real *from, int64_t rest, tap_vector *to) {
  tap_mask mask;
  UNROLL(int i = 0; i < TAP_LANES; i++) mask[i] = i >= TAP_LANES - rest ? -1 : 0;
  *to = (tap_vector)(mask & (tap_mask) * (const tap_vector *)from);
}

/* Some taps: where they begin in x, and where their sums go in a row of dw. */
typedef struct tap_places {
  int64_t from[BACK_TAPS], to[BACK_TAPS];
} tap_places;

INLINE void back_block(const taps_back *b, const tap_places *p, int64_t row,
                       const int rows, const int count) {
  tap_vector sum[BACK_SUMS], d[BACK_ROWS], at; /* sum[r * count + k] */
  const int sums = (rows * count + 3) / 4 * 4;
  UNROLL(int i = 0; i < sums; i++) sum[i] = (tap_vector){0};
  for (int64_t image = 0; image < b->images; image++) {
    const real *dy = b->dy + image * b->dy_image + row * b->dy_step;
    const real *x[BACK_TAPS];
    UNROLL(int k = 0; k < count; k++) x[k] = b->x + image * b->x_image + p->from[k];
    int64_t q = 0;
    for (; q + TAP_LANES <= b->n; q += TAP_LANES) {
      UNROLL(int r = 0; r < rows; r++)
      d[r] = *(const tap_vector *)(dy + r * b->dy_step + q);
      UNROLL(int k = 0; k < count; k++) {
        at = *(const tap_vector *)(x[k] + q);
        UNROLL(int r = 0; r < rows; r++) sum[r * count + k] += d[r] * at;
      }
    }
    if (q == b->n) continue;
    /* The last places: in whole vectors that overlap the ones before, whose places are
     * covered with zeros in dy; or, where there are too few, beside zeros. */
    if (b->n >= TAP_LANES) {
      UNROLL(int r = 0; r < rows; r++)
      load_last(dy + r * b->dy_step + b->n - TAP_LANES, b->n - q, &d[r]);
      q = b->n - TAP_LANES;
    } else {
      UNROLL(int r = 0; r < rows; r++) load_rest(dy + r * b->dy_step, b->n, &d[r]);
    }
    UNROLL(int k = 0; k < count; k++) {
      if (b->n >= TAP_LANES)
        at = *(const tap_vector *)(x[k] + q);
      else
        load_rest(x[k], b->n, &at);
      UNROLL(int r = 0; r < rows; r++) sum[r * count + k] += d[r] * at;
    }
  }
  real total[BACK_SUMS];
  UNROLL(int i = 0; i < sums; i += 4) add_lanes(sum + i, total + i);
  UNROLL(int r = 0; r < rows; r++)
  UNROLL(int k = 0; k < count; k++)
  b->dw[(row + r) * b->dw_step + p->to[k]] += total[r * count + k];
}

/* Sums go to dw in the order of weights: (channel, row, column). */
static void find_places(const taps *t, int64_t first, int64_t count, tap_places *p) {
  for (int64_t k = 0; k < count; k++) {
    int64_t i = (first + k) % t->rows, j = (first + k) / t->rows % t->columns;
    int64_t c = (first + k) / t->rows / t->columns;
    p->from[k] = c * t->channel_step + j * t->column_step + i * t->row_step;
    p->to[k] = (c * t->rows + i) * t->columns + j;
  }
}

INLINE void back_rows(const taps_back *b, const tap_places *p, int count, int64_t row,
                      const int rows) {
  switch (count) {
#if BACK_TAPS == 6
  case 6: back_block(b, p, row, rows, 6); return;
  case 5: back_block(b, p, row, rows, 5); return;
  case 4: back_block(b, p, row, rows, 4); return;
#endif
  case 3: back_block(b, p, row, rows, 3); return;
  case 2: back_block(b, p, row, rows, 2); return;
  default: back_block(b, p, row, rows, 1); return;
  }
}

/* Blocks of nearly the same size. */
static void sum_places(const taps_back *b) {
  const taps *t = &b->taps;
  int64_t all = t->channels * t->columns * t->rows;
  int64_t row_blocks = (b->rows + BACK_ROWS - 1) / BACK_ROWS;
  int64_t tap_blocks = (all + BACK_TAPS - 1) / BACK_TAPS;
  for (int64_t i = 0; i < row_blocks; i++) {
    int64_t row = b->rows * i / row_blocks, rows = b->rows * (i + 1) / row_blocks - row;
    for (int64_t k = 0; k < tap_blocks; k++) {
      tap_places p;
      int64_t first = all * k / tap_blocks, count = all * (k + 1) / tap_blocks - first;
      find_places(t, first, count, &p);
      switch (rows) {
#if BACK_ROWS == 4
      case 4: back_rows(b, &p, (int)count, row, 4); break;
#endif
      case 3: back_rows(b, &p, (int)count, row, 3); break;
      case 2: back_rows(b, &p, (int)count, row, 2); break;
      default: back_rows(b, &p, (int)count, row, 1); break;
      }
    }
  }
}

/* ---- strips ------------------------------------------------------------------------ */

static void copy_steps(int64_t n, int64_t step, const real *x, real *y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    real8 value;
    load8(x + i * step, step, &value);
    *(real8 *)(y + i) = value;
  }
  for (; i < n; i++) y[i] = x[i * step];
}

static inline void load16(const real *x, int64_t step, real16 *out) {
  if (step == 1) {
    *out = *(const real16 *)x;
  } else {
    real16 low = *(const real16 *)x, high = *(const real16 *)(x + 15);
    *out = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23,
                                   25, 27, 29, 31);
  }
}

/* Rows of a strip by vectors, of which the last one overlaps the one before. What lies
 * outside of the image is read all the same, and covered with zeros. Numbers are `step`,
 * 1 or 2, apart: a constant, as all that the loads look at. */
#define STRIP_ROWS(vector, mask_type, lanes, load, step)                                 \
  do {                                                                                   \
    mask_type mask[STRIP_VECTORS];                                                       \
    int64_t at[STRIP_VECTORS];                                                           \
    int vectors = (int)((s->width + (lanes)-1) / (lanes));                               \
    for (int v = 0; v < vectors; v++) {                                                  \
      at[v] = v + 1 < vectors ? v * (lanes) : s->width - (lanes);                        \
      for (int i = 0; i < (lanes); i++)                                                  \
        mask[v][i] = at[v] + i >= s->begin && at[v] + i < s->end ? -1 : 0;               \
    }                                                                                    \
    for (int64_t r = first; r < last; r++)                                               \
      for (int v = 0; v < vectors; v++) {                                                \
        vector value;                                                                    \
        load(x + r * s->x_step + (step) * (at[v] - s->begin), step, &value);             \
        *(vector *)(y + r * s->width + at[v]) = (vector)(mask[v] & (mask_type)value);    \
      }                                                                                  \
  } while (0)

#define STRIP_STEPS(vector, mask_type, lanes, load)                                      \
  do {                                                                                   \
    if (s->step == 1)                                                                    \
      STRIP_ROWS(vector, mask_type, lanes, load, 1);                                     \
    else                                                                                 \
      STRIP_ROWS(vector, mask_type, lanes, load, 2);                                     \
  } while (0)
#define STRIP_VECTORS 8

static void strip_row(const strip_rows *s, const real *x, real *y) {
  int64_t n = s->end - s->begin;
  fill(s->begin, 0, y);
  fill(s->width - s->end, 0, y + s->end);
  if (s->step == 1)
    copy_2d(1, n, x, n, y + s->begin, n);
  else
    copy_steps(n, s->step, x, y + s->begin);
}

/* Whether a row's `width` numbers, those outside of the image too, lie between where the
 * row before begins and where the next one ends. */
static bool lies_between(const strip_rows *s) {
  return s->step * s->begin <= s->x_step && s->step * (s->width - s->end) <= s->x_step;
}

static void fill_strip(const strip_rows *s, const real *x, real *y) {
  int64_t first = s->first_alone ? 1 : 0, last = s->rows - (s->last_alone ? 1 : 0);
  bool by_vectors = s->width >= 4 && s->width <= 16 * STRIP_VECTORS && s->step <= 2;
  if (!by_vectors || !lies_between(s) || first >= last) first = last = s->rows;
  for (int64_t r = 0; r < first; r++) strip_row(s, x + r * s->x_step, y + r * s->width);
  if (first < last) {
    if (s->width >= 16)
      STRIP_STEPS(real16, mask16, 16, load16);
    else if (s->width >= 8)
      STRIP_STEPS(real8, mask8, 8, load8);
    else
      STRIP_STEPS(real4, mask4, 4, load4);
  }
  for (int64_t r = last; r < s->rows; r++)
    strip_row(s, x + r * s->x_step, y + r * s->width);
}
