/* zip_write.c: writing stored members, the directory and its seal. */
#include "zip.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "zip_format.h"
#include <zlib.h>

struct zip_writer {
  lander_engine *engine;
  file_writer *file;
  text directory; /* the central directory so far */
  int count;
  uint64_t offset;
};

zip_writer *zip_create(lander_engine *engine, const char *path, lander_error *error) {
  zip_writer *z = memory_new(engine, 1, sizeof *z, error);
  if (!z) return NULL;
  z->engine = engine;
  z->directory.engine = engine;
  z->file = file_create(engine, path, error);
  if (z->file) return z;
  memory_free(engine, z);
  return NULL;
}

static bool in_directory(const zip_writer *z, const char *name, size_t length) {
  const unsigned char *p = (const unsigned char *)z->directory.data;
  for (int i = 0; i < z->count; i++) {
    size_t other = zip_get16(p + 28);
    if (other == length && memcmp(p + ZIP_CENTRAL_SIZE, name, length) == 0) return true;
    p += ZIP_CENTRAL_SIZE + other;
  }
  return false;
}

static lander_status check_name(const zip_writer *z, const char *name,
                                lander_error *error) {
  size_t length = strlen(name);
  if (length == 0 || length > ZIP_MAX_NAME)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the name of a member has %zu letters, 1 to %d expected", length,
                     ZIP_MAX_NAME);
  for (const char *p = name; *p; p++)
    if ((unsigned char)*p < 32 || *p == 127)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "the name of a member has a control character in it");
  if (in_directory(z, name, length))
    return error_set(error, LANDER_ERROR_ARGUMENT, "there is a member %s already", name);
  return LANDER_OK;
}

static void list_member(zip_writer *z, const char *name, uint32_t crc, uint32_t size) {
  size_t length = strlen(name);
  unsigned char record[ZIP_CENTRAL_SIZE] = {0};
  zip_put32(record, ZIP_CENTRAL);
  zip_put16(record + 4, ZIP_VERSION); /* made by; the host system is 0 */
  zip_put16(record + 6, ZIP_VERSION);
  zip_put16(record + 14, ZIP_DATE);
  zip_put32(record + 16, crc);
  zip_put32(record + 20, size);
  zip_put32(record + 24, size);
  zip_put16(record + 28, (unsigned)length);
  zip_put32(record + 42, (uint32_t)z->offset);
  text_add_bytes(&z->directory, (const char *)record, sizeof record);
  text_add_bytes(&z->directory, name, length);
  z->count++;
}

lander_status zip_add(zip_writer *z, const char *name, const void *head, size_t head_size,
                      const void *body, size_t body_size, lander_error *error) {
  lander_status status = check_name(z, name, error);
  if (status != LANDER_OK) return status;
  size_t length = strlen(name);
  uint64_t size = (uint64_t)head_size + body_size;
  if (size < body_size || size > ZIP_MAX ||
      z->offset + ZIP_LOCAL_SIZE + length + size > ZIP_MAX || z->count == 0xfffe)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s does not fit: a zip file holds 4 GB and 65534 members", name);
  uint32_t crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), head, head_size);
  if (body_size > 0) crc = (uint32_t)crc32_z(crc, body, body_size);
  unsigned char local[ZIP_LOCAL_SIZE];
  zip_put_local(local, crc, (uint32_t)size, length);
  list_member(z, name, crc, (uint32_t)size);
  if (z->directory.failed) return error_memory(error, ZIP_CENTRAL_SIZE + length);
  z->offset += ZIP_LOCAL_SIZE + length + size;
  status = file_write(z->file, local, sizeof local, error);
  if (status == LANDER_OK) status = file_write(z->file, name, length, error);
  if (status == LANDER_OK) status = file_write(z->file, head, head_size, error);
  if (status == LANDER_OK && body_size > 0)
    status = file_write(z->file, body, body_size, error);
  return status;
}

static lander_status write_end(zip_writer *z, lander_error *error) {
  const text *directory = &z->directory;
  if (directory->failed) return error_memory(error, directory->length);
  if (z->offset + directory->length > ZIP_MAX)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the directory does not fit: a zip file holds 4 GB");
  unsigned char end[ZIP_END_SIZE + ZIP_SEAL_LENGTH + 1] = {0};
  zip_put32(end, ZIP_END);
  zip_put16(end + 8, (unsigned)z->count);
  zip_put16(end + 10, (unsigned)z->count);
  zip_put32(end + 12, (uint32_t)directory->length);
  zip_put32(end + 16, (uint32_t)z->offset);
  zip_put16(end + 20, ZIP_SEAL_LENGTH);
  uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)directory->data, directory->length);
  zip_seal((char *)end + ZIP_END_SIZE, crc);
  lander_status status = LANDER_OK;
  if (directory->length > 0)
    status = file_write(z->file, directory->data, directory->length, error);
  if (status == LANDER_OK)
    status = file_write(z->file, end, ZIP_END_SIZE + ZIP_SEAL_LENGTH, error);
  return status;
}

static void writer_free(zip_writer *z) {
  text_free(&z->directory);
  memory_free(z->engine, z);
}

lander_status zip_commit(zip_writer *z, lander_error *error) {
  lander_status status = write_end(z, error);
  if (status == LANDER_OK)
    status = file_commit(z->file, error);
  else
    file_abandon(z->file);
  writer_free(z);
  return status;
}

void zip_abandon(zip_writer *z) {
  if (!z) return;
  file_abandon(z->file);
  writer_free(z);
}
