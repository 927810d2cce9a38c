/* levels.h: what the numbers of a file become: (p * scale - mean) / std, where mean and
 * std are one number for all, or one for each channel. */
#ifndef LANDER_DATA_LEVELS_H
#define LANDER_DATA_LEVELS_H

#include "dataset.h"

typedef struct levels {
  double scale;
  lander_numbers mean, std;
} levels;

#define LEVELS_LARGEST 1e30 /* what a pixel becomes must be finite */

/* Rows of an option table, for the field `levels` of `self`. */
#define LEVELS_ROW(self, field, text_name, type, default, low, text)                     \
  {                                                                                      \
    .name = text_name, .kind = type, .offset = offsetof(self, levels.field),             \
    .fallback = default, .min = low, .max = LEVELS_LARGEST, .help = text                 \
  }
#define LEVELS_OPTIONS(self, default_scale)                                              \
  LEVELS_ROW(self, scale, "scale", LANDER_OPTION_NUMBER, default_scale, -LEVELS_LARGEST, \
             "what each number is multiplied with first"),                               \
      LEVELS_ROW(self, mean, "mean", LANDER_OPTION_NUMBERS, "0", -LEVELS_LARGEST,        \
                 "what is then subtracted: one for all, or one for each channel"),       \
      LEVELS_ROW(self, std, "std", LANDER_OPTION_NUMBERS, "1", 1 / LEVELS_LARGEST,       \
                 "what is then divided by, likewise")
#define LEVELS_BYTES "0.00392156862745098" /* 1/255: the scale of bytes */

/* Whether mean and std are for so many channels; messages begin with `owner`.
 * fails: argument. */
lander_status levels_check(const levels *l, int64_t channels, const char *owner,
                           lander_error *error);
double levels_value(const levels *l, int64_t channel, double p);

/* How many channels a sample's x has: its first size when there are rows and columns
 * behind it. */
int64_t levels_channels(const struct dataset_shape *x);

/* Sets d->black to what zeros become; d's x has its shape by now. fails: memory. */
lander_status levels_set_black(const levels *l, lander_dataset *d, lander_error *error);

#endif
