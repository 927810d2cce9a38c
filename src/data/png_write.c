/* png_write.c: PNG (ISO/IEC 15948) of 8 bits, grey or RGB:
 *
 *  1. eight bytes that say so;
 *  2. the chunks IHDR (sizes, depth, colours), IDAT (the rows, compressed), IEND
 * (nothing), each with its length before it, and the CRC-32 of name and content behind
 * it;
 *  3. in front of each row the number of its filter, here always 2: what follows are the
 *     differences to the row above, in which zlib finds more that repeats. */
#include "picture.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <string.h>
#include <zlib.h>

enum { MAGIC = 8, CHUNK = 12, HEADER = 13, FILTER_UP = 2 };

static voidpf allocate(voidpf engine, uInt count, uInt size) {
  return memory_new(engine, count, size, NULL);
}

static void release(voidpf engine, voidpf block) {
  memory_free(engine, block);
}

static uint8_t *put_number(uint8_t *at, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = (uint8_t)(number >> shift);
  return at;
}

/* The chunk's frame around `size` bytes that lie at at + 8. Returns what is behind it. */
static uint8_t *frame(uint8_t *at, const char *name, size_t size) {
  put_number(at, (uint32_t)size);
  memcpy(at + 4, name, 4);
  uLong crc = crc32(0, at + 4, (uInt)(size + 4));
  return put_number(at + 8 + size, (uint32_t)crc);
}

/* The rows as differences, each behind its filter's number. */
static void filter_rows(const picture *p, uint8_t *out) {
  size_t width = (size_t)p->columns * (size_t)p->channels;
  for (size_t r = 0; r < (size_t)p->rows; r++) {
    const uint8_t *row = p->bytes + r * width, *above = row - width;
    *out++ = FILTER_UP;
    for (size_t i = 0; i < width; i++) *out++ = (uint8_t)(row[i] - (r ? above[i] : 0));
  }
}

static lander_status compress_rows(z_stream *z, uint8_t *rows, size_t length,
                                   uint8_t *out, size_t room, size_t *size,
                                   lander_error *error) {
  z->next_in = rows;
  z->avail_in = (uInt)length;
  z->next_out = out;
  z->avail_out = (uInt)room;
  if (deflate(z, Z_FINISH) != Z_STREAM_END) return error_memory(error, room);
  *size = room - z->avail_out;
  return LANDER_OK;
}

lander_status picture_encode(lander_engine *engine, const picture *p, uint8_t **png,
                             size_t *size, lander_error *error) {
  static const uint8_t magic[MAGIC + 1] = "\x89PNG\r\n\x1a\n";
  size_t length =
      (size_t)p->rows * ((size_t)p->columns * (size_t)p->channels + 1); /* under 2^32 */
  z_stream z = {.zalloc = allocate, .zfree = release, .opaque = engine};
  if (deflateInit(&z, Z_BEST_COMPRESSION) != Z_OK) return error_memory(error, length);
  size_t room = deflateBound(&z, (uLong)length);
  uint8_t *rows = memory_new(engine, length, 1, error);
  uint8_t *all =
      rows ? memory_new(engine, MAGIC + 3 * CHUNK + HEADER + room, 1, error) : NULL;
  lander_status status = all ? LANDER_OK : LANDER_ERROR_MEMORY;
  if (all) {
    memcpy(all, magic, MAGIC);
    uint8_t *header = all + MAGIC + 8;
    put_number(header, (uint32_t)p->columns);
    put_number(header + 4, (uint32_t)p->rows);
    header[8] = 8;
    header[9] = p->channels == 3 ? 2 : 0; /* behind it: the only compression, filters, and
                                             no interlacing: zeros */
    uint8_t *at = frame(all + MAGIC, "IHDR", HEADER);
    filter_rows(p, rows);
    size_t packed = 0;
    status = compress_rows(&z, rows, length, at + 8, room, &packed, error);
    at = frame(at, "IDAT", packed);
    at = frame(at, "IEND", 0);
    *size = (size_t)(at - all);
  }
  deflateEnd(&z);
  memory_free(engine, rows);
  if (status == LANDER_OK)
    *png = all;
  else
    memory_free(engine, all);
  return status;
}
