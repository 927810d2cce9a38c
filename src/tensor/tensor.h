/* tensor.h: the tensor from inside. */
#ifndef LANDER_TENSOR_TENSOR_H
#define LANDER_TENSOR_TENSOR_H

#include "../base/base.h"

/* Memory that views share. The last tensor that lets go frees it. */
typedef struct storage {
  lander_engine *engine;
  real *data;
  int64_t count;
  int holds;    /* one thread at a time, as everything of an engine */
  bool foreign; /* data are the host's, who is told when they are let go */
  lander_release release;
  void *userdata;
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

/* fails: argument (dim outside 0 .. dims-1; the message begins with `name`). */
lander_status tensor_check_dim(const lander_tensor *t, int dim, const char *name,
                               lander_error *error);

/* Two elements at one place: expanded, so not to be written to. fails: argument. */
lander_status tensor_check_writable(const lander_tensor *t, const char *name,
                                    lander_error *error);

/* fails: shape (positions up to `longest` are not all exact as reals). */
lander_status tensor_check_positions(int64_t longest, const char *name,
                                     lander_error *error);

/* The shape that `count` tensors are broadcast to. fails: shape (the message begins with
 * `name` and has all shapes). */
lander_status tensor_common_shape(const char *name, int count,
                                  const lander_tensor *const *in, int *dims,
                                  int64_t *size, lander_error *error);

/* t with dimension `dim` moved to the end: a view. NULL: no memory. */
lander_tensor *tensor_move_last(const lander_tensor *t, int dim, lander_error *error);

/* The elements in row-major order: t's own memory when it is contiguous, else a copy in
 * *copy, which the caller frees with lander_tensor_free. NULL: no memory. */
const real *tensor_contiguous(const lander_tensor *t, lander_tensor **copy,
                              lander_error *error);

#endif
