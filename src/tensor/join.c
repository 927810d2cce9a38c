/* join.c: several tensors become one. */
#include "../base/error.h"
#include "tensor.h"

static bool same_but(const lander_tensor *a, const lander_tensor *b, int dim) {
  if (a->dims != b->dims) return false;
  for (int d = 0; d < a->dims; d++)
    if (d != dim && a->size[d] != b->size[d]) return false;
  return true;
}

/* dim -1: shapes have to be equal. */
static lander_status check(const char *name, lander_tensor *const *tensors, int count,
                           int dim, lander_error *error) {
  char first[SHAPE_TEXT], other[SHAPE_TEXT];
  for (int i = 0; i < count; i++)
    if (!same_but(tensors[0], tensors[i], dim))
      return error_set(error, LANDER_ERROR_SHAPE,
                       "%s: shapes %s (number 1) and %s (number %d) differ%s", name,
                       shape_text(first, tensors[0]->dims, tensors[0]->size),
                       shape_text(other, tensors[i]->dims, tensors[i]->size), i + 1,
                       dim < 0 ? "" : " elsewhere than in the dimension to be joined");
    else if (tensors[i]->storage->engine != tensors[0]->storage->engine)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "%s: tensor %d belongs to another engine", name, i + 1);
  return LANDER_OK;
}

static lander_status check_count(const char *name, int count, lander_error *error) {
  if (count >= 1) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT, "%s: expected at least one tensor",
                   name);
}

/* Copies `from` to positions start .. of dimension dim, as many as it has there. */
static lander_status put(lander_tensor *to, int dim, int64_t start,
                         const lander_tensor *from, lander_error *error) {
  lander_tensor *part = lander_tensor_narrow(to, dim, start, from->size[dim], error);
  if (!part) return LANDER_ERROR_MEMORY;
  lander_status status =
      lander_tensor_apply_into(LANDER_OP_COPY, part, from, NULL, NULL, error);
  lander_tensor_free(part);
  return status;
}

lander_tensor *lander_tensor_cat(lander_tensor *const *tensors, int count, int dim,
                                 lander_error *error) {
  error_clear(error);
  if (check_count("cat", count, error) != LANDER_OK ||
      tensor_check_dim(tensors[0], dim, "cat", error) != LANDER_OK ||
      check("cat", tensors, count, dim, error) != LANDER_OK)
    return NULL;
  int64_t size[LANDER_MAX_DIMS];
  for (int d = 0; d < tensors[0]->dims; d++) size[d] = tensors[0]->size[d];
  for (int i = 1; i < count; i++) {
    if (tensors[i]->size[dim] > INT64_MAX - size[dim])
      size[dim] = INT64_MAX;
    else
      size[dim] += tensors[i]->size[dim];
  }
  lander_tensor *y =
      lander_tensor_new(tensors[0]->storage->engine, tensors[0]->dims, size, error);
  lander_status status = y ? LANDER_OK : LANDER_ERROR_MEMORY;
  for (int64_t i = 0, start = 0; status == LANDER_OK && i < count; i++) {
    status = put(y, dim, start, tensors[i], error);
    start += tensors[i]->size[dim];
  }
  if (status == LANDER_OK) return y;
  lander_tensor_free(y);
  return NULL;
}

lander_tensor *lander_tensor_stack(lander_tensor *const *tensors, int count, int dim,
                                   lander_error *error) {
  error_clear(error);
  if (check_count("stack", count, error) != LANDER_OK ||
      check("stack", tensors, count, -1, error) != LANDER_OK)
    return NULL;
  lander_tensor *one = lander_tensor_unsqueeze(tensors[0], dim, error);
  if (!one) return NULL;
  one->size[dim] = count;
  lander_tensor *y = lander_tensor_new(one->storage->engine, one->dims, one->size, error);
  lander_tensor_free(one);
  lander_status status = y ? LANDER_OK : LANDER_ERROR_MEMORY;
  for (int i = 0; status == LANDER_OK && i < count; i++) {
    lander_tensor *slice = lander_tensor_unsqueeze(tensors[i], dim, error);
    status = slice ? put(y, dim, i, slice, error) : LANDER_ERROR_MEMORY;
    lander_tensor_free(slice);
  }
  if (status == LANDER_OK) return y;
  lander_tensor_free(y);
  return NULL;
}
