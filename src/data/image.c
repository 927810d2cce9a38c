/* image.c: tensors as pictures, and pictures as tensors. */
#include "picture.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../tensor/tensor.h"
#include <math.h>

/* ---- reading ----------------------------------------------------------------------- */

static void spread(const picture *p, real *out) {
  int64_t plane = (int64_t)p->rows * p->columns;
  for (int64_t c = 0; c < p->channels; c++)
    for (int64_t i = 0; i < plane; i++)
      out[c * plane + i] = (real)(p->bytes[i * p->channels + c] / 255.0);
}

#define MOST_LINES (1 << 14) /* that a picture is brought to */

lander_tensor *lander_image_load(lander_engine *engine, const char *path, int channels,
                                 lander_error *error) {
  return lander_image_load_sized(engine, path, channels, 0, 0, error);
}

lander_tensor *lander_image_load_sized(lander_engine *engine, const char *path,
                                       int channels, int rows, int columns,
                                       lander_error *error) {
  codecs c = {0};
  picture p;
  error_clear(error);
  if (channels != 0 && channels != 1 && channels != 3) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "channels must be 1 (grey), 3 (RGB) or 0 (as the file has them), found %d",
              channels);
    return NULL;
  }
  if (rows < 0 || columns < 0 || rows > MOST_LINES || columns > MOST_LINES ||
      (rows > 0) != (columns > 0)) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "a picture can be brought to 1 to %d rows and columns", MOST_LINES);
    return NULL;
  }
  lander_status status = picture_read(engine, &c, path, channels, &p, error);
  codecs_close(&c);
  if (status != LANDER_OK) return NULL;
  if (rows > 0 && picture_resize(engine, &p, rows, columns, error) != LANDER_OK) {
    memory_free(engine, p.bytes);
    return NULL;
  }
  int64_t size[3] = {p.channels, p.rows, p.columns};
  lander_tensor *t = lander_tensor_new(engine, 3, size, error);
  if (t) spread(&p, lander_tensor_data(t));
  memory_free(engine, p.bytes);
  return t;
}

/* ---- writing ----------------------------------------------------------------------- */

#define MOST_NUMBERS (1 << 28)

/* NaN is black, as nothing. */
static uint8_t shade(double x, double low, double high) {
  double v = (x - low) / (high - low) * 255 + 0.5;
  return !(v > 0) ? 0 : v > 255 ? 255 : (uint8_t)v;
}

/* (rows, columns), (1, rows, columns) or (3, rows, columns). */
static lander_status read_shape(const lander_tensor *t, picture *p, lander_error *error) {
  const int64_t *size = t->size;
  int64_t channels = t->dims == 3 ? size[0] : 1;
  if (t->dims == 3) size++;
  char found[SHAPE_TEXT];
  if (t->dims < 2 || t->dims > 3 || (channels != 1 && channels != 3) || size[0] < 1 ||
      size[1] < 1)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "a picture is (rows, columns), (1, rows, columns) or (3, rows, "
                     "columns), found %s",
                     shape_text(found, t->dims, t->size));
  if (lander_tensor_count(t) > MOST_NUMBERS)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "a picture has at most %d numbers, found %s", MOST_NUMBERS,
                     shape_text(found, t->dims, t->size));
  *p = (picture){(int)channels, (int)size[0], (int)size[1], NULL};
  return LANDER_OK;
}

lander_status lander_image_encode(const lander_tensor *t, double low, double high,
                                  unsigned char **png, size_t *size,
                                  lander_error *error) {
  lander_engine *engine = lander_tensor_engine(t);
  picture p;
  error_clear(error);
  if (!(isfinite(low) && isfinite(high) && low < high))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "what is black must be less than what is white, found %g and %g",
                     low, high);
  lander_status status = read_shape(t, &p, error);
  if (status != LANDER_OK) return status;
  lander_tensor *copy = NULL;
  const real *x = tensor_contiguous(t, &copy, error);
  if (x) p.bytes = memory_new(engine, (size_t)lander_tensor_count(t), 1, error);
  status = p.bytes ? LANDER_OK : LANDER_ERROR_MEMORY;
  if (p.bytes) {
    int64_t plane = (int64_t)p.rows * p.columns;
    for (int64_t c = 0; c < p.channels; c++)
      for (int64_t i = 0; i < plane; i++)
        p.bytes[i * p.channels + c] = shade((double)x[c * plane + i], low, high);
    status = picture_encode(engine, &p, png, size, error);
  }
  memory_free(engine, p.bytes);
  lander_tensor_free(copy);
  return status;
}

void lander_image_free(lander_engine *engine, unsigned char *png) {
  memory_free(engine, png);
}

lander_status lander_image_save(const lander_tensor *t, const char *path, double low,
                                double high, lander_error *error) {
  lander_engine *engine = lander_tensor_engine(t);
  unsigned char *png = NULL;
  size_t size = 0;
  lander_status status = lander_image_encode(t, low, high, &png, &size, error);
  if (status != LANDER_OK) return status;
  lander_error mine;
  if (!error) error = &mine; /* the status is read from it */
  file_writer *f = file_create(engine, path, error);
  if (f) {
    file_write(f, png, size, error);
    status = file_commit(f, error);
  } else {
    status = error->code;
  }
  memory_free(engine, png);
  return status;
}
