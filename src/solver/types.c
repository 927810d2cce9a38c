/* types.c: every update rule, one line each. The first is the default. */
#include "types.h"

#define TYPES(X)                                                                         \
  X(sgd)                                                                                 \
  X(gd)                                                                                  \
  X(nesterov)                                                                            \
  X(adagrad)                                                                             \
  X(rmsprop)                                                                             \
  X(adadelta)                                                                            \
  X(adam)                                                                                \
  X(adamw)                                                                               \
  X(lars)                                                                                \
  X(lbfgs)

#define DECLARE(name) extern const solver_type solver_##name;
#define ENTRY(name)   &solver_##name,
#define WORD(name)    #name,

TYPES(DECLARE)

static const solver_type *const types[] = {TYPES(ENTRY)};
const char *const solver_type_names[] = {TYPES(WORD) NULL};
const char *const regularization_names[] = {"L2", "L1", "L1L2", NULL};

const solver_type *solver_types(int index) {
  return index >= 0 && index < COUNT_OF(types) ? types[index] : NULL;
}
