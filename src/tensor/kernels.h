/* kernels.h: the inner loops, built for several instruction sets, chosen at run time.
 *
 * kernels.c holds them as plain loops and GCC's vector extensions; the Makefile compiles
 * it once for each instruction set, and kernels_table() hands out the best table that
 * this processor runs. All work on contiguous memory where no step is given, on the
 * calling thread. Inputs and outputs may be the same memory where not said otherwise. */
#ifndef LANDER_TENSOR_KERNELS_H
#define LANDER_TENSOR_KERNELS_H

#include "../base/base.h"
#include "../base/cpu.h"
#include "../base/random.h"

/* What normalisation does to a number: y = by_x (x - mean) + shift, or with relu max(0,
 * y); and to a gradient: dx = by_dy dy + by_x (x - mean) + shift. */
typedef struct norm_line {
  real mean, by_x, by_dy, shift;
  bool relu;
} norm_line;

/* One line for each column. */
typedef struct norm_lines {
  const real *mean, *by_x, *by_dy, *shift;
} norm_lines;

/* The places of a window in memory that was laid out for it (layers/strips.h): `columns`
 * of each channel, `rows` of each column. A tap is one of them; they count in this order,
 * rows fastest. */
typedef struct taps {
  int64_t channels, columns, rows;
  int64_t channel_step, column_step, row_step;
} taps;

/* Windows of pooling, all of one size, side by side and `step` apart, in rows that are
 * `width` long in memory. They may hang over the sides of the plane that they are of,
 * whose rows are `places` long: the first begins at place number `place`, and none has a
 * place before `lowest`. */
typedef struct pool_windows {
  int64_t count, rows, columns, step, width;
  int64_t places, place, lowest;
} pool_windows;

/* Vectors of x are loaded whole: as many numbers behind the last may be read. */
#define TAPS_SLACK 16

/* Rows of a strip, one after another: numbers begin .. end - 1 of each come from x, where
 * they are `step` apart and rows x_step apart; the others are 0. Of x, all may be read
 * between the first row and the last; and, unless such a row is alone, as many times
 * `step` numbers before the first or behind the last as rows have zeros there. */
typedef struct strip_rows {
  int64_t rows, width, begin, end, step, x_step;
  bool first_alone, last_alone;
} strip_rows;

/* What the gradient of the weights is made of, for some images; n places each. */
typedef struct taps_back {
  taps taps;
  int64_t images, n;
  const real *x; /* strips */
  int64_t x_image;
  int64_t rows; /* output channels, dy_step apart in an image */
  const real *dy;
  int64_t dy_image, dy_step;
  real *dw; /* of each row (channels, rows, columns), dw_step apart */
  int64_t dw_step;
} taps_back;

/* Windows over a plane that has its zeros around it: `rows` times `columns` of them,
 * whose rows lie row_step apart and which lie `step`, 1 or 2, apart in a row; and their
 * taps. */
typedef struct plane_windows {
  int64_t rows, columns, row_step, step;
  int64_t kernel_rows, kernel_columns, tap_row, tap_column;
} plane_windows;

/* Vectors of a plane are loaded whole: as many numbers behind its last row may be read,
 * and must be finite. */
#define PLANE_SLACK 32

/* Tiles of Winograd's convolution, `count` side by side. As a grid, places of a tile lie
 * `row` and `column` apart and tiles `tile`; as 6 x 6 points, which lie `point` apart,
 * there is a block of channels for each tile. Channels are neighbours, in whole vectors
 * of `lanes`. */
typedef struct winograd_tiles {
  int64_t count, channels;
  int size; /* places of the grid along a side: 2 to 5 */
  int64_t tile, row, column;
  int64_t point;
} winograd_tiles;

/* What an update is made of: g = scale grad + l2 w + l1 sign(w), and the rate. */
typedef struct update_terms {
  real scale, l2, l1, rate;
} update_terms;

/* A running mean: keep old + take new. Two factors, because 1 - 0.999 in float would be
 * wrong in its fifth digit. */
typedef struct running {
  real keep, take;
} running;

static inline running running_mean(double keep) {
  return (running){(real)keep, (real)(1 - keep)};
}

/* c (m, n) = alpha a (m, k) b (k, n) + beta c + bias (n) in every row. Element (i, p) of
 * a lies at i a_row + p a_step, element (p, j) of b at p b_row + j b_step, where b_row or
 * b_step is 1. beta 0: c is not read. m, n and k are at least 1; c meets neither a nor b.
 */
typedef struct product_job {
  int64_t m, n, k;
  real alpha;
  const real *a;
  int64_t a_row, a_step;
  const real *b;
  int64_t b_row, b_step;
  const real *packed; /* b as `pack` has left it; NULL: it is read where it lies */
  const real *bias;   /* NULL: none */
  real beta;
  real *c;
  int64_t c_row;
} product_job;

typedef struct kernels {
  const char *name; /* "AVX2" */

  void (*fill)(int64_t n, real value, real *y);
  void (*add)(int64_t n, const real *a, const real *b, real *y);
  void (*sub)(int64_t n, const real *a, const real *b, real *y);
  void (*mul)(int64_t n, const real *a, const real *b, real *y);
  void (*div)(int64_t n, const real *a, const real *b, real *y);
  void (*scale)(int64_t n, real alpha, const real *x, real *y); /* y = alpha x */
  void (*axpy)(int64_t n, real alpha, const real *x, real *y);  /* y += alpha x */
  void (*add_scalar)(int64_t n, real alpha, const real *x, real *y);

  double (*sum)(int64_t n, const real *x);         /* in double, in a fixed order */
  double (*sum_abs)(int64_t n, const real *x);     /* likewise, of absolute values */
  double (*sum_squares)(int64_t n, const real *x); /* in double, in a fixed order */
  double (*dot)(int64_t n, const real *a, const real *b); /* likewise */
  /* The sum of min(x, 0) dy, likewise: the gradient of a slope for negative x. */
  double (*dot_negative)(int64_t n, const real *x, const real *dy);
  real (*max)(int64_t n, const real *x);       /* of numbers: NaN is passed over */
  bool (*is_finite)(int64_t n, const real *x); /* false: a NaN or an infinity */

  void (*exp)(int64_t n, const real *x, real *y);
  void (*log)(int64_t n, const real *x, real *y); /* NaN below 0, -inf at 0 */
  void (*relu)(int64_t n, real slope, const real *x, real *y);
  void (*relu_back)(int64_t n, real slope, const real *x, const real *dy, real *dx);
  void (*sigmoid)(int64_t n, const real *x, real *y);
  void (*sigmoid_back)(int64_t n, const real *y, const real *dy, real *dx);
  void (*tanh)(int64_t n, const real *x, real *y);
  void (*tanh_back)(int64_t n, const real *y, const real *dy, real *dx);

  void (*silu)(int64_t n, const real *x, real *y); /* x sigmoid(x) */
  void (*silu_back)(int64_t n, const real *x, const real *dy, real *dx);
  /* x times the normal distribution function; and its approximation by tanh. */
  void (*gelu)(int64_t n, const real *x, real *y);
  void (*gelu_back)(int64_t n, const real *x, const real *dy, real *dx);
  void (*gelu_tanh)(int64_t n, const real *x, real *y);
  void (*gelu_tanh_back)(int64_t n, const real *x, const real *dy, real *dx);
  void (*elu)(int64_t n, real alpha, const real *x, real *y);
  void (*elu_back)(int64_t n, real alpha, const real *x, const real *dy, real *dx);
  /* log(1 + e^(beta x)) / beta; x itself where beta x is above the threshold. */
  void (*softplus)(int64_t n, real beta, real threshold, const real *x, real *y);
  void (*softplus_back)(int64_t n, real beta, real threshold, const real *x,
                        const real *dy, real *dx);

  /* Draws begin .. begin + n - 1 of the key's sequence: the same numbers as
   * random_uniform's, many at a time. */
  void (*uniform)(random_key key, uint64_t begin, int64_t n, real *out);
  /* y = scale x where u is at least `ratio`, else 0 x, which is 0 or NaN; which it was
   * is kept, 32 numbers in a word. And back. */
  void (*drop)(int64_t n, real ratio, real scale, const real *u, uint32_t *bits,
               const real *x, real *y);
  void (*drop_back)(int64_t n, real scale, const uint32_t *bits, const real *dy,
                    real *dx);

  /* rows x n: every row of y += bias (n); and dbias (n) += column sums of dy */
  void (*add_rows)(int64_t rows, int64_t n, const real *bias, real *y);
  void (*sum_rows)(int64_t rows, int64_t n, const real *dy, real *dbias);

  /* rows x n, the rows x_step and y_step apart: y = x, and y += x. x and y don't meet. */
  void (*copy_2d)(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                  int64_t y_step);
  void (*add_2d)(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                 int64_t y_step);

  /* y (n) = the sum of rows of n numbers, x_step apart; there may be none. x and y don't
   * meet. */
  void (*add_up)(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y);

  /* y (n, rows) = the transpose of x (rows, n). x and y don't meet. */
  void (*transpose)(int64_t rows, int64_t n, const real *x, int64_t x_step, real *y,
                    int64_t y_step);

  void (*product)(const product_job *t);
  /* b of a product whose n, k and b are given, in the order in which it is read: for one
   * that many products share. It takes n, rounded up to whole product_columns, times k.
   */
  void (*pack)(const product_job *t, real *packed);
  int product_columns; /* so many of them, or a multiple, are no trouble */

  /* y[step i] += x[i]; x and y don't meet. */
  void (*add_to_steps)(int64_t n, int64_t step, const real *x, real *y);

  /* Softmax of one row, stable: y = exp(x - max) / sum. Returns log(sum exp x): NaN when
   * x has a NaN or +inf, or nothing but -inf. Nothing is clamped; exp(-inf) is 0. */
  double (*softmax)(int64_t n, const real *x, real *y);
  /* Back: dx = y (dy - sum of y dy). */
  void (*softmax_back)(int64_t n, const real *y, const real *dy, real *dx);
  /* Its logarithm, y = x - log(sum exp x), and back, dx = dy - e^y times the sum of dy. x
   * and y don't meet. */
  void (*log_softmax)(int64_t n, const real *x, real *y);
  void (*log_softmax_back)(int64_t n, const real *y, const real *dy, real *dx);
  /* Softmax and back for n places next to each other, whose classes lie `step` apart; lse
   * NULL, or what softmax returns of each. */
  void (*softmax_columns)(int64_t classes, int64_t n, int64_t step, const real *x,
                          real *y, double *lse);
  void (*softmax_columns_back)(int64_t classes, int64_t n, int64_t step, const real *y,
                               const real *dy, real *dx);

  /* The largest of each window of 2 x 2, side by side, of a plane whose rows are `width`
   * long: y (rows, n), and which of the four it is, 0 to 3; NaN counts as largest. And
   * back: dy goes to that place of dx, the other three become 0. x and y don't meet. */
  void (*max_pool_2x2)(int64_t rows, int64_t n, int64_t width, const real *x, real *y,
                       real *which);
  void (*max_pool_2x2_back)(int64_t rows, int64_t n, int64_t width, const real *which,
                            const real *dy, real *dx);

  /* Of each of some windows the largest, NaN counting as largest, the first of equals,
   * and its place; where all are -infinity, a place that is not below the lowest. x is
   * where the first window begins; it is read as if there were 8 of them at least. */
  void (*max_windows)(const pool_windows *w, const real *x, real *y, real *places);
  /* Windows of one row: y[i] = the sum of `columns` numbers from x[step i] on, divided by
   * by * size[i]. Works on whole vectors: reads x and size as if n were a multiple of 8.
   */
  void (*mean_windows)(int64_t n, int64_t columns, int64_t step, const real *x,
                       const real *size, real by, real *y);

  /* And back: dx = the sum over the n windows of dy[i] / (by size[i]) at each of the
   * `columns` places from step i on. dx doesn't meet the others. Reads size as if n were
   * a multiple of 8, without a 0 there, and may write zeros to dx as if it were the next
   * one. */
  void (*spread_windows)(int64_t n, int64_t columns, int64_t step, const real *dy,
                         const real *size, real by, real *dx);

  void (*fill_strip)(const strip_rows *s, const real *x, real *y);

  /* Convolution. y[r][i] = bias[r] + sum over taps t of w[t][r] x[t's place + i], for i <
   * n and rows of y that lie y_step apart, at most tap_rows of them; bias NULL: 0. And
   * dw[r][t] += sum over images and i of dy[r][i] x[t's place + i]. */
  int tap_rows;
  void (*sum_taps)(int rows, int64_t n, const taps *t, const real *x, const real *w,
                   const real *bias, real *y, int64_t y_step);
  void (*sum_places)(const taps_back *back);

  /* Convolution of single planes. y[r][i] = bias + the sum over taps t of w[t] x[t's
   * place under window (r, i)]; and sums[t], a vector of `lanes` partial sums for each
   * tap, += over the windows dy[r][i] times the same. Taps in the order of weights. */
  void (*sum_windows)(const plane_windows *p, const real *x, const real *w, real bias,
                      real *y);
  void (*multiply_windows)(const plane_windows *p, const real *x, const real *dy,
                           real *sums);

  /* Winograd's convolution (kernels_winograd.h): points of the data, whose grids are 6 x
   * 6 whatever `size` is; of a kernel; and sums from points, plus bias (channels; NULL:
   * 0). The two sides don't meet. */
  int lanes; /* of a vector */
  void (*winograd_spread)(const winograd_tiles *t, const real *grid, real *points);
  void (*winograd_evaluate)(const winograd_tiles *t, const real *grid, real *points);
  void (*winograd_combine)(const winograd_tiles *t, const real *bias, const real *points,
                           real *grid);

  /* Normalisation, of rows of n numbers that lie `step` apart (in x, y, dy and dx alike):
   * sums[0] = sum of (x - pivot), sums[1] = sum of (x - pivot)^2, in double;
   * and back: sums[0] = sum of dy, sums[1] = sum of dy (x - mean). `ahead` is the line of
   * the pass forward: with its relu, dy counts as 0 where that gave 0. */
  void (*moments)(int64_t rows, int64_t n, int64_t step, real pivot, const real *x,
                  double sums[2]);
  void (*moments_back)(int64_t rows, int64_t n, int64_t step, const norm_line *ahead,
                       const real *x, const real *dy, double sums[2]);
  void (*normalise)(int64_t rows, int64_t n, int64_t step, const norm_line *line,
                    const real *x, real *y);
  void (*normalise_back)(int64_t rows, int64_t n, int64_t step, const norm_line *ahead,
                         const norm_line *line, const real *x, const real *dy, real *dx);

  /* The same for each of n columns, which has a line and sums of its own. */
  void (*moments_columns)(int64_t rows, int64_t n, int64_t step, const real *pivot,
                          const real *x, double *sums, double *squares);
  void (*moments_columns_back)(int64_t rows, int64_t n, int64_t step, const real *mean,
                               const real *x, const real *dy, double *sums,
                               double *products);
  void (*normalise_columns)(int64_t rows, int64_t n, int64_t step,
                            const norm_lines *lines, const real *x, real *y);
  void (*normalise_columns_back)(int64_t rows, int64_t n, int64_t step,
                                 const norm_lines *lines, const real *x, const real *dy,
                                 real *dx);

  /* Local response normalisation of n places next to each other (layers/lrn.c); rows lie
   * `step` apart.
   *   lrn_sums        s = add + factor times the sum of x^2 over the rows
   *   lrn_scale       y = x s^-beta
   *   lrn_scale_back  dx = dy s^-beta; ratios = dx x / s
   *   lrn_back        dx -= factor x times the sum of ratios over the rows
   */
  void (*lrn_sums)(int64_t rows, int64_t n, int64_t step, real factor, real add,
                   const real *x, real *s);
  void (*lrn_scale)(int64_t n, real beta, const real *s, const real *x, real *y);
  void (*lrn_scale_back)(int64_t n, real beta, const real *s, const real *x,
                         const real *dy, real *dx, real *ratios);
  void (*lrn_back)(int64_t rows, int64_t n, int64_t step, real factor, const real *ratios,
                   const real *x, real *dx);

  /* One step of n units. Blocks (of the gates, their biases and gradients) lie `step`
   * apart. lstm: sums of i, f, g, o without biases become their values and tanh(c). gru:
   * sums of r, z, n, n's part from the state become their values. Back: the gradient in
   * h is dout + carry; dc becomes that in the cell before, carry that part of the one in
   * the h before which does not go through the gates. Only dc and carry are read and
   * written. */
  void (*lstm)(int64_t n, int64_t step, const real *bias, real *gates, const real *before,
               real *c, real *h);
  void (*lstm_back)(int64_t n, int64_t step, const real *gates, const real *before,
                    const real *dout, real *carry, real *dc, real *dgates);
  void (*gru)(int64_t n, int64_t step, const real *bias, real *gates, const real *before,
              real *h);
  void (*gru_back)(int64_t n, int64_t step, const real *gates, const real *before,
                   const real *dout, real *carry, real *dgates);

  /* g, as update_terms has it. */
  void (*full_gradient)(int64_t n, const update_terms *t, const real *grad, const real *w,
                        real *g);

  /* Updates of n numbers of one parameter, in place, one pass. g is what update_terms
   * makes of grad and w.
   *   sgd       v = mu v - rate g;  w += v
   *   nesterov  the same v;  w += (1 + mu) v - mu times the old v
   *   adagrad   h += g^2;  w -= rate g / (sqrt(h) + delta)
   *   rmsprop   the same with h = mean(h, g^2)
   *   adadelta  h = mean(h, g^2);  d = g sqrt((u + delta) / (h + delta));
   *             u = mean(u, d^2);  w -= rate d
   *   adam      m = first(m, g);  v = second(v, g^2);  w -= rate m / (sqrt(v) + delta)
   *   adamw     adam with g = scale grad, and w loses l2 w + l1 sign(w) besides */
  void (*sgd_update)(int64_t n, const update_terms *t, real mu, const real *grad, real *w,
                     real *v);
  void (*nesterov_update)(int64_t n, const update_terms *t, real mu, const real *grad,
                          real *w, real *v);
  void (*adagrad_update)(int64_t n, const update_terms *t, real delta, const real *grad,
                         real *w, real *h);
  void (*rmsprop_update)(int64_t n, const update_terms *t, running mean, real delta,
                         const real *grad, real *w, real *h);
  void (*adadelta_update)(int64_t n, const update_terms *t, running mean, real delta,
                          const real *grad, real *w, real *h, real *u);
  void (*adam_update)(int64_t n, const update_terms *t, running first, running second,
                      real delta, const real *grad, real *w, real *m, real *v);
  void (*adamw_update)(int64_t n, const update_terms *t, running first, running second,
                       real delta, const real *grad, real *w, real *m, real *v);
} kernels;

/* The table for this processor; chosen once. fails: never. */
const kernels *kernels_table(void);

/* The table of one level; NULL when this processor or this build does not have it. */
const kernels *kernels_at(cpu_level level);

#endif
