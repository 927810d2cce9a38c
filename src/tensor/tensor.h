/* tensor.h: the tensor from inside. */
#ifndef LANDER_TENSOR_TENSOR_H
#define LANDER_TENSOR_TENSOR_H

#include "../base/base.h"

/* Memory that views share. The last tensor that lets go frees it. */
typedef struct storage {
  lander_engine *engine;
  real *data;
  int64_t count;
  int holds; /* one thread at a time, as everything of an engine */
} storage;

struct lander_tensor {
  storage *storage;
  real *data; /* first element; inside storage->data */
  int dims;
  int64_t size[LANDER_MAX_DIMS];
  int64_t stride[LANDER_MAX_DIMS]; /* in elements */
};

storage *storage_new(lander_engine *engine, int64_t count, lander_error *error);
storage *storage_keep(storage *s);
void storage_free(storage *s);

/* A contiguous tensor that looks at `storage` from element `offset` on. Keeps it. */
lander_tensor *tensor_on(storage *s, int64_t offset, int dims, const int64_t *size,
                         lander_error *error);

/* Number of elements, checked. fails: shape (negative size, overflow, dims). */
lander_status tensor_count_of(int dims, const int64_t *size, int64_t *count,
                              lander_error *error);

/* "(2, 3)" for messages. Returns `out`. */
#define SHAPE_TEXT 160
const char *shape_text(char out[SHAPE_TEXT], int dims, const int64_t *size);

/* The elements in row-major order: t's own memory when it is contiguous, else a copy in
 * *copy, which the caller frees with lander_tensor_free. NULL: no memory. */
const real *tensor_contiguous(const lander_tensor *t, lander_tensor **copy,
                              lander_error *error);

#endif
