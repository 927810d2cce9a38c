/* operation.h: the element-by-element operations as a table of loops. */
#ifndef LANDER_TENSOR_OPERATION_H
#define LANDER_TENSOR_OPERATION_H

#include "kernels.h"

#define OPERATION_MAX_INPUTS 3

/* out from in, contiguous; out may be the same memory as an input. */
typedef void (*operation_loop)(const kernels *k, int64_t n, const real *const *in,
                               real *out);

typedef struct operation {
  const char *name;
  int inputs;
  operation_loop run;
} operation;

/* NULL for a number that is no operation. */
const operation *operation_find(lander_operation op);

#endif
