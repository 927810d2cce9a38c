/* stream.h: the bytes of a file in order, as they lie there or decompressed by zlib. */
#ifndef LANDER_BASE_STREAM_H
#define LANDER_BASE_STREAM_H

#include "file.h"

typedef enum stream_kind { STREAM_PLAIN, STREAM_DEFLATE, STREAM_GZIP } stream_kind;

/* Deflate never makes more bytes than this of one: what claims more is lying. */
#define STREAM_MAX_RATIO 1032

/* Bytes offset .. offset+size-1 of f, which must outlive the stream, as must `name`:
 * messages begin with it. owns: the caller (stream_close). fails: memory. */
typedef struct stream stream;
stream *stream_open(lander_engine *engine, file_reader *f, const char *name,
                    int64_t offset, int64_t size, stream_kind kind, lander_error *error);

/* Up to `size` bytes; fewer only at the end of what is there. A gzip file may have
 * several members, one after the other. fails: io, format (damaged, or cut short). */
lander_status stream_read(stream *s, void *out, size_t size, size_t *got,
                          lander_error *error);

/* Bytes of the file's part that were not needed; known once the end was read. */
int64_t stream_left(const stream *s);
void stream_close(stream *s);

#endif
