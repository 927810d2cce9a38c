/* pick.c: elements by position: sort, gather, index_select. */
#include "../base/error.h"
#include "../base/memory.h"
#include "tensor.h"

/* ---- sort ---- */

typedef struct item {
  real value;
  int64_t position; /* from 0 */
} item;

/* NaN counts as larger than all. */
static bool less(real a, real b) {
  return a < b || (a == a && b != b);
}

static bool in_order(const item *first, const item *second, bool descending) {
  return descending ? !less(first->value, second->value)
                    : !less(second->value, first->value);
}

/* Two sorted halves, [begin, middle) and [middle, end), into `to`. Of equal items those
 * of the first half come first, so the sort is stable. */
static void merge(const item *from, int64_t begin, int64_t middle, int64_t end,
                  bool descending, item *to) {
  int64_t a = begin, b = middle;
  for (int64_t i = begin; i < end; i++) {
    bool first = b == end || (a < middle && in_order(&from[a], &from[b], descending));
    to[i] = from[first ? a++ : b++];
  }
}

/* Merges runs of 1, 2, 4 ... items from one array to the other and back. Returns the
 * array that the sorted items are in. */
static item *merge_sort(int64_t n, item *items, item *spare, bool descending) {
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * run) {
      int64_t middle = begin + run < n ? begin + run : n;
      int64_t end = middle + run < n ? middle + run : n;
      merge(items, begin, middle, end, descending, spare);
    }
    item *swap = items;
    items = spare;
    spare = swap;
  }
  return items;
}

/* Sorts the rows of x (rows, n) into values and positions, of the same shape. */
static lander_status sort_rows(lander_engine *engine, int64_t rows, int64_t n,
                               const real *x, bool descending, real *values,
                               real *positions, lander_error *error) {
  item *items = memory_new(engine, (size_t)n, 2 * sizeof *items, error);
  if (!items) return LANDER_ERROR_MEMORY;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t i = 0; i < n; i++) items[i] = (item){x[row * n + i], i};
    const item *sorted = merge_sort(n, items, items + n, descending);
    for (int64_t i = 0; i < n; i++) {
      values[row * n + i] = sorted[i].value;
      positions[row * n + i] = (real)(sorted[i].position + 1);
    }
  }
  memory_free(engine, items);
  return LANDER_OK;
}

/* The rows of t with `dim` moved last, sorted into the contiguous tensors v and p. */
static lander_status sort_moved(const lander_tensor *moved, bool descending,
                                lander_tensor *v, lander_tensor *p, lander_error *error) {
  int64_t n = moved->size[moved->dims - 1], count = lander_tensor_count(moved);
  if (count == 0) return LANDER_OK;
  lander_tensor *copy;
  const real *x = tensor_contiguous(moved, &copy, error);
  if (!x) return LANDER_ERROR_MEMORY;
  lander_status status = sort_rows(moved->storage->engine, count / n, n, x, descending,
                                   v->data, p->data, error);
  lander_tensor_free(copy);
  return status;
}

/* What was last becomes `dim` again, in contiguous memory. */
static lander_tensor *move_back(const lander_tensor *t, int dim, lander_error *error) {
  int order[LANDER_MAX_DIMS];
  for (int d = 0; d < t->dims; d++) order[d] = d < dim ? d : d - 1;
  order[dim] = t->dims - 1;
  lander_tensor *view = lander_tensor_permute(t, order, error);
  lander_tensor *result = view ? lander_tensor_contiguous(view, error) : NULL;
  lander_tensor_free(view);
  return result;
}

lander_status lander_tensor_sort(const lander_tensor *t, int dim, bool descending,
                                 lander_tensor **values, lander_tensor **positions,
                                 lander_error *error) {
  error_clear(error);
  lander_status status = tensor_check_dim(t, dim, "sort", error);
  if (status == LANDER_OK) status = tensor_check_positions(t->size[dim], "sort", error);
  if (status != LANDER_OK) return status;
  lander_engine *engine = t->storage->engine;
  lander_tensor *moved = tensor_move_last(t, dim, error), *v = NULL, *p = NULL;
  lander_tensor *sorted = NULL, *places = NULL;
  if (moved) v = lander_tensor_new(engine, moved->dims, moved->size, error);
  if (v) p = lander_tensor_new(engine, moved->dims, moved->size, error);
  if (p && sort_moved(moved, descending, v, p, error) == LANDER_OK)
    sorted = move_back(v, dim, error);
  if (sorted) places = move_back(p, dim, error);
  lander_tensor_free(moved);
  lander_tensor_free(v);
  lander_tensor_free(p);
  if (!places) {
    lander_tensor_free(sorted);
    return LANDER_ERROR_MEMORY;
  }
  if (values)
    *values = sorted;
  else
    lander_tensor_free(sorted);
  if (positions)
    *positions = places;
  else
    lander_tensor_free(places);
  return LANDER_OK;
}

/* ---- positions that are held in a tensor ---- */

/* Fails unless all are whole and in 1 .. size. */
static lander_status check_index(const char *name, const real *index, int64_t count,
                                 int64_t size, lander_error *error) {
  for (int64_t i = 0; i < count; i++) {
    double at = index[i]; /* size may be no float */
    bool inside = at >= 1 && at <= (double)size;
    if (!inside || (double)(int64_t)at != at)
      return error_set(error, LANDER_ERROR_DATA,
                       "%s: position %g (number %lld of the index) is not one of 1 to "
                       "%lld",
                       name, at, (long long)i + 1, (long long)size);
  }
  return LANDER_OK;
}

/* index in row-major order, checked; NULL and an error otherwise. */
static const real *read_index(const char *name, const lander_tensor *index, int64_t size,
                              lander_tensor **copy, lander_error *error) {
  const real *data = tensor_contiguous(index, copy, error);
  if (data &&
      check_index(name, data, lander_tensor_count(index), size, error) == LANDER_OK)
    return data;
  lander_tensor_free(*copy);
  *copy = NULL;
  return NULL;
}

static lander_status check_gather(const lander_tensor *t, int dim,
                                  const lander_tensor *index, lander_error *error) {
  lander_status status = tensor_check_dim(t, dim, "gather", error);
  if (status != LANDER_OK) return status;
  bool fits = index->dims == t->dims;
  for (int d = 0; fits && d < t->dims; d++)
    fits = d == dim || index->size[d] <= t->size[d];
  if (fits) return LANDER_OK;
  char from[SHAPE_TEXT], at[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "gather: an index of shape %s doesn't fit a tensor of shape %s: as "
                   "many dimensions, and no larger than it in those that aren't gathered",
                   shape_text(at, index->dims, index->size),
                   shape_text(from, t->dims, t->size));
}

lander_tensor *lander_tensor_gather(const lander_tensor *t, int dim,
                                    const lander_tensor *index, lander_error *error) {
  error_clear(error);
  if (check_gather(t, dim, index, error) != LANDER_OK) return NULL;
  lander_tensor *copy;
  const real *position = read_index("gather", index, t->size[dim], &copy, error);
  if (!position) return NULL;
  lander_tensor *y =
      lander_tensor_new(t->storage->engine, index->dims, index->size, error);
  int64_t count = y ? lander_tensor_count(y) : 0;
  for (int64_t i = 0; i < count; i++) {
    const real *from = t->data + ((int64_t)position[i] - 1) * t->stride[dim];
    int64_t rest = i;
    for (int d = y->dims - 1; d >= 0; d--) {
      if (d != dim) from += rest % y->size[d] * t->stride[d];
      rest /= y->size[d];
    }
    y->data[i] = *from;
  }
  lander_tensor_free(copy);
  return y;
}

/* y's slices of dimension dim from t's, at those positions (from 1). */
static lander_status copy_slices(const lander_tensor *t, int dim, const real *position,
                                 lander_tensor *y, lander_error *error) {
  if (lander_tensor_count(y) == 0) return LANDER_OK;
  if (lander_tensor_count(y) == 0) return LANDER_OK;
  lander_tensor *from = lander_tensor_alias(t, error);
  lander_tensor *to = from ? lander_tensor_alias(y, error) : NULL;
  lander_status status = to ? LANDER_OK : LANDER_ERROR_MEMORY;
  for (int64_t i = 0; status == LANDER_OK && i < y->size[dim]; i++) {
    from->size[dim] = to->size[dim] = 1;
    from->data = t->data + ((int64_t)position[i] - 1) * t->stride[dim];
    to->data = y->data + i * y->stride[dim];
    status = lander_tensor_apply_into(LANDER_OP_COPY, to, from, NULL, NULL, error);
  }
  lander_tensor_free(from);
  lander_tensor_free(to);
  return status;
}

lander_tensor *lander_tensor_index_select(const lander_tensor *t, int dim,
                                          const lander_tensor *index,
                                          lander_error *error) {
  char text[SHAPE_TEXT];
  error_clear(error);
  if (tensor_check_dim(t, dim, "index_select", error) != LANDER_OK) return NULL;
  if (index->dims != 1) {
    error_set(error, LANDER_ERROR_SHAPE,
              "index_select: the index has one dimension, found shape %s",
              shape_text(text, index->dims, index->size));
    return NULL;
  }
  lander_tensor *copy;
  const real *position = read_index("index_select", index, t->size[dim], &copy, error);
  if (!position) return NULL;
  int64_t size[LANDER_MAX_DIMS];
  for (int d = 0; d < t->dims; d++) size[d] = d == dim ? index->size[0] : t->size[d];
  lander_tensor *y = lander_tensor_new(t->storage->engine, t->dims, size, error);
  lander_status status =
      y ? copy_slices(t, dim, position, y, error) : LANDER_ERROR_MEMORY;
  lander_tensor_free(copy);
  if (status == LANDER_OK) return y;
  lander_tensor_free(y);
  return NULL;
}
