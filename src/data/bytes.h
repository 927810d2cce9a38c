/* bytes.h: the bytes of a file in order, plain or gzipped, whatever its name ends in. */
#ifndef LANDER_DATA_BYTES_H
#define LANDER_DATA_BYTES_H

#include "../base/file.h"
#include "../base/stream.h"

typedef struct bytes_file {
  lander_engine *engine;
  const char *path; /* begins the messages; outlives the file */
  file_reader *file;
  stream *stream;
  bool compressed;
} bytes_file;

/* On failure nothing is to be closed. fails: io, memory. */
lander_status bytes_open(bytes_file *f, lander_engine *engine, const char *path,
                         lander_error *error);
void bytes_close(bytes_file *f);

/* Up to `size` bytes; fewer only at the end. fails: io, format (damaged, cut short). */
lander_status bytes_read(bytes_file *f, void *out, size_t size, size_t *got,
                         lander_error *error);

/* Reads up to `wanted` bytes behind the *length that *block has (NULL: none; from the
 * engine's allocator). A compressed file can claim a thousand times its size, so memory
 * grows only as the bytes come. fails: as bytes_read; memory; *block stays the caller's.
 */
lander_status bytes_append(bytes_file *f, uint8_t **block, size_t *length, size_t wanted,
                           lander_error *error);

/* The most bytes that the file can have, its compressed ones counted at their best. */
int64_t bytes_possible(const bytes_file *f);

#endif
