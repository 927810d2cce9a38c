/* classes.h: scores of classes: what softmax, softmax_loss and accuracy share.
 *
 * Data lies (outer, classes, inner): what comes before the dimension of the classes, and
 * after it (the places of an image). */
#ifndef LANDER_LAYERS_CLASSES_H
#define LANDER_LAYERS_CLASSES_H

#include "layer.h"

typedef struct classes {
  int64_t outer, count, inner;
} classes;

/* Softmax over the classes of `outer` blocks. lse NULL, or (outer, inner): the logarithm
 * of the sum of exp(x). */
void classes_softmax(const kernels *k, const classes *size, int64_t outer, const real *x,
                     real *y, double *lse);

/* For the layers that take (scores, label): the scores are (classes, places ...), the
 * label has one class for each place. fails: shape. */
lander_status classes_setup(const layer *l, classes *size, lander_error *error);

/* A row of a layer's option table, for a field called ignore_label. */
#define OPTION_IGNORE_LABEL(self)                                                        \
  OPTION_INTS(self, ignore_label, "", -(1 << 24), 1 << 24, 0,                            \
              "labels whose places don't count, one number or several; none by default")

bool classes_is_ignored(const lander_ints *ignored, real label);

/* Whether all labels of the batch are whole numbers from 1 to the number of classes, or
 * ignored; else the call's error names the first that is not. */
bool classes_check_labels(const classes *size, const lander_ints *ignored,
                          const layer_call *c);

/* How many labels of the batch are not ignored. */
int64_t classes_counted(const classes *size, const lander_ints *ignored,
                        const layer_call *c);

/* The chance level of a cross entropy: the entropy of the target when each class that is
 * not ignored is as frequent, and `smoothing` of it is shared out over all classes. */
double classes_chance(const classes *size, const lander_ints *ignored, double smoothing);

#endif
