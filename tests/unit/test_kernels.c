/* test_kernels.c: every kernel of every instruction set that this machine runs, beside a
 * plain loop: lengths from 0 to 70, at every alignment, without a step outside. And the
 * matrix product beside three loops. */
#include "base/parallel.h"
#include "tensor/gemm.h"
#include "tensor/kernels.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef LANDER_REAL_DOUBLE
#define EPSILON DBL_EPSILON
#else
#define EPSILON FLT_EPSILON
#endif

#define LONGEST 70
#define SHIFTS  5  /* in elements: no vector is as short */
#define GUARD   16 /* elements behind the end that must stay as they are */
#define ROOM    (LONGEST + SHIFTS + GUARD)
#define CANARY  ((real)-12345)

static const kernels *k; /* under test */

static uint32_t state = 1;
static real draw(double low, double high) {
  state = state * 1664525u + 1013904223u;
  return (real)(low + (high - low) * (state / 4294967296.0));
}

/* Numbers of both signs with a zero now and then. */
static void draw_all(real *x, int n) {
  for (int i = 0; i < n; i++) x[i] = i % 11 == 7 ? 0 : draw(-3, 3);
}

/* Equal, or both NaN, or near by so many units in the last place. */
static bool near(double x, double z, double ulps) {
  if (isnan(x) || isnan(z)) return isnan(x) && isnan(z);
  if (isinf(x) || isinf(z)) return x == z;
  return fabs(x - z) <= ulps * (double)EPSILON * fmax(fabs(x), fabs(z));
}

/* Equal but for the rounding of terms that may cancel, whose size is at most `scale`. */
static bool within(double x, double z, double scale) {
  return fabs(x - z) <= 4 * (double)EPSILON * scale;
}

/* Blocks for one call: inputs a and b, output y, what was in y before in `old`. */
static real memory[4][ROOM];
static real *a, *b, *y, *old;

static void prepare(int shift) {
  a = memory[0] + shift;
  b = memory[1] + (shift * 2) % SHIFTS;
  y = memory[2] + (shift * 3) % SHIFTS;
  old = memory[3];
  draw_all(a, ROOM - SHIFTS);
  draw_all(b, ROOM - SHIFTS);
  for (int i = 0; i < ROOM - SHIFTS; i++)
    old[i] = y[i] = i < LONGEST ? draw(-3, 3) : CANARY;
}

static bool untouched(int n) {
  return memcmp(y + n, old + n, (size_t)(ROOM - SHIFTS - n) * sizeof(real)) == 0;
}

/* Every length and alignment: `call` fills y, whose every element i must be `good`. */
#define SWEEP(title, call, good)                                                         \
  do {                                                                                   \
    UNIT_TEST(title);                                                                    \
    for (int n = 0; n <= LONGEST; n++)                                                   \
      for (int shift = 0; shift < SHIFTS; shift++) {                                     \
        prepare(shift);                                                                  \
        call;                                                                            \
        for (int i = 0; i < n; i++)                                                      \
          if (!UNIT_CHECK(good))                                                         \
            printf("  %s n %d shift %d i %d: %.9g\n", k->name, n, shift, i,              \
                   (double)y[i]);                                                        \
        UNIT_CHECK(untouched(n));                                                        \
      }                                                                                  \
  } while (0)

static void test_elements(void) {
  const real f = (real)1.7;
  SWEEP("fill", k->fill(n, 3, y), y[i] == 3);
  SWEEP("add", k->add(n, a, b, y), y[i] == (real)(a[i] + b[i]));
  SWEEP("sub", k->sub(n, a, b, y), y[i] == (real)(a[i] - b[i]));
  SWEEP("mul", k->mul(n, a, b, y), y[i] == (real)(a[i] * b[i]));
  SWEEP("div", k->div(n, a, b, y), near(y[i], (real)(a[i] / b[i]), 0));
  SWEEP("scale", k->scale(n, f, a, y), y[i] == (real)(f * a[i]));
  SWEEP("add_scalar", k->add_scalar(n, f, a, y), y[i] == (real)(a[i] + f));
  SWEEP("axpy", k->axpy(n, f, a, y), within(y[i], old[i] + (double)f * a[i], 9));
}

static void test_in_place(void) {
  SWEEP("add in place", k->add(n, y, b, y), y[i] == (real)(old[i] + b[i]));
  SWEEP("mul in place", k->mul(n, a, y, y), y[i] == (real)(a[i] * old[i]));
  SWEEP("scale in place", k->scale(n, 2, y, y), y[i] == 2 * old[i]);
  SWEEP("relu in place", k->relu(n, 0, y, y), y[i] == (old[i] > 0 ? old[i] : 0));
  SWEEP("sigmoid in place", k->sigmoid(n, y, y),
        near(y[i], 1 / (1 + exp(-(double)old[i])), 4));
  SWEEP("tanh in place", k->tanh(n, y, y), near(y[i], tanh((double)old[i]), 4));
}

static void test_activations(void) {
  const real slope = (real)0.1;
  SWEEP("relu", k->relu(n, 0, a, y), y[i] == (a[i] > 0 ? a[i] : 0));
  SWEEP("relu with slope", k->relu(n, slope, a, y),
        y[i] == (a[i] > 0 ? a[i] : (real)(slope * a[i])));
  SWEEP("relu_back", k->relu_back(n, 0, a, b, y), y[i] == (a[i] > 0 ? b[i] : 0));
  SWEEP("relu_back with slope", k->relu_back(n, slope, a, b, y),
        y[i] == (a[i] > 0 ? b[i] : (real)(slope * b[i])));
  SWEEP("exp", k->exp(n, a, y), near(y[i], exp((double)a[i]), 2));
  SWEEP("sigmoid", k->sigmoid(n, a, y), near(y[i], 1 / (1 + exp(-(double)a[i])), 4));
  SWEEP("tanh", k->tanh(n, a, y), near(y[i], tanh((double)a[i]), 4));
  SWEEP("sigmoid_back", k->sigmoid_back(n, a, b, y),
        within(y[i], (double)b[i] * a[i] * (1 - (double)a[i]), 36));
  SWEEP("tanh_back", k->tanh_back(n, a, b, y),
        within(y[i], b[i] * (1 - (double)a[i] * a[i]), 30));
}

static double normal(double x) {
  return 0.5 * erfc(-x * sqrt(0.5));
}

static double density(double x) {
  return exp(-0.5 * x * x) / sqrt(2 * acos(-1.0));
}

static double gelu_tanh(double x) {
  return x / (1 + exp(-2 * sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* The slope of a function by central differences: good to about 1e-10 here. */
static double slope_of(double (*f)(double), double x) {
  return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
}

static void test_smooth_activations(void) {
  SWEEP("log", k->log(n, b, y), near(y[i], log((double)b[i]), 2));
  SWEEP("silu", k->silu(n, a, y), near(y[i], (double)a[i] / (1 + exp(-(double)a[i])), 6));
  SWEEP("silu_back", k->silu_back(n, a, b, y),
        fabs(y[i] - b[i] * (1 + exp(-(double)a[i]) * (1 + (double)a[i])) /
                        pow(1 + exp(-(double)a[i]), 2)) < 20 * (double)EPSILON);
  SWEEP("gelu", k->gelu(n, a, y), near(y[i], a[i] * normal(a[i]), 20));
  SWEEP("gelu_back", k->gelu_back(n, a, b, y),
        fabs(y[i] - b[i] * (normal(a[i]) + a[i] * density(a[i]))) < 20 * (double)EPSILON);
  SWEEP("gelu_tanh", k->gelu_tanh(n, a, y), near(y[i], gelu_tanh(a[i]), 40));
  SWEEP("gelu_tanh_back", k->gelu_tanh_back(n, a, b, y),
        fabs(y[i] - b[i] * slope_of(gelu_tanh, a[i])) < 20 * (double)EPSILON + 1e-9);
  SWEEP("elu", k->elu(n, 2, a, y),
        near(y[i], a[i] > 0 ? (double)a[i] : 2 * expm1((double)a[i]), 3));
  SWEEP("elu_back", k->elu_back(n, 2, a, b, y),
        near(y[i], a[i] > 0 ? (double)b[i] : b[i] * 2 * exp((double)a[i]), 4));
  SWEEP("softplus", k->softplus(n, 2, 5, a, y),
        near(y[i], 2 * a[i] > 5 ? (double)a[i] : log1p(exp(2 * (double)a[i])) / 2, 6));
  SWEEP("softplus_back", k->softplus_back(n, 2, 5, a, b, y),
        near(y[i], 2 * a[i] > 5 ? (double)b[i] : b[i] / (1 + exp(-2 * (double)a[i])), 6));
}

/* Every power of two and numbers between, denormal ones too; and what has no logarithm.
 */
static void test_logarithm(void) {
  UNIT_TEST("log over the whole range");
  for (int e = -149; e < 128; e++) {
    real x[64], z[64];
    for (int i = 0; i < 64; i++) x[i] = (real)ldexp(1 + i / 64.0, e);
    k->log(64, x, z);
    for (int i = 0; i < 64; i++) UNIT_CHECK(near(z[i], log((double)x[i]), 3));
  }
  UNIT_TEST("log of what has none");
  real x[16] = {0, (real)-0.0, -1, (real)NAN, (real)INFINITY, -(real)INFINITY, 1};
  k->log(16, x, x);
  UNIT_CHECK(x[0] == -(real)INFINITY && x[1] == x[0] && isnan(x[2]) && isnan(x[3]));
  UNIT_CHECK(x[4] == (real)INFINITY && isnan(x[5]) && x[6] == 0);
  UNIT_TEST("elu and gelu near zero and far from it");
  for (int i = 0; i < 16; i++) x[i] = (real)-ldexp(1.1, 8 - 2 * i);
  real z[16];
  k->elu(16, 1, x, z);
  for (int i = 0; i < 16; i++) UNIT_CHECK(near(z[i], expm1((double)x[i]), 3));
  k->gelu(16, x, z);
  for (int i = 0; i < 16; i++) /* the rounding of x^2 is raised to a power */
    UNIT_CHECK(near(z[i], x[i] * normal(x[i]), 20 + (double)x[i] * (double)x[i]) ||
               fabs((double)z[i]) < 1e-35);
}

/* Over the whole range, and what is no number: not only where a random number falls. */
static void test_exponentials(void) {
  UNIT_TEST("exp, sigmoid and tanh over the whole range");
  real x[64], e[64], s[64], t[64];
  for (double from = -120; from < 120; from += 64 * 0.013) {
    for (int i = 0; i < 64; i++) x[i] = (real)(from + i * 0.013);
    k->exp(64, x, e);
    k->sigmoid(64, x, s);
    k->tanh(64, x, t);
    for (int i = 0; i < 64; i++) {
      double v = x[i], large = exp(v);
      /* A denormal has fewer digits than the bound assumes. */
      UNIT_CHECK(near(e[i], (real)large, 2) || fabs((double)e[i] - large) < 3e-45);
      double low = v < 0 ? exp(v) / (1 + exp(v)) : 1 / (1 + exp(-v));
      UNIT_CHECK(near(s[i], (real)low, 4) || fabs((double)s[i] - low) < 3e-45);
      UNIT_CHECK(near(t[i], tanh(v), 4));
    }
  }
  UNIT_TEST("exp, sigmoid and tanh of tiny numbers, infinities and NaN");
  real special[16] = {0,
                      (real)-0.0,
                      (real)1e-30,
                      (real)-1e-30,
                      (real)1e-4,
                      (real)-1e-4,
                      (real)INFINITY,
                      -(real)INFINITY,
                      (real)NAN,
                      (real)-NAN,
                      (real)1e30,
                      (real)-1e30,
                      (real)0.6249,
                      (real)0.6251,
                      (real)-0.6249,
                      (real)-0.6251};
  k->exp(16, special, e);
  k->sigmoid(16, special, s);
  k->tanh(16, special, t);
  for (int i = 0; i < 16; i++) {
    double v = special[i];
    UNIT_CHECK(near(e[i], (real)exp(v), 2));
    UNIT_CHECK(near(s[i], 1 / (1 + exp(-v)), 4));
    UNIT_CHECK(near(t[i], tanh(v), 4));
  }
  UNIT_CHECK(s[6] == 1 && s[7] == 0 && t[6] == 1 && t[7] == -1 && e[7] == 0);
  UNIT_TEST("relu of infinities and NaN");
  k->relu(16, 0, special, e);
  UNIT_CHECK(e[6] == (real)INFINITY && e[7] == 0 && isnan(e[8]) && isnan(e[9]));
  k->relu_back(16, 0, special, special, e);
  UNIT_CHECK(e[7] == 0 && isnan(e[8]) && e[6] == (real)INFINITY);
}

static void test_sums(void) {
  UNIT_TEST("sum, sum_squares, dot and max");
  for (int n = 0; n <= LONGEST; n++)
    for (int shift = 0; shift < SHIFTS; shift++) {
      prepare(shift);
      double sum = 0, squares = 0, product = 0, largest = -INFINITY;
      for (int i = 0; i < n; i++) {
        sum += a[i];
        squares += (double)a[i] * a[i];
        product += (double)a[i] * b[i];
        if (a[i] > largest) largest = a[i];
      }
      UNIT_CHECK(fabs(k->sum(n, a) - sum) < 1e-12);
      UNIT_CHECK(fabs(k->sum_squares(n, a) - squares) < 1e-12);
      UNIT_CHECK(fabs(k->dot(n, a, b) - product) < 1e-12);
      UNIT_CHECK((double)k->max(n, a) == largest);
    }
  UNIT_TEST("max finds one number wherever it is");
  prepare(1);
  for (int n = 1; n <= LONGEST; n++)
    for (int at = 0; at < n; at++) {
      real before = a[at];
      a[at] = 9;
      a[n] = 10; /* behind the end: not looked at */
      UNIT_CHECK(k->max(n, a) == 9);
      a[at] = before;
      a[n] = 0;
    }
  UNIT_TEST("max passes over NaN");
  prepare(0);
  a[3] = (real)NAN;
  a[40] = 7;
  UNIT_CHECK(k->max(LONGEST, a) == 7);
  UNIT_TEST("the same sums with every instruction set");
  prepare(1);
  UNIT_CHECK(k->sum(LONGEST, a) == kernels_at(CPU_BASELINE)->sum(LONGEST, a));
}

static void test_is_finite(void) {
  UNIT_TEST("is_finite finds one number wherever it is");
  const real bad[3] = {(real)NAN, (real)INFINITY, -(real)INFINITY};
  for (int n = 1; n <= LONGEST; n++)
    for (int at = 0; at < n; at++) {
      prepare(at % SHIFTS);
      a[n] = (real)NAN; /* behind the end: not looked at */
      UNIT_CHECK(k->is_finite(n, a));
      a[at] = bad[at % 3];
      UNIT_CHECK(!k->is_finite(n, a));
    }
  UNIT_CHECK(k->is_finite(0, a));
  static real many[10000];
  many[9999] = (real)NAN;
  UNIT_CHECK(!k->is_finite(10000, many) && k->is_finite(9999, many));
}

static void test_rows(void) {
  UNIT_TEST("add_rows and sum_rows");
  static real m[5 * 200], got[5 * 200], bias[200], dbias[201];
  for (int n = 1; n <= 200; n += 1 + n / 7) {
    for (int i = 0; i < 5 * n; i++) got[i] = m[i] = draw(-3, 3);
    draw_all(bias, n);
    for (int i = 0; i <= n; i++) dbias[i] = 1;
    k->add_rows(5, n, bias, got);
    k->sum_rows(5, n, m, dbias);
    for (int j = 0; j < n; j++) {
      double sum = 1;
      for (int r = 0; r < 5; r++) {
        UNIT_CHECK(got[r * n + j] == m[r * n + j] + bias[j]);
        sum += m[r * n + j];
      }
      UNIT_CHECK(fabs(dbias[j] - sum) < 100 * (double)EPSILON);
    }
    UNIT_CHECK(dbias[n] == 1);
  }
}

static void test_2d(void) {
  UNIT_TEST("copy_2d and add_2d");
  enum { ROWS = 3, STEP = 45 };
  static real x[ROWS * STEP], copied[ROWS * STEP], added[ROWS * STEP];
  for (int n = 0; n <= 40; n++)
    for (int shift = 0; shift < SHIFTS; shift++) {
      for (int i = 0; i < ROWS * STEP; i++) {
        x[i] = draw(-3, 3);
        copied[i] = added[i] = (real)i;
      }
      k->copy_2d(ROWS, n, x + shift, STEP - 2, copied + 1, STEP - 1);
      k->add_2d(ROWS, n, x + shift, STEP - 2, added + 1, STEP - 1);
      for (int i = 0; i < ROWS * STEP; i++) {
        int row = (i - 1) / (STEP - 1), column = (i - 1) % (STEP - 1);
        bool in = i >= 1 && row < ROWS && column < n;
        real from = in ? x[shift + row * (STEP - 2) + column] : 0;
        UNIT_CHECK(copied[i] == (in ? from : (real)i));
        UNIT_CHECK(added[i] == (in ? (real)i + from : (real)i));
      }
    }
}

static void test_steps(void) {
  UNIT_TEST("add_to_steps");
  enum { MOST = 37, STEPS = 4 };
  static real x[MOST * STEPS], to[MOST * STEPS];
  for (int n = 0; n <= MOST; n++)
    for (int step = 1; step <= STEPS; step++) {
      draw_all(x, COUNT_OF(x));
      for (int i = 0; i < MOST * STEPS; i++) to[i] = (real)i;
      k->add_to_steps(n, step, x, to);
      for (int i = 0; i < MOST * STEPS; i++) {
        bool in = i % step == 0 && i / step < n;
        UNIT_CHECK(near(to[i], (real)i + (in ? x[i / step] : 0), 0));
      }
    }
}

/* From a block of its own, with no more around it than may be read, so that a sanitizer
 * sees each step outside. */
static void check_strip(const strip_rows *s) {
  int64_t n = s->end - s->begin, before = s->first_alone ? 0 : s->x_step;
  int64_t behind = s->last_alone ? 0 : s->x_step;
  int64_t size = before + (s->rows - 1) * s->x_step + (n - 1) * s->step + 1 + behind;
  real *block = malloc((size_t)size * sizeof *block), found[5 * 141];
  if (!UNIT_CHECK(block != NULL)) return;
  for (int64_t i = 0; i < size; i++) block[i] = (real)(i + 1);
  for (int i = 0; i < COUNT_OF(found); i++) found[i] = CANARY;
  k->fill_strip(s, block + before, found);
  for (int i = 0; i < COUNT_OF(found); i++) {
    int64_t r = i / s->width, q = i % s->width;
    bool in = r < s->rows && q >= s->begin && q < s->end;
    int64_t at = before + r * s->x_step + (q - s->begin) * s->step;
    UNIT_CHECK(found[i] == (in ? block[at] : r < s->rows ? 0 : CANARY));
  }
  free(block);
}

static void test_fill_strip(void) {
  UNIT_TEST("fill_strip");
  for (int64_t width = 1; width <= 140; width += width < 40 ? 1 : 25)
    for (int64_t rows = 1; rows <= 5; rows++)
      for (int64_t begin = 0; begin < 4 && begin < width; begin++)
        for (int64_t right = 0; right < 4 && begin + right < width; right++)
          for (int64_t step = 1; step <= 3; step++) {
            int64_t n = width - begin - right;
            strip_rows s = {.rows = rows,
                            .width = width,
                            .begin = begin,
                            .end = width - right,
                            .step = step,
                            .x_step = n * step};
            for (int alone = 0; alone < 4; alone++) {
              s.first_alone = alone & 1;
              s.last_alone = alone & 2;
              s.x_step = n * step + alone;
              check_strip(&s);
            }
          }
}

static void test_max_windows(void) {
  UNIT_TEST("max_windows");
  enum { MOST = 37, STEPS = 4, WIDTH = MOST * STEPS };
  static real x[3 * WIDTH], found[MOST + 1], places[MOST + 1];
  for (int n = 0; n <= MOST; n++)
    for (int step = 1; step <= STEPS; step++) {
      const pool_windows w = {.count = n,
                              .rows = 1 + n % 3,
                              .columns = 1 + n % 4,
                              .step = step,
                              .width = WIDTH - step,
                              .places = 500,
                              .place = 998,
                              .lowest = 1000};
      for (int i = 0; i < 3 * WIDTH; i++)
        x[i] = (real)floor(draw(0, 4)); /* equal often */
      if (n > 5) x[4 * step] = (real)NAN;
      if (n > 8) x[w.width + 8 * step] = (real)NAN;
      if (n > 0) x[(w.rows - 1) * w.width + (n - 1) * step + w.columns] = (real)INFINITY;
      found[n] = places[n] = CANARY;
      k->max_windows(&w, x, found, places);
      for (int i = 0; i < n; i++) {
        int64_t best = i * step, place = best;
        for (int64_t r = 0; r < w.rows; r++)
          for (int64_t c = 0; c < w.columns; c++) {
            int64_t at = r * w.width + i * step + c;
            if (!(x[at] > x[best] || isnan(x[at]))) continue;
            best = at;
            place = r * w.places + i * step + c;
          }
        UNIT_CHECK(near(found[i], x[best], 0));
        UNIT_CHECK(places[i] == fmax(998 + (double)place, 1000));
      }
      UNIT_CHECK(found[n] == CANARY && places[n] == CANARY);
    }
}

/* Places side by side beside a row each: the same but for the order of the sums. */
static void test_softmax_columns(void) {
  UNIT_TEST("softmax_columns and back");
  enum { CLASSES = 7, MOST = 150 };
  static real x[CLASSES * MOST], p[CLASSES * MOST], d[CLASSES * MOST],
      out[CLASSES * MOST];
  for (int n = 1; n <= MOST - 3; n += n < LONGEST ? 1 : 25) {
    double lse[MOST], row[CLASSES], dot;
    draw_all(x, COUNT_OF(x));
    draw_all(d, COUNT_OF(d));
    for (int i = 0; i < COUNT_OF(p); i++) p[i] = out[i] = CANARY;
    x[n - 1] = 900;
    k->softmax_columns(CLASSES, n, n + 3, x, p, lse);
    k->softmax_columns_back(CLASSES, n, n + 3, p, d, out);
    for (int i = 0; i < n; i++) {
      real column[CLASSES], expected[CLASSES];
      for (int c = 0; c < CLASSES; c++) column[c] = x[c * (n + 3) + i];
      UNIT_CHECK(near(lse[i], k->softmax(CLASSES, column, expected), 4));
      dot = 0;
      for (int c = 0; c < CLASSES; c++) {
        row[c] = p[c * (n + 3) + i];
        UNIT_CHECK(near(row[c], expected[c], 8));
        dot += row[c] * d[c * (n + 3) + i];
      }
      for (int c = 0; c < CLASSES; c++)
        UNIT_CHECK(within(out[c * (n + 3) + i], row[c] * (d[c * (n + 3) + i] - dot), 6));
    }
    for (int c = 0; c < CLASSES; c++)
      for (int i = n; i < n + 3; i++)
        UNIT_CHECK(p[c * (n + 3) + i] == CANARY && out[c * (n + 3) + i] == CANARY);
  }
}

static void test_spread_windows(void) {
  UNIT_TEST("spread_windows");
  enum { MOST = 150, STEPS = 4 };
  static real dy[MOST], size[MOST + 8], found[MOST * STEPS + 20];
  for (int n = 1; n < MOST; n += n < 40 ? 1 : 9)
    for (int step = 1; step <= STEPS; step++) {
      int columns = 1 + n % 5, length = (n - 1) * step + columns;
      int end = (n / 8 + 1) * 8 * step; /* of what zeros may be written to */
      draw_all(dy, MOST);
      for (int i = 0; i < COUNT_OF(size); i++) size[i] = (real)(1 + i % 3);
      for (int i = 0; i < COUNT_OF(found); i++) found[i] = CANARY;
      k->spread_windows(n, columns, step, dy, size, 2, found);
      for (int at = 0; at < length; at++) {
        double sum = 0;
        for (int i = 0; i < n; i++)
          if (at >= i * step && at < i * step + columns)
            sum += dy[i] / (2 * (double)size[i]);
        UNIT_CHECK(within(found[at], sum, 6));
      }
      for (int at = length; at < COUNT_OF(found); at++)
        UNIT_CHECK(found[at] == CANARY || (at < end && found[at] == 0));
    }
}

static void test_add_up(void) {
  UNIT_TEST("add_up");
  enum { MOST = 4, STEP = LONGEST + 3 };
  static real x[MOST * STEP], found[LONGEST + 1];
  for (int n = 0; n <= LONGEST; n++)
    for (int rows = 0; rows <= MOST; rows++) {
      draw_all(x, COUNT_OF(x));
      found[n] = CANARY;
      k->add_up(rows, n, x, STEP, found);
      for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int r = 0; r < rows; r++) sum += (double)x[r * STEP + i];
        UNIT_CHECK(within(found[i], sum, 6));
      }
      UNIT_CHECK(found[n] == CANARY);
    }
}

static void test_mean_windows(void) {
  UNIT_TEST("mean_windows");
  enum { MOST = 40, STEPS = 4 };
  static real x[MOST * STEPS + 4], size[MOST], found[MOST + 1];
  for (int n = 0; n < MOST; n++)
    for (int step = 1; step <= STEPS; step++) {
      int columns = 1 + n % 4;
      draw_all(x, COUNT_OF(x));
      for (int i = 0; i < MOST; i++) size[i] = (real)(1 + i % 3);
      found[n] = CANARY;
      k->mean_windows(n, columns, step, x, size, 2, found);
      for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int c = 0; c < columns; c++) sum += (double)x[step * i + c];
        UNIT_CHECK(within(found[i], sum / (2 * (double)size[i]), 12));
      }
      UNIT_CHECK(found[n] == CANARY);
    }
}

/* Beside sums in another order, and lines by hand; planes and columns, which lie in a
 * larger image. */
enum { NORM_ROWS = 3, NORM_STEP = LONGEST + 7 };
static real norm_x[NORM_ROWS * NORM_STEP], norm_dy[NORM_ROWS * NORM_STEP];
static real norm_y[NORM_ROWS * NORM_STEP];

static bool norm_near(int n, const real *mean, const real *by_x, const real *by_dy,
                      const real *shift, int column_step) {
  bool good = true;
  for (int i = 0; i < NORM_ROWS * NORM_STEP; i++) {
    int c = i % NORM_STEP * column_step;
    if (i % NORM_STEP >= n) {
      good &= norm_y[i] == CANARY;
      continue;
    }
    double dy = by_dy ? (double)by_dy[c] * (double)norm_dy[i] : 0;
    double z = dy + (double)by_x[c] * ((double)norm_x[i] - (double)mean[c]) + shift[c];
    good &= within(norm_y[i], z, 40);
  }
  return good;
}

static void check_planes(int n) {
  const norm_line line = {.mean = (real)0.3, .by_x = 2, .by_dy = -1, .shift = (real)0.7};
  double sums[2], back[2], expected[4] = {0};
  for (int i = 0; i < NORM_ROWS * NORM_STEP; i++) {
    if (i % NORM_STEP >= n) continue;
    double d = (double)norm_x[i] - (double)line.mean;
    expected[0] += d;
    expected[1] += d * d;
    expected[2] += (double)norm_dy[i];
    expected[3] += (double)norm_dy[i] * d;
  }
  k->moments(NORM_ROWS, n, NORM_STEP, line.mean, norm_x, sums);
  k->moments_back(NORM_ROWS, n, NORM_STEP, &line, norm_x, norm_dy, back);
  UNIT_CHECK(fabs(sums[0] - expected[0]) + fabs(sums[1] - expected[1]) < 1e-10);
  UNIT_CHECK(fabs(back[0] - expected[2]) + fabs(back[1] - expected[3]) < 1e-10);
  k->fill(NORM_ROWS * NORM_STEP, CANARY, norm_y);
  k->normalise(NORM_ROWS, n, NORM_STEP, &line, norm_x, norm_y);
  UNIT_CHECK(norm_near(n, &line.mean, &line.by_x, NULL, &line.shift, 0));
  k->fill(NORM_ROWS * NORM_STEP, CANARY, norm_y);
  k->normalise_back(NORM_ROWS, n, NORM_STEP, &line, &line, norm_x, norm_dy, norm_y);
  UNIT_CHECK(norm_near(n, &line.mean, &line.by_x, &line.by_dy, &line.shift, 0));
}

/* The same bits as with a ReLU of its own: forward, and of what that lets back. */
static void check_relu(int n, const norm_line *line) {
  static real found[NORM_ROWS * NORM_STEP], stopped[NORM_ROWS * NORM_STEP];
  norm_line plain = *line, ahead = *line;
  plain.relu = false;
  ahead.relu = true;
  for (int i = 0; i < NORM_ROWS * NORM_STEP; i++) norm_y[i] = found[i] = CANARY;
  k->normalise(NORM_ROWS, n, NORM_STEP, &plain, norm_x, norm_y);
  k->relu_back(NORM_ROWS * NORM_STEP, 0, norm_y, norm_dy, stopped);
  for (int r = 0; r < NORM_ROWS; r++)
    k->relu(n, 0, norm_y + r * NORM_STEP, norm_y + r * NORM_STEP);
  k->normalise(NORM_ROWS, n, NORM_STEP, &ahead, norm_x, found);
  UNIT_CHECK(!memcmp(found, norm_y, sizeof found));
  double want[2], sums[2];
  k->moments_back(NORM_ROWS, n, NORM_STEP, &plain, norm_x, stopped, want);
  k->moments_back(NORM_ROWS, n, NORM_STEP, &ahead, norm_x, norm_dy, sums);
  UNIT_CHECK(!memcmp(sums, want, sizeof sums));
  k->normalise_back(NORM_ROWS, n, NORM_STEP, &plain, line, norm_x, stopped, norm_y);
  k->normalise_back(NORM_ROWS, n, NORM_STEP, &ahead, line, norm_x, norm_dy, found);
  UNIT_CHECK(!memcmp(found, norm_y, sizeof found));
}

/* Then with numbers that are all at the line's zero but for rounding, which must be the
 * same in every place and every pass. */
static void check_relus(int n) {
  norm_line line = {.mean = (real)0.3, .by_x = 2, .by_dy = -1, .shift = (real)-0.2};
  check_relu(n, &line);
  for (int i = 0; i < 4; i++) {
    const real x = norm_dy[i];
    line.by_x = norm_dy[4 + i];
    line.shift = -(line.by_x * (x - line.mean));
    k->fill(NORM_ROWS * NORM_STEP, x, norm_x);
    check_relu(n, &line);
  }
}

static void check_columns(int n) {
  const norm_lines lines = {memory[0], memory[1], memory[2], memory[3]};
  double sums[4][LONGEST];
  k->moments_columns(NORM_ROWS, n, NORM_STEP, lines.mean, norm_x, sums[0], sums[1]);
  k->moments_columns_back(NORM_ROWS, n, NORM_STEP, lines.mean, norm_x, norm_dy, sums[2],
                          sums[3]);
  for (int c = 0; c < n; c++) {
    double expected[4] = {0};
    for (int r = 0; r < NORM_ROWS; r++) {
      double d = (double)norm_x[r * NORM_STEP + c] - (double)lines.mean[c];
      double dy = norm_dy[r * NORM_STEP + c];
      expected[0] += d;
      expected[1] += d * d;
      expected[2] += dy;
      expected[3] += dy * d;
    }
    for (int i = 0; i < 4; i++) UNIT_CHECK(fabs(sums[i][c] - expected[i]) < 1e-12);
  }
  k->fill(NORM_ROWS * NORM_STEP, CANARY, norm_y);
  k->normalise_columns(NORM_ROWS, n, NORM_STEP, &lines, norm_x, norm_y);
  UNIT_CHECK(norm_near(n, lines.mean, lines.by_x, NULL, lines.shift, 1));
  k->fill(NORM_ROWS * NORM_STEP, CANARY, norm_y);
  k->normalise_columns_back(NORM_ROWS, n, NORM_STEP, &lines, norm_x, norm_dy, norm_y);
  UNIT_CHECK(norm_near(n, lines.mean, lines.by_x, lines.by_dy, lines.shift, 1));
}

static void test_norm(void) {
  UNIT_TEST("normalisation of planes and of columns, and the sums for it");
  for (int n = 0; n <= LONGEST; n++) {
    draw_all(norm_x, NORM_ROWS * NORM_STEP);
    draw_all(norm_dy, NORM_ROWS * NORM_STEP);
    for (int i = 0; i < 4; i++) draw_all(memory[i], ROOM);
    check_planes(n);
    check_columns(n);
    check_relus(n);
  }
}

/* A window of three rows, of which the middle one is scaled. */
static void check_lrn(int n, double beta) {
  static real s[LONGEST + 1], out[LONGEST + 1], ratios[LONGEST + 1], dx[LONGEST + 1];
  const real *x = norm_x + NORM_STEP, *dy = norm_dy;
  s[n] = out[n] = ratios[n] = dx[n] = CANARY;
  k->lrn_sums(NORM_ROWS, n, NORM_STEP, (real)0.7, (real)0.2, norm_x, s);
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int r = 0; r < NORM_ROWS; r++) {
      double value = norm_x[r * NORM_STEP + i];
      sum += value * value;
    }
    UNIT_CHECK(near(s[i], (double)(real)0.2 + (double)(real)0.7 * sum, 4));
  }
  k->lrn_scale(n, (real)beta, s, x, out);
  k->lrn_scale_back(n, (real)beta, s, x, dy, dx, ratios);
  for (int i = 0; i < n; i++) {
    double scale = pow((double)s[i], -(double)(real)beta);
    UNIT_CHECK(near(out[i], (double)x[i] * scale, 8));
    UNIT_CHECK(near(dx[i], (double)dy[i] * scale, 8));
    UNIT_CHECK(near(ratios[i], (double)(dx[i] * x[i]) / (double)s[i], 4));
    norm_y[i] = dx[i];
  }
  k->lrn_back(NORM_ROWS, n, NORM_STEP, (real)0.3, norm_dy, x, dx);
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int r = 0; r < NORM_ROWS; r++) sum += (double)norm_dy[r * NORM_STEP + i];
    UNIT_CHECK(
        within(dx[i], (double)norm_y[i] - (double)(real)0.3 * (double)x[i] * sum, 4));
  }
  UNIT_CHECK(s[n] == CANARY && out[n] == CANARY && ratios[n] == CANARY &&
             dx[n] == CANARY);
}

/* As a logarithm and an exponential have it, also where a product of roots would not. */
static void check_lrn_ends(double beta) {
  const double large = (double)EPSILON < 1e-10 ? 1e290 : 1e36;
  const real s[] = {0, (real)INFINITY, (real)NAN, (real)large, (real)(1 / large)};
  const real one[] = {1, 1, 1, 1, 1};
  real out[5];
  k->lrn_scale(5, (real)beta, s, one, out);
  for (int i = 0; i < 5; i++)
    UNIT_CHECK(near(out[i], pow((double)s[i], -(double)(real)beta), 300));
}

static void test_lrn(void) {
  UNIT_TEST("local response normalisation");
  const double betas[] = {0.75, 0.5, 1, 0.6};
  for (int i = 0; i < 4; i++) {
    for (int n = 0; n <= LONGEST; n++) {
      draw_all(norm_x, NORM_ROWS * NORM_STEP);
      draw_all(norm_dy, NORM_ROWS * NORM_STEP);
      check_lrn(n, betas[i]);
    }
    check_lrn_ends(betas[i]);
  }
}

static void test_dot_negative(void) {
  UNIT_TEST("dot_negative");
  for (int n = 0; n <= LONGEST; n++) {
    prepare(n % SHIFTS);
    double expected = 0;
    for (int i = 0; i < n; i++) expected += a[i] < 0 ? (double)a[i] * (double)b[i] : 0;
    UNIT_CHECK(fabs(k->dot_negative(n, a, b) - expected) < 1e-12);
    for (int i = 0; i < n; i += 7) {
      real before = b[i];
      b[i] = (real)NAN;
      UNIT_CHECK(isnan(k->dot_negative(n, a, b)));
      b[i] = before;
    }
  }
}

static void test_softmax(void) {
  UNIT_TEST("softmax");
  for (int n = 1; n <= LONGEST; n++) {
    prepare(n % SHIFTS);
    double sum = 0, lse = k->softmax(n, a, y);
    for (int i = 0; i < n; i++) sum += exp((double)a[i]);
    UNIT_CHECK(fabs(lse - log(sum)) < 10 * (double)EPSILON);
    for (int i = 0; i < n; i++) UNIT_CHECK(near(y[i], exp((double)a[i]) / sum, 8));
    UNIT_CHECK(untouched(n));
  }
  UNIT_TEST("softmax_back");
  for (int n = 1; n <= LONGEST; n++) {
    prepare(n % SHIFTS);
    double sum = 0, size = 0;
    for (int i = 0; i < n; i++)
      sum += (double)a[i] * b[i], size += fabs((double)a[i] * b[i]);
    k->softmax_back(n, a, b, y);
    for (int i = 0; i < n; i++)
      UNIT_CHECK(within(y[i], a[i] * (b[i] - sum), fabs((double)a[i]) * (3 + size)));
    UNIT_CHECK(untouched(n));
    memcpy(y, b, (size_t)n * sizeof(real));
    k->softmax_back(n, a, y, y);
    for (int i = 0; i < n; i++)
      UNIT_CHECK(within(y[i], a[i] * (b[i] - sum), fabs((double)a[i]) * (3 + size)));
  }
  UNIT_TEST("log_softmax and back");
  for (int n = 1; n <= LONGEST; n++) {
    prepare(n % SHIFTS);
    double sum = 0, total = 0;
    for (int i = 0; i < n; i++) sum += exp((double)a[i]), total += b[i];
    k->log_softmax(n, a, y);
    for (int i = 0; i < n; i++) UNIT_CHECK(within(y[i], a[i] - log(sum), 12));
    UNIT_CHECK(untouched(n));
    k->log_softmax_back(n, a, b, y);
    for (int i = 0; i < n; i++)
      UNIT_CHECK(within(y[i], b[i] - exp((double)a[i]) * total, 3 + 21 * fabs(total)));
    UNIT_CHECK(untouched(n));
  }
  UNIT_TEST("softmax of large numbers, infinities and NaN");
  real x[3] = {1000, 999, -(real)INFINITY}, p[3];
  UNIT_CHECK(fabs(k->softmax(3, x, p) - (1000 + log(1 + exp(-1)))) < 1e-4);
  UNIT_CHECK(p[2] == 0 && near(p[0], 1 / (1 + exp(-1)), 8));
  x[2] = (real)NAN;
  UNIT_CHECK(!isfinite(k->softmax(3, x, p)) && isnan(p[0]));
  x[2] = (real)INFINITY;
  UNIT_CHECK(!isfinite(k->softmax(3, x, p)) && isnan(p[2]));
  x[0] = x[1] = x[2] = -(real)INFINITY;
  UNIT_CHECK(!isfinite(k->softmax(3, x, p)));
}

/* A window of 2 columns and 3 rows over 3 channels, whose strips lie at odd places. */
static const taps window = {.channels = 3,
                            .columns = 2,
                            .rows = 3,
                            .channel_step = 211,
                            .column_step = 103,
                            .row_step = 7};
enum { TAPS = 18, PLACES = LONGEST + 60, IMAGES = 3 }; /* more than a block's places */

static int tap_place(int tap) {
  return (int)(tap / 6 * window.channel_step + tap / 3 % 2 * window.column_step +
               tap % 3 * window.row_step);
}

static void test_sum_taps(void) {
  UNIT_TEST("sum_taps");
  static real x[3 * 211 + PLACES + TAPS_SLACK], sums[8 * (PLACES + 1)];
  real w[TAPS * 8], bias[8];
  draw_all(x, COUNT_OF(x));
  draw_all(bias, 8);
  UNIT_CHECK(k->tap_rows >= 1 && k->tap_rows <= 8);
  for (int rows = 1; rows <= k->tap_rows; rows++)
    for (int n = 0; n <= PLACES; n++) {
      draw_all(w, TAPS * rows);
      for (int i = 0; i < rows * (PLACES + 1); i++) sums[i] = CANARY;
      bool with_bias = n % 2;
      k->sum_taps(rows, n, &window, x, w, with_bias ? bias : NULL, sums, PLACES + 1);
      for (int r = 0; r < rows; r++)
        for (int i = 0; i <= PLACES; i++) {
          double sum = with_bias ? (double)bias[r] : 0;
          for (int t = 0; t < TAPS; t++)
            sum += (double)w[t * rows + r] * (double)x[tap_place(t) + i];
          real found = sums[r * (PLACES + 1) + i];
          UNIT_CHECK(i < n ? within(found, sum, 200) : found == CANARY);
        }
    }
}

/* Where tap `tap` is among the weights: (channel, row, column). */
static int weight_place(int tap) {
  return tap / 6 * 6 + tap % 3 * 2 + tap / 3 % 2;
}

static void test_sum_places(void) {
  UNIT_TEST("sum_places");
  enum { ROWS = 9, IMAGE = 3 * 211 + PLACES };
  static real x[IMAGES * IMAGE], dy[IMAGES * ROWS * PLACES], dw[ROWS * (TAPS + 1)];
  for (int n = 0; n <= 40; n += n < 20 ? 1 : 5)
    for (int rows = 1; rows <= ROWS; rows++) {
      draw_all(x, COUNT_OF(x));
      draw_all(dy, COUNT_OF(dy));
      for (int m = 0; m < IMAGES; m++) /* what lies behind is not looked at */
        for (int r = 0; r < rows; r++) dy[(m * ROWS + r) * PLACES + n] = (real)NAN;
      for (int m = 0; m < IMAGES; m++) x[m * IMAGE + tap_place(TAPS - 1) + n] = (real)NAN;
      for (int i = 0; i < ROWS * (TAPS + 1); i++) dw[i] = (real)(i % 5);
      k->sum_places(&(taps_back){.taps = window,
                                 .images = IMAGES,
                                 .n = n,
                                 .x = x,
                                 .x_image = IMAGE,
                                 .rows = rows,
                                 .dy = dy,
                                 .dy_image = ROWS * PLACES,
                                 .dy_step = PLACES,
                                 .dw = dw,
                                 .dw_step = TAPS + 1});
      for (int r = 0; r < ROWS; r++)
        for (int t = 0; t <= TAPS; t++) {
          int at = r * (TAPS + 1) + (t < TAPS ? weight_place(t) : TAPS);
          double sum = at % 5;
          for (int m = 0; r < rows && t < TAPS && m < IMAGES; m++)
            for (int i = 0; i < n; i++)
              sum += (double)dy[(m * ROWS + r) * PLACES + i] *
                     (double)x[m * IMAGE + tap_place(t) + i];
          UNIT_CHECK(within(dw[at], sum, 9.0 * IMAGES * 40));
        }
    }
}

/* Windows over a plane, some of every kind: shorter and longer than vectors, with rows
 * that are shared and such that are not. */
static int64_t tap_of(const plane_windows *p, int64_t row, int64_t column, int64_t tap) {
  return row * p->row_step + column * p->step + tap / p->kernel_columns * p->tap_row +
         tap % p->kernel_columns * p->tap_column;
}

static void test_windows_of(const plane_windows *p) {
  enum { NUMBERS = 40 * 110, MOST = 25 };
  static real x[NUMBERS + PLANE_SLACK], result[NUMBERS], dy[NUMBERS], w[MOST],
      sums[MOST * 16];
  int64_t count = p->rows * p->columns, kernel = p->kernel_rows * p->kernel_columns;
  int64_t last = tap_of(p, p->rows - 1, p->columns - 1, kernel - 1);
  UNIT_CHECK(last < NUMBERS && kernel <= MOST);
  draw_all(x, COUNT_OF(x));
  draw_all(dy, COUNT_OF(dy));
  draw_all(w, COUNT_OF(w));
  for (int i = 0; i < NUMBERS; i++) result[i] = CANARY;
  k->sum_windows(p, x, w, (real)0.5, result);
  for (int64_t i = 0; i < NUMBERS; i++) {
    double sum = 0.5;
    for (int64_t t = 0; i < count && t < kernel; t++)
      sum += (double)w[t] * (double)x[tap_of(p, i / p->columns, i % p->columns, t)];
    UNIT_CHECK(i < count ? within(result[i], sum, 200) : result[i] == CANARY);
  }

  dy[count] = (real)NAN; /* is not looked at */
  for (int64_t t = 0; t < kernel; t++)
    for (int i = 0; i < k->lanes; i++) sums[t * k->lanes + i] = i == 0 ? (real)t : 0;
  k->multiply_windows(p, x, dy, sums);
  for (int64_t t = 0; t < kernel; t++) {
    double sum = (double)t, found = 0;
    for (int64_t i = 0; i < count; i++)
      sum += (double)dy[i] * (double)x[tap_of(p, i / p->columns, i % p->columns, t)];
    for (int i = 0; i < k->lanes; i++) found += (double)sums[t * k->lanes + i];
    UNIT_CHECK(within((real)found, sum, 40.0 * (double)count));
  }
}

static void test_windows(void) {
  UNIT_TEST("sum_windows, multiply_windows");
  static const int64_t kernels_of[][2] = {{1, 1}, {3, 3}, {2, 3}, {5, 5}, {4, 4}, {1, 7}};
  for (int kind = 0; kind < (int)COUNT_OF(kernels_of); kind++)
    for (int64_t columns = 1; columns <= 40; columns += columns < 18 ? 1 : 7)
      for (int64_t rows = 1; rows <= 13; rows += rows < 5 ? 1 : 4)
        for (int64_t step = 1; step <= 2; step++)
          for (int64_t down = 1; down <= 2; down++) {
            int64_t width = columns * step + 9;
            test_windows_of(&(plane_windows){.rows = rows,
                                             .columns = columns,
                                             .row_step = down * width,
                                             .step = step,
                                             .kernel_rows = kernels_of[kind][0],
                                             .kernel_columns = kernels_of[kind][1],
                                             .tap_row = width,
                                             .tap_column = 1 + kind % 2});
          }
}

/* All three transforms in one convolution: `side` x `side` outputs of each of some tiles
 * side by side, and channels that do not see each other. */
static void test_winograd(void) {
  UNIT_TEST("winograd");
  enum { TILES = 3, MOST = 2 * 16, WIDTH = 24, EDGE = 8 };
  static real x[6 * WIDTH * MOST], sums[6 * WIDTH * MOST + EDGE], w[25 * MOST],
      bias[MOST];
  static real points[36 * TILES * MOST], kernel[36 * MOST];
  int channels = 2 * k->lanes;
  for (int size = 2; size <= 5; size++) {
    int side = 7 - size;
    draw_all(x, COUNT_OF(x));
    draw_all(w, COUNT_OF(w));
    draw_all(bias, MOST);
    for (int i = 0; i < COUNT_OF(sums); i++) sums[i] = CANARY;
    winograd_tiles t = {.count = 1, .channels = channels, .size = size};
    t.row = size * channels;
    t.column = t.point = channels;
    k->winograd_evaluate(&t, w, kernel);
    t = (winograd_tiles){.count = TILES, .channels = channels, .size = side};
    t.tile = side * channels;
    t.row = WIDTH * channels;
    t.column = channels;
    t.point = TILES * channels;
    k->winograd_spread(&t, x, points);
    for (int i = 0; i < 36 * TILES * channels; i++)
      points[i] *= kernel[i / (int)t.point * channels + i % channels];
    k->winograd_combine(&t, size == 3 ? NULL : bias, points, sums);
    for (int at = 0; at < 6 * WIDTH * channels + EDGE; at++) {
      int c = at % channels, row = at / channels / WIDTH, column = at / channels % WIDTH;
      double sum = size == 3 ? 0 : (double)bias[c];
      for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++)
          if (row < side && column < TILES * side)
            sum += (double)w[(i * size + j) * channels + c] *
                   (double)x[((row + i) * WIDTH + column + j) * channels + c];
      bool inside = row < side && column < TILES * side;
      UNIT_CHECK(inside ? within(sums[at], sum, 9 * 36 * 10) : sums[at] == CANARY);
    }
  }
}

static void test_max_pool(void) {
  UNIT_TEST("max_pool_2x2 and back");
  enum { ROWS = 2, MOST = 19, WIDTH = 2 * MOST + 1 };
  static real x[2 * ROWS * WIDTH], top[ROWS * MOST + 1], which[ROWS * MOST + 1];
  static real dy[ROWS * MOST], dx[2 * ROWS * WIDTH];
  for (int n = 1; n <= MOST; n++)
    for (int width = 2 * n; width <= 2 * n + 1; width++) {
      int outputs = ROWS * n;
      for (int i = 0; i < 2 * ROWS * width; i++) {
        x[i] = (real)floor(draw(0, 4)); /* equal ones often */
        dx[i] = CANARY;
      }
      if (n > 2) x[width + 3] = (real)NAN;
      draw_all(dy, outputs);
      top[outputs] = which[outputs] = CANARY;
      k->max_pool_2x2(ROWS, n, width, x, top, which);
      k->max_pool_2x2_back(ROWS, n, width, which, dy, dx);
      UNIT_CHECK(top[outputs] == CANARY && which[outputs] == CANARY);
      for (int o = 0; o < outputs; o++) {
        int first = o / n * 2 * width + o % n * 2, best = 0;
        const int place[4] = {first, first + 1, first + width, first + width + 1};
        for (int i = 1; i < 4; i++)
          if (x[place[i]] > x[place[best]] || isnan(x[place[i]])) best = i;
        UNIT_CHECK(which[o] == (real)best);
        UNIT_CHECK(near(top[o], x[place[best]], 0));
        for (int i = 0; i < 4; i++) UNIT_CHECK(dx[place[i]] == (i == best ? dy[o] : 0));
      }
      for (int r = 0; width > 2 * n && r < 2 * ROWS;
           r++) /* the last column is no one's */
        UNIT_CHECK(dx[r * width + 2 * n] == CANARY);
    }
}

/* The rules again, in double, a number at a time. */
typedef struct updated {
  double w, a, b; /* the weight and what is remembered of it */
} updated;

static const update_terms terms = {(real)0.5, (real)0.25, (real)0.0625, (real)0.125};
static const real delta = (real)0.03125, mu = (real)0.75;
static const running first = {(real)0.75, (real)0.25};
static const running second = {(real)0.875, (real)0.125};

static double gradient_of(double grad, double w) {
  return 0.5 * grad + 0.25 * w + 0.0625 * ((w > 0) - (w < 0));
}

static updated expected_sgd(double grad, updated u) {
  u.a = 0.75 * u.a - 0.125 * gradient_of(grad, u.w);
  u.w += u.a;
  return u;
}

static updated expected_nesterov(double grad, updated u) {
  double back = 0.75 * u.a;
  u.a = back - 0.125 * gradient_of(grad, u.w);
  u.w += 1.75 * u.a - back;
  return u;
}

static updated expected_adagrad(double grad, updated u) {
  double g = gradient_of(grad, u.w);
  u.a += g * g;
  u.w -= 0.125 * g / (sqrt(u.a) + 0.03125);
  return u;
}

static updated expected_rmsprop(double grad, updated u) {
  double g = gradient_of(grad, u.w);
  u.a = 0.75 * u.a + 0.25 * g * g;
  u.w -= 0.125 * g / (sqrt(u.a) + 0.03125);
  return u;
}

static updated expected_adadelta(double grad, updated u) {
  double g = gradient_of(grad, u.w);
  u.a = 0.75 * u.a + 0.25 * g * g;
  double d = g * sqrt((u.b + 0.03125) / (u.a + 0.03125));
  u.b = 0.75 * u.b + 0.25 * d * d;
  u.w -= 0.125 * d;
  return u;
}

static updated expected_adam(double grad, updated u) {
  double g = gradient_of(grad, u.w);
  u.a = 0.75 * u.a + 0.25 * g;
  u.b = 0.875 * u.b + 0.125 * g * g;
  u.w -= 0.125 * u.a / (sqrt(u.b) + 0.03125);
  return u;
}

static updated expected_adamw(double grad, updated u) {
  double g = 0.5 * grad, decay = gradient_of(0, u.w);
  u.a = 0.75 * u.a + 0.25 * g;
  u.b = 0.875 * u.b + 0.125 * g * g;
  u.w -= decay + 0.125 * u.a / (sqrt(u.b) + 0.03125);
  return u;
}

static void run_sgd(int n, real *one, real *two) {
  (void)two;
  k->sgd_update(n, &terms, mu, a, y, one);
}

static void run_nesterov(int n, real *one, real *two) {
  (void)two;
  k->nesterov_update(n, &terms, mu, a, y, one);
}

static void run_adagrad(int n, real *one, real *two) {
  (void)two;
  k->adagrad_update(n, &terms, delta, a, y, one);
}

static void run_rmsprop(int n, real *one, real *two) {
  (void)two;
  k->rmsprop_update(n, &terms, first, delta, a, y, one);
}

static void run_adadelta(int n, real *one, real *two) {
  k->adadelta_update(n, &terms, first, delta, a, y, one, two);
}

static void run_adam(int n, real *one, real *two) {
  k->adam_update(n, &terms, first, second, delta, a, y, one, two);
}

static void run_adamw(int n, real *one, real *two) {
  k->adamw_update(n, &terms, first, second, delta, a, y, one, two);
}

static const struct {
  const char *name;
  void (*run)(int n, real *one, real *two);
  updated (*expected)(double grad, updated before);
  bool squares; /* one holds squares */
} updates[] = {{"sgd_update", run_sgd, expected_sgd, false},
               {"nesterov_update", run_nesterov, expected_nesterov, false},
               {"adagrad_update", run_adagrad, expected_adagrad, true},
               {"rmsprop_update", run_rmsprop, expected_rmsprop, true},
               {"adadelta_update", run_adadelta, expected_adadelta, true},
               {"adam_update", run_adam, expected_adam, false},
               {"adamw_update", run_adamw, expected_adamw, false}};

static void check_update(int rule, int n) {
  real one[ROOM], two[ROOM], one_old[ROOM], two_old[ROOM];
  prepare(n % SHIFTS);
  draw_all(one, ROOM);
  draw_all(two, ROOM);
  for (int i = 0; i < ROOM; i++) {
    if (updates[rule].squares) one[i] = one[i] * one[i];
    two[i] = two[i] * two[i];
  }
  memcpy(one_old, one, sizeof one);
  memcpy(two_old, two, sizeof two);
  if (n > 3) y[3] = old[3] = 0; /* the sign of zero is zero */
  updates[rule].run(n, one, two);
  for (int i = 0; i < n; i++) {
    updated u = updates[rule].expected(a[i], (updated){old[i], one_old[i], two_old[i]});
    UNIT_CHECK(fabs(y[i] - u.w) < 16 * (double)EPSILON * fmax(1, fabs(u.w)));
    UNIT_CHECK(fabs(one[i] - u.a) < 16 * (double)EPSILON * fmax(1, fabs(u.a)));
    UNIT_CHECK(fabs(two[i] - u.b) < 16 * (double)EPSILON * fmax(1, fabs(u.b)));
  }
  UNIT_CHECK(untouched(n) && one[n] == one_old[n] && two[n] == two_old[n]);
}

static void test_update(void) {
  for (int rule = 0; rule < COUNT_OF(updates); rule++) {
    UNIT_TEST(updates[rule].name);
    for (int n = 0; n <= LONGEST; n++) check_update(rule, n);
  }
}

/* ---- random numbers ------------------------------------------------------------------
 */

/* Beside the draws one by one, whose generator is tested by its published vectors. */
static void test_uniform(void) {
  UNIT_TEST("uniform");
  const random_key keys[] = {{1, RANDOM_TENSOR}, {UINT64_MAX - 5, RANDOM_DROPOUT(3, 70)}};
  const uint64_t places[] = {0, 5, 1000002, (uint64_t)UINT32_MAX * 4 - 301,
                             UINT64_MAX / 2};
  static real drawn[1200], expected[1200];
  for (int key = 0; key < COUNT_OF(keys); key++)
    for (int place = 0; place < COUNT_OF(places); place++)
      for (int n = 0; n < COUNT_OF(drawn); n += n < LONGEST ? 1 : 181) {
        uint64_t begin = places[place] + (uint64_t)n % 7;
        random_uniform(keys[key], begin, (size_t)n, expected);
        drawn[n] = CANARY;
        k->uniform(keys[key], begin, n, drawn);
        UNIT_CHECK(memcmp(drawn, expected, (size_t)n * sizeof(real)) == 0);
        UNIT_CHECK(drawn[n] == CANARY);
      }
}

static void test_drop(void) {
  UNIT_TEST("drop and drop_back");
  const real ratio = (real)0.3, scale = 3;
  for (int n = 0; n <= LONGEST; n++) {
    prepare(n % SHIFTS);
    real u[LONGEST];
    uint32_t bits[LONGEST / 32 + 2] = {0};
    for (int i = 0; i < n; i++) u[i] = i % 5 == 3 ? ratio : draw(0, 1);
    bits[(n + 31) / 32] = 77;
    k->drop(n, ratio, scale, u, bits, a, y);
    for (int i = 0; i < n; i++)
      UNIT_CHECK(y[i] == (u[i] >= ratio ? scale * a[i] : 0) &&
                 (bits[i / 32] >> i % 32 & 1) == (u[i] >= ratio));
    UNIT_CHECK(untouched(n) && bits[(n + 31) / 32] == 77);
    memcpy(y, b, (size_t)n * sizeof(real));
    k->drop_back(n, scale, bits, y, y);
    for (int i = 0; i < n; i++) UNIT_CHECK(y[i] == (u[i] >= ratio ? scale * b[i] : 0));
    UNIT_CHECK(untouched(n));
  }
  UNIT_TEST("what is dropped is not hidden");
  prepare(0);
  real u[2] = {0, 1};
  uint32_t bits[1];
  a[0] = (real)NAN;
  k->drop(2, ratio, scale, u, bits, a, y);
  UNIT_CHECK(isnan(y[0]) && bits[0] == 2);
}

/* ---- the matrix product ---------------------------------------------------------------
 */

typedef struct product {
  int m, n, k;
} product;

static void naive(gemm_transpose ta, gemm_transpose tb, product s, real alpha,
                  const real *x, int ldx, const real *z, int ldz, real beta, double *c) {
  for (int i = 0; i < s.m; i++)
    for (int j = 0; j < s.n; j++) {
      double sum = 0;
      for (int p = 0; p < s.k; p++)
        sum += (double)x[ta == GEMM_N ? i * ldx + p : p * ldx + i] *
               (double)z[tb == GEMM_N ? p * ldz + j : j * ldz + p];
      c[i * s.n + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * s.n + j]);
    }
}

/* Rows of x, z and c have 3 elements more than they need; those must stay. */
static void check_product(lander_engine *engine, product s, gemm_transpose ta,
                          gemm_transpose tb, real beta) {
  int ldx = (ta == GEMM_N ? s.k : s.m) + 3, ldz = (tb == GEMM_N ? s.n : s.k) + 3;
  int ldc = s.n + 3;
  size_t nx = (size_t)((ta == GEMM_N ? s.m : s.k) * ldx + 1);
  size_t nz = (size_t)((tb == GEMM_N ? s.k : s.n) * ldz + 1);
  size_t nc = (size_t)(s.m * ldc + 1);
  real *x = calloc(nx, sizeof(real)), *z = calloc(nz, sizeof(real));
  real *c = calloc(nc, sizeof(real));
  double *expected = calloc((size_t)(s.m * s.n + 1), sizeof(double));
  for (size_t i = 0; i < nx; i++) x[i] = draw(-1, 1);
  for (size_t i = 0; i < nz; i++) z[i] = draw(-1, 1);
  for (size_t i = 0; i < nc; i++) c[i] = beta == 0 ? (real)NAN : 2; /* 0: not read */
  for (int i = 0; i < s.m * s.n; i++) expected[i] = 2;
  naive(ta, tb, s, (real)0.5, x, ldx, z, ldz, beta, expected);
  if (engine)
    gemm_parallel(engine, ta, tb, s.m, s.n, s.k, (real)0.5, x, ldx, z, ldz, beta, c, ldc);
  else
    gemm(ta, tb, s.m, s.n, s.k, (real)0.5, x, ldx, z, ldz, beta, c, ldc);
  /* Far above the rounding of k sums of random sign, far below a wrong term. */
  double bound = (double)EPSILON * (4 + 0.5 * s.k);
  bool good = true;
  for (int i = 0; i < s.m; i++)
    for (int j = 0; j < ldc; j++)
      if (j < s.n)
        good &= fabs((double)c[i * ldc + j] - expected[i * s.n + j]) <= bound;
      else
        good &= beta == 0 ? isnan(c[i * ldc + j]) : c[i * ldc + j] == 2;
  if (!UNIT_CHECK(good)) printf("  %d x %d x %d, %d%d\n", s.m, s.n, s.k, ta, tb);
  free(x);
  free(z);
  free(c);
  free(expected);
}

static const product products[] = {{1, 1, 1},      {1, 7, 3},     {5, 1, 4},
                                   {3, 5, 0},      {0, 4, 3},     {4, 0, 3},
                                   {17, 33, 9},    {64, 10, 50},  {20, 64, 25},
                                   {130, 70, 100}, {64, 500, 80}, {257, 129, 65}};

static void test_gemm(void) {
  lander_engine *engine = lander_engine_new(&(lander_config){.threads = 3}, NULL);
  if (!UNIT_CHECK(engine != NULL)) return;
  for (int i = 0; i < COUNT_OF(products); i++)
    for (int t = 0; t < 8; t++) {
      gemm_transpose ta = t & 1 ? GEMM_T : GEMM_N, tb = t & 2 ? GEMM_T : GEMM_N;
      UNIT_TEST("gemm");
      check_product(NULL, products[i], ta, tb, t & 4 ? (real)0.5 : 0);
      UNIT_TEST("gemm_parallel");
      check_product(engine, products[i], ta, tb, t & 4 ? 1 : 0);
    }
  lander_engine_free(engine);
}

/* How the product is cut depends on the threads; the bits don't. */
static void test_gemm_threads(void) {
  UNIT_TEST("products of any number of threads");
  enum { M = 330, N = 205, K = 290 };
  static real x[M * K], w[N * K], bias[N], plain[2][M * N], added[2][M * N];
  draw_all(x, COUNT_OF(x));
  draw_all(w, COUNT_OF(w));
  draw_all(bias, COUNT_OF(bias));
  for (int threads = 1; threads <= 17; threads = threads * 2 + threads / 3) {
    lander_engine *engine = lander_engine_new(&(lander_config){.threads = threads}, NULL);
    if (!UNIT_CHECK(engine != NULL)) return;
    int to = threads > 1;
    gemm_linear(engine, M, N, K, x, w, bias, plain[to]);
    memcpy(added[to], plain[0], sizeof added[to]);
    gemm_parallel(engine, GEMM_N, GEMM_T, M, N, K, (real)0.3, x, K, w, K, 1, added[to],
                  N);
    UNIT_CHECK(memcmp(plain[0], plain[to], sizeof plain[to]) == 0);
    UNIT_CHECK(memcmp(added[0], added[to], sizeof added[to]) == 0);
    lander_engine_free(engine);
  }
}

/* The kernel of one instruction set. Rows of c have 3 elements more than they need. */
static void check_one_product(int m, int n, int depth, bool a_turned, bool b_turned) {
  real bias[LONGEST];
  draw_all(bias, LONGEST);
  size_t room = (size_t)(m * (n + 3));
  real *left = malloc((size_t)(m * depth) * sizeof(real));
  real *right = malloc((size_t)(n * depth) * sizeof(real));
  real *c = malloc(room * sizeof(real));
  draw_all(left, m * depth);
  draw_all(right, n * depth);
  for (size_t i = 0; i < room; i++) c[i] = CANARY;
  product_job t = {.m = m, .n = n, .k = depth, .alpha = 2, .a = left, .b = right, .c = c};
  t.a_row = a_turned ? 1 : depth, t.a_step = a_turned ? m : 1;
  t.b_row = b_turned ? 1 : n, t.b_step = b_turned ? depth : 1;
  t.c_row = n + 3;
  t.bias = n % 2 ? bias : NULL;
  k->product(&t);
  double most = 0;
  bool outside = false;
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int p = 0; p < depth; p++)
        sum +=
            (double)left[i * t.a_row + p * t.a_step] * right[p * t.b_row + j * t.b_step];
      sum = 2 * sum + (t.bias ? bias[j] : 0);
      most = fmax(most, fabs(sum - (double)c[i * t.c_row + j]));
    }
    for (int j = n; j < n + 3; j++) outside |= c[i * t.c_row + j] != CANARY;
  }
  if (!UNIT_CHECK(most <= 18 * depth * (double)EPSILON && !outside))
    printf("  %s, %d x %d x %d: off by %g\n", k->name, m, n, depth, most);
  free(left);
  free(right);
  free(c);
}

static void test_product(void) {
  UNIT_TEST("product");
  for (int turned = 0; turned < 4; turned++) {
    for (int m = 1; m <= 19; m += 1 + m / 9)
      for (int n = 1; n <= 70; n += n < 35 ? 1 : 7)
        check_one_product(m, n, 1 + (m + n) % 23, turned & 1, turned & 2);
    /* A panel is not so deep, nor a block so high. */
    check_one_product(9, 35, 600, turned & 1, turned & 2);
    check_one_product(1100, 3, 11, turned & 1, turned & 2);
  }
}

/* One row and column by themselves, in a sum of two products: the bits are those of the
 * whole. */
static void test_product_bits(void) {
  UNIT_TEST("an element of a product is the same whatever stands beside it");
  enum { M = 23, N = 45, K = 300 };
  static real left[M * K], right[K * N], c[M * N];
  draw_all(left, M * K);
  draw_all(right, K * N);
  draw_all(c, M * N);
  for (int i = 0; i < M; i += 5)
    for (int j = 0; j < N; j += 7) {
      real one = c[i * N + j];
      product_job t = {.m = 1, .n = 1, .k = K, .alpha = 1, .beta = 1};
      t.a = left + i * K, t.a_row = K, t.a_step = 1;
      t.b = right + j, t.b_row = N, t.b_step = 1;
      t.c = &one, t.c_row = 1;
      k->product(&t);
      real whole[M * N];
      memcpy(whole, c, sizeof whole);
      t.m = M, t.n = N, t.a = left, t.b = right, t.c = whole, t.c_row = N;
      k->product(&t);
      UNIT_CHECK(memcmp(&one, &whole[i * N + j], sizeof one) == 0);
    }
}

static void test_transpose(void) {
  UNIT_TEST("transpose");
  static real x[40 * 50], to[40 * 50];
  draw_all(x, COUNT_OF(x));
  for (int rows = 0; rows <= 20; rows++)
    for (int n = 0; n <= 20; n++) {
      for (int i = 0; i < COUNT_OF(to); i++) to[i] = CANARY;
      k->transpose(rows, n, x, 50, to, 40);
      int wrong = 0;
      for (int j = 0; j < 50; j++)
        for (int i = 0; i < 40; i++)
          wrong += to[j * 40 + i] != (j < n && i < rows ? x[i * 50 + j] : CANARY);
      UNIT_CHECK(wrong == 0);
    }
}

/* Two threads that multiply at once do not disturb each other. */
enum { SIDE = 48, AT_ONCE = 64 };
typedef struct crowd {
  real x[SIDE * SIDE], expected[SIDE * SIDE];
  bool same[AT_ONCE];
} crowd;

static void multiply_often(void *arg, int piece, int thread) {
  (void)thread;
  crowd *all = arg;
  real c[SIDE * SIDE];
  all->same[piece] = true;
  for (int i = 0; i < 100; i++) {
    gemm(GEMM_N, GEMM_N, SIDE, SIDE, SIDE, 1, all->x, SIDE, all->x, SIDE, 0, c, SIDE);
    all->same[piece] &= memcmp(c, all->expected, sizeof c) == 0;
  }
}

static void test_gemm_at_once(void) {
  UNIT_TEST("products on several threads at once");
  static crowd all;
  lander_engine *engine = lander_engine_new(&(lander_config){.threads = 4}, NULL);
  if (!UNIT_CHECK(engine != NULL)) return;
  draw_all(all.x, SIDE * SIDE);
  gemm(GEMM_N, GEMM_N, SIDE, SIDE, SIDE, 1, all.x, SIDE, all.x, SIDE, 0, all.expected,
       SIDE);
  parallel_run(engine, AT_ONCE, multiply_often, &all);
  for (int i = 0; i < AT_ONCE; i++) UNIT_CHECK(all.same[i]);
  lander_engine_free(engine);
}

int main(void) {
  for (cpu_level level = CPU_BASELINE; level <= CPU_AVX512; level++) {
    k = kernels_at(level);
    if (!k) continue;
    state = 1; /* the same numbers for each */
    test_elements();
    test_in_place();
    test_activations();
    test_smooth_activations();
    test_logarithm();
    test_exponentials();
    test_sums();
    test_is_finite();
    test_rows();
    test_2d();
    test_steps();
    test_fill_strip();
    test_max_windows();
    test_mean_windows();
    test_spread_windows();
    test_add_up();
    test_norm();
    test_lrn();
    test_dot_negative();
    test_softmax();
    test_softmax_columns();
    test_max_pool();
    test_sum_taps();
    test_sum_places();
    test_windows();
    test_winograd();
    test_update();
    test_uniform();
    test_drop();
    test_product();
    test_product_bits();
    test_transpose();
  }
  test_gemm();
  test_gemm_threads();
  test_gemm_at_once();
  UNIT_TEST("the table is the best one");
  const kernels *best = kernels_at(cpu_detect()); /* NULL: built with LEVELS=baseline */
  UNIT_CHECK(kernels_table() == (best ? best : kernels_at(CPU_BASELINE)));
  return unit_finish();
}
