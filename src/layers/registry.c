/* registry.c: every layer type, one line each. */
#include "../base/text.h"
#include "layer.h"

#include <string.h>

#define LAYERS(X)                                                                        \
  X(input)                                                                               \
  X(label)                                                                               \
  X(linear)                                                                              \
  X(conv)                                                                                \
  X(max_pool)                                                                            \
  X(avg_pool)                                                                            \
  X(relu)                                                                                \
  X(sigmoid)                                                                             \
  X(tanh)                                                                                \
  X(softmax)                                                                             \
  X(dropout)                                                                             \
  X(flatten)                                                                             \
  X(softmax_loss)                                                                        \
  X(mse_loss)                                                                            \
  X(accuracy)

#define DECLARE(name) extern const layer_type layer_##name;
#define ENTRY(name)   &layer_##name,

LAYERS(DECLARE)

static const layer_type *const types[] = {LAYERS(ENTRY)};

const layer_type *layer_types(int index) {
  return index >= 0 && index < COUNT_OF(types) ? types[index] : NULL;
}

const layer_type *layer_type_find(const char *name) {
  for (int i = 0; i < COUNT_OF(types); i++)
    if (!strcmp(types[i]->name, name)) return types[i];
  return NULL;
}

static const char *type_name(const void *source, int index) {
  (void)source;
  const layer_type *type = layer_types(index);
  return type ? type->name : NULL;
}

const layer_type *layer_type_check(const char *name, lander_error *error) {
  const layer_type *type = layer_type_find(name);
  if (!type) {
    char hint[96];
    error_set(error, LANDER_ERROR_ARGUMENT, "there is no layer '%s'%s", name,
              text_did_you_mean(hint, sizeof hint, text_nearest(name, type_name, NULL)));
  }
  return type;
}
