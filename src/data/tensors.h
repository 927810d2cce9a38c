/* tensors.h: tensors as a dataset, seen from inside. */
#ifndef LANDER_DATA_TENSORS_H
#define LANDER_DATA_TENSORS_H

#include "dataset.h"

/* x (n, ...) and y (n, ...), shared when they are contiguous, else copied. lent: they are
 * the caller's to change. owns: the caller. fails: shape, memory. */
lander_dataset *tensors_dataset(lander_tensor *x, lander_tensor *y, bool lent,
                                lander_error *error);

/* Whether the labels in y (n) are whole numbers from `first` on. fails: shape, data
 * (names the sample). */
lander_status tensors_check_labels(const lander_tensor *y, int classes, int first,
                                   lander_error *error);

#endif
