/* parts.h: a whole whose parts lie one after another in one dimension: what concat and
 * slice share. */
#ifndef LANDER_LAYERS_PARTS_H
#define LANDER_LAYERS_PARTS_H

#include "layer.h"

#define PARTS_MAX LAYER_MAX_INPUTS

typedef struct parts {
  int count;
  int64_t outer;            /* (outer, whole) is a sample of the whole */
  int64_t whole;            /* numbers */
  int64_t begin[PARTS_MAX]; /* numbers before each part */
  int64_t size[PARTS_MAX];  /* (outer, size[i]) is a sample of part i */
} parts;

/* whole = all parts; and each part that is not NULL = its piece of the whole. */
void parts_join(const parts *p, const layer_call *c, const real *const *part,
                real *whole);
void parts_cut(const parts *p, const layer_call *c, const real *whole, real *const *part);

#endif
