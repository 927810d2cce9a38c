/* stream.c: plain, deflated and gzipped bytes, read through one function. */
#include "stream.h"

#include "error.h"
#include "memory.h"
#include <limits.h>
#include <zlib.h>

#define CHUNK 65536 /* compressed bytes read at once */

struct stream {
  lander_engine *engine;
  file_reader *file;
  const char *name;
  int64_t offset, left; /* where to read on, and how much there is */
  stream_kind kind;
  bool ended;  /* the compressed data are complete */
  bool member; /* at least one gzip member is */
  z_stream z;
  Bytef in[CHUNK];
};

/* zlib's memory is the engine's too. */
static voidpf allocate(voidpf engine, uInt count, uInt size) {
  return memory_new(engine, count, size, NULL);
}

static void release(voidpf engine, voidpf block) {
  memory_free(engine, block);
}

stream *stream_open(lander_engine *engine, file_reader *f, const char *name,
                    int64_t offset, int64_t size, stream_kind kind, lander_error *error) {
  stream *s = memory_new(engine, 1, sizeof *s, error);
  if (!s) return NULL;
  s->engine = engine;
  s->file = f;
  s->name = name;
  s->offset = offset;
  s->left = size;
  s->kind = kind;
  if (kind == STREAM_PLAIN) return s;
  s->z.zalloc = allocate;
  s->z.zfree = release;
  s->z.opaque = engine;
  int window = kind == STREAM_GZIP ? 16 + MAX_WBITS : -MAX_WBITS; /* 16+: gzip, -: raw */
  if (inflateInit2(&s->z, window) == Z_OK) return s;
  memory_free(engine, s);
  error_memory(error, sizeof *s);
  return NULL;
}

static lander_status read_plain(stream *s, void *out, size_t size, size_t *got,
                                lander_error *error) {
  if ((uint64_t)size > (uint64_t)s->left) size = (size_t)s->left;
  lander_status status = file_read_at(s->file, s->offset, out, size, error);
  if (status != LANDER_OK) return status;
  s->offset += (int64_t)size;
  s->left -= (int64_t)size;
  *got = size;
  return LANDER_OK;
}

static lander_status refill(stream *s, lander_error *error) {
  size_t size = s->left < CHUNK ? (size_t)s->left : CHUNK;
  size_t got = 0;
  lander_status status = read_plain(s, s->in, size, &got, error);
  s->z.next_in = s->in;
  s->z.avail_in = (uInt)got;
  return status;
}

/* One call of zlib, and what its answer means. */
static lander_status inflate_some(stream *s, lander_error *error) {
  bool fresh = s->z.total_in == 0;
  int result = inflate(&s->z, Z_NO_FLUSH);
  switch (result) {
  case Z_OK: return LANDER_OK;
  case Z_STREAM_END:
    s->member = true;
    if (s->kind == STREAM_GZIP && stream_left(s) > 0)
      inflateReset(&s->z);
    else
      s->ended = true;
    return LANDER_OK;
  case Z_MEM_ERROR: return error_memory(error, CHUNK);
  case Z_BUF_ERROR:
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: ends in the middle of its compressed data: it was cut short",
                     s->name);
  default:
    if (fresh && s->member)
      return error_set(error, LANDER_ERROR_FORMAT,
                       "%s: something else follows the compressed data", s->name);
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: the compressed data are damaged (%s)", s->name,
                     s->z.msg ? s->z.msg : "zlib cannot read them");
  }
}

lander_status stream_read(stream *s, void *out, size_t size, size_t *got,
                          lander_error *error) {
  *got = 0;
  if (s->kind == STREAM_PLAIN) return read_plain(s, out, size, got, error);
  while (*got < size && !s->ended) {
    lander_status status = LANDER_OK;
    if (s->z.avail_in == 0 && s->left > 0) status = refill(s, error);
    if (status != LANDER_OK) return status;
    size_t room = size - *got;
    if (room > INT_MAX) room = INT_MAX;
    s->z.next_out = (Bytef *)out + *got;
    s->z.avail_out = (uInt)room;
    status = inflate_some(s, error);
    if (status != LANDER_OK) return status;
    *got += room - s->z.avail_out;
  }
  return LANDER_OK;
}

int64_t stream_left(const stream *s) {
  return s->left + s->z.avail_in;
}

void stream_close(stream *s) {
  if (!s) return;
  if (s->kind != STREAM_PLAIN) inflateEnd(&s->z);
  memory_free(s->engine, s);
}
