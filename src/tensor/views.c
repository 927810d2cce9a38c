/* views.c: other ways to look at the same storage. */
#include "../base/error.h"
#include "../base/memory.h"
#include "tensor.h"

/* Strides with which t's elements, in row-major order, have another shape; false when no
 * strides do that. Both shapes have the same number of elements, not 0.
 *
 * Dimensions of t that follow each other in memory make a block; every block has to be
 * made up by whole dimensions of the new shape. */
static bool view_strides(const lander_tensor *t, int dims, const int64_t *size,
                         int64_t *stride) {
  int d = dims - 1;
  int64_t block = 1; /* elements of the block so far, from its last dimension on */
  int64_t step = t->dims ? t->stride[t->dims - 1] : 1;
  for (int s = t->dims - 1; s >= 0; s--) {
    block *= t->size[s];
    bool ends = s == 0 || (t->size[s - 1] != 1 && t->stride[s - 1] != block * step);
    if (!ends) continue;
    int64_t taken = 1;
    while (d >= 0 && (taken < block || size[d] == 1)) {
      stride[d] = taken * step;
      taken *= size[d--];
    }
    if (taken != block) return false;
    block = 1;
    if (s > 0) step = t->stride[s - 1];
  }
  for (; d >= 0; d--) stride[d] = 1; /* sizes of 1, before a tensor without dimensions */
  return true;
}

/* Replaces a size of -1 by what is left for it. */
static lander_status infer_size(const lander_tensor *t, int dims, const int64_t *wanted,
                                int64_t *size, const char *name, lander_error *error) {
  char from[SHAPE_TEXT], to[SHAPE_TEXT];
  if (dims < 0 || dims > LANDER_MAX_DIMS)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: a tensor has 0 to %d dimensions, not %d", name, LANDER_MAX_DIMS,
                     dims);
  int unknown = -1;
  for (int d = 0; d < dims; d++) {
    size[d] = wanted[d];
    if (wanted[d] != -1) continue;
    if (unknown >= 0)
      return error_set(error, LANDER_ERROR_SHAPE,
                       "%s: only one size can be -1, shape %s has several", name,
                       shape_text(to, dims, wanted));
    unknown = d;
    size[d] = 1;
  }
  int64_t known, count = lander_tensor_count(t);
  lander_status status = tensor_count_of(dims, size, &known, error);
  if (status != LANDER_OK) {
    error_prefix(error, "%s", name);
    return status;
  }
  if (unknown >= 0 && known > 0 && count % known == 0) {
    size[unknown] = count / known;
    return LANDER_OK;
  }
  if (unknown >= 0 || known != count)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: shape %s has %lld elements, which can't have shape %s", name,
                     shape_text(from, t->dims, t->size), (long long)count,
                     shape_text(to, dims, wanted));
  return LANDER_OK;
}

lander_tensor *lander_tensor_view(const lander_tensor *t, int dims, const int64_t *wanted,
                                  lander_error *error) {
  error_clear(error);
  int64_t size[LANDER_MAX_DIMS], stride[LANDER_MAX_DIMS];
  char from[SHAPE_TEXT], to[SHAPE_TEXT];
  if (infer_size(t, dims, wanted, size, "view", error) != LANDER_OK) return NULL;
  bool contiguous = lander_tensor_is_contiguous(t);
  if (!contiguous && !view_strides(t, dims, size, stride)) {
    error_set(error, LANDER_ERROR_SHAPE,
              "view: shape %s is not contiguous, it can't be seen as %s without a copy; "
              "reshape makes one",
              shape_text(from, t->dims, t->size), shape_text(to, dims, size));
    return NULL;
  }
  lander_tensor *view =
      tensor_on(t->storage, t->data - t->storage->data, dims, size, error);
  if (view && !contiguous)
    for (int d = 0; d < dims; d++) view->stride[d] = stride[d];
  return view;
}

lander_tensor *lander_tensor_reshape(const lander_tensor *t, int dims,
                                     const int64_t *wanted, lander_error *error) {
  error_clear(error);
  int64_t size[LANDER_MAX_DIMS], stride[LANDER_MAX_DIMS];
  if (infer_size(t, dims, wanted, size, "reshape", error) != LANDER_OK) return NULL;
  if (lander_tensor_is_contiguous(t) || view_strides(t, dims, size, stride))
    return lander_tensor_view(t, dims, size, error);
  lander_tensor *copy = lander_tensor_clone(t, error);
  if (!copy) return NULL;
  lander_tensor *view = lander_tensor_view(copy, dims, size, error);
  lander_tensor_free(copy);
  return view;
}

/* ---- dimensions rearranged ---- */

lander_status tensor_check_dim(const lander_tensor *t, int dim, const char *name,
                               lander_error *error) {
  if (dim >= 0 && dim < t->dims) return LANDER_OK;
  char text[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "%s: shape %s has no dimension %d, counting from 0", name,
                   shape_text(text, t->dims, t->size), dim);
}

lander_tensor *lander_tensor_permute(const lander_tensor *t, const int *order,
                                     lander_error *error) {
  error_clear(error);
  char text[SHAPE_TEXT];
  unsigned seen = 0;
  for (int d = 0; d < t->dims; d++) {
    if (tensor_check_dim(t, order[d], "permute", error) != LANDER_OK) return NULL;
    seen |= 1u << order[d];
  }
  if (seen != (1u << t->dims) - 1) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "permute: every dimension of shape %s has to be named once",
              shape_text(text, t->dims, t->size));
    return NULL;
  }
  lander_tensor *view = lander_tensor_alias(t, error);
  for (int d = 0; view && d < t->dims; d++) {
    view->size[d] = t->size[order[d]];
    view->stride[d] = t->stride[order[d]];
  }
  return view;
}

lander_tensor *lander_tensor_transpose(const lander_tensor *t, int dim1, int dim2,
                                       lander_error *error) {
  error_clear(error);
  if (tensor_check_dim(t, dim1, "transpose", error) != LANDER_OK ||
      tensor_check_dim(t, dim2, "transpose", error) != LANDER_OK)
    return NULL;
  int order[LANDER_MAX_DIMS];
  for (int d = 0; d < t->dims; d++) order[d] = d;
  order[dim1] = dim2;
  order[dim2] = dim1;
  return lander_tensor_permute(t, order, error);
}

static void remove_dim(lander_tensor *t, int dim) {
  t->dims--;
  for (int d = dim; d < t->dims; d++) {
    t->size[d] = t->size[d + 1];
    t->stride[d] = t->stride[d + 1];
  }
}

lander_tensor *lander_tensor_squeeze(const lander_tensor *t, int dim,
                                     lander_error *error) {
  error_clear(error);
  if (dim != LANDER_ALL_DIMS && tensor_check_dim(t, dim, "squeeze", error) != LANDER_OK)
    return NULL;
  lander_tensor *view = lander_tensor_alias(t, error);
  for (int d = t->dims - 1; view && d >= 0; d--)
    if (t->size[d] == 1 && (dim == LANDER_ALL_DIMS || dim == d)) remove_dim(view, d);
  return view;
}

lander_tensor *lander_tensor_unsqueeze(const lander_tensor *t, int dim,
                                       lander_error *error) {
  error_clear(error);
  char text[SHAPE_TEXT];
  if (t->dims == LANDER_MAX_DIMS) {
    error_set(error, LANDER_ERROR_SHAPE,
              "unsqueeze: shape %s has %d dimensions already, the most there can be",
              shape_text(text, t->dims, t->size), t->dims);
    return NULL;
  }
  if (dim < 0 || dim > t->dims) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "unsqueeze: shape %s has no place %d for a dimension, counting from 0",
              shape_text(text, t->dims, t->size), dim);
    return NULL;
  }
  lander_tensor *view = lander_tensor_alias(t, error);
  if (!view) return NULL;
  for (int d = t->dims; d > dim; d--) {
    view->size[d] = t->size[d - 1];
    view->stride[d] = t->stride[d - 1];
  }
  /* A new last dimension is one apart; others span what follows. Size 1 uses neither. */
  view->stride[dim] = dim < t->dims ? t->size[dim] * t->stride[dim] : 1;
  view->size[dim] = 1;
  view->dims++;
  return view;
}

/* ---- parts ---- */

lander_tensor *lander_tensor_narrow(const lander_tensor *t, int dim, int64_t start,
                                    int64_t length, lander_error *error) {
  error_clear(error);
  char text[SHAPE_TEXT];
  if (tensor_check_dim(t, dim, "narrow", error) != LANDER_OK) return NULL;
  if (start < 0 || length < 0 || start > t->size[dim] || length > t->size[dim] - start) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "narrow: dimension %d of shape %s has no %lld positions from %lld on, "
              "counting from 0",
              dim, shape_text(text, t->dims, t->size), (long long)length,
              (long long)start);
    return NULL;
  }
  lander_tensor *view = lander_tensor_alias(t, error);
  if (!view) return NULL;
  view->size[dim] = length;
  if (lander_tensor_count(view) > 0) view->data += start * t->stride[dim];
  return view;
}

lander_tensor *lander_tensor_select(const lander_tensor *t, int dim, int64_t index,
                                    lander_error *error) {
  error_clear(error);
  char text[SHAPE_TEXT];
  if (tensor_check_dim(t, dim, "select", error) != LANDER_OK) return NULL;
  if (index < 0 || index >= t->size[dim]) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "select: dimension %d of shape %s has no position %lld, counting from 0",
              dim, shape_text(text, t->dims, t->size), (long long)index);
    return NULL;
  }
  lander_tensor *view = lander_tensor_narrow(t, dim, index, 1, error);
  if (view) remove_dim(view, dim);
  return view;
}

lander_tensor *lander_tensor_expand(const lander_tensor *t, int dims,
                                    const int64_t *wanted, lander_error *error) {
  error_clear(error);
  char from[SHAPE_TEXT], to[SHAPE_TEXT];
  int64_t size[LANDER_MAX_DIMS], stride[LANDER_MAX_DIMS], count;
  int added = dims - t->dims;
  bool fits = added >= 0 && dims <= LANDER_MAX_DIMS;
  for (int d = 0; fits && d < dims; d++) {
    int s = d - added; /* the dimension of t; below 0: a new one */
    bool keeps = s >= 0 && (wanted[d] == -1 || wanted[d] == t->size[s]);
    size[d] = keeps ? t->size[s] : wanted[d];
    stride[d] = keeps ? t->stride[s] : 0;
    fits = wanted[d] >= 0 || keeps;
    if (s >= 0 && !keeps && t->size[s] != 1) fits = false;
  }
  if (!fits) {
    bool sane = dims >= 0 && dims <= LANDER_MAX_DIMS;
    error_set(error, LANDER_ERROR_SHAPE,
              "expand: shape %s can't be expanded to %s; sizes other than 1 stay",
              shape_text(from, t->dims, t->size),
              sane ? shape_text(to, dims, wanted) : "that many dimensions");
    return NULL;
  }
  if (tensor_count_of(dims, size, &count, error) != LANDER_OK) {
    error_prefix(error, "expand");
    return NULL;
  }
  lander_tensor *view = lander_tensor_alias(t, error);
  if (!view) return NULL;
  view->dims = dims;
  for (int d = 0; d < dims; d++) {
    view->size[d] = size[d];
    view->stride[d] = stride[d];
  }
  return view;
}
