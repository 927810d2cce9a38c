/* kernels_winograd.h: the transforms of Winograd's convolution; a part of kernels.c, whose
 * vectors (kernels_taps.h) it uses.
 *
 * A tile is 6 x 6: kernel + outputs - 1 for a kernel of 3 x 3 with 4 x 4 outputs, and for
 * one of 5 x 5 with 2 x 2. Both are polynomials in the points 0, 1, -1, 2, -2 and infinity
 * (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, where the
 * three functions here are B^T, G and A^T). Vectors go over neighbouring channels, so a
 * transform is the same few sums for each place, and no number changes its lane. */

#define POINTS 6 /* along a side */

/* With a constant size, loops are unrolled and what is not used falls away. */

/* What the places of the data are in the points. */
INLINE void spread_side(const tap_vector d[POINTS], tap_vector p[POINTS]) {
  tap_vector even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
  tap_vector even2 = d[4] - d[2], odd2 = d[3] - d[1];
  p[0] = 4 * d[0] + (d[4] - 5 * d[2]);
  p[1] = even + odd;
  p[2] = even - odd;
  p[3] = even2 + 2 * odd2;
  p[4] = even2 - 2 * odd2;
  p[5] = 4 * d[1] + (d[5] - 5 * d[3]);
}

/* The values of a polynomial of `size` coefficients in the points, each times what the
 * data's values lack. */
INLINE void evaluate_side(const int size, const tap_vector g[POINTS],
                          tap_vector p[POINTS]) {
  tap_vector even = g[0], odd = g[1], even2 = g[0], odd2 = g[1];
  if (size > 2) even += g[2], even2 += 4 * g[2];
  if (size > 3) odd += g[3], odd2 += 4 * g[3];
  if (size > 4) even += g[4], even2 += 16 * g[4];
  even *= (real)(-1.0 / 6);
  even2 *= (real)(1.0 / 24);
  p[0] = (real)0.25 * g[0];
  p[1] = even - (real)(1.0 / 6) * odd;
  p[2] = even + (real)(1.0 / 6) * odd;
  p[3] = even2 + (real)(1.0 / 12) * odd2;
  p[4] = even2 - (real)(1.0 / 12) * odd2;
  p[5] = g[size - 1];
}

/* From products in the points back to `size` sums. */
INLINE void combine_side(const int size, const tap_vector p[POINTS],
                         tap_vector y[POINTS]) {
  tap_vector even = p[1] + p[2], odd = p[1] - p[2];
  tap_vector even2 = p[3] + p[4], odd2 = p[3] - p[4];
  y[0] = p[0] + even + even2;
  y[1] = odd + 2 * odd2;
  if (size > 2) y[2] = even + 4 * even2;
  if (size > 3) y[3] = odd + 8 * odd2;
  if (size > 4) y[4] = even + 16 * even2;
  y[size - 1] += p[5];
}

INLINE tap_vector *vector_at(const real *place) {
  return (tap_vector *)place;
}

/* One half of the rows after the other: 18 vectors are under way, which 32 registers
 * hold. */
INLINE void spread_tile(const winograd_tiles *t, const real *grid, real *points) {
  for (int half = 0; half < POINTS; half += POINTS / 2) {
    tap_vector part[POINTS / 2][POINTS], side[POINTS], p[POINTS];
    UNROLL(int j = 0; j < POINTS; j++) {
      UNROLL(int i = 0; i < POINTS; i++)
      side[i] = *vector_at(grid + i * t->row + j * t->column);
      spread_side(side, p);
      UNROLL(int i = 0; i < POINTS / 2; i++) part[i][j] = p[half + i];
    }
    UNROLL(int i = 0; i < POINTS / 2; i++) {
      spread_side(part[i], p);
      UNROLL(int j = 0; j < POINTS; j++)
      *vector_at(points + ((half + i) * POINTS + j) * t->point) = p[j];
    }
  }
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
