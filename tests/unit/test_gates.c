/* test_gates.c: the steps of lstm and gru, of every instruction set that this machine
 * runs, beside the formulas in double, and their gradients beside differences. */
#include "tensor/kernels.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef LANDER_REAL_DOUBLE
#define EPSILON DBL_EPSILON
#else
#define EPSILON FLT_EPSILON
#endif

#define LONGEST 70
#define STEP    (LONGEST + 5) /* between blocks; what is behind n of one must stay */
#define BLOCKS  5

static uint32_t state = 1;
static real draw(double low, double high) {
  state = state * 1664525u + 1013904223u;
  return (real)(low + (high - low) * (state / 4294967296.0));
}

/* What a step reads and writes. */
typedef struct cells {
  real bias[BLOCKS * STEP], gates[BLOCKS * STEP], before[STEP], c_before[STEP];
  real h[STEP], c[STEP], dout[STEP], carry[STEP], dc[STEP], dgates[BLOCKS * STEP];
} cells;

static cells old, now;

static void prepare(void) {
  real *all = (real *)&old;
  for (size_t i = 0; i < sizeof old / sizeof *all; i++) all[i] = draw(-2, 2);
  now = old;
}

static bool near(double found, double expected) {
  return fabs(found - expected) <= 16 * (double)EPSILON * fmax(1, fabs(expected));
}

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

/* The sum of block `block` of unit i, as it was given. */
static double given(int block, int i) {
  return (double)old.gates[block * STEP + i] + (double)old.bias[block * STEP + i];
}

/* Whether elements n .. of all blocks are what they were. */
static bool untouched(const real *blocks, const real *were, int count, int n) {
  bool same = true;
  for (int b = 0; b < count; b++)
    same &= !memcmp(blocks + b * STEP + n, were + b * STEP + n,
                    (size_t)(STEP - n) * sizeof(real));
  return same;
}

/* ---- the formulas ---------------------------------------------------------------- */

/* h and c of a unit from the sums of its gates and what was before. */
static void lstm_unit(const double sum[4], double before, double *c, double *h) {
  *c = sigmoid(sum[1]) * before + sigmoid(sum[0]) * tanh(sum[2]);
  *h = sigmoid(sum[3]) * tanh(*c);
}

static double gru_unit(const double sum[4], double before) {
  double z = sigmoid(sum[1]);
  return (1 - z) * tanh(sum[2] + sigmoid(sum[0]) * sum[3]) + z * before;
}

/* dout + carry times h, and dc times c: its gradient is what the kernel works out. */
static double objective(bool lstm, int i, const double sum[4], double before) {
  double dh = (double)old.dout[i] + (double)old.carry[i], c, h;
  if (!lstm) return dh * gru_unit(sum, before);
  lstm_unit(sum, before, &c, &h);
  return dh * h + (double)old.dc[i] * c;
}

/* Differences in the sum number `block`, or in what was before. */
#define WIDTH 1e-5

static double difference(bool lstm, int i, int block) {
  double sum[4], value[2], before = (double)(lstm ? old.c_before : old.before)[i];
  for (int side = 0; side < 2; side++) {
    double by = side ? -WIDTH : WIDTH;
    for (int b = 0; b < 4; b++) sum[b] = given(b, i) + (b == block ? by : 0);
    value[side] = objective(lstm, i, sum, before + (block < 0 ? by : 0));
  }
  return (value[0] - value[1]) / (2 * WIDTH);
}

/* Those of differences: about WIDTH^2, and the rounding of float. */
static bool close(double found, double expected) {
  return fabs(found - expected) <= 1e-8 + 32 * (double)EPSILON * fmax(1, fabs(expected));
}

/* ---- the kernels ----------------------------------------------------------------- */

static void check_lstm(const kernels *k, int n) {
  prepare();
  k->lstm(n, STEP, now.bias, now.gates, now.c_before, now.c, now.h);
  for (int i = 0; i < n; i++) {
    double sum[4], c, h;
    for (int b = 0; b < 4; b++) {
      sum[b] = given(b, i);
      UNIT_CHECK(near(now.gates[b * STEP + i], b == 2 ? tanh(sum[b]) : sigmoid(sum[b])));
    }
    lstm_unit(sum, (double)old.c_before[i], &c, &h);
    UNIT_CHECK(near(now.c[i], c) && near(now.h[i], h));
    UNIT_CHECK(near(now.gates[4 * STEP + i], tanh(c)));
  }
  UNIT_CHECK(untouched(now.gates, old.gates, BLOCKS, n));
  UNIT_CHECK(untouched(now.c, old.c, 1, n) && untouched(now.h, old.h, 1, n));
  k->lstm_back(n, STEP, now.gates, now.c_before, now.dout, now.carry, now.dc, now.dgates);
  for (int i = 0; i < n; i++) {
    for (int b = 0; b < 4; b++)
      UNIT_CHECK(close(now.dgates[b * STEP + i], difference(true, i, b)));
    UNIT_CHECK(close(now.dc[i], difference(true, i, -1)));
    UNIT_CHECK(now.carry[i] == 0);
  }
  UNIT_CHECK(untouched(now.dgates, old.dgates, BLOCKS, n));
  UNIT_CHECK(untouched(now.dc, old.dc, 1, n) && untouched(now.carry, old.carry, 1, n));
}

static void check_gru(const kernels *k, int n) {
  prepare();
  k->gru(n, STEP, now.bias, now.gates, now.before, now.h);
  for (int i = 0; i < n; i++) {
    double sum[4];
    for (int b = 0; b < 4; b++) sum[b] = given(b, i);
    UNIT_CHECK(near(now.gates[i], sigmoid(sum[0])));
    UNIT_CHECK(near(now.gates[STEP + i], sigmoid(sum[1])));
    UNIT_CHECK(near(now.gates[3 * STEP + i], sum[3]));
    UNIT_CHECK(near(now.h[i], gru_unit(sum, (double)old.before[i])));
  }
  UNIT_CHECK(untouched(now.gates, old.gates, BLOCKS, n) && untouched(now.h, old.h, 1, n));
  k->gru_back(n, STEP, now.gates, now.before, now.dout, now.carry, now.dgates);
  for (int i = 0; i < n; i++) {
    for (int b = 0; b < 4; b++)
      UNIT_CHECK(close(now.dgates[b * STEP + i], difference(false, i, b)));
    UNIT_CHECK(close(now.carry[i], difference(false, i, -1)));
  }
  UNIT_CHECK(untouched(now.dgates, old.dgates, BLOCKS, n));
  UNIT_CHECK(untouched(now.carry, old.carry, 1, n));
}

/* A NaN in a sum comes out, and does not reach the next unit. */
static void check_nan(const kernels *k) {
  prepare();
  now.gates[1] = (real)NAN;
  k->lstm(3, STEP, now.bias, now.gates, now.c_before, now.c, now.h);
  UNIT_CHECK(isnan(now.h[1]) && isnan(now.c[1]) && !isnan(now.h[0]) && !isnan(now.h[2]));
  now = old;
  now.gates[3 * STEP + 1] = (real)NAN;
  k->gru(3, STEP, now.bias, now.gates, now.before, now.h);
  UNIT_CHECK(isnan(now.h[1]) && !isnan(now.h[0]) && !isnan(now.h[2]));
}

int main(void) {
  for (cpu_level level = CPU_BASELINE; level <= CPU_AVX512; level++) {
    const kernels *k = kernels_at(level);
    if (!k) continue;
    UNIT_TEST("lstm and lstm_back");
    for (int n = 0; n <= LONGEST; n++) check_lstm(k, n);
    UNIT_TEST("gru and gru_back");
    for (int n = 0; n <= LONGEST; n++) check_gru(k, n);
    UNIT_TEST("a NaN comes out");
    check_nan(k);
  }
  return unit_finish();
}
