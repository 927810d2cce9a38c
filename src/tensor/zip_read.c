/* zip_read.c: the directory, checked when it is opened, and the members' bytes. */
#include "zip.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/stream.h"
#include "zip_format.h"
#include <zlib.h>

enum { METHOD_STORED = 0, METHOD_DEFLATED = 8 };
enum { FLAG_ENCRYPTED = 1, FLAG_SIZES_FOLLOW = 8, FLAG_MASKED = 1 << 13 };

#define ZIP64 0xffffffffu /* "see the zip64 record" */

typedef struct member {
  char *name;
  int64_t header, data; /* places of the local header and of the bytes */
  uint32_t stored, size, crc;
  unsigned method;
} member;

struct zip_reader {
  lander_engine *engine;
  file_reader *file;
  int64_t directory, directory_size;
  bool sealed; /* written by zip_write.c, so every byte is known */
  int count;
  member *members;
  char *names; /* all of them, each with its zero */
  int *places; /* a hash table of members, counted from one; 0: free */
  uint32_t mask;
};

const char *zip_path(const zip_reader *z) {
  return file_path(z->file);
}
int zip_count(const zip_reader *z) {
  return z->count;
}

const char *zip_name(const zip_reader *z, int index) {
  return index >= 0 && index < z->count ? z->members[index].name : NULL;
}

uint32_t zip_size(const zip_reader *z, int index) {
  return z->members[index].size;
}

static lander_status damaged(const zip_reader *z, const char *what, lander_error *error) {
  return error_set(error, LANDER_ERROR_FORMAT, "%s: %s", zip_path(z), what);
}

static lander_status damaged_member(const zip_reader *z, const char *name,
                                    const char *what, lander_error *error) {
  return error_set(error, LANDER_ERROR_FORMAT, "%s: member %s: %s", zip_path(z), name,
                   what);
}

/* ---- The end record -------------------------------------------------------------- */

static lander_status check_seal(zip_reader *z, const unsigned char *directory,
                                const unsigned char *comment, lander_error *error) {
  char seal[ZIP_SEAL_LENGTH + 1];
  zip_seal(seal, (uint32_t)crc32_z(0, directory, (size_t)z->directory_size));
  if (memcmp(seal, comment, ZIP_SEAL_LENGTH) != 0)
    return damaged(z, "its directory does not agree with its seal: it was altered",
                   error);
  return LANDER_OK;
}

static lander_status check_end(zip_reader *z, const unsigned char *end, int64_t place,
                               lander_error *error) {
  unsigned count = zip_get16(end + 10);
  uint32_t size = zip_get32(end + 12), offset = zip_get32(end + 16);
  if (count == 0xffff || size == ZIP64 || offset == ZIP64)
    return damaged(z, "a zip64 file; only files up to 4 GB are read", error);
  if (zip_get16(end + 4) != 0 || zip_get16(end + 6) != 0 || zip_get16(end + 8) != count)
    return damaged(z, "a part of a zip file in several volumes, or altered", error);
  if ((int64_t)offset + size != place)
    return error_set(
        error, LANDER_ERROR_FORMAT,
        "%s: its directory should end at byte %lld, but the end record is at "
        "byte %lld: it was cut short or altered",
        zip_path(z), (long long)offset + size, (long long)place);
  if ((uint64_t)count * ZIP_CENTRAL_SIZE > size)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: %u members do not fit in a directory of %lu bytes", zip_path(z),
                     count, (unsigned long)size);
  z->count = (int)count;
  z->directory = offset;
  z->directory_size = size;
  return LANDER_OK;
}

/* The end record is the last thing in the file; only its comment has no fixed length. */
static const unsigned char *find_end(const unsigned char *tail, size_t size) {
  for (size_t at = size - ZIP_END_SIZE + 1; at-- > 0;)
    if (zip_get32(tail + at) == ZIP_END &&
        zip_get16(tail + at + 20) == size - at - ZIP_END_SIZE)
      return tail + at;
  return NULL;
}

/* ---- The directory --------------------------------------------------------------- */

static int *place_of(const zip_reader *z, const char *name) {
  uint32_t i = (uint32_t)crc32_z(0, (const Bytef *)name, strlen(name)) & z->mask;
  while (z->places[i] != 0 && strcmp(z->members[z->places[i] - 1].name, name) != 0)
    i = (i + 1) & z->mask;
  return &z->places[i];
}

int zip_find(const zip_reader *z, const char *name) {
  return *place_of(z, name) - 1;
}

static bool good_name(const unsigned char *name, size_t length) {
  if (length == 0 || length > ZIP_MAX_NAME) return false;
  for (size_t i = 0; i < length; i++)
    if (name[i] < 32 || name[i] == 127) return false;
  return true;
}

/* What the directory says of a member, by itself. */
static lander_status check_entry(const zip_reader *z, const member *m,
                                 const unsigned char *entry, lander_error *error) {
  unsigned flags = zip_get16(entry + 8);
  if (flags & (FLAG_ENCRYPTED | FLAG_MASKED))
    return damaged_member(z, m->name, "it is encrypted, which is not read", error);
  if (zip_get16(entry + 34) != 0)
    return damaged_member(z, m->name, "it lies in another volume", error);
  if (m->stored == ZIP64 || m->size == ZIP64 || zip_get32(entry + 42) == ZIP64)
    return damaged_member(z, m->name, "zip64; only files up to 4 GB are read", error);
  if (m->method != METHOD_STORED && m->method != METHOD_DEFLATED)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: member %s: compression method %u; stored (0) and deflated (8) "
                     "are read",
                     zip_path(z), m->name, m->method);
  if (m->method == METHOD_STORED ? m->size != m->stored
                                 : m->size > (uint64_t)m->stored * STREAM_MAX_RATIO)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: member %s: %lu bytes can't come from %lu stored ones",
                     zip_path(z), m->name, (unsigned long)m->size,
                     (unsigned long)m->stored);
  return LANDER_OK;
}

/* The local header, which must say the same as the directory. Other programs leave sizes
 * out of it (they follow the bytes, or are in a zip64 field, as numpy writes). */
static lander_status check_local(const zip_reader *z, const member *m,
                                 const unsigned char *local, lander_error *error) {
  size_t length = strlen(m->name);
  bool same;
  if (z->sealed) {
    unsigned char expected[ZIP_LOCAL_SIZE];
    zip_put_local(expected, m->crc, m->size, length);
    same = memcmp(local, expected, ZIP_LOCAL_SIZE) == 0;
  } else {
    unsigned flags = zip_get16(local + 6);
    uint32_t stored = zip_get32(local + 18), size = zip_get32(local + 22);
    bool sizes =
        (flags & FLAG_SIZES_FOLLOW) ||
        (zip_get32(local + 14) == m->crc && (stored == m->stored || stored == ZIP64) &&
         (size == m->size || size == ZIP64));
    same = zip_get32(local) == ZIP_LOCAL && !(flags & (FLAG_ENCRYPTED | FLAG_MASKED)) &&
           zip_get16(local + 8) == m->method && zip_get16(local + 26) == length && sizes;
  }
  if (!same || memcmp(local + ZIP_LOCAL_SIZE, m->name, length) != 0)
    return damaged_member(z, m->name,
                          "its header does not agree with the directory: it was altered",
                          error);
  return LANDER_OK;
}

static lander_status find_data(const zip_reader *z, member *m, lander_error *error) {
  unsigned char local[ZIP_LOCAL_SIZE + ZIP_MAX_NAME];
  size_t size = ZIP_LOCAL_SIZE + strlen(m->name);
  if (m->header + (int64_t)size > z->directory)
    return damaged_member(z, m->name, "it would lie inside the directory", error);
  lander_status status = file_read_at(z->file, m->header, local, size, error);
  if (status == LANDER_OK) status = check_local(z, m, local, error);
  if (status != LANDER_OK) return status;
  m->data = m->header + (int64_t)size + zip_get16(local + 28);
  if (m->data + m->stored > z->directory)
    return damaged_member(z, m->name, "it would reach into the directory", error);
  return LANDER_OK;
}

/* Reads entry number `index` at `entry`, `left` bytes before the directory's end, and
 * copies its name to `name`. Returns the entry's length, 0 on failure. */
static size_t read_entry(zip_reader *z, int index, const unsigned char *entry,
                         size_t left, char *name, lander_error *error) {
  if (left < ZIP_CENTRAL_SIZE || zip_get32(entry) != ZIP_CENTRAL) {
    error_set(error, LANDER_ERROR_FORMAT,
              "%s: entry %d of its directory is none: it was altered", zip_path(z),
              index + 1);
    return 0;
  }
  size_t length = zip_get16(entry + 28);
  size_t whole =
      ZIP_CENTRAL_SIZE + length + zip_get16(entry + 30) + zip_get16(entry + 32);
  if (whole > left || !good_name(entry + ZIP_CENTRAL_SIZE, length)) {
    error_set(error, LANDER_ERROR_FORMAT,
              "%s: entry %d of its directory has no usable name (1 to %d letters)",
              zip_path(z), index + 1, ZIP_MAX_NAME);
    return 0;
  }
  memcpy(name, entry + ZIP_CENTRAL_SIZE, length); /* its zero is there already */
  member *m = &z->members[index];
  *m = (member){.name = name,
                .header = zip_get32(entry + 42),
                .stored = zip_get32(entry + 20),
                .size = zip_get32(entry + 24),
                .crc = zip_get32(entry + 16),
                .method = zip_get16(entry + 10)};
  return check_entry(z, m, entry, error) == LANDER_OK ? whole : 0;
}

static lander_status read_directory(zip_reader *z, const unsigned char *directory,
                                    lander_error *error) {
  char *name = z->names;
  size_t at = 0, size = (size_t)z->directory_size;
  int64_t expected = 0; /* where a sealed file's next member begins */
  for (int i = 0; i < z->count; i++) {
    size_t length = read_entry(z, i, directory + at, size - at, name, error);
    if (length == 0) return LANDER_ERROR_FORMAT;
    member *m = &z->members[i];
    lander_status status = find_data(z, m, error);
    if (status != LANDER_OK) return status;
    int *place = place_of(z, m->name);
    if (*place != 0) return damaged_member(z, m->name, "it is there twice", error);
    *place = i + 1;
    if (z->sealed && m->header != expected)
      return damaged_member(z, m->name, "it does not follow the one before", error);
    expected = m->data + m->stored;
    at += length;
    name += strlen(name) + 1;
  }
  if (at != size) return damaged(z, "its directory is longer than its members", error);
  if (z->sealed && expected != z->directory)
    return damaged(z, "something lies between its members and its directory", error);
  return LANDER_OK;
}

static lander_status make_tables(zip_reader *z, lander_error *error) {
  uint32_t places = 2;
  while (places < 2 * (uint32_t)z->count + 2) places *= 2;
  z->mask = places - 1;
  z->places = memory_new(z->engine, places, sizeof(int), error);
  if (!z->places) return LANDER_ERROR_MEMORY;
  z->members = memory_new(z->engine, (size_t)z->count, sizeof(member), error);
  if (!z->members) return LANDER_ERROR_MEMORY;
  /* An entry is longer than its name and a zero, so all names fit in its size. */
  z->names = memory_new(z->engine, (size_t)z->directory_size, 1, error);
  return z->names ? LANDER_OK : LANDER_ERROR_MEMORY;
}

/* ---- Opening --------------------------------------------------------------------- */

static lander_status open_directory(zip_reader *z, const unsigned char *end,
                                    int64_t place, lander_error *error) {
  lander_status status = check_end(z, end, place, error);
  if (status != LANDER_OK) return status;
  z->sealed = zip_get16(end + 20) == ZIP_SEAL_LENGTH;
  unsigned char *directory = memory_new(z->engine, (size_t)z->directory_size, 1, error);
  if (!directory) return LANDER_ERROR_MEMORY;
  status =
      file_read_at(z->file, z->directory, directory, (size_t)z->directory_size, error);
  if (status == LANDER_OK && z->sealed)
    status = check_seal(z, directory, end + ZIP_END_SIZE, error);
  if (status == LANDER_OK) status = make_tables(z, error);
  if (status == LANDER_OK) status = read_directory(z, directory, error);
  memory_free(z->engine, directory);
  return status;
}

static lander_status open_file(zip_reader *z, lander_error *error) {
  int64_t size = file_size(z->file);
  if (size < ZIP_END_SIZE)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: not a zip file (.npz): it has %lld bytes, and none has less "
                     "than %d",
                     zip_path(z), (long long)size, ZIP_END_SIZE);
  unsigned char begin[4];
  lander_status status = file_read_at(z->file, 0, begin, sizeof begin, error);
  if (status != LANDER_OK) return status;
  if (zip_get32(begin) != ZIP_LOCAL && zip_get32(begin) != ZIP_END)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: not a zip file (.npz): it begins with %02x %02x %02x %02x, "
                     "expected 50 4b 03 04",
                     zip_path(z), begin[0], begin[1], begin[2], begin[3]);
  int64_t window = ZIP_END_SIZE + 0xffff;
  if (window > size) window = size;
  unsigned char *tail = memory_new(z->engine, (size_t)window, 1, error);
  if (!tail) return LANDER_ERROR_MEMORY;
  status = file_read_at(z->file, size - window, tail, (size_t)window, error);
  if (status == LANDER_OK) {
    const unsigned char *end = find_end(tail, (size_t)window);
    status = end ? open_directory(z, end, size - window + (end - tail), error)
                 : damaged(z, "has no end record: it was cut short or altered", error);
  }
  memory_free(z->engine, tail);
  return status;
}

zip_reader *zip_open(lander_engine *engine, const char *path, lander_error *error) {
  zip_reader *z = memory_new(engine, 1, sizeof *z, error);
  if (!z) return NULL;
  z->engine = engine;
  z->file = file_open(engine, path, error);
  if (z->file && open_file(z, error) == LANDER_OK) return z;
  zip_close(z);
  return NULL;
}

void zip_close(zip_reader *z) {
  if (!z) return;
  if (z->file) file_close(z->file);
  memory_free(z->engine, z->places);
  memory_free(z->engine, z->members);
  memory_free(z->engine, z->names);
  memory_free(z->engine, z);
}

/* ---- Members --------------------------------------------------------------------- */

/* A packed member can claim a thousand times the bytes that it has: memory grows as they
 * come. */
static size_t first_room(const member *m) {
  uint64_t room = m->method == METHOD_STORED ? m->size : 4 * (uint64_t)m->stored + 1024;
  return room < m->size ? (size_t)room : m->size;
}

/* Up to the member's size, and room for one more byte behind them. */
static lander_status read_bytes(const zip_reader *z, const member *m, stream *s,
                                char **out, size_t *got, lander_error *error) {
  size_t room = first_room(m);
  for (*got = 0;;) {
    char *larger = memory_resize(z->engine, *out, room + 1, 1, error);
    if (!larger) return LANDER_ERROR_MEMORY;
    *out = larger;
    size_t more = 0;
    lander_status status = stream_read(s, larger + *got, room - *got, &more, error);
    *got += more;
    if (status != LANDER_OK || *got < room || room == m->size) return status;
    room = room > m->size / 2 ? m->size : 2 * room;
  }
}

/* Exactly the member's bytes: not one less, not one more; *to is the caller's. */
static lander_status read_member(const zip_reader *z, const member *m, stream *s,
                                 char **to, lander_error *error) {
  size_t got = 0, more = 0;
  lander_status status = read_bytes(z, m, s, to, &got, error);
  char *out = *to;
  if (status == LANDER_OK && got == m->size)
    status = stream_read(s, out + got, 1, &more, error);
  if (status != LANDER_OK) return status;
  if (got != m->size || more != 0 || stream_left(s) != 0)
    return damaged_member(z, m->name, "its length is not what the directory says", error);
  out[m->size] = 0;
  uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)out, m->size);
  if (crc != m->crc)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: member %s: its CRC-32 is %08x, expected %08x: the file was "
                     "altered or is damaged",
                     zip_path(z), m->name, (unsigned)crc, (unsigned)m->crc);
  return LANDER_OK;
}

void *zip_read(zip_reader *z, int index, size_t *size, lander_error *error) {
  const member *m = &z->members[index];
  char name[LANDER_ERROR_LENGTH];
  snprintf(name, sizeof name, "%s: member %s", zip_path(z), m->name);
  stream *s =
      stream_open(z->engine, z->file, name, m->data, m->stored,
                  m->method == METHOD_STORED ? STREAM_PLAIN : STREAM_DEFLATE, error);
  if (!s) return NULL;
  char *out = NULL;
  if (read_member(z, m, s, &out, error) != LANDER_OK) {
    memory_free(z->engine, out);
    out = NULL;
  }
  stream_close(s);
  *size = m->size;
  return out;
}
