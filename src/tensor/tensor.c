/* tensor.c: storage that is counted, and the tensors that look at it. */
#include "tensor.h"

#include <stdio.h>

#include "../base/engine.h"
#include "../base/error.h"
#include "../base/memory.h"

/* ---- storage ---- */

storage *storage_new(lander_engine *engine, int64_t count, lander_error *error) {
  storage *s = memory_new(engine, 1, sizeof *s, error);
  if (!s) return NULL;
  s->data = memory_new(engine, (size_t)count, sizeof(real), error);
  if (!s->data) {
    memory_free(engine, s);
    return NULL;
  }
  s->engine = engine_keep(engine);
  s->count = count;
  s->holds = 1;
  return s;
}

storage *storage_keep(storage *s) {
  s->holds++;
  return s;
}

void storage_free(storage *s) {
  if (!s || --s->holds > 0) return;
  lander_engine *engine = s->engine;
  if (!s->foreign)
    memory_free(engine, s->data);
  else if (s->release)
    s->release(s->userdata, s->data);
  memory_free(engine, s);
  lander_engine_free(engine);
}

/* ---- shapes ---- */

const char *shape_text(char out[SHAPE_TEXT], int dims, const int64_t *size) {
  int length = snprintf(out, SHAPE_TEXT, "(");
  for (int d = 0; d < dims && length < SHAPE_TEXT; d++)
    length += snprintf(out + length, (size_t)(SHAPE_TEXT - length), "%s%lld",
                       d ? ", " : "", (long long)size[d]);
  if (length > SHAPE_TEXT - 2) length = SHAPE_TEXT - 2;
  out[length] = ')';
  out[length + 1] = '\0';
  return out;
}

lander_status tensor_count_of(int dims, const int64_t *size, int64_t *count,
                              lander_error *error) {
  char text[SHAPE_TEXT];
  if (dims < 0 || dims > LANDER_MAX_DIMS)
    return error_set(error, LANDER_ERROR_SHAPE, "a tensor has 0 to %d dimensions, not %d",
                     LANDER_MAX_DIMS, dims);
  const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(real);
  int64_t product = 1; /* zeros left out, so that strides don't overflow either */
  bool empty = false;
  for (int d = 0; d < dims; d++) {
    if (size[d] < 0)
      return error_set(error, LANDER_ERROR_SHAPE,
                       "a size can't be negative: %lld in dimension %d of %d",
                       (long long)size[d], d + 1, dims);
    if (size[d] == 0)
      empty = true;
    else if (product > most / size[d])
      return error_set(error, LANDER_ERROR_SHAPE,
                       "shape %s has more elements than a computer can address",
                       shape_text(text, dims, size));
    else
      product *= size[d];
  }
  *count = empty ? 0 : product;
  return LANDER_OK;
}

/* ---- tensors ---- */

/* Row-major strides. Sizes were checked, so the products fit. */
static void set_contiguous(lander_tensor *t, int dims, const int64_t *size) {
  t->dims = dims;
  int64_t stride = 1;
  for (int d = dims - 1; d >= 0; d--) {
    t->size[d] = size[d];
    t->stride[d] = stride;
    stride *= size[d] > 0 ? size[d] : 1;
  }
}

lander_tensor *tensor_on(storage *s, int64_t offset, int dims, const int64_t *size,
                         lander_error *error) {
  int64_t count;
  if (tensor_count_of(dims, size, &count, error) != LANDER_OK) return NULL;
  lander_tensor *t = memory_new(s->engine, 1, sizeof *t, error);
  if (!t) return NULL;
  t->storage = storage_keep(s);
  t->data = s->data + offset;
  set_contiguous(t, dims, size);
  return t;
}

lander_tensor *lander_tensor_new(lander_engine *engine, int dims, const int64_t *size,
                                 lander_error *error) {
  error_clear(error);
  int64_t count;
  if (tensor_count_of(dims, size, &count, error) != LANDER_OK) return NULL;
  storage *s = storage_new(engine, count, error);
  if (!s) return NULL;
  lander_tensor *t = tensor_on(s, 0, dims, size, error);
  storage_free(s); /* the tensor has a hold of its own */
  return t;
}

/* How many elements from the first to the last, at these strides. fails: argument. */
static lander_status extent_of(int dims, const int64_t *size, const int64_t *strides,
                               int64_t *extent, lander_error *error) {
  const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(real);
  *extent = 1;
  for (int d = 0; d < dims; d++) {
    if (strides[d] < 0 || (size[d] > 1 && strides[d] > (most - *extent) / (size[d] - 1)))
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "dimension %d has the stride %lld: it must not be negative, nor "
                       "lead further than a computer can address",
                       d, (long long)strides[d]);
    if (size[d] > 1) *extent += strides[d] * (size[d] - 1);
  }
  return LANDER_OK;
}

lander_tensor *lander_tensor_wrap(lander_engine *engine, lander_real *data, int dims,
                                  const int64_t *size, const int64_t *strides,
                                  lander_release release, void *userdata,
                                  lander_error *error) {
  error_clear(error);
  int64_t count;
  if (tensor_count_of(dims, size, &count, error) != LANDER_OK) return NULL;
  int64_t extent = count;
  if (!data && count > 0) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "there is no memory to look at: data is NULL");
    return NULL;
  }
  if (strides && extent_of(dims, size, strides, &extent, error) != LANDER_OK) return NULL;
  storage *s = memory_new(engine, 1, sizeof *s, error);
  if (!s) return NULL;
  *s =
      (storage){.engine = engine_keep(engine), .data = data, .count = extent, .holds = 1};
  s->foreign = true;
  lander_tensor *t = tensor_on(s, 0, dims, size, error);
  for (int d = 0; t && strides && d < dims; d++) t->stride[d] = strides[d];
  if (t) { /* only now: a failure leaves the memory to the host */
    s->release = release;
    s->userdata = userdata;
  }
  storage_free(s);
  return t;
}

lander_tensor *lander_tensor_alias(const lander_tensor *t, lander_error *error) {
  error_clear(error);
  lander_tensor *alias = memory_new(t->storage->engine, 1, sizeof *alias, error);
  if (!alias) return NULL;
  *alias = *t;
  storage_keep(alias->storage);
  return alias;
}

void lander_tensor_free(lander_tensor *t) {
  if (!t) return;
  storage *s = t->storage;
  memory_free(s->engine, t);
  storage_free(s);
}

lander_tensor *lander_tensor_scalar(lander_engine *engine, double value,
                                    lander_error *error) {
  lander_tensor *t = lander_tensor_new(engine, 0, NULL, error);
  if (t) t->data[0] = (real)value;
  return t;
}

/* ---- what a tensor says of itself ---- */

lander_engine *lander_tensor_engine(const lander_tensor *t) {
  return t->storage->engine;
}

int lander_tensor_dims(const lander_tensor *t) {
  return t->dims;
}

const int64_t *lander_tensor_sizes(const lander_tensor *t) {
  return t->size;
}

const int64_t *lander_tensor_strides(const lander_tensor *t) {
  return t->stride;
}

real *lander_tensor_data(const lander_tensor *t) {
  return t->data;
}

int64_t lander_tensor_count(const lander_tensor *t) {
  int64_t count = 1;
  for (int d = 0; d < t->dims; d++) {
    if (t->size[d] == 0) return 0;
    count *= t->size[d];
  }
  return count;
}

bool lander_tensor_is_contiguous(const lander_tensor *t) {
  if (lander_tensor_count(t) == 0) return true;
  int64_t stride = 1;
  for (int d = t->dims - 1; d >= 0; d--) {
    if (t->size[d] == 1) continue; /* its stride is never used */
    if (t->stride[d] != stride) return false;
    stride *= t->size[d];
  }
  return true;
}

size_t lander_tensor_bytes(const lander_tensor *t) {
  const storage *s = t->storage;
  return s->holds == 1 && !s->foreign ? (size_t)s->count * sizeof(real) : 0;
}

/* ---- copies ---- */

lander_tensor *lander_tensor_clone(const lander_tensor *t, lander_error *error) {
  return lander_tensor_apply(LANDER_OP_COPY, t, NULL, NULL, error);
}

lander_tensor *lander_tensor_contiguous(const lander_tensor *t, lander_error *error) {
  return lander_tensor_is_contiguous(t) ? lander_tensor_alias(t, error)
                                        : lander_tensor_clone(t, error);
}

const real *tensor_contiguous(const lander_tensor *t, lander_tensor **copy,
                              lander_error *error) {
  *copy = NULL;
  if (lander_tensor_is_contiguous(t)) return t->data;
  *copy = lander_tensor_clone(t, error);
  return *copy ? (*copy)->data : NULL;
}
