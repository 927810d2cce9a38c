/* augment.h: samples padded, cropped and mirrored when a batch is made.
 *
 * What happens to a sample is drawn from the seed and its place in the data, the epoch
 * and the position in it, each draw a random_below of its own (base/random.h) in the
 * stream RANDOM_AUGMENT(epoch):
 *
 *    index 4 place + 0    bound 2                                1: mirrored
 *          4 place + 1    bound rows + 2 pad - crop + 1          first row of the crop
 *          4 place + 2    bound columns + 2 pad - crop + 1       first column of it
 *
 * So batches of another size, another thread or another past change nothing, and one
 * transform's draws do not move another's. */
#ifndef LANDER_DATA_AUGMENT_H
#define LANDER_DATA_AUGMENT_H

#include "dataset.h"

typedef struct augment_options {
  bool mirror;
  lander_ints crop, pad; /* rows and columns, or one number for both; none: as it is */
} augment_options;

/* Rows of an option table, for the field `augment` of `self`. */
#define AUGMENT_LARGEST (1 << 20)
#define AUGMENT_OPTIONS(self)                                                            \
  OPTION_BOOL(self, augment.mirror, "false",                                             \
              "whether samples are mirrored, left to right, with probability 1/2"),      \
      OPTION_INTS(self, augment.crop, "", 1, AUGMENT_LARGEST, 0,                         \
                  "rows and columns that are cut out, at a random place"),               \
      OPTION_INTS(self, augment.pad, "", 0, AUGMENT_LARGEST, 0,                          \
                  "black rows and columns that are put on each side before")

typedef struct augment {
  bool active; /* false: samples are as they are in the dataset, nothing else is set */
  bool mirror, random;
  uint64_t seed;
  int64_t planes, rows, columns; /* of a sample as it was read */
  int64_t pad[2], crop[2];
  real *black;  /* (planes): what a black pixel is */
  real *sample; /* room to read one into */
} augment;

/* Checks the options against the dataset. `random` false: the crop is from the middle and
 * nothing is mirrored. *shape becomes that of a sample's x afterwards.
 * owns: the caller (augment_release, after a failure too). fails: argument, memory. */
lander_status augment_prepare(augment *a, const lander_dataset *d,
                              const augment_options *o, bool random, uint64_t seed,
                              struct dataset_shape *shape, lander_error *error);
void augment_release(augment *a, lander_engine *engine);

/* Writes a->sample, which comes at this place in the data, to `out`. */
void augment_write(const augment *a, int64_t epoch, int64_t place, real *out);

#endif
