/* kernels_windows.h: the inner loops of a convolution of single planes (depthwise); a
 * part of kernels.c.
 *
 * A plane has its zeros around it, so all windows are alike. Some rows of windows, each
 * in one or two vectors, are summed up in registers. Where neighbouring rows of windows
 * share rows of the plane, such a row is read once for all of them: three rows of the
 * kernel at a time. What is left over at the ends of rows and columns is done by vectors
 * and blocks that overlap the ones before. Rows that are shorter than a vector are read
 * and written past their ends: what is wrong there is written over by the next row. */

/* Vectors of a row, sums in registers, and rows of the kernel, at a time. */
#define PLANE_VECTORS 2
#define PLANE_SUMS    8
#define PLANE_KERNEL  3

/* Says that a vector changes here: else the compiler reads it from memory at each use. */
#if defined(__AVX512F__)
#define IN_REGISTER(vector) __asm__("" : "+v"(vector))
#elif defined(__x86_64__)
#define IN_REGISTER(vector) __asm__("" : "+x"(vector))
#else
#define IN_REGISTER(vector) (void)0
#endif

/* Numbers that lie `step`, 1 or 2, apart. */
INLINE void load_windows(const real *x, const int step, tap_vector *to) {
  if (step == 1) {
    *to = *(const tap_vector *)x;
    return;
  }
#if TAP_LANES == 16
  real16 value;
  load16(x, 2, &value);
#elif TAP_LANES == 8
  real8 value;
  load8(x, 2, &value);
#elif TAP_LANES == 4
  real4 value;
  load4(x, 2, &value);
#else
  tap_vector value = {x[0], x[2]};
#endif
  memcpy(to, &value, sizeof value);
}

/* Where the vectors of a row of windows begin, some of them at a time. */
typedef struct plane_columns {
  int64_t at[PLANE_VECTORS];
  int count;
} plane_columns;

static plane_columns columns_at(int64_t width, int64_t block, int64_t blocks) {
  int64_t vectors = width > TAP_LANES ? (width + TAP_LANES - 1) / TAP_LANES : 1;
  int64_t first = vectors * block / blocks, end = vectors * (block + 1) / blocks;
  plane_columns c = {.count = (int)(end - first)};
  for (int v = 0; v < c.count; v++) {
    c.at[v] = (first + v) * TAP_LANES;
    if (c.at[v] + TAP_LANES > width && width > TAP_LANES) c.at[v] = width - TAP_LANES;
  }
  return c;
}

static int64_t column_blocks(int64_t width) {
  return (width + PLANE_VECTORS * TAP_LANES - 1) / (PLANE_VECTORS * TAP_LANES);
}

/* Adds what `kernel` rows of taps make of `rows` rows of windows, which lie `step` rows
 * of taps apart; x and w are where the first tap is. */
INLINE void add_kernel_rows(const plane_windows *p, const plane_columns *c, const real *x,
                            const real *w, tap_vector *sum, const int rows,
                            const int vectors, const int kernel, const int step) {
  tap_vector at;
  for (int64_t j = 0; j < p->kernel_columns; j++, w++, x += p->tap_column) {
    const real *from = x;
    UNROLL(int q = 0; q < (rows - 1) * step + kernel; q++, from += p->tap_row)
    UNROLL(int v = 0; v < vectors; v++) {
      load_windows(from + step * c->at[v], step, &at);
      IN_REGISTER(at);
      UNROLL(int i = 0; i < kernel; i++)
      if (q >= i && (q - i) % step == 0 && (q - i) / step < rows)
        sum[(q - i) / step * vectors + v] += w[i * p->kernel_columns] * at;
    }
  }
}

/* The same for one row of the kernel, and rows of windows that share nothing. */
INLINE void add_kernel_row(const plane_windows *p, const plane_columns *c, const real *x,
                           const real *w, tap_vector *sum, const int rows,
                           const int vectors, const int step) {
  tap_vector at;
  for (int64_t j = 0; j < p->kernel_columns; j++, w++, x += p->tap_column)
    UNROLL(int r = 0; r < rows; r++)
  UNROLL(int v = 0; v < vectors; v++) {
    load_windows(x + r * p->row_step + step * c->at[v], step, &at);
    sum[r * vectors + v] += *w * at;
  }
}

INLINE void store_windows(const plane_windows *p, const plane_columns *c, int64_t row,
                          const tap_vector *sum, real *y, const int rows,
                          const int vectors) {
  int64_t end = p->rows * p->columns;
  UNROLL(int r = 0; r < rows; r++)
  UNROLL(int v = 0; v < vectors; v++) {
    int64_t to = (row + r) * p->columns + c->at[v];
    if (to + TAP_LANES <= end)
      *(tap_vector *)(y + to) = sum[r * vectors + v];
    else
      memcpy(y + to, &sum[r * vectors + v], (size_t)(end - to) * sizeof(real));
  }
}

INLINE void windows_block(const plane_windows *p, const plane_columns *c, const real *x,
                          const real *w, real bias, int64_t row, real *y, const int rows,
                          const int vectors, const int step) {
  tap_vector sum[PLANE_SUMS]; /* sum[r * vectors + v] */
  UNROLL(int i = 0; i < rows * vectors; i++) sum[i] = (tap_vector){0} + bias;
  int64_t i = 0, left = p->row_step == step * p->tap_row ? p->kernel_rows : 0;
  x += row * p->row_step;
  for (; left >= PLANE_KERNEL; i += PLANE_KERNEL, left -= PLANE_KERNEL)
    add_kernel_rows(p, c, x + i * p->tap_row, w + i * p->kernel_columns, sum, rows,
                    vectors, PLANE_KERNEL, step);
  for (; i < p->kernel_rows; i++)
    add_kernel_row(p, c, x + i * p->tap_row, w + i * p->kernel_columns, sum, rows,
                   vectors, step);
  store_windows(p, c, row, sum, y, rows, vectors);
}

INLINE void windows_rows(const plane_windows *p, const plane_columns *c, const real *x,
                         const real *w, real bias, real *y, const int rows,
                         const int vectors, const int step) {
  for (int64_t row = 0; row < p->rows; row += rows) {
    int64_t first = row + rows > p->rows ? p->rows - rows : row;
    windows_block(p, c, x, w, bias, first, y, rows, vectors, step);
  }
}

INLINE void windows_all(const plane_windows *p, const real *x, const real *w, real bias,
                        real *y, const int step) {
  int64_t blocks = column_blocks(p->columns);
  for (int64_t b = 0; b < blocks; b++) {
    plane_columns c = columns_at(p->columns, b, blocks);
    if (c.count == 2 && p->rows >= 4)
      windows_rows(p, &c, x, w, bias, y, 4, 2, step);
    else if (c.count == 2)
      windows_rows(p, &c, x, w, bias, y, 1, 2, step);
    else if (p->rows >= 8)
      windows_rows(p, &c, x, w, bias, y, 8, 1, step);
    else if (p->rows >= 4)
      windows_rows(p, &c, x, w, bias, y, 4, 1, step);
    else
      windows_rows(p, &c, x, w, bias, y, 1, 1, step);
  }
}

static void sum_windows(const plane_windows *p, const real *x, const real *w, real bias,
                        real *y) {
  if (p->step == 1)
    windows_all(p, x, w, bias, y, 1);
  else
    windows_all(p, x, w, bias, y, 2);
}

/* ---- sums over the windows --------------------------------------------------------- */

/* Where a vector of windows lies in their rows, and which lanes of it count. */
typedef struct plane_column {
  int64_t at;
  tap_mask mask;
} plane_column;

INLINE void column_from(const plane_windows *p, int64_t first, plane_column *c) {
  bool hangs_over = first + TAP_LANES > p->columns && first > 0;
  c->at = hangs_over ? p->columns - TAP_LANES : first;
  real_int lane[TAP_LANES];
  for (int i = 0; i < TAP_LANES; i++)
    lane[i] = c->at + i >= first && c->at + i < p->columns ? -1 : 0;
  memcpy(&c->mask, lane, sizeof lane);
}

/* A vector of row `row` of dy, with zeros for the lanes that don't count. */
INLINE void load_gradient(const plane_windows *p, const plane_column *c, int64_t row,
                          const real *dy, tap_vector *to) {
  int64_t at = row * p->columns + c->at, end = p->rows * p->columns;
  if (at + TAP_LANES <= end)
    *to = (tap_vector)(c->mask & (tap_mask) * (const tap_vector *)(dy + at));
  else
    load_rest(dy + at, p->columns, to);
}

/* Rows of windows that are as far apart as rows of taps: a row of the plane is read once,
 * for `rows` rows of the gradient. */
INLINE void multiply_shared(const plane_windows *p, const plane_column *c, const real *x,
                            const real *dy, tap_vector *sum, const int rows,
                            const int columns, const int step) {
  tap_vector d[PLANE_KERNEL], at;
  UNROLL(int i = 0; i < rows; i++) d[i] = (tap_vector){0};
  x += step * c->at;
  for (int64_t q = 0; q < p->rows + rows - 1; q++, x += p->tap_row) {
    UNROLL(int i = rows - 1; i > 0; i--) d[i] = d[i - 1];
    d[0] = (tap_vector){0};
    if (q < p->rows) load_gradient(p, c, q, dy, &d[0]);
    UNROLL(int j = 0; j < columns; j++) {
      load_windows(x + j * p->tap_column, step, &at);
      at = (tap_vector)(c->mask & (tap_mask)at);
      IN_REGISTER(at);
      UNROLL(int i = 0; i < rows; i++) sum[i * columns + j] += d[i] * at;
    }
  }
}

INLINE void multiply_apart(const plane_windows *p, const plane_column *c, const real *x,
                           const real *dy, tap_vector *sum, const int rows,
                           const int columns, const int step) {
  tap_vector d, at;
  x += step * c->at;
  for (int64_t r = 0; r < p->rows; r++, x += p->row_step) {
    load_gradient(p, c, r, dy, &d);
    UNROLL(int i = 0; i < rows; i++)
    UNROLL(int j = 0; j < columns; j++) {
      load_windows(x + i * p->tap_row + j * p->tap_column, step, &at);
      at = (tap_vector)(c->mask & (tap_mask)at);
      sum[i * columns + j] += d * at;
    }
  }
}

INLINE void multiply_block(const plane_windows *p, const real *x, const real *dy,
                           real *sums, const int rows, const int columns,
                           const int step) {
  tap_vector sum[PLANE_KERNEL * PLANE_KERNEL], *kept = (tap_vector *)sums;
  UNROLL(int i = 0; i < rows; i++)
  UNROLL(int j = 0; j < columns; j++)
  sum[i * columns + j] = kept[i * p->kernel_columns + j];
  for (int64_t first = 0; first < p->columns; first += TAP_LANES) {
    plane_column c;
    column_from(p, first, &c);
    if (step == 1 && p->row_step == p->tap_row)
      multiply_shared(p, &c, x, dy, sum, rows, columns, step);
    else
      multiply_apart(p, &c, x, dy, sum, rows, columns, step);
  }
  UNROLL(int i = 0; i < rows; i++)
  UNROLL(int j = 0; j < columns; j++)
  kept[i * p->kernel_columns + j] = sum[i * columns + j];
}

INLINE void multiply_columns(const plane_windows *p, const real *x, const real *dy,
                             real *sums, int64_t columns, const int rows,
                             const int step) {
  switch (columns) {
  case 3: multiply_block(p, x, dy, sums, rows, 3, step); break;
  case 2: multiply_block(p, x, dy, sums, rows, 2, step); break;
  default: multiply_block(p, x, dy, sums, rows, 1, step);
  }
}

INLINE void multiply_all(const plane_windows *p, const real *x, const real *dy,
                         real *sums, const int step) {
  for (int64_t i = 0, rows; i < p->kernel_rows; i += rows) {
    rows = p->kernel_rows - i >= PLANE_KERNEL ? PLANE_KERNEL : 1;
    for (int64_t j = 0, columns; j < p->kernel_columns; j += columns) {
      columns = p->kernel_columns - j;
      if (columns > PLANE_KERNEL) columns = PLANE_KERNEL;
      const real *from = x + i * p->tap_row + j * p->tap_column;
      real *to = sums + (i * p->kernel_columns + j) * TAP_LANES;
      if (rows == PLANE_KERNEL)
        multiply_columns(p, from, dy, to, columns, PLANE_KERNEL, step);
      else
        multiply_columns(p, from, dy, to, columns, 1, step);
    }
  }
}

static void multiply_windows(const plane_windows *p, const real *x, const real *dy,
                             real *sums) {
  if (p->step == 1)
    multiply_all(p, x, dy, sums, 1);
  else
    multiply_all(p, x, dy, sums, 2);
}
