/* images.c: bytes as a dataset: they stay bytes until a batch is made. */
#include "images.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <math.h>

#define BYTES 256 /* that there are */

static lander_status read_sample(const lander_dataset *d, int64_t position, real *x,
                                 real *y, lander_error *error) {
  (void)error; /* bytes can't be wrong: labels were checked when they were read */
  const images *self = (const images *)d;
  int64_t plane = d->shape[DATASET_X].numbers / d->channels;
  const uint8_t *pixel = self->pixels + position * self->pixels_step;
  for (int64_t c = 0; c < d->channels; c++, pixel += plane, x += plane) {
    const real *value = self->value + c * BYTES;
    for (int64_t i = 0; i < plane; i++) x[i] = value[pixel[i]];
  }
  int label =
      self->many ? self->many[position] : self->labels[position * self->labels_step];
  *y = (real)(label + 1);
  return LANDER_OK;
}

static void release(lander_dataset *d) {
  images *self = (images *)d;
  memory_free(d->engine, self->blocks[0]);
  memory_free(d->engine, self->blocks[1]);
  memory_free(d->engine, self->value);
  memory_free(d->engine, d->black);
}

images *images_new(lander_engine *engine, int classes, lander_error *error) {
  static const dataset_type type = {read_sample, release};
  images *self = dataset_new(engine, &type, sizeof *self, error);
  if (!self) return NULL;
  self->base.classes = classes;
  return self;
}

static lander_status fill_table(images *self, const levels *l, const char *owner,
                                lander_error *error) {
  int64_t channels = self->base.channels;
  self->value =
      memory_new(self->base.engine, (size_t)channels * BYTES, sizeof(real), error);
  if (!self->value) return LANDER_ERROR_MEMORY;
  for (int64_t i = 0; i < channels * BYTES; i++) {
    self->value[i] = (real)levels_value(l, i / BYTES, (double)(i % BYTES));
    if (!isfinite(self->value[i]))
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "%s: scale, mean and std make a number that is not finite of the "
                       "pixel %d",
                       owner, (int)(i % BYTES));
  }
  return LANDER_OK;
}

lander_status images_finish(images *self, int64_t count, const levels *l,
                            const char *owner, lander_error *error) {
  self->base.count = count;
  lander_status status = dataset_set_shape(&self->base, DATASET_Y, 0, NULL, error);
  if (status == LANDER_OK)
    status = levels_check(l, levels_channels(&self->base.shape[DATASET_X]), owner, error);
  if (status == LANDER_OK) status = levels_set_black(l, &self->base, error);
  if (status == LANDER_OK) status = fill_table(self, l, owner, error);
  return status;
}

lander_status images_check_labels(const images *self, int64_t count, const char *path,
                                  lander_error *error) {
  int classes = self->base.classes;
  for (int64_t i = 0; i < count; i++) {
    int label = self->labels[i * self->labels_step];
    if (label >= classes)
      return error_set(
          error, LANDER_ERROR_DATA,
          "%s: the label of sample %lld is %d, expected 0 to %d (%d classes)", path,
          (long long)i + 1, label, classes - 1, classes);
  }
  return LANDER_OK;
}
