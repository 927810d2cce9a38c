/* zip.c: variants of zip files whose sums are right, so that a fuzzer gets behind them.
 *
 * A file is taken apart by its directory; one of its members is changed; the whole is
 * written again, stored or deflated, with or without the seal that zip.h speaks of. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <tensor/zip_format.h>
#include <zlib.h>

#define MOST_MEMBERS 64
#define MOST_BYTES   16384 /* of a member, decompressed */

typedef struct member {
  char name[256];
  size_t size;
  uint8_t *bytes;
} member;

typedef struct archive {
  int count;
  member at[MOST_MEMBERS];
  bool sealed;
} archive;

/* xorshift64 (Marsaglia 2003) */
static uint64_t state;
static unsigned draw(unsigned below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state % below);
}

/* ---- apart ------------------------------------------------------------------------- */

static bool inflate_all(const uint8_t *in, size_t in_size, member *m) {
  z_stream z = {.next_in = (Bytef *)in, .avail_in = (uInt)in_size};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return false;
  z.next_out = m->bytes;
  z.avail_out = MOST_BYTES;
  int result = inflate(&z, Z_FINISH);
  m->size = z.total_out;
  inflateEnd(&z);
  return result == Z_STREAM_END;
}

/* The member whose entry in the directory lies at `entry`; false when it has none. */
static bool take_member(const uint8_t *data, size_t size, size_t entry, member *m) {
  const uint8_t *e = data + entry;
  size_t name = zip_get16(e + 28), local = zip_get32(e + 42), stored = zip_get32(e + 20);
  if (name > 255 || entry + ZIP_CENTRAL_SIZE + name > size) return false;
  memcpy(m->name, e + ZIP_CENTRAL_SIZE, name);
  m->name[name] = 0;
  if (local > size || size - local < ZIP_LOCAL_SIZE) return false;
  size_t begin = local + ZIP_LOCAL_SIZE + zip_get16(data + local + 26) +
                 zip_get16(data + local + 28);
  if (begin > size || stored > size - begin) return false;
  m->bytes = malloc(MOST_BYTES);
  if (!m->bytes) return false;
  if (zip_get16(e + 10) == 8) {
    if (inflate_all(data + begin, stored, m)) return true;
  } else if (stored <= MOST_BYTES) {
    m->size = stored;
    memcpy(m->bytes, data + begin, stored);
    return true;
  }
  free(m->bytes);
  return false;
}

static void take_apart(const uint8_t *data, size_t size, archive *a) {
  a->count = 0;
  a->sealed = false;
  for (size_t at = 0; at + ZIP_CENTRAL_SIZE <= size && a->count < MOST_MEMBERS; at++) {
    if (zip_get32(data + at) == ZIP_CENTRAL)
      a->count += take_member(data, size, at, &a->at[a->count]);
    if (zip_get32(data + at) == ZIP_END && at + ZIP_END_SIZE <= size)
      a->sealed = zip_get16(data + at + 20) == ZIP_SEAL_LENGTH;
  }
}

static void free_archive(archive *a) {
  for (int i = 0; i < a->count; i++) free(a->at[i].bytes);
}

/* ---- and together ------------------------------------------------------------------ */

typedef struct output {
  uint8_t *at;
  size_t size, room;
  bool full;
} output;

static void put(output *o, const void *bytes, size_t size) {
  if (size > o->room - o->size) o->full = true;
  if (o->full) return;
  if (size > 0) memcpy(o->at + o->size, bytes, size);
  o->size += size;
}

/* Deflated bytes in a block of their own; NULL: stored ones do. */
static uint8_t *deflate_all(const member *m, size_t *size) {
  z_stream z = {0};
  size_t room = compressBound((uLong)m->size) + 64;
  uint8_t *out = malloc(room);
  if (!out || deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, 0) != Z_OK) return out;
  z.next_in = m->bytes;
  z.avail_in = (uInt)m->size;
  z.next_out = out;
  z.avail_out = (uInt)room;
  deflate(&z, Z_FINISH);
  *size = z.total_out;
  deflateEnd(&z);
  return out;
}

static void put_member(output *o, output *directory, const member *m, bool packed) {
  uint8_t local[ZIP_LOCAL_SIZE], entry[ZIP_CENTRAL_SIZE] = {0};
  uint32_t crc = (uint32_t)crc32(0, m->bytes, (uInt)m->size), place = (uint32_t)o->size;
  size_t name = strlen(m->name), stored = m->size;
  uint8_t *deflated = packed ? deflate_all(m, &stored) : NULL;
  unsigned method = deflated ? 8 : 0;
  zip_put_local(local, crc, (uint32_t)m->size, name);
  zip_put16(local + 8, method);
  zip_put32(local + 18, (uint32_t)stored);
  put(o, local, sizeof local);
  put(o, m->name, name);
  put(o, deflated ? deflated : m->bytes, stored);
  free(deflated);
  zip_put32(entry, ZIP_CENTRAL);
  zip_put16(entry + 4, ZIP_VERSION);
  zip_put16(entry + 6, ZIP_VERSION);
  zip_put16(entry + 10, method);
  zip_put16(entry + 14, ZIP_DATE);
  zip_put32(entry + 16, crc);
  zip_put32(entry + 20, (uint32_t)stored);
  zip_put32(entry + 24, (uint32_t)m->size);
  zip_put16(entry + 28, (unsigned)name);
  zip_put32(entry + 42, place);
  put(directory, entry, sizeof entry);
  put(directory, m->name, name);
}

/* Returns the size, 0 when there is no room. */
static size_t put_together(const archive *a, bool packed, uint8_t *data, size_t room) {
  static uint8_t listed[MOST_MEMBERS * (ZIP_CENTRAL_SIZE + 256)];
  output o = {.at = data, .room = room};
  output directory = {.at = listed, .room = sizeof listed};
  for (int i = 0; i < a->count; i++) put_member(&o, &directory, &a->at[i], packed);
  uint8_t end[ZIP_END_SIZE] = {0};
  zip_put32(end, ZIP_END);
  zip_put16(end + 8, (unsigned)a->count);
  zip_put16(end + 10, (unsigned)a->count);
  zip_put32(end + 12, (uint32_t)directory.size);
  zip_put32(end + 16, (uint32_t)o.size);
  char seal[ZIP_SEAL_LENGTH + 1];
  zip_seal(seal, (uint32_t)crc32(0, listed, (uInt)directory.size));
  bool sealed = a->sealed && !packed;
  zip_put16(end + 20, sealed ? ZIP_SEAL_LENGTH : 0);
  put(&o, listed, directory.size);
  put(&o, end, sizeof end);
  if (sealed) put(&o, seal, ZIP_SEAL_LENGTH);
  return o.full ? 0 : o.size;
}

/* ---- variants ---------------------------------------------------------------------- */

static void change_name(member *m) {
  size_t length = LLVMFuzzerMutate((uint8_t *)m->name, strlen(m->name), 200);
  m->name[length] = 0;
}

static void change(archive *a) {
  int i = (int)draw((unsigned)a->count), k = (int)draw((unsigned)a->count);
  member *m = &a->at[i];
  switch (draw(16)) {
  case 0: change_name(m); return;
  case 1: /* left out */
    free(m->bytes);
    *m = a->at[--a->count];
    return;
  case 2: { /* two of them change places */
    member other = a->at[k];
    a->at[k] = *m;
    *m = other;
    return;
  }
  case 3: /* the content of another */
    m->size = a->at[k].size;
    memmove(m->bytes, a->at[k].bytes, m->size);
    return;
  case 4: a->sealed = !a->sealed; return;
  default: m->size = LLVMFuzzerMutate(m->bytes, m->size, MOST_BYTES); return;
  }
}

size_t fuzz_mutate_zip(uint8_t *data, size_t size, size_t room, unsigned seed) {
  static archive a;
  state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int i = 0; i < 4; i++) draw(2);
  if (draw(8) == 0) return LLVMFuzzerMutate(data, size, room);
  take_apart(data, size, &a);
  if (a.count > 0)
    for (unsigned times = 1 + draw(3); times > 0 && a.count > 0; times--) change(&a);
  size_t fresh = a.count > 0 ? put_together(&a, draw(8) == 0, data, room) : 0;
  free_archive(&a);
  return fresh > 0 ? fresh : LLVMFuzzerMutate(data, size, room);
}
