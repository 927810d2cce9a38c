/* npz.c: arrays and texts as members of a zip file. */
#include "npz.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "npy.h"
#include "zip.h"
#include <stdio.h>
#include <string.h>

/* "conv1.weight" as a member: "conv1.weight.npy". */
typedef struct array_name {
  char text[ZIP_MAX_NAME + 1];
} array_name;

static bool make_name(array_name *out, const char *name) {
  int length = snprintf(out->text, sizeof out->text, "%s.npy", name);
  return length >= 0 && length < (int)sizeof out->text;
}

/* ---- Writing --------------------------------------------------------------------- */

struct npz_writer {
  lander_engine *engine;
  zip_writer *zip;
};

npz_writer *npz_create(lander_engine *engine, const char *path, lander_error *error) {
  npz_writer *z = memory_new(engine, 1, sizeof *z, error);
  if (!z) return NULL;
  z->engine = engine;
  z->zip = zip_create(engine, path, error);
  if (z->zip) return z;
  memory_free(engine, z);
  return NULL;
}

lander_status npz_add_array(npz_writer *z, const char *name, int dims,
                            const int64_t *size, const real *data, lander_error *error) {
  array_name member;
  if (!make_name(&member, name))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%.40s...: the name is longer than %d letters", name,
                     ZIP_MAX_NAME - 4);
  int64_t count;
  lander_status status = tensor_count_of(dims, size, &count, error);
  if (status != LANDER_OK) return status;
  char header[NPY_HEADER_MAX];
  size_t length = npy_write_header(header, dims, size);
  return zip_add(z->zip, member.text, header, length, data, (size_t)count * sizeof(real),
                 error);
}

lander_status npz_add_text(npz_writer *z, const char *name, const char *content,
                           size_t length, lander_error *error) {
  return zip_add(z->zip, name, content, length, NULL, 0, error);
}

lander_status npz_commit(npz_writer *z, lander_error *error) {
  lander_status status = zip_commit(z->zip, error);
  memory_free(z->engine, z);
  return status;
}

void npz_abandon(npz_writer *z) {
  if (!z) return;
  zip_abandon(z->zip);
  memory_free(z->engine, z);
}

/* ---- Reading --------------------------------------------------------------------- */

struct npz_reader {
  lander_engine *engine;
  zip_reader *zip;
};

npz_reader *npz_open(lander_engine *engine, const char *path, lander_error *error) {
  npz_reader *z = memory_new(engine, 1, sizeof *z, error);
  if (!z) return NULL;
  z->engine = engine;
  z->zip = zip_open(engine, path, error);
  if (z->zip) return z;
  memory_free(engine, z);
  return NULL;
}

void npz_close(npz_reader *z) {
  if (!z) return;
  zip_close(z->zip);
  memory_free(z->engine, z);
}

int npz_count(const npz_reader *z) {
  return zip_count(z->zip);
}
const char *npz_name(const npz_reader *z, int index) {
  return zip_name(z->zip, index);
}
bool npz_has(const npz_reader *z, const char *name) {
  return zip_find(z->zip, name) >= 0;
}

/* A member of at most so many bytes. */
static void *read_named(npz_reader *z, const char *name, uint64_t most, size_t *size,
                        lander_error *error) {
  int index = zip_find(z->zip, name);
  if (index >= 0 && zip_size(z->zip, index) <= most)
    return zip_read(z->zip, index, size, error);
  if (index < 0)
    error_set(error, LANDER_ERROR_FORMAT, "%s: there is no member %s", zip_path(z->zip),
              name);
  else
    error_set(error, LANDER_ERROR_FORMAT,
              "%s: member %s has %lu bytes; a text may have %lu", zip_path(z->zip), name,
              (unsigned long)zip_size(z->zip, index), (unsigned long)most);
  return NULL;
}

#define MOST_TEXT ((uint64_t)1 << 26)

char *npz_read_text(npz_reader *z, const char *name, size_t *length,
                    lander_error *error) {
  size_t size = 0;
  char *content = read_named(z, name, MOST_TEXT, &size, error);
  if (content && strlen(content) != size) {
    error_set(error, LANDER_ERROR_FORMAT, "%s: member %s: not a text: it has zeros in it",
              zip_path(z->zip), name);
    memory_free(z->engine, content);
    return NULL;
  }
  if (content && length) *length = size;
  return content;
}

/* A member's bytes and its header. owns: the caller (memory_free). */
static unsigned char *read_npy(npz_reader *z, const char *name, npy_header *h,
                               lander_error *error) {
  array_name member;
  if (!make_name(&member, name)) {
    error_set(error, LANDER_ERROR_FORMAT, "%s: there is no member %.40s....npy",
              zip_path(z->zip), name);
    return NULL;
  }
  size_t size = 0;
  unsigned char *content = read_named(z, member.text, UINT64_MAX, &size, error);
  if (!content) return NULL;
  char label[LANDER_ERROR_LENGTH];
  snprintf(label, sizeof label, "%s: member %s", zip_path(z->zip), member.text);
  if (npy_read_header(content, size, label, h, error) == LANDER_OK) return content;
  memory_free(z->engine, content);
  return NULL;
}

lander_tensor *npz_read_array(npz_reader *z, const char *name, lander_error *error) {
  npy_header h;
  unsigned char *content = read_npy(z, name, &h, error);
  if (!content) return NULL;
  lander_tensor *t = lander_tensor_new(z->engine, h.dims, h.size, error);
  if (t) npy_convert(&h, content, t->data);
  memory_free(z->engine, content);
  return t;
}

static lander_status check_shape(const npz_reader *z, const char *name,
                                 const npy_header *h, int dims, const int64_t *size,
                                 lander_error *error) {
  bool same = h->dims == dims;
  for (int i = 0; same && i < dims; i++) same = h->size[i] == size[i];
  if (same) return LANDER_OK;
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: member %s.npy has the shape %s, expected %s", zip_path(z->zip),
                   name, shape_text(found, h->dims, h->size),
                   shape_text(expected, dims, size));
}

lander_status npz_read_into(npz_reader *z, const char *name, int dims,
                            const int64_t *size, real *out, lander_error *error) {
  lander_error mine;
  if (!error) error = &mine; /* the status is read from it */
  npy_header h;
  unsigned char *content = read_npy(z, name, &h, error);
  if (!content) return error->code;
  lander_status status = check_shape(z, name, &h, dims, size, error);
  if (status == LANDER_OK) npy_convert(&h, content, out);
  memory_free(z->engine, content);
  return status;
}

lander_tensor *npz_read_shaped(npz_reader *z, const char *name, int dims,
                               const int64_t *size, lander_error *error) {
  npy_header h;
  unsigned char *content = read_npy(z, name, &h, error);
  if (!content) return NULL;
  lander_tensor *t = NULL;
  if (check_shape(z, name, &h, dims, size, error) == LANDER_OK)
    t = lander_tensor_new(z->engine, dims, size, error);
  if (t) npy_convert(&h, content, t->data);
  memory_free(z->engine, content);
  return t;
}
