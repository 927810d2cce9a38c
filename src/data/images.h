/* images.h: bytes as a dataset: they stay bytes until a batch is made. */
#ifndef LANDER_DATA_IMAGES_H
#define LANDER_DATA_IMAGES_H

#include "levels.h"

typedef struct images {
  lander_dataset base;
  uint8_t *blocks[2];             /* what was read, to be freed; the second may be NULL */
  const uint8_t *pixels, *labels; /* the first sample's, in the blocks; labels from 0 */
  int64_t pixels_step, labels_step;
  const uint16_t
      *many;   /* labels where there may be more than 256 classes; NULL: labels */
  real *value; /* (channels, 256): what each byte becomes */
} images;

/* With nothing in it yet. owns: the caller. fails: memory. */
images *images_new(lander_engine *engine, int classes, lander_error *error);

/* Makes a dataset of `count` samples, whose shape has been set, of what blocks and the
 * pointers into them say. `owner` begins messages. fails: argument, memory. */
lander_status images_finish(images *self, int64_t count, const levels *l,
                            const char *owner, lander_error *error);

/* fails: data (names file and sample). */
lander_status images_check_labels(const images *self, int64_t count, const char *path,
                                  lander_error *error);

#endif
