/* images.c: a pair of IDX files as a dataset: bytes stay bytes until a batch is made. */
#include "dataset.h"
#include "idx.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include <limits.h>
#include <math.h>

typedef struct images_options {
  double scale, mean, std;
  int classes, limit;
} images_options;

#define LARGE 1e30 /* what a pixel becomes must be finite: see make_table */

static const lander_option options[] = {
    OPTION_NUMBER(images_options, scale, "0.00392156862745098", -LARGE, LARGE, 0,
                  "what each pixel is multiplied with first; 1/255 by itself"),
    OPTION_NUMBER(images_options, mean, "0", -LARGE, LARGE, 0,
                  "what is then subtracted from each pixel"),
    OPTION_NUMBER(images_options, std, "1", 1 / LARGE, LARGE, 0,
                  "what each pixel is then divided by"),
    OPTION_INT(images_options, classes, "10", 1, 256, 0,
               "how many classes there are; labels in the file are 0 to classes-1"),
    OPTION_INT(images_options, limit, "0", 0, INT_MAX, 0,
               "read only that many samples from the beginning; 0: all"),
    OPTION_END};

typedef struct images {
  lander_dataset base;
  uint8_t *pixels; /* (count, numbers of a sample) */
  uint8_t *labels; /* (count), from 0 */
  real value[256]; /* what each byte becomes */
} images;

static lander_status read_sample(const lander_dataset *d, int64_t position, real *x,
                                 real *y, lander_error *error) {
  (void)error; /* bytes can't be wrong: labels were checked when they were read */
  const images *self = (const images *)d;
  int64_t numbers = d->shape[DATASET_X].numbers;
  const uint8_t *pixel = self->pixels + position * numbers;
  for (int64_t i = 0; i < numbers; i++) x[i] = self->value[pixel[i]];
  *y = (real)(self->labels[position] + 1);
  return LANDER_OK;
}

static void blank(const lander_dataset *d, real *x) {
  for (int64_t i = 0; i < d->shape[DATASET_X].numbers; i++)
    x[i] = ((const images *)d)->value[0];
}

static void release(lander_dataset *d) {
  memory_free(d->engine, ((images *)d)->pixels);
  memory_free(d->engine, ((images *)d)->labels);
}

static lander_status make_table(images *self, const images_options *o,
                                lander_error *error) {
  for (int p = 0; p < 256; p++) {
    self->value[p] = (real)((p * o->scale - o->mean) / o->std);
    if (!isfinite(self->value[p]))
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "idx: scale=%g mean=%g std=%g make a number that is not finite of "
                       "the pixel %d",
                       o->scale, o->mean, o->std, p);
  }
  return LANDER_OK;
}

static lander_status check_labels(const idx_file *labels, int classes, const char *path,
                                  lander_error *error) {
  for (int64_t i = 0; i < labels->count; i++)
    if (labels->bytes[i] >= classes)
      return error_set(
          error, LANDER_ERROR_DATA,
          "%s: the label of sample %lld is %d, expected 0 to %d (classes=%d)", path,
          (long long)i + 1, labels->bytes[i], classes - 1, classes);
  return LANDER_OK;
}

/* A sample's shape: (rows, columns) are one channel, (channels, rows, columns) as they
 * are. */
static lander_status set_shapes(images *self, const idx_file *pixels,
                                lander_error *error) {
  int64_t size[IDX_MAX_DIMS] = {1};
  int dims = 0;
  if (pixels->dims == 3) dims = 1;
  for (int i = 1; i < pixels->dims; i++) size[dims++] = pixels->size[i];
  self->base.count = pixels->count;
  lander_status status = dataset_set_shape(&self->base, DATASET_X, dims, size, error);
  if (status == LANDER_OK)
    status = dataset_set_shape(&self->base, DATASET_Y, 0, NULL, error);
  return status;
}

static lander_status read_files(images *self, const char *images_path,
                                const char *labels_path, const images_options *o,
                                lander_error *error) {
  lander_engine *engine = self->base.engine;
  idx_file pixels, labels;
  lander_status status =
      idx_read(engine, images_path, "images", 2, IDX_MAX_DIMS, o->limit, &pixels, error);
  if (status != LANDER_OK) return status;
  self->pixels = pixels.bytes;
  status = idx_read(engine, labels_path, "labels", 1, 1, o->limit, &labels, error);
  if (status != LANDER_OK) return status;
  self->labels = labels.bytes;
  if (pixels.size[0] != labels.size[0])
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s has %lld images, but %s has %lld labels: they don't belong "
                     "together",
                     images_path, (long long)pixels.size[0], labels_path,
                     (long long)labels.size[0]);
  status = check_labels(&labels, o->classes, labels_path, error);
  if (status == LANDER_OK) status = set_shapes(self, &pixels, error);
  return status;
}

lander_dataset *lander_data_idx(lander_engine *engine, const char *images_path,
                                const char *labels_path, const char *given,
                                lander_error *error) {
  static const dataset_type type = {read_sample, blank, release};
  images_options chosen;
  error_clear(error);
  if (options_read(options, given, "idx", &chosen, error) != LANDER_OK) return NULL;
  images *self = dataset_new(engine, &type, sizeof *self, error);
  if (!self) return NULL;
  self->base.classes = chosen.classes;
  lander_status status = make_table(self, &chosen, error);
  if (status == LANDER_OK)
    status = read_files(self, images_path, labels_path, &chosen, error);
  if (status == LANDER_OK) return &self->base;
  lander_dataset_free(&self->base);
  return NULL;
}
