/* sums.h: the sum that a loss is: each piece of the batch adds up its part in double, and
 * the parts are added in order. */
#ifndef LANDER_LAYERS_SUMS_H
#define LANDER_LAYERS_SUMS_H

#include "layer.h"

/* The output is one number for the batch, and there is room for the pieces' sums. Where a
 * loss has scratch or blocks of its own, it sets them otherwise. */
void sums_setup(layer *l);

/* The sum of what `pieces` pieces left in their blocks, each a double. */
double sums_total(const layer *l, const layer_call *c, int pieces);

/* The part of items begin .. end - 1. */
typedef double (*sums_body)(const layer *l, const layer_call *c, int64_t begin,
                            int64_t end, int thread);

/* The sum over `count` items, cut into pieces of at least `grain`. */
double sums_run(const layer *l, const layer_call *c, int64_t count, int64_t grain,
                sums_body body);

/* The same loop for backward; `scale` is what every derivative is multiplied by. */
typedef void (*sums_back_body)(const layer *l, const layer_call *c, int64_t begin,
                               int64_t end, real scale);
void sums_run_back(const layer *l, const layer_call *c, int64_t count, int64_t grain,
                   real scale, sums_back_body body);

#endif
