/* filler.c: initial values of parameters. A value is a function of the key and its place,
 * so it does not depend on threads or on what was drawn before. */
#include "filler.h"

#include <math.h>

#include "../base/options.h"

enum { CONSTANT, UNIFORM, GAUSSIAN, XAVIER, MSRA, BILINEAR, POSITIVE_UNITBALL };

const char *const filler_names[] = {"constant", "uniform",  "gaussian",          "xavier",
                                    "msra",     "bilinear", "positive_unitball", NULL};

enum { FAN_IN, FAN_OUT, AVERAGE };

static const char *const norms[] = {"fan_in", "fan_out", "average", NULL};

#define OPTION_VALUE(default)                                                            \
  OPTION_NUMBER(filler, value, default, -1e30, 1e30, 0, "constant: the value of all")
#define OPTION_MIN                                                                       \
  OPTION_NUMBER(filler, min, "0", -1e30, 1e30, 0, "uniform: the lower bound")
#define OPTION_MAX                                                                       \
  OPTION_NUMBER(filler, max, "1", -1e30, 1e30, 0, "uniform: the upper bound")
#define OPTION_MEAN OPTION_NUMBER(filler, mean, "0", -1e30, 1e30, 0, "gaussian: the mean")
#define OPTION_STD                                                                       \
  OPTION_NUMBER(filler, std, "1", 0, 1e30, 0, "gaussian: the standard deviation")
#define OPTION_NORM                                                                      \
  OPTION_CHOICE(                                                                         \
      filler, variance_norm, "fan_in", norms,                                            \
      "xavier, msra: which n, how many numbers go in or come out, or their mean")

const lander_option filler_options[] = {OPTION_VALUE("0"), OPTION_MIN, OPTION_MAX,
                                        OPTION_MEAN,       OPTION_STD, OPTION_NORM,
                                        OPTION_END};
const lander_option filler_options_one[] = {OPTION_VALUE("1"), OPTION_MIN, OPTION_MAX,
                                            OPTION_MEAN,       OPTION_STD, OPTION_NORM,
                                            OPTION_END};

/* ---- filling --------------------------------------------------------------------- */

static double fan(const filler *f, int64_t fan_in, int64_t fan_out) {
  double n = f->variance_norm == FAN_IN    ? (double)fan_in
             : f->variance_norm == FAN_OUT ? (double)fan_out
                                           : ((double)fan_in + (double)fan_out) / 2;
  return n > 1 ? n : 1;
}

static void fill_uniform(random_key key, double low, double high, int64_t count,
                         real *out) {
  random_uniform(key, 0, (size_t)count, out);
  for (int64_t i = 0; i < count; i++) out[i] = (real)(low + (high - low) * out[i]);
}

static void fill_normal(random_key key, double mean, double std, int64_t count,
                        real *out) {
  random_normal(key, 0, (size_t)count, out);
  for (int64_t i = 0; i < count; i++) out[i] = (real)(mean + std * out[i]);
}

/* The weight of place i of a kernel of this size that enlarges by a factor of
 * ceil(size / 2): a triangle around the middle. */
static double triangle(int64_t size, int64_t i) {
  double factor = ceil((double)size / 2);
  double middle = (2 * factor - 1 - fmod(factor, 2)) / (2 * factor);
  return 1 - fabs((double)i / factor - middle);
}

static void fill_bilinear(int dims, const int64_t *size, int64_t count, real *out) {
  int64_t width = dims > 0 ? size[dims - 1] : 1;
  int64_t height = dims > 1 ? size[dims - 2] : 1;
  for (int64_t i = 0; i < count; i++)
    out[i] = (real)(triangle(width, i % width) * triangle(height, i / width % height));
}

static void fill_unitball(random_key key, int64_t rows, int64_t count, real *out) {
  int64_t n = count / rows;
  random_uniform(key, 0, (size_t)count, out);
  for (int64_t r = 0; r < rows; r++) {
    real *row = out + r * n;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += row[i];
    for (int64_t i = 0; i < n; i++) /* a sum of zero: all draws were */
      row[i] = (real)(sum > 0 ? row[i] / sum : 1 / (double)n);
  }
}

void filler_fill(const filler *f, int dims, const int64_t *size, int64_t fan_in,
                 int64_t fan_out, random_key key, real *out) {
  int64_t count = 1;
  for (int d = 0; d < dims; d++) count *= size[d];
  if (count == 0) return;
  double n = fan(f, fan_in, fan_out), bound = sqrt(3 / n);
  switch (f->type) {
  case UNIFORM: fill_uniform(key, f->min, f->max, count, out); break;
  case GAUSSIAN: fill_normal(key, f->mean, f->std, count, out); break;
  case XAVIER: fill_uniform(key, -bound, bound, count, out); break;
  case MSRA: fill_normal(key, 0, sqrt(2 / n), count, out); break;
  case BILINEAR: fill_bilinear(dims, size, count, out); break;
  case POSITIVE_UNITBALL: fill_unitball(key, dims > 0 ? size[0] : 1, count, out); break;
  default:
    for (int64_t i = 0; i < count; i++) out[i] = (real)f->value;
  }
}

/* ---- descriptions ---------------------------------------------------------------- */

static const lander_option constant_options[] = {OPTION_VALUE("0"), OPTION_END};
static const lander_option uniform_options[] = {OPTION_MIN, OPTION_MAX, OPTION_END};
static const lander_option gaussian_options[] = {OPTION_MEAN, OPTION_STD, OPTION_END};
static const lander_option fan_options[] = {OPTION_NORM, OPTION_END};
static const lander_option no_options[] = {OPTION_END};

static const lander_description descriptions[] = {
    [CONSTANT] = {"constant", "all the same value",
                  "nn.linear { 10, bias_filler = { \"constant\", value = 0.1 } }",
                  constant_options},
    [UNIFORM] =
        {"uniform", "drawn evenly from [min, max)",
         "nn.linear { 10, weight_filler = { \"uniform\", min = -0.1, max = 0.1 } }",
         uniform_options},
    [GAUSSIAN] = {"gaussian", "drawn from the normal distribution N(mean, std^2)",
                  "nn.linear { 10, weight_filler = { \"gaussian\", std = 0.01 } }",
                  gaussian_options},
    [XAVIER] = {"xavier",
                "drawn evenly from +-sqrt(3 / n), n the fan-in (Glorot and Bengio 2010)",
                "nn.conv { 20, kernel = 5, weight_filler = \"xavier\" }", fan_options},
    [MSRA] = {"msra",
              "drawn from N(0, 2 / n), n the fan-in (He et al. 2015); before a ReLU",
              "nn.conv { 20, kernel = 5, weight_filler = \"msra\" }", fan_options},
    [BILINEAR] = {"bilinear", "the kernel that enlarges by bilinear interpolation",
                  "nn.conv { 1, kernel = 4, weight_filler = \"bilinear\" }", no_options},
    [POSITIVE_UNITBALL] = {"positive_unitball",
                           "drawn from [0, 1), then scaled so that the values of each "
                           "output add up to 1",
                           "nn.linear { 10, weight_filler = \"positive_unitball\" }",
                           no_options},
};

const lander_description *filler_description(int index) {
  return index >= 0 && index < COUNT_OF(descriptions) ? &descriptions[index] : NULL;
}
