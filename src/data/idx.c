/* idx.c: IDX files into memory, their sizes believed only when the bytes are there. */
#include "idx.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "bytes.h"

#define IDX_HEADER(dims) (4 + 4 * (dims))

/* One file while it is read. */
typedef struct reading {
  bytes_file file;
  const char *path;
  idx_file *out;
} reading;

static lander_status read_header_bytes(reading *r, unsigned char *out, size_t size,
                                       lander_error *error) {
  size_t got;
  lander_status status = bytes_read(&r->file, out, size, &got, error);
  if (status == LANDER_OK && got < size)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: ends inside its header: it was cut short", r->path);
  return status;
}

static lander_status check_magic(const reading *r, const unsigned char magic[4],
                                 const char *what, int min_dims, int max_dims,
                                 lander_error *error) {
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: not an IDX file of bytes: its magic number is "
                     "0x%02x%02x%02x%02x, expected 0x0000080%d",
                     r->path, magic[0], magic[1], magic[2], magic[3],
                     min_dims == 1 ? 1 : 3);
  if (magic[3] < min_dims || magic[3] > max_dims)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: not a file of %s: it has %d sizes (magic number 0x000008%02x), "
                     "expected 0x0000080%d",
                     r->path, what, magic[3], magic[3], min_dims == 1 ? 1 : 3);
  return LANDER_OK;
}

static lander_status check_sizes(reading *r, lander_error *error) {
  idx_file *f = r->out;
  int64_t possible = bytes_possible(&r->file), total = 1;
  if (!r->file.compressed) possible -= IDX_HEADER(f->dims);
  f->sample = 1;
  for (int i = 0; i < f->dims; i++) {
    if (f->size[i] == 0)
      return error_set(error, LANDER_ERROR_FORMAT, "%s: it has no samples: size %d is 0",
                       r->path, i + 1);
    if (f->size[i] > possible / total)
      return error_set(
          error, LANDER_ERROR_FORMAT,
          "%s: its header claims more than the %lld bytes that can be there: "
          "it was cut short, or its sizes are wrong",
          r->path, (long long)possible);
    total *= f->size[i];
    if (i > 0) f->sample *= f->size[i];
  }
  if (!r->file.compressed && total != possible)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: has %lld bytes behind its header, which says %lld", r->path,
                     (long long)possible, (long long)total);
  return LANDER_OK;
}

static lander_status read_header(reading *r, const char *what, int min_dims, int max_dims,
                                 lander_error *error) {
  unsigned char magic[4], sizes[4 * IDX_MAX_DIMS];
  lander_status status = read_header_bytes(r, magic, sizeof magic, error);
  if (status == LANDER_OK)
    status = check_magic(r, magic, what, min_dims, max_dims, error);
  if (status != LANDER_OK) return status;
  r->out->dims = magic[3];
  status = read_header_bytes(r, sizes, 4 * (size_t)magic[3], error);
  if (status != LANDER_OK) return status;
  for (int i = 0; i < r->out->dims; i++) {
    const unsigned char *p = sizes + 4 * i;
    r->out->size[i] = (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
  }
  return check_sizes(r, error);
}

/* With a limit, what comes after it is not looked at: that is what makes it fast. */
static lander_status read_samples(reading *r, int64_t limit, lander_error *error) {
  idx_file *f = r->out;
  f->count = limit > 0 && limit < f->size[0] ? limit : f->size[0];
  size_t wanted = (size_t)(f->count * f->sample), got = 0, more = 0;
  lander_status status = bytes_append(&r->file, &f->bytes, &got, wanted, error);
  if (status == LANDER_OK && got < wanted)
    return error_set(
        error, LANDER_ERROR_FORMAT,
        "%s: has %zu bytes behind its header, which says %zu: it was cut short", r->path,
        got, wanted);
  unsigned char byte;
  if (status == LANDER_OK && f->count == f->size[0])
    status = bytes_read(&r->file, &byte, 1, &more, error);
  if (status == LANDER_OK && more > 0)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: has more than the %zu bytes that its header says", r->path,
                     wanted);
  return status;
}

lander_status idx_read(lander_engine *engine, const char *path, const char *what,
                       int min_dims, int max_dims, int64_t limit, idx_file *out,
                       lander_error *error) {
  *out = (idx_file){0};
  reading r = {.path = path, .out = out};
  lander_status status = bytes_open(&r.file, engine, path, error);
  if (status != LANDER_OK) return status;
  status = read_header(&r, what, min_dims, max_dims, error);
  if (status == LANDER_OK) status = read_samples(&r, limit, error);
  bytes_close(&r.file);
  if (status != LANDER_OK) {
    memory_free(engine, out->bytes);
    out->bytes = NULL;
  }
  return status;
}
