/* bytes.c: the bytes of a file in order, plain or gzipped. */
#include "bytes.h"

#include "../base/error.h"
#include "../base/memory.h"

static lander_status open_stream(bytes_file *f, lander_error *error) {
  unsigned char magic[2] = {0};
  int64_t size = file_size(f->file);
  if (size >= 2) {
    lander_status status = file_read_at(f->file, 0, magic, sizeof magic, error);
    if (status != LANDER_OK) return status;
  }
  f->compressed = magic[0] == 0x1f && magic[1] == 0x8b;
  f->stream = stream_open(f->engine, f->file, f->path, 0, size,
                          f->compressed ? STREAM_GZIP : STREAM_PLAIN, error);
  return f->stream ? LANDER_OK : LANDER_ERROR_MEMORY;
}

lander_status bytes_open(bytes_file *f, lander_engine *engine, const char *path,
                         lander_error *error) {
  lander_error mine;
  if (!error) error = &mine; /* the status is read from it */
  *f = (bytes_file){.engine = engine, .path = path};
  f->file = file_open(engine, path, error);
  if (!f->file) return error->code;
  lander_status status = open_stream(f, error);
  if (status != LANDER_OK) file_close(f->file);
  return status;
}

void bytes_close(bytes_file *f) {
  stream_close(f->stream);
  file_close(f->file);
}

lander_status bytes_read(bytes_file *f, void *out, size_t size, size_t *got,
                         lander_error *error) {
  return stream_read(f->stream, out, size, got, error);
}

int64_t bytes_possible(const bytes_file *f) {
  int64_t size = file_size(f->file);
  if (!f->compressed) return size;
  return size > INT64_MAX / STREAM_MAX_RATIO ? INT64_MAX : size * STREAM_MAX_RATIO;
}

lander_status bytes_append(bytes_file *f, uint8_t **block, size_t *length, size_t wanted,
                           lander_error *error) {
  uint64_t size = (uint64_t)file_size(f->file), room = f->compressed ? 4 * size : size;
  size_t done = 0;
  do {
    if (room > wanted) room = wanted;
    if (room > SIZE_MAX - *length) return error_memory(error, SIZE_MAX);
    uint8_t *larger =
        memory_resize(f->engine, *block, *length + (size_t)(room - done), 1, error);
    if (!larger) return LANDER_ERROR_MEMORY;
    *block = larger;
    size_t more;
    lander_status status =
        bytes_read(f, larger + *length, (size_t)room - done, &more, error);
    if (status != LANDER_OK) return status;
    *length += more;
    done += more;
    if (done < room) break;
    room *= 2;
  } while (done < wanted && f->compressed);
  return LANDER_OK;
}
