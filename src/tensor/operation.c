/* operation.c: the element-by-element operations. Each is written once, for contiguous
 * memory; elementwise.c brings other strides and broadcast inputs into that form. */
#include "operation.h"

#include <string.h>
#include <tgmath.h> /* expf or exp, as real is float or double */

/* A loop over an expression of the elements a, b and c. Written so that NaN falls
 * through where it should: comparisons with it are false. */
#define LOOP1(name, expression)                                                          \
  static void name(const kernels *k, int64_t n, const real *const *in, real *out) {      \
    (void)k;                                                                             \
    const real *pa = in[0];                                                              \
    for (int64_t i = 0; i < n; i++) {                                                    \
      real a = pa[i];                                                                    \
      out[i] = expression;                                                               \
    }                                                                                    \
  }
#define LOOP2(name, expression)                                                          \
  static void name(const kernels *k, int64_t n, const real *const *in, real *out) {      \
    (void)k;                                                                             \
    const real *pa = in[0], *pb = in[1];                                                 \
    for (int64_t i = 0; i < n; i++) {                                                    \
      real a = pa[i], b = pb[i];                                                         \
      out[i] = expression;                                                               \
    }                                                                                    \
  }
#define LOOP3(name, expression)                                                          \
  static void name(const kernels *k, int64_t n, const real *const *in, real *out) {      \
    (void)k;                                                                             \
    const real *pa = in[0], *pb = in[1], *pc = in[2];                                    \
    for (int64_t i = 0; i < n; i++) {                                                    \
      real a = pa[i], b = pb[i], c = pc[i];                                              \
      out[i] = expression;                                                               \
    }                                                                                    \
  }

LOOP1(run_neg, -a)
LOOP1(run_exp, exp(a))
LOOP1(run_log, log(a))
LOOP1(run_sqrt, sqrt(a))
LOOP1(run_abs, fabs(a))
LOOP1(run_relu, a <= 0 ? 0 : a)
LOOP1(run_sign, a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a)
LOOP1(run_floor, floor(a))
LOOP1(run_isfinite, isfinite(a) ? 1 : 0)
LOOP2(run_pow, b == 2 ? a * a : pow(a, b)) /* squares are most of the powers taken */
LOOP2(run_maximum, a >= b || a != a ? a : b)
LOOP2(run_minimum, a <= b || a != a ? a : b)
LOOP2(run_eq, a == b ? 1 : 0)
LOOP2(run_ne, a != b ? 1 : 0)
LOOP2(run_lt, a < b ? 1 : 0)
LOOP2(run_le, a <= b ? 1 : 0)
LOOP2(run_gt, a > b ? 1 : 0)
LOOP2(run_ge, a >= b ? 1 : 0)
LOOP3(run_where, a != 0 ? b : c)

static void run_copy(const kernels *k, int64_t n, const real *const *in, real *out) {
  (void)k;
  memmove(out, in[0], (size_t)n * sizeof *out);
}

static real clamp(real a, real low, real high) {
  real raised = a >= low || a != a ? a : low;
  return raised <= high || raised != raised ? raised : high;
}
LOOP3(run_clamp, clamp(a, b, c))

/* Those that kernels.h has. */
#define KERNEL1(name)                                                                    \
  static void run_##name(const kernels *k, int64_t n, const real *const *in,             \
                         real *out) {                                                    \
    k->name(n, in[0], out);                                                              \
  }
#define KERNEL2(name)                                                                    \
  static void run_##name(const kernels *k, int64_t n, const real *const *in,             \
                         real *out) {                                                    \
    k->name(n, in[0], in[1], out);                                                       \
  }
#undef tanh /* tgmath's, here a field of the table */
KERNEL1(tanh)
KERNEL1(sigmoid)
KERNEL2(add)
KERNEL2(sub)
KERNEL2(mul)
KERNEL2(div)

static const operation operations[LANDER_OPERATIONS] = {
    [LANDER_OP_COPY] = {"copy", 1, run_copy},
    [LANDER_OP_NEG] = {"neg", 1, run_neg},
    [LANDER_OP_EXP] = {"exp", 1, run_exp},
    [LANDER_OP_LOG] = {"log", 1, run_log},
    [LANDER_OP_SQRT] = {"sqrt", 1, run_sqrt},
    [LANDER_OP_ABS] = {"abs", 1, run_abs},
    [LANDER_OP_TANH] = {"tanh", 1, run_tanh},
    [LANDER_OP_SIGMOID] = {"sigmoid", 1, run_sigmoid},
    [LANDER_OP_RELU] = {"relu", 1, run_relu},
    [LANDER_OP_SIGN] = {"sign", 1, run_sign},
    [LANDER_OP_FLOOR] = {"floor", 1, run_floor},
    [LANDER_OP_ISFINITE] = {"isfinite", 1, run_isfinite},
    [LANDER_OP_ADD] = {"add", 2, run_add},
    [LANDER_OP_SUB] = {"sub", 2, run_sub},
    [LANDER_OP_MUL] = {"mul", 2, run_mul},
    [LANDER_OP_DIV] = {"div", 2, run_div},
    [LANDER_OP_POW] = {"pow", 2, run_pow},
    [LANDER_OP_MAXIMUM] = {"maximum", 2, run_maximum},
    [LANDER_OP_MINIMUM] = {"minimum", 2, run_minimum},
    [LANDER_OP_EQ] = {"eq", 2, run_eq},
    [LANDER_OP_NE] = {"ne", 2, run_ne},
    [LANDER_OP_LT] = {"lt", 2, run_lt},
    [LANDER_OP_LE] = {"le", 2, run_le},
    [LANDER_OP_GT] = {"gt", 2, run_gt},
    [LANDER_OP_GE] = {"ge", 2, run_ge},
    [LANDER_OP_CLAMP] = {"clamp", 3, run_clamp},
    [LANDER_OP_WHERE] = {"where", 3, run_where},
};

const operation *operation_find(lander_operation op) {
  int place = (int)op;
  return place >= 0 && place < COUNT_OF(operations) ? &operations[place] : NULL;
}

const char *lander_operation_name(lander_operation op, int *inputs) {
  const operation *found = operation_find(op);
  if (inputs) *inputs = found ? found->inputs : 0;
  return found ? found->name : NULL;
}
