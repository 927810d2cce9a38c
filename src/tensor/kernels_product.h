/* kernels_product.h: the matrix product; a part of kernels.c.
 *
 * As in Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
 * (2008): a panel of b, PANEL columns wide and DEPTH long, is copied to where it is in
 * one piece and in cache, and tiles of c, TILE_ROWS high, are worked out in registers
 * from it and from numbers of a that are read where they lie. An element of c is added up
 * in the order of k, whatever the other sizes are: so its bits depend on its row and
 * column alone. */

/* Registers: of 32 (AVX-512) or 16 (AVX2, SSE), most hold sums. */
#if defined(__AVX512F__)
#define PRODUCT_BYTES 64
#define TILE_ROWS     8
#elif defined(__AVX2__)
#define PRODUCT_BYTES 32
#define TILE_ROWS     6
#else
#define PRODUCT_BYTES 16
#define TILE_ROWS     4
#endif
#define TILE_VECTORS 2
#define LANE_COUNT   ((int)(PRODUCT_BYTES / sizeof(real)))
#define PANEL        (TILE_VECTORS * LANE_COUNT)
#define DEPTH        256 /* a panel has 32 KB at most, and lies on the stack */
#define BLOCK_ROWS                                                                       \
  512 /* of a, that are read once for each panel: they fit in a cache                    \
       */

typedef real vector __attribute__((vector_size(PRODUCT_BYTES), may_alias));
typedef real loose_vector
    __attribute__((vector_size(PRODUCT_BYTES), aligned(sizeof(real)), may_alias));

/* ---- copies ---- */

INLINE void transpose_8x8(const real *x, int64_t x_step, real *y, int64_t y_step) {
  real8 a[8], b[8];
  for (int i = 0; i < 8; i++) a[i] = *(const real8 *)(x + i * x_step);
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int k = 0; k < 4; k++) {
    int i = k + k / 2 * 2; /* 0, 1, 4, 5 */
    a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 2] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; i++) {
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < 8; i++) *(real8 *)(y + i * y_step) = b[i];
}

static void transpose_one_by_one(int64_t rows, int64_t n, const real *x, int64_t x_step,
                                 real *y, int64_t y_step) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) y[j * y_step + i] = x[i * x_step + j];
}

/* Blocks of 8 x 8, of which the last ones overlap those before. */
static void transpose(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                      int64_t y_step) {
  if (rows < 8 || n < 8) {
    transpose_one_by_one(rows, n, x, x_step, y, y_step);
    return;
  }
  for (int64_t i = 0; i < rows; i += 8) {
    if (i > rows - 8) i = rows - 8;
    for (int64_t j = 0; j < n; j += 8) {
      if (j > n - 8) j = n - 8;
      transpose_8x8(x + i * x_step + j, x_step, y + j * y_step + i, y_step);
    }
  }
}

/* The panel that begins at column j and row p of b; columns that b has not are zeros. */
static void pack_panel(const product_job *t, int64_t p, int64_t depth, int64_t j,
                       int64_t columns, real *panel) {
  const real *b = t->b + p * t->b_row + j * t->b_step;
  if (columns < PANEL)
    for (int64_t i = 0; i < depth; i++)
      for (int64_t k = columns; k < PANEL; k++) panel[i * PANEL + k] = 0;
  if (t->b_step == 1)
    copy_2d(depth, columns, b, t->b_row, panel, PANEL);
  else
    transpose(columns, depth, b, t->b_step, panel, PANEL);
}

/* ---- tiles ---- */

/* Where a tile's numbers come from and go to. */
typedef struct tile {
  int64_t depth;
  real alpha, beta;
  const real *a;
  int64_t a_row, a_step;
  const real *b;
  int64_t b_row;
  const vector *bias; /* NULL: none */
  real *c;
  int64_t c_row;
} tile;

/* Columns of a lie far apart when it is transposed: without being asked for in time, each
 * would be waited for. */
#define AHEAD 32

/* Where it is not, the next tile's rows are asked for, a line of each at a time; but
 * rows that are a multiple of PAGE apart would push this tile's out of the cache. */
#define LINE ((int)(64 / sizeof(real)))
#define PAGE ((int)(4096 / sizeof(real)))

INLINE void ask_for_next(const int rows, const tile *t, const real *a) {
  if (t->a_step == 1 && t->a_row % PAGE != 0)
    UNROLL(int i = 0; i < rows; i++) __builtin_prefetch(a + (rows + i) * t->a_row);
}

/* c = y + beta c, with bias in y already. */
INLINE void write_tile(const int rows, const int vectors, const tile *t,
                       vector (*sum)[TILE_VECTORS]) {
  const vector *bias = t->bias;
  real *c = t->c;
  const real alpha = t->alpha, beta = t->beta;
  const int64_t c_row = t->c_row;
  UNROLL(int i = 0; i < rows; i++)
  UNROLL(int v = 0; v < vectors; v++) {
    sum[i][v] *= alpha;
    if (bias) sum[i][v] += bias[v];
  }
  if (beta == 0) UNROLL(int i = 0; i < rows; i++)
  UNROLL(int v = 0; v < vectors; v++)
  *(loose_vector *)(c + i * c_row + v * LANE_COUNT) = sum[i][v];
  else UNROLL(int i = 0; i < rows; i++) UNROLL(int v = 0; v < vectors; v++) {
    loose_vector *at = (loose_vector *)(c + i * c_row + v * LANE_COUNT);
    *at = sum[i][v] + beta * *at;
  }
}

/* With constant rows and vectors the loops are unrolled, and `sum` is in registers. */
INLINE void run_tile(const int rows, const int vectors, const tile *t) {
  vector sum[TILE_ROWS][TILE_VECTORS];
  const real *a = t->a, *b = t->b;
  const int64_t a_row = t->a_row, a_step = t->a_step, b_row = t->b_row, depth = t->depth;
  UNROLL(int i = 0; i < rows; i++)
  UNROLL(int v = 0; v < vectors; v++) sum[i][v] = (vector){0};
  for (int64_t p = 0, end = LINE; p < depth; end += LINE) {
    ask_for_next(rows, t, a);
    for (; p < end && p < depth; p++, a += a_step, b += b_row) {
      __builtin_prefetch(a + AHEAD * a_step);
      UNROLL(int i = 0; i < rows; i++)
      UNROLL(int v = 0; v < vectors; v++)
      sum[i][v] += a[i * a_row] * *(const loose_vector *)(b + v * LANE_COUNT);
    }
  }
  write_tile(rows, vectors, t, sum);
}

#define TILE(rows)                                                                       \
  static void tile_##rows##_1(const tile *t) {                                           \
    run_tile(rows, 1, t);                                                                \
  }                                                                                      \
  static void tile_##rows##_2(const tile *t) {                                           \
    run_tile(rows, 2, t);                                                                \
  }

TILE(1)
TILE(2)
TILE(4)
#if TILE_ROWS == 6
TILE(6)
#elif TILE_ROWS == 8
TILE(8)
#endif

/* The higher ones first: what they leave is done by lower ones. */
static const struct {
  int rows;
  void (*run[TILE_VECTORS])(const tile *t);
} tile_sizes[] = {
#if TILE_ROWS == 6
    {6, {tile_6_1, tile_6_2}},
#elif TILE_ROWS == 8
    {8, {tile_8_1, tile_8_2}},
#endif
    {4, {tile_4_1, tile_4_2}},
    {2, {tile_2_1, tile_2_2}},
    {1, {tile_1_1, tile_1_2}},
};
#define TILE_SIZES ((int)(sizeof tile_sizes / sizeof *tile_sizes))

/* Where c has not as many columns as whole vectors have, the tile is worked out beside
 * it. */
static void run_narrow_tile(const tile *t, int rows, int64_t columns,
                            void (*run)(const tile *t)) {
  _Alignas(PRODUCT_BYTES) real beside[TILE_ROWS * PANEL];
  tile other = *t;
  other.c = beside;
  other.c_row = PANEL;
  if (t->beta != 0) copy_2d(rows, columns, t->c, t->c_row, beside, PANEL);
  run(&other);
  copy_2d(rows, columns, beside, PANEL, t->c, t->c_row);
}

/* All rows of c at the panel's columns. */
static void run_panel(const tile *first, int64_t rows, int64_t columns) {
  int vectors = (int)((columns + LANE_COUNT - 1) / LANE_COUNT);
  bool whole = columns == vectors * LANE_COUNT;
  tile t = *first;
  for (int s = 0; s < TILE_SIZES; s++)
    for (; rows >= tile_sizes[s].rows; rows -= tile_sizes[s].rows) {
      if (whole)
        tile_sizes[s].run[vectors - 1](&t);
      else
        run_narrow_tile(&t, tile_sizes[s].rows, columns, tile_sizes[s].run[vectors - 1]);
      t.a += tile_sizes[s].rows * t.a_row;
      t.c += tile_sizes[s].rows * t.c_row;
    }
}

/* ---- the product ---- */

/* Panels one behind the other, each of all rows of b. */
static void pack(const product_job *t, real *packed) {
  for (int64_t j = 0; j < t->n; j += PANEL)
    pack_panel(t, 0, t->k, j, t->n - j < PANEL ? t->n - j : PANEL, packed + j * t->k);
}

/* Whether b lies as its only panel would, or nearly so: whole vectors of neighbouring
 * columns, row after row. */
static bool is_panel(const product_job *t) {
  return t->b_step == 1 && t->b_row <= PANEL && t->n % LANE_COUNT == 0 && t->n <= PANEL;
}

static void run_block(const product_job *t, int64_t i, int64_t rows) {
  _Alignas(PRODUCT_BYTES) real panel[DEPTH * PANEL], bias[PANEL] = {0};
  bool in_place = !t->packed && is_panel(t);
  for (int64_t j = 0; j < t->n; j += PANEL) {
    int64_t columns = t->n - j < PANEL ? t->n - j : PANEL;
    if (t->bias) copy_2d(1, columns, t->bias + j, columns, bias, PANEL);
    for (int64_t p = 0; p < t->k; p += DEPTH) {
      int64_t depth = t->k - p < DEPTH ? t->k - p : DEPTH;
      const real *from = panel;
      if (t->packed)
        from = t->packed + j * t->k + p * PANEL;
      else if (in_place)
        from = t->b + p * t->b_row;
      else
        pack_panel(t, p, depth, j, columns, panel);
      run_panel(&(tile){.depth = depth,
                        .alpha = t->alpha,
                        .beta = p == 0 ? t->beta : 1,
                        .a = t->a + i * t->a_row + p * t->a_step,
                        .a_row = t->a_row,
                        .a_step = t->a_step,
                        .b = from,
                        .b_row = in_place ? t->b_row : PANEL,
                        .bias = t->bias && p == 0 ? (const vector *)bias : NULL,
                        .c = t->c + i * t->c_row + j,
                        .c_row = t->c_row},
                rows, columns);
    }
  }
}

static void multiply(const product_job *t) {
  for (int64_t i = 0; i < t->m; i += BLOCK_ROWS)
    run_block(t, i, t->m - i < BLOCK_ROWS ? t->m - i : BLOCK_ROWS);
}
