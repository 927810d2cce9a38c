/* source.h: what input and label share. */
#ifndef LANDER_LAYERS_SOURCE_H
#define LANDER_LAYERS_SOURCE_H

#include "layer.h"

typedef struct source {
  lander_ints shape;
} source;

/* fails: shape (more dimensions than tensors have, the batch being one of them). */
lander_status source_setup(layer *l, lander_error *error);

#endif
