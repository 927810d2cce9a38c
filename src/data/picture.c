/* picture.c: reading a picture's file, whichever kind it is, and another size of it. */
#include "picture.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "codecs.h"
#include <string.h>

#define MOST_BYTES (1 << 30) /* of a file */

static const struct kind {
  const char *magic;
  size_t length;
  picture_decoder decode;
} kinds[] = {{"\x89PNG\r\n\x1a\n", 8, png_decode}, {"\xff\xd8\xff", 3, jpeg_decode}};

static picture_decoder find_decoder(const encoded *file) {
  for (int i = 0; i < COUNT_OF(kinds); i++)
    if (file->size >= kinds[i].length &&
        !memcmp(file->bytes, kinds[i].magic, kinds[i].length))
      return kinds[i].decode;
  return NULL;
}

/* What a file is that is neither; "" where nobody knows. */
static const char *other_kind(const encoded *file) {
  static const struct {
    const char *magic;
    size_t at, length;
    const char *what;
  } others[] = {
      {"GIF8", 0, 4, ", but as a GIF"},         {"BM", 0, 2, ", but as a BMP"},
      {"WEBP", 8, 4, ", but as a WebP"},        {"ftyp", 4, 4, ", but as a HEIC or AVIF"},
      {"II*\0", 0, 4, ", but as a TIFF"},       {"MM\0*", 0, 4, ", but as a TIFF"},
      {"<", 0, 1, ", but as a page of the web"}};
  for (int i = 0; i < COUNT_OF(others); i++)
    if (file->size >= others[i].at + others[i].length &&
        !memcmp(file->bytes + others[i].at, others[i].magic, others[i].length))
      return others[i].what;
  return "";
}

static lander_status decode(codecs *c, const encoded *file, int channels, picture *out,
                            lander_error *error) {
  picture_decoder decoder = find_decoder(file);
  if (!decoder && file->size == 0)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: it is empty, expected a PNG or JPEG", file->path);
  if (!decoder)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: begins neither as a PNG file does nor as a JPEG file%s",
                     file->path, other_kind(file));
  lander_status status = decoder(c, file, channels, out, error);
  if (status == LANDER_OK) return LANDER_OK;
  memory_free(file->engine, out->bytes);
  out->bytes = NULL;
  return status;
}

/* The whole file; *bytes is the caller's. */
static lander_status read_all(lander_engine *engine, const char *path, uint8_t **bytes,
                              size_t *size, lander_error *error) {
  lander_error mine;
  if (!error) error = &mine; /* the status is read from it */
  file_reader *f = file_open(engine, path, error);
  if (!f) return error->code;
  lander_status status = LANDER_OK;
  if (file_size(f) > MOST_BYTES)
    status =
        error_set(error, LANDER_ERROR_FORMAT, "%s: has %lld bytes; a picture may have %d",
                  path, (long long)file_size(f), MOST_BYTES);
  if (status == LANDER_OK) {
    *size = (size_t)file_size(f);
    *bytes = memory_new(engine, *size, 1, error);
    status = *bytes ? file_read_at(f, 0, *bytes, *size, error) : LANDER_ERROR_MEMORY;
  }
  file_close(f);
  return status;
}

lander_status picture_read(lander_engine *engine, codecs *c, const char *path,
                           int channels, picture *out, lander_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  *out = (picture){0};
  lander_status status = read_all(engine, path, &bytes, &size, error);
  if (status == LANDER_OK) {
    encoded file = {engine, path, bytes, size};
    status = decode(c, &file, channels, out, error);
  }
  memory_free(engine, bytes);
  return status;
}

/* ---- another size ------------------------------------------------------------------ */

/* Along one dimension: out[i] is the mean of in over i * n / m .. (i + 1) * n / m,
 * counted in m-ths so that all is exact: each old element is m parts wide, each new one
 * n. `in_step` and `out_step` lie between two elements, `rounding` between two numbers.
 */
static void shrink_line(const float *in, int n, int64_t in_step, float *out, int m,
                        int64_t out_step) {
  for (int64_t i = 0; i < m; i++) {
    int64_t from = i * n, to = from + n;
    double sum = 0;
    for (int64_t at = from; at < to;) {
      int64_t k = at / m, end = (k + 1) * m < to ? (k + 1) * m : to;
      sum += (double)in[k * in_step] * (double)(end - at);
      at = end;
    }
    out[i * out_step] = (float)(sum / n);
  }
}

/* (rows, columns, channels) to (rows, m, channels), row by row; then to (m2, m,
 * channels). */
static void resize(const picture *p, int rows, int columns, float *row, float *wide,
                   float *small, uint8_t *bytes) {
  int64_t c = p->channels, old_row = p->columns * c, new_row = columns * c;
  for (int64_t r = 0; r < p->rows; r++) {
    for (int64_t i = 0; i < old_row; i++) row[i] = p->bytes[r * old_row + i];
    for (int64_t k = 0; k < c; k++)
      shrink_line(row + k, p->columns, c, wide + r * new_row + k, columns, c);
  }
  for (int64_t k = 0; k < new_row; k++)
    shrink_line(wide + k, p->rows, new_row, small + k, rows, new_row);
  for (int64_t i = 0; i < rows * new_row; i++) bytes[i] = (uint8_t)(small[i] + 0.5f);
}

lander_status picture_resize(lander_engine *engine, picture *p, int rows, int columns,
                             lander_error *error) {
  if (p->rows == rows && p->columns == columns) return LANDER_OK;
  size_t c = (size_t)p->channels;
  size_t row = (size_t)p->columns * c;
  size_t wide = (size_t)p->rows * (size_t)columns * c;
  size_t small = (size_t)rows * (size_t)columns * c;
  float *room = memory_new(engine, row + wide + small, sizeof *room, error);
  uint8_t *bytes = room ? memory_new(engine, small, 1, error) : NULL;
  if (bytes) {
    resize(p, rows, columns, room, room + row, room + row + wide, bytes);
    memory_free(engine, p->bytes);
    p->bytes = bytes;
    p->rows = rows;
    p->columns = columns;
  }
  memory_free(engine, room);
  return bytes ? LANDER_OK : LANDER_ERROR_MEMORY;
}
