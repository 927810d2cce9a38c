/* augment.c: samples padded, cropped and mirrored when a batch is made. */
#include "augment.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../tensor/tensor.h"
#include <string.h>

enum { ROWS, COLUMNS };                      /* places in pad and crop */
enum { DRAW_MIRROR, DRAW_ROW, DRAW_COLUMN }; /* a sample's draws */
#define DRAWS 4                              /* indices that a sample has for them */

/* ---- Before the first batch ------------------------------------------------------- */

/* One number stands for both; where none is given, rows and columns are the result. */
static lander_status read_pair(const lander_ints *given, const char *name, int64_t rows,
                               int64_t columns, int64_t out[2], lander_error *error) {
  out[ROWS] = given->count > 0 ? given->at[0] : rows;
  out[COLUMNS] = given->count > 0 ? given->at[given->count - 1] : columns;
  if (given->count <= 2) return LANDER_OK;
  return error_set(
      error, LANDER_ERROR_ARGUMENT,
      "batches: augment.%s has %d numbers, expected one, or two for rows and "
      "columns",
      name, given->count);
}

/* Rows and columns are a sample's last two dimensions; a y that has such ones too would
 * stay as it is and not fit its x any more. */
static lander_status check_dims(const lander_dataset *d, lander_error *error) {
  char shape[SHAPE_TEXT];
  const struct dataset_shape *x = &d->shape[DATASET_X], *y = &d->shape[DATASET_Y];
  if (x->dims < 2)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "batches: augment is for images, whose last sizes are rows and "
                     "columns; a sample has the shape %s",
                     shape_text(shape, x->dims, x->size));
  if (y->dims >= 2)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "batches: augment changes x alone, but y, of the shape %s, has rows "
                     "and columns too: they would not belong together any more",
                     shape_text(shape, y->dims, y->size));
  return LANDER_OK;
}

/* a->crop and the shape, given what is cut out of what. */
static lander_status set_crop(augment *a, const augment_options *o,
                              struct dataset_shape *shape, lander_error *error) {
  int64_t rows = a->rows + 2 * a->pad[ROWS], columns = a->columns + 2 * a->pad[COLUMNS];
  lander_status status = read_pair(&o->crop, "crop", rows, columns, a->crop, error);
  if (status != LANDER_OK) return status;
  if (a->crop[ROWS] > rows || a->crop[COLUMNS] > columns)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "batches: augment.crop=%lld,%lld is larger than the %lld rows and "
                     "%lld columns that a sample has%s",
                     (long long)a->crop[ROWS], (long long)a->crop[COLUMNS],
                     (long long)rows, (long long)columns,
                     o->pad.count > 0 ? " with its padding" : "");
  shape->size[shape->dims - 2] = a->crop[ROWS];
  shape->size[shape->dims - 1] = a->crop[COLUMNS];
  return tensor_count_of(shape->dims, shape->size, &shape->numbers, error);
}

static lander_status get_memory(augment *a, const lander_dataset *d,
                                lander_error *error) {
  a->sample =
      memory_new(d->engine, (size_t)d->shape[DATASET_X].numbers, sizeof(real), error);
  a->black = memory_new(d->engine, (size_t)a->planes, sizeof(real), error);
  if (!a->sample || !a->black) return LANDER_ERROR_MEMORY;
  for (int64_t p = 0; d->black && p < a->planes; p++)
    a->black[p] = d->black[p / (a->planes / d->channels)];
  return LANDER_OK;
}

lander_status augment_prepare(augment *a, const lander_dataset *d,
                              const augment_options *o, bool random, uint64_t seed,
                              struct dataset_shape *shape, lander_error *error) {
  *a = (augment){.mirror = o->mirror && random, .random = random, .seed = seed};
  *shape = d->shape[DATASET_X];
  a->active = o->mirror || o->crop.count > 0 || o->pad.count > 0;
  if (!a->active) return LANDER_OK;
  lander_status status = check_dims(d, error);
  if (status != LANDER_OK) return status;
  a->rows = shape->size[shape->dims - 2];
  a->columns = shape->size[shape->dims - 1];
  if (shape->numbers == 0)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "batches: augment has nothing to work on: a sample has no numbers");
  a->planes = shape->numbers / (a->rows * a->columns);
  status = read_pair(&o->pad, "pad", 0, 0, a->pad, error);
  if (status == LANDER_OK) status = set_crop(a, o, shape, error);
  if (status == LANDER_OK) status = get_memory(a, d, error);
  return status;
}

void augment_release(augment *a, lander_engine *engine) {
  memory_free(engine, a->black);
  memory_free(engine, a->sample);
}

/* ---- One sample ------------------------------------------------------------------- */

/* Where the crop begins on one axis, counted from the sample's own first row or column:
 * below 0 within the padding. */
static int64_t begin_of(const augment *a, random_key key, uint64_t index, int axis) {
  int64_t size = axis == ROWS ? a->rows : a->columns;
  int64_t room = size + 2 * a->pad[axis] - a->crop[axis];
  int64_t at =
      a->random ? (int64_t)random_below(key, index, (uint64_t)room + 1) : room / 2;
  return at - a->pad[axis];
}

static void fill(int64_t count, real value, real *out) {
  for (int64_t i = 0; i < count; i++) out[i] = value;
}

/* Columns begin .. begin+count-1 of a row that has `columns`, black where it has none. */
static void write_row(const real *row, int64_t columns, int64_t begin, int64_t count,
                      real black, real *out) {
  int64_t left = begin < 0 ? -begin : 0;
  if (left > count) left = count;
  int64_t there = columns - (begin + left);
  if (there > count - left) there = count - left;
  if (there < 0) there = 0;
  fill(left, black, out);
  memcpy(out + left, row + (there > 0 ? begin + left : 0), (size_t)there * sizeof *out);
  fill(count - left - there, black, out + left + there);
}

static void mirror_row(int64_t count, real *row) {
  for (int64_t i = 0; i < count / 2; i++) {
    real swapped = row[i];
    row[i] = row[count - 1 - i];
    row[count - 1 - i] = swapped;
  }
}

void augment_write(const augment *a, int64_t epoch, int64_t place, real *out) {
  random_key key = {a->seed, RANDOM_AUGMENT(epoch)};
  uint64_t index = (uint64_t)place * DRAWS;
  bool mirror = a->mirror && random_below(key, index + DRAW_MIRROR, 2) == 1;
  int64_t first_row = begin_of(a, key, index + DRAW_ROW, ROWS);
  int64_t first_column = begin_of(a, key, index + DRAW_COLUMN, COLUMNS);
  for (int64_t p = 0; p < a->planes; p++) {
    const real *plane = a->sample + p * a->rows * a->columns;
    for (int64_t r = 0; r < a->crop[ROWS]; r++, out += a->crop[COLUMNS]) {
      int64_t row = first_row + r;
      if (row < 0 || row >= a->rows) {
        fill(a->crop[COLUMNS], a->black[p], out);
        continue;
      }
      write_row(plane + row * a->columns, a->columns, first_column, a->crop[COLUMNS],
                a->black[p], out);
      if (mirror) mirror_row(a->crop[COLUMNS], out);
    }
  }
}
