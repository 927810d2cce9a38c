/* idx_pair.c: two IDX files, images and their labels, as a dataset. */
#include "idx.h"
#include "images.h"

#include "../base/error.h"
#include "../base/options.h"
#include <limits.h>

typedef struct idx_options {
  levels levels;
  int classes, limit;
} idx_options;

static const lander_option options[] = {
    LEVELS_OPTIONS(idx_options, LEVELS_BYTES),
    OPTION_INT(idx_options, classes, "10", 1, 256, 0,
               "how many classes there are; labels in the file are 0 to classes-1"),
    OPTION_INT(idx_options, limit, "0", 0, INT_MAX, 0,
               "read only that many samples from the beginning; 0: all"),
    OPTION_END};

/* A sample's shape: (rows, columns) are one channel, (channels, rows, columns) as they
 * are. */
static lander_status set_shape(images *self, const idx_file *pixels,
                               lander_error *error) {
  int64_t size[IDX_MAX_DIMS] = {1};
  int dims = 0;
  if (pixels->dims == 3) dims = 1;
  for (int i = 1; i < pixels->dims; i++) size[dims++] = pixels->size[i];
  return dataset_set_shape(&self->base, DATASET_X, dims, size, error);
}

static lander_status read_files(images *self, const char *images_path,
                                const char *labels_path, const idx_options *o,
                                lander_error *error) {
  lander_engine *engine = self->base.engine;
  idx_file pixels, labels;
  lander_status status =
      idx_read(engine, images_path, "images", 2, IDX_MAX_DIMS, o->limit, &pixels, error);
  if (status != LANDER_OK) return status;
  self->pixels = self->blocks[0] = pixels.bytes;
  self->pixels_step = pixels.sample;
  status = idx_read(engine, labels_path, "labels", 1, 1, o->limit, &labels, error);
  if (status != LANDER_OK) return status;
  self->labels = self->blocks[1] = labels.bytes;
  self->labels_step = 1;
  if (pixels.size[0] != labels.size[0])
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s has %lld images, but %s has %lld labels: they don't belong "
                     "together",
                     images_path, (long long)pixels.size[0], labels_path,
                     (long long)labels.size[0]);
  status = images_check_labels(self, labels.count, labels_path, error);
  if (status == LANDER_OK) status = set_shape(self, &pixels, error);
  if (status == LANDER_OK)
    status = images_finish(self, pixels.count, &o->levels, "idx", error);
  return status;
}

lander_dataset *lander_data_idx(lander_engine *engine, const char *images_path,
                                const char *labels_path, const char *given,
                                lander_error *error) {
  idx_options chosen;
  error_clear(error);
  if (options_read(options, given, "idx", &chosen, error) != LANDER_OK) return NULL;
  images *self = images_new(engine, chosen.classes, error);
  if (!self) return NULL;
  if (read_files(self, images_path, labels_path, &chosen, error) == LANDER_OK)
    return &self->base;
  lander_dataset_free(&self->base);
  return NULL;
}
