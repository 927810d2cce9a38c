/* arrays.c: NumPy's arrays x and y, from two .npy files or one .npz file, as a dataset.
 */
#include "levels.h"
#include "tensors.h"

#include "../base/error.h"
#include "../base/options.h"
#include "../tensor/npz.h"
#include "../tensor/tensor.h"
#include <limits.h>

typedef struct arrays_options {
  levels levels;
  int classes, first;
} arrays_options;

static const lander_option options[] = {
    OPTION_INT(arrays_options, classes, "0", 0, INT_MAX, 0,
               "how many classes the labels in y choose from; 0: y holds numbers"),
    OPTION_INT(arrays_options, first, "0", INT_MIN / 2, INT_MAX / 2, 0,
               "the label that the first class has in the file"),
    LEVELS_OPTIONS(arrays_options, "1"), OPTION_END};

/* Labels as a column (n, 1) are labels too. They count from one afterwards. */
static lander_status take_labels(lander_tensor *y, const arrays_options *o,
                                 lander_error *error) {
  if (y->dims == 2 && y->size[1] == 1) y->dims = 1;
  lander_status status = tensors_check_labels(y, o->classes, o->first, error);
  if (status != LANDER_OK) return status;
  for (int64_t i = 0; i < y->size[0]; i++) y->data[i] += (real)(1 - o->first);
  return LANDER_OK;
}

static void apply_levels(const levels *l, const struct dataset_shape *shape,
                         lander_tensor *x) {
  int64_t channels = levels_channels(shape);
  int64_t plane = channels > 0 ? shape->numbers / channels : 0;
  real *value = x->data;
  for (int64_t i = 0; i < x->size[0] * channels; i++, value += plane)
    for (int64_t k = 0; k < plane; k++)
      value[k] = (real)levels_value(l, i % channels, (double)value[k]);
}

/* A dataset of arrays that were read, which it keeps. */
static lander_dataset *finish(lander_tensor *x, lander_tensor *y, const arrays_options *o,
                              const char *owner, lander_error *error) {
  if (o->classes > 0 && y->dims > 0 && take_labels(y, o, error) != LANDER_OK) return NULL;
  lander_dataset *d = tensors_dataset(x, y, false, error);
  if (!d) return NULL;
  d->classes = o->classes;
  const struct dataset_shape *shape = &d->shape[DATASET_X];
  if (levels_check(&o->levels, levels_channels(shape), owner, error) == LANDER_OK &&
      levels_set_black(&o->levels, d, error) == LANDER_OK) {
    apply_levels(&o->levels, shape, x);
    return d;
  }
  lander_dataset_free(d);
  return NULL;
}

lander_dataset *lander_data_npy(lander_engine *engine, const char *x_path,
                                const char *y_path, const char *given,
                                lander_error *error) {
  arrays_options chosen;
  error_clear(error);
  if (options_read(options, given, "npy", &chosen, error) != LANDER_OK) return NULL;
  lander_tensor *x = lander_tensor_load(engine, x_path, error);
  lander_tensor *y = x ? lander_tensor_load(engine, y_path, error) : NULL;
  lander_dataset *d = NULL;
  if (y) {
    d = finish(x, y, &chosen, "npy", error);
    if (!d) error_prefix(error, "%s, %s", x_path, y_path);
  }
  lander_tensor_free(x);
  lander_tensor_free(y);
  return d;
}

lander_dataset *lander_data_npz(lander_engine *engine, const char *path,
                                const char *x_name, const char *y_name, const char *given,
                                lander_error *error) {
  arrays_options chosen;
  error_clear(error);
  if (options_read(options, given, "npz", &chosen, error) != LANDER_OK) return NULL;
  npz_reader *file = npz_open(engine, path, error);
  if (!file) return NULL;
  lander_tensor *x = npz_read_array(file, x_name, error);
  lander_tensor *y = x ? npz_read_array(file, y_name, error) : NULL;
  npz_close(file);
  lander_dataset *d = NULL;
  if (y) {
    d = finish(x, y, &chosen, "npz", error);
    if (!d) error_prefix(error, "%s", path);
  }
  lander_tensor_free(x);
  lander_tensor_free(y);
  return d;
}
