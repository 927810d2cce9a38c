/* registry.c: every layer type, one line each. */
#include "../base/text.h"
#include "layer.h"

#include <string.h>

#define LAYERS(X)                                                                        \
  X(input)                                                                               \
  X(label)                                                                               \
  X(linear)                                                                              \
  X(conv)                                                                                \
  X(deconv)                                                                              \
  X(max_pool)                                                                            \
  X(avg_pool)                                                                            \
  X(global_avg_pool)                                                                     \
  X(relu)                                                                                \
  X(sigmoid)                                                                             \
  X(tanh)                                                                                \
  X(prelu)                                                                               \
  X(elu)                                                                                 \
  X(gelu)                                                                                \
  X(silu)                                                                                \
  X(softplus)                                                                            \
  X(power)                                                                               \
  X(exp)                                                                                 \
  X(log)                                                                                 \
  X(abs)                                                                                 \
  X(softmax)                                                                             \
  X(log_softmax)                                                                         \
  X(dropout)                                                                             \
  X(batch_norm)                                                                          \
  X(layer_norm)                                                                          \
  X(group_norm)                                                                          \
  X(lrn)                                                                                 \
  X(flatten)                                                                             \
  X(reshape)                                                                             \
  X(permute)                                                                             \
  X(concat)                                                                              \
  X(slice)                                                                               \
  X(split)                                                                               \
  X(crop)                                                                                \
  X(tile)                                                                                \
  X(reduction)                                                                           \
  X(add)                                                                                 \
  X(mul)                                                                                 \
  X(maximum)                                                                             \
  X(scale)                                                                               \
  X(bias)                                                                                \
  X(argmax)                                                                              \
  X(embedding)                                                                           \
  X(rnn)                                                                                 \
  X(lstm)                                                                                \
  X(gru)                                                                                 \
  X(attention)                                                                           \
  X(softmax_loss)                                                                        \
  X(mse_loss)                                                                            \
  X(nll_loss)                                                                            \
  X(sigmoid_loss)                                                                        \
  X(huber_loss)                                                                          \
  X(l1_loss)                                                                             \
  X(hinge_loss)                                                                          \
  X(contrastive_loss)                                                                    \
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

/* Names that could have been meant: the engine's own, then the registered ones. */
static const char *type_name(const void *source, int index) {
  const lander_engine *engine = source;
  int own = 0;
  for (const layer_type *type; (type = layer_types_of_host(engine, own)); own++)
    if (own == index) return type->name;
  const layer_type *type = layer_types(index - own);
  return type ? type->name : NULL;
}

const layer_type *layer_type_check(const lander_engine *engine, const char *name,
                                   lander_error *error) {
  const layer_type *type;
  for (int i = 0; (type = layer_types_of_host(engine, i)); i++)
    if (!strcmp(type->name, name)) return type;
  type = layer_type_find(name);
  if (!type) {
    char hint[96];
    text_did_you_mean(hint, sizeof hint, text_nearest(name, type_name, engine));
    error_set(error, LANDER_ERROR_ARGUMENT, "there is no layer '%s'%s", name, hint);
  }
  return type;
}
