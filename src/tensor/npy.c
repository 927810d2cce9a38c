/* npy.c: the elements of .npy files, and tensors read from and written to them. */
#include "npy.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "tensor.h"
#include <string.h>

/* ---- Elements -------------------------------------------------------------------- */

static uint64_t load_bits(const unsigned char *p, int width, bool big_endian) {
  uint64_t bits = 0;
  for (int i = 0; i < width; i++) bits = bits << 8 | p[big_endian ? i : width - 1 - i];
  return bits;
}

static real load_float(uint64_t bits, int width) {
  if (width == 8) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return (real)value;
  }
  uint32_t low = (uint32_t)bits;
  float value;
  memcpy(&value, &low, sizeof value);
  return (real)value;
}

static real load_integer(uint64_t bits, int width) {
  uint64_t sign = (uint64_t)1 << (8 * width - 1);
  int64_t value = (int64_t)((bits ^ sign) - sign); /* extends the sign */
  return (real)value;
}

static real load_element(const npy_header *h, const unsigned char *p) {
  uint64_t bits = load_bits(p, h->width, h->big_endian);
  switch (h->kind) {
  case 'f': return load_float(bits, h->width);
  case 'i': return load_integer(bits, h->width);
  case 'b': return (real)(bits != 0);
  default: return (real)bits;
  }
}

static bool is_native(const npy_header *h) {
  const uint16_t one = 1;
  bool big_endian = *(const unsigned char *)&one == 0;
  return h->kind == 'f' && h->width == (int)sizeof(real) && h->big_endian == big_endian;
}

/* Where the element that comes next in row-major order lies in a column-major file:
 * counts `index` up, last dimension first. */
static int64_t next_in_columns(const npy_header *h, int64_t index[LANDER_MAX_DIMS],
                               const int64_t stride[LANDER_MAX_DIMS], int64_t place) {
  for (int d = h->dims - 1; d >= 0; d--) {
    place += stride[d];
    if (++index[d] < h->size[d]) return place;
    place -= index[d] * stride[d];
    index[d] = 0;
  }
  return place;
}

static void convert_columns(const npy_header *h, const unsigned char *data, real *out) {
  int64_t index[LANDER_MAX_DIMS] = {0}, stride[LANDER_MAX_DIMS], place = 0, step = 1;
  for (int d = 0; d < h->dims; d++) {
    stride[d] = step;
    step *= h->size[d];
  }
  for (int64_t i = 0; i < h->count; i++) {
    out[i] = load_element(h, data + place * h->width);
    place = next_in_columns(h, index, stride, place);
  }
}

void npy_convert(const npy_header *h, const unsigned char *file, real *out) {
  const unsigned char *data = file + h->offset;
  if (h->count == 0) return;
  if (h->fortran && h->dims > 1)
    convert_columns(h, data, out);
  else if (is_native(h))
    memcpy(out, data, (size_t)h->count * sizeof(real));
  else
    for (int64_t i = 0; i < h->count; i++) out[i] = load_element(h, data + i * h->width);
}

/* ---- Tensors --------------------------------------------------------------------- */

static unsigned char *read_whole(lander_engine *engine, file_reader *f, size_t *size,
                                 lander_error *error) {
  *size = (size_t)file_size(f);
  unsigned char *content = memory_new(engine, *size, 1, error);
  if (content && file_read_at(f, 0, content, *size, error) != LANDER_OK) {
    memory_free(engine, content);
    content = NULL;
  }
  return content;
}

lander_tensor *lander_tensor_load(lander_engine *engine, const char *path,
                                  lander_error *error) {
  file_reader *f = file_open(engine, path, error);
  if (!f) return NULL;
  lander_tensor *t = NULL;
  size_t size;
  unsigned char *content = read_whole(engine, f, &size, error);
  npy_header h;
  if (content && npy_read_header(content, size, path, &h, error) == LANDER_OK)
    t = lander_tensor_new(engine, h.dims, h.size, error);
  if (t) npy_convert(&h, content, t->data);
  memory_free(engine, content);
  file_close(f);
  return t;
}

lander_status lander_tensor_save(const lander_tensor *t, const char *path,
                                 lander_error *error) {
  error_clear(error);
  lander_engine *engine = lander_tensor_engine(t);
  lander_tensor *copy = NULL;
  const real *data = tensor_contiguous(t, &copy, error);
  if (!data) return LANDER_ERROR_MEMORY;
  char header[NPY_HEADER_MAX];
  size_t header_size = npy_write_header(header, t->dims, t->size);
  size_t data_size = (size_t)lander_tensor_count(t) * sizeof(real);
  lander_error mine;
  if (!error) error = &mine; /* the status is read from it */
  file_writer *f = file_create(engine, path, error);
  lander_status status = f ? LANDER_OK : error->code;
  if (f) {
    status = file_write(f, header, header_size, error);
    if (status == LANDER_OK) status = file_write(f, data, data_size, error);
    if (status == LANDER_OK)
      status = file_commit(f, error);
    else
      file_abandon(f);
  }
  lander_tensor_free(copy);
  return status;
}
