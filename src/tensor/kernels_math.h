/* kernels_math.h: functions of one number that the compiler makes vectors of: no calls,
 * no branches. In the double build they are libm's, which are exact and slow (but for the
 * root, which is an instruction).
 *
 * Polynomials were fitted for the least largest relative error, which stands beside them.
 */
#ifndef LANDER_TENSOR_KERNELS_MATH_H
#define LANDER_TENSOR_KERNELS_MATH_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/base.h"

/* The standard normal distribution at x. */
typedef struct normal_at {
  real below;   /* probability of a smaller number */
  real density; /* e^(-x^2 / 2) / sqrt(2 pi) */
} normal_at;

#define NORMAL_DENSITY ((real)0.39894228040143268) /* at 0 */

#ifdef LANDER_REAL_DOUBLE

static inline double root(double x) {
  return sqrt(x);
}

static inline double exp_one(double x) {
  return exp(x);
}

static inline double expm1_one(double x) {
  return expm1(x);
}

static inline double log_one(double x) {
  return log(x);
}

static inline double log1p_one(double x) {
  return log1p(x);
}

static inline double tanh_one(double x) {
  return tanh(x);
}

static inline normal_at normal_one(double x) {
  return (normal_at){.below = 0.5 * erfc(-x * 0.70710678118654752),
                     .density = NORMAL_DENSITY * exp(-0.5 * x * x)};
}

#else

static inline float root(float x) {
  return sqrtf(x);
}

/* e^x = 2^n e^r with n the integer nearest to x / ln 2, so |r| <= ln(2) / 2, where a
 * polynomial of degree 6 (3.3e-9) is enough. 2^n is in two halves: multiplied one after
 * the other, results may be denormal, and overflow is infinity. NaN falls through all
 * comparisons and comes out. */
typedef struct exp_parts {
  float minus_one; /* e^r - 1 */
  float a, b;      /* 2^n = a b */
} exp_parts;

static inline exp_parts exp_split(float x) {
  x = x > 89 ? 89 : x;           /* infinity; */
  x = x < -104 ? -104 : x;       /* zero */
  const float round = 0x1.8p23f; /* added, it leaves no room behind the point */
  float shifted = x * 0x1.715476p0f + round;
  float n = shifted - round;
  float r = x - n * 0x1.62ep-1f; /* ln 2 in two parts, the first with few bits */
  r = r - n * 0x1.0bfbe8p-15f;
  float p = 0.0013813145f;
  p = p * r + 0.008369419f;
  p = p * r + 0.041668456f;
  p = p * r + 0.16666515f;
  p = p * r + 0.49999994f;
  p = p * r * r + r;
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  int32_t whole = (int32_t)(bits - 0x4b400000u); /* n, from the low bits of `shifted` */
  int32_t half = whole >> 1;
  uint32_t first = ((uint32_t)half + 127) << 23;
  uint32_t second = ((uint32_t)whole - (uint32_t)half + 127) << 23;
  exp_parts parts = {.minus_one = p};
  memcpy(&parts.a, &first, sizeof first);
  memcpy(&parts.b, &second, sizeof second);
  return parts;
}

static inline float exp_one(float x) {
  exp_parts e = exp_split(x);
  return (e.minus_one + 1) * e.a * e.b;
}

/* For x <= 0 (2^n in one piece would overflow a little too early). */
static inline float expm1_one(float x) {
  exp_parts e = exp_split(x);
  float power = e.a * e.b;
  return power * e.minus_one + (power - 1);
}

/* log((1 + s) / (1 - s)) = 2 atanh(s) = 2 s (1 + s^2 / 3 + s^4 / 5 ...), for |s| <= 1/3:
 * what comes behind 2 s (4.5e-9 of the whole). */
static inline float log_tail(float s) {
  float z = s * s;
  float p = 0.14006422f;
  p = p * z + 0.14000814f;
  p = p * z + 0.2001077f;
  p = p * z + 0.3333321f;
  return 2 * s * z * p;
}

/* log x = n ln 2 + log m with m between sqrt(1/2) and sqrt(2). */
static inline float log_one(float x) {
  float n = x < FLT_MIN ? -23 : 0; /* denormal numbers */
  float scaled = x * (x < FLT_MIN ? 0x1p23f : 1);
  uint32_t bits;
  memcpy(&bits, &scaled, sizeof bits);
  uint32_t above = bits - 0x3f3504f3u; /* sqrt(1/2) */
  n += (float)((int32_t)above >> 23);
  uint32_t mantissa = (above & 0x007fffffu) + 0x3f3504f3u;
  float m;
  memcpy(&m, &mantissa, sizeof m);
  float t = m - 1, s = t / (2 + t);
  /* 2 s = t - t s: the product is small beside t, and so is its rounding. */
  float result = n * 0x1.62ep-1f + (t - (t * s - (log_tail(s) + n * 0x1.0bfbe8p-15f)));
  float special = x > 0 ? x : (float)NAN; /* infinity, or nothing */
  special = x == 0 ? -(float)INFINITY : special;
  return x > 0 && x <= FLT_MAX ? result : special;
}

/* For 0 <= x <= 1. */
static inline float log1p_one(float x) {
  float s = x / (2 + x);
  return x - (x * s - log_tail(s));
}

/* Near zero by a polynomial of its own (4.8e-9), where the quotient would lose digits. */
static inline float tanh_one(float x) {
  float square = x * x;
  float p = -0.0056669773f;
  p = p * square + 0.020606177f;
  p = p * square - 0.053730007f;
  p = p * square + 0.13331331f;
  p = p * square - 0.33333278f;
  float small = x + x * square * p;
  float e = exp_one(-2 * fabsf(x));
  float large = copysignf((1 - e) / (1 + e), x);
  return fabsf(x) < 0.625f ? small : large;
}

/* The probability of a number beyond |x| is e^(-x^2 / 2) times a function that is smooth
 * down to its 1 / x at infinity: a polynomial of t = 1 / (1 + 0.28 |x|) (5.6e-8). */
static inline normal_at normal_one(float x) {
  float e = exp_one(-0.5f * x * x);
  float t = 1 / (1 + 0.28f * fabsf(x));
  float p = 0.02305638f;
  p = p * t - 0.08466821f;
  p = p * t + 0.07250412f;
  p = p * t + 0.017685827f;
  p = p * t + 0.055471107f;
  p = p * t + 0.09112383f;
  p = p * t + 0.10117799f;
  p = p * t + 0.11195964f;
  p = p * t + 0.11168936f;
  float beyond = e * (p * t);
  return (normal_at){.below = x < 0 ? beyond : 1 - beyond, .density = NORMAL_DENSITY * e};
}

#endif

static inline real sigmoid_one(real x) {
  real e = exp_one(x < 0 ? x : -x); /* at most 1: exact at both ends */
  real right = 1 / (1 + e);
  return x < 0 ? e * right : right;
}

/* The derivative of sigmoid, s (1 - s), with all digits where s is near 1. */
static inline real sigmoid_slope(real x) {
  real e = exp_one(x < 0 ? x : -x);
  real right = 1 / (1 + e);
  return e * right * right;
}

#endif
