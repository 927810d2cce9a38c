/* kernels_winograd.h: the transforms of Winograd's convolution; a part of kernels.c,
 * whose vectors (kernels_taps.h) it uses.
 *
 * A tile is 6 x 6: kernel + outputs - 1 for a kernel of 3 x 3 with 4 x 4 outputs, and for
 * one of 5 x 5 with 2 x 2. Both are taken as polynomials in the points 0, A, -A, B, -B
 * and infinity (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
 * 2015, where the three functions here are B^T, G and A^T). Vectors go over neighbouring
 * channels, so a transform is the same few sums for each place, and no number changes its
 * lane. */

#define POINTS 6 /* along a side */

/* Of the points that floats hold exactly, some with the smallest errors: half as large as
 * with the usual 1 and 2. */
#define A  ((real)0.625)
#define B  ((real)1.5)
#define A2 (A * A)
#define B2 (B * B)

/* What the data are in the points. */
INLINE void spread_side(const tap_vector d[POINTS], tap_vector p[POINTS]) {
  tap_vector even_a = d[4] - B2 * d[2], odd_a = d[3] - B2 * d[1];
  tap_vector even_b = d[4] - A2 * d[2], odd_b = d[3] - A2 * d[1];
  p[0] = d[4] - (A2 + B2) * d[2] + A2 * B2 * d[0];
  p[1] = even_a + A * odd_a;
  p[2] = even_a - A * odd_a;
  p[3] = even_b + B * odd_b;
  p[4] = even_b - B * odd_b;
  p[5] = d[5] - (A2 + B2) * d[3] + A2 * B2 * d[1];
}

/* The values of a polynomial of `size` coefficients in the points, over what the data's
 * lack. A constant size, here and below: loops are unrolled, and what is not used falls
 * away. */
#define SCALE_A (1 / (2 * A2 * (A2 - B2)))
#define SCALE_B (1 / (2 * B2 * (B2 - A2)))

INLINE void evaluate_side(const int size, const tap_vector g[POINTS],
                          tap_vector p[POINTS]) {
  tap_vector even_a = g[0], odd_a = g[1], even_b = g[0], odd_b = g[1];
  if (size > 2) even_a += A2 * g[2], even_b += B2 * g[2];
  if (size > 3) odd_a += A2 * g[3], odd_b += B2 * g[3];
  if (size > 4) even_a += A2 * A2 * g[4], even_b += B2 * B2 * g[4];
  even_a *= SCALE_A;
  even_b *= SCALE_B;
  p[0] = 1 / (A2 * B2) * g[0];
  p[1] = even_a + A * SCALE_A * odd_a;
  p[2] = even_a - A * SCALE_A * odd_a;
  p[3] = even_b + B * SCALE_B * odd_b;
  p[4] = even_b - B * SCALE_B * odd_b;
  p[5] = g[size - 1];
}

/* From products in the points back to `size` sums. */
INLINE void combine_side(const int size, const tap_vector p[POINTS],
                         tap_vector y[POINTS]) {
  tap_vector even_a = p[1] + p[2], odd_a = p[1] - p[2];
  tap_vector even_b = p[3] + p[4], odd_b = p[3] - p[4];
  y[0] = p[0] + even_a + even_b;
  y[1] = A * odd_a + B * odd_b;
  if (size > 2) y[2] = A2 * even_a + B2 * even_b;
  if (size > 3) y[3] = A2 * A * odd_a + B2 * B * odd_b;
  if (size > 4) y[4] = A2 * A2 * even_a + B2 * B2 * even_b;
  y[size - 1] += p[5];
}

INLINE tap_vector *vector_at(const real *place) {
  return (tap_vector *)place;
}

/* Three rows of points: 18 vectors are under way, which 32 registers hold. */
INLINE void spread_rows(const int first, const winograd_tiles *t, const real *grid,
                        real *points) {
  tap_vector part[POINTS / 2][POINTS], side[POINTS], p[POINTS];
  UNROLL(int j = 0; j < POINTS; j++) {
    UNROLL(int i = 0; i < POINTS; i++)
    side[i] = *vector_at(grid + i * t->row + j * t->column);
    spread_side(side, p);
    UNROLL(int i = 0; i < POINTS / 2; i++) part[i][j] = p[first + i];
  }
  UNROLL(int i = 0; i < POINTS / 2; i++) {
    spread_side(part[i], p);
    UNROLL(int j = 0; j < POINTS; j++)
    *vector_at(points + ((first + i) * POINTS + j) * t->point) = p[j];
  }
}

INLINE void spread_tile(const winograd_tiles *t, const real *grid, real *points) {
  spread_rows(0, t, grid, points);
  spread_rows(POINTS / 2, t, grid, points);
}

INLINE void evaluate_tile(const int size, const winograd_tiles *t, const real *grid,
                          real *points) {
  tap_vector part[POINTS][POINTS], side[POINTS], p[POINTS];
  UNROLL(int j = 0; j < size; j++) {
    UNROLL(int i = 0; i < size; i++)
    side[i] = *vector_at(grid + i * t->row + j * t->column);
    evaluate_side(size, side, p);
    UNROLL(int i = 0; i < POINTS; i++) part[i][j] = p[i];
  }
  UNROLL(int i = 0; i < POINTS; i++) {
    evaluate_side(size, part[i], p);
    UNROLL(int j = 0; j < POINTS; j++)
    *vector_at(points + (i * POINTS + j) * t->point) = p[j];
  }
}

INLINE void combine_tile(const int size, const winograd_tiles *t, const real *bias,
                         const real *points, real *grid) {
  tap_vector part[POINTS][POINTS], side[POINTS], y[POINTS], plus = {0};
  if (bias) plus = *vector_at(bias);
  UNROLL(int j = 0; j < POINTS; j++) {
    UNROLL(int i = 0; i < POINTS; i++)
    side[i] = *vector_at(points + (i * POINTS + j) * t->point);
    combine_side(size, side, y);
    UNROLL(int i = 0; i < size; i++) part[i][j] = y[i];
  }
  UNROLL(int i = 0; i < size; i++) {
    combine_side(size, part[i], y);
    UNROLL(int j = 0; j < size; j++)
    *vector_at(grid + i * t->row + j * t->column) = y[j] + plus;
  }
}

/* All tiles and channels; `grid` and `points` are where those of the moment begin. */
#define EACH_TILE(what)                                                                  \
  for (int64_t n = 0; n < t->count; n++)                                                 \
    for (int64_t c = 0; c < t->channels; c += TAP_LANES) {                               \
      int64_t grid = n * t->tile + c, points = n * t->channels + c;                      \
      what;                                                                              \
    }                                                                                    \
  return

static void winograd_spread(const winograd_tiles *t, const real *x, real *p) {
  EACH_TILE(spread_tile(t, x + grid, p + points));
}

static void winograd_evaluate(const winograd_tiles *t, const real *x, real *p) {
  switch (t->size) {
  case 2: EACH_TILE(evaluate_tile(2, t, x + grid, p + points));
  case 3: EACH_TILE(evaluate_tile(3, t, x + grid, p + points));
  case 4: EACH_TILE(evaluate_tile(4, t, x + grid, p + points));
  default: EACH_TILE(evaluate_tile(5, t, x + grid, p + points));
  }
}

static void winograd_combine(const winograd_tiles *t, const real *bias, const real *p,
                             real *y) {
#define BIAS (bias ? bias + c : NULL)
  switch (t->size) {
  case 2: EACH_TILE(combine_tile(2, t, BIAS, p + points, y + grid));
  case 3: EACH_TILE(combine_tile(3, t, BIAS, p + points, y + grid));
  case 4: EACH_TILE(combine_tile(4, t, BIAS, p + points, y + grid));
  default: EACH_TILE(combine_tile(5, t, BIAS, p + points, y + grid));
  }
#undef BIAS
}
#undef A
#undef B
