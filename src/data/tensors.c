/* tensors.c: tensors as a dataset, shared with whoever made them. */
#include "tensors.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include "../tensor/tensor.h"
#include <limits.h>
#include <math.h>

typedef struct tensors {
  lander_dataset base;
  lander_tensor *part[2]; /* x (n, ...) and y (n, ...), contiguous */
} tensors;

typedef struct tensors_options {
  int classes;
  bool prefetch;
} tensors_options;

static const lander_option options[] = {
    OPTION_INT(tensors_options, classes, "0", 0, INT_MAX, 0,
               "how many classes the labels in y choose from; 0: y holds no labels"),
    OPTION_BOOL(tensors_options, prefetch, "false",
                "whether batches are made ahead by a thread; the tensors must then stay "
                "as they are"),
    OPTION_END};

static void copy_sample(const tensors *t, int which, int64_t position, real *out) {
  int64_t numbers = t->base.shape[which].numbers;
  const real *from = t->part[which]->data + position * numbers;
  for (int64_t i = 0; i < numbers; i++) out[i] = from[i];
}

static lander_status read_sample(const lander_dataset *d, int64_t position, real *x,
                                 real *y, lander_error *error) {
  (void)error; /* memory can't fail */
  copy_sample((const tensors *)d, DATASET_X, position, x);
  copy_sample((const tensors *)d, DATASET_Y, position, y);
  return LANDER_OK;
}

static void release(lander_dataset *d) {
  lander_tensor_free(((tensors *)d)->part[DATASET_X]);
  lander_tensor_free(((tensors *)d)->part[DATASET_Y]);
  memory_free(d->engine, d->black);
}

/* Shares t when its rows lie one after the other, else copies it. */
static lander_status take(tensors *self, int which, const lander_tensor *t,
                          lander_error *error) {
  lander_tensor *copy = NULL;
  const real *data = tensor_contiguous(t, &copy, error);
  if (!data) return LANDER_ERROR_MEMORY;
  self->part[which] =
      copy ? copy
           : tensor_on(t->storage, t->data - t->storage->data, t->dims, t->size, error);
  if (!self->part[which]) return LANDER_ERROR_MEMORY;
  return dataset_set_shape(&self->base, which, t->dims - 1, t->size + 1, error);
}

lander_status tensors_check_labels(const lander_tensor *y, int classes, int first,
                                   lander_error *error) {
  if (y->dims != 1) {
    char found[SHAPE_TEXT];
    return error_set(error, LANDER_ERROR_SHAPE,
                     "labels are one number a sample, but y has the shape %s",
                     shape_text(found, y->dims, y->size));
  }
  double last = (double)first + classes - 1;
  for (int64_t i = 0; i < y->size[0]; i++) {
    double label = y->data[i];
    if (!(label >= first && label <= last && label == floor(label)))
      return error_set(error, LANDER_ERROR_DATA,
                       "the label of sample %lld is %g, expected a whole number from %d "
                       "to %.0f",
                       (long long)i + 1, label, first, last);
  }
  return LANDER_OK;
}

static lander_status check_shapes(const lander_tensor *x, const lander_tensor *y,
                                  lander_error *error) {
  if (x->dims > 0 && y->dims > 0 && x->size[0] == y->size[0]) return LANDER_OK;
  char x_shape[SHAPE_TEXT], y_shape[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "x has the shape %s and y %s: the first size of both must be the "
                   "number of samples",
                   shape_text(x_shape, x->dims, x->size),
                   shape_text(y_shape, y->dims, y->size));
}

lander_dataset *tensors_dataset(lander_tensor *x, lander_tensor *y, bool lent,
                                lander_error *error) {
  static const dataset_type type = {read_sample, release};
  if (check_shapes(x, y, error) != LANDER_OK) return NULL;
  tensors *self = dataset_new(lander_tensor_engine(x), &type, sizeof *self, error);
  if (!self) return NULL;
  self->base.count = x->size[0];
  self->base.lent = lent;
  if (take(self, DATASET_X, x, error) == LANDER_OK &&
      take(self, DATASET_Y, y, error) == LANDER_OK)
    return &self->base;
  lander_dataset_free(&self->base);
  return NULL;
}

lander_dataset *lander_data_tensors(lander_tensor *x, lander_tensor *y, const char *given,
                                    lander_error *error) {
  tensors_options chosen;
  error_clear(error);
  if (options_read(options, given, "tensors", &chosen, error) != LANDER_OK) return NULL;
  lander_dataset *d = tensors_dataset(x, y, !chosen.prefetch, error);
  if (!d) return NULL;
  d->classes = chosen.classes;
  const lander_tensor *labels = ((tensors *)d)->part[DATASET_Y];
  if (chosen.classes == 0 ||
      tensors_check_labels(labels, chosen.classes, 1, error) == LANDER_OK)
    return d;
  lander_dataset_free(d);
  return NULL;
}
