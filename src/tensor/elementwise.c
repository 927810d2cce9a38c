/* elementwise.c: going through tensors of any strides, element by element.
 *
 * The output's elements are cut into pieces for the threads. A piece goes along runs of
 * the innermost dimension; what is not contiguous there is collected into small buffers,
 * so that every operation is one plain loop. Dimensions that follow each other in memory
 * in all operands are first merged, so that contiguous tensors are one run. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/parallel.h"
#include "operation.h"
#include "tensor.h"

#define GRAIN 32768 /* elements a piece: enough to be worth a thread */
#define BLOCK 512   /* elements of a buffer: a few of them stay in the nearest cache */

#define OPERANDS (1 + OPERATION_MAX_INPUTS) /* 0 is the output */

typedef struct walk {
  const operation *op;
  const kernels *kernels;
  int dims; /* at least 1 */
  int64_t count;
  int pieces;
  int64_t size[LANDER_MAX_DIMS];
  real *data[OPERANDS];
  int64_t stride[OPERANDS][LANDER_MAX_DIMS];
} walk;

/* ---- one run ---- */

static void collect(int64_t n, const real *from, int64_t stride, real *to) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
}

static void spread(int64_t n, const real *from, real *to, int64_t stride) {
  for (int64_t i = 0; i < n; i++) to[i * stride] = from[i];
}

/* n elements along the last dimension, beginning at data[]. */
static void do_run(const walk *w, int64_t n, real *const *data) {
  real buffer[OPERANDS][BLOCK];
  const real *in[OPERATION_MAX_INPUTS];
  int last = w->dims - 1;
  bool direct = true;
  for (int i = 0; i <= w->op->inputs; i++) direct = direct && w->stride[i][last] == 1;
  int64_t block = direct || n < BLOCK ? n : BLOCK;
  for (int64_t begin = 0; begin < n; begin += block) {
    int64_t length = n - begin < block ? n - begin : block;
    for (int i = 1; i <= w->op->inputs; i++) {
      int64_t stride = w->stride[i][last];
      bool repeated = stride == 0 && begin > 0; /* the buffer is full of it already */
      if (stride != 1 && !repeated)
        collect(length, data[i] + begin * stride, stride, buffer[i]);
      in[i - 1] = stride == 1 ? data[i] + begin : buffer[i];
    }
    int64_t stride = w->stride[0][last];
    real *out = stride == 1 ? data[0] + begin : buffer[0];
    w->op->run(w->kernels, length, in, out);
    if (stride != 1) spread(length, out, data[0] + begin * stride, stride);
  }
}

/* ---- all runs of a piece ---- */

static void do_piece(void *arg, int piece, int thread) {
  (void)thread;
  const walk *w = arg;
  int64_t begin, end, at[LANDER_MAX_DIMS];
  parallel_range(w->count, w->pieces, piece, &begin, &end);
  real *data[OPERANDS];
  memcpy(data, w->data, sizeof data);
  int64_t rest = begin;
  for (int d = w->dims - 1; d >= 0; d--) {
    at[d] = rest % w->size[d];
    rest /= w->size[d];
    for (int i = 0; i <= w->op->inputs; i++) data[i] += at[d] * w->stride[i][d];
  }
  int last = w->dims - 1;
  while (begin < end) {
    int64_t n = w->size[last] - at[last];
    if (n > end - begin) n = end - begin;
    do_run(w, n, data);
    begin += n;
    at[last] += n;
    for (int i = 0; i <= w->op->inputs; i++) data[i] += n * w->stride[i][last];
    for (int d = last; d > 0 && at[d] == w->size[d]; d--) { /* carry */
      at[d] = 0;
      at[d - 1]++;
      for (int i = 0; i <= w->op->inputs; i++)
        data[i] += w->stride[i][d - 1] - w->size[d] * w->stride[i][d];
    }
  }
}

/* ---- setting up ---- */

/* An operand's stride in the output's dimension d, 0 where it is repeated. */
static int64_t broadcast_stride(const lander_tensor *t, int dims, int d) {
  int own = d - (dims - t->dims);
  return own < 0 || t->size[own] == 1 ? 0 : t->stride[own];
}

/* Whether dimension d of the operands can go on where the walk's last one ends. */
static bool mergeable(const walk *w, int operands, const int64_t *stride, int64_t size) {
  int last = w->dims - 1;
  for (int i = 0; i < operands; i++)
    if (w->stride[i][last] != stride[i] * size) return false;
  return true;
}

static void walk_run(const operation *op, lander_tensor *out,
                     const lander_tensor *const *in) {
  walk w = {.op = op, .kernels = kernels_table(), .count = lander_tensor_count(out)};
  if (w.count == 0) return;
  int operands = 1 + op->inputs;
  for (int i = 0; i < operands; i++) w.data[i] = i ? in[i - 1]->data : out->data;
  for (int d = 0; d < out->dims; d++) {
    if (out->size[d] == 1) continue;
    int64_t stride[OPERANDS];
    for (int i = 0; i < operands; i++)
      stride[i] = broadcast_stride(i ? in[i - 1] : out, out->dims, d);
    bool merged = w.dims > 0 && mergeable(&w, operands, stride, out->size[d]);
    if (!merged) w.size[w.dims++] = 1;
    w.size[w.dims - 1] *= out->size[d];
    for (int i = 0; i < operands; i++) w.stride[i][w.dims - 1] = stride[i];
  }
  if (w.dims == 0) { /* a single element */
    w.dims = 1;
    w.size[0] = 1;
    for (int i = 0; i < operands; i++) w.stride[i][0] = 1;
  }
  w.pieces = parallel_pieces(w.count, GRAIN);
  if (w.pieces == 1)
    do_piece(&w, 0, 0);
  else
    parallel_run(out->storage->engine, w.pieces, do_piece, &w);
}

/* ---- shapes ---- */

#define SHAPES_TEXT (OPERATION_MAX_INPUTS * SHAPE_TEXT)

/* Shapes for a message: "(2, 3) and (4)". */
static const char *shapes_text(char out[SHAPES_TEXT], int count,
                               const lander_tensor *const *in) {
  int length = 0;
  out[0] = '\0';
  for (int i = 0; i < count && length < SHAPES_TEXT; i++) {
    char one[SHAPE_TEXT];
    const char *before = i == 0 ? "" : i + 1 < count ? ", " : " and ";
    shape_text(one, in[i]->dims, in[i]->size);
    length += snprintf(out + length, (size_t)(SHAPES_TEXT - length), "%s%s", before, one);
  }
  return out;
}

/* Widens (dims, size) so that t fits; false when the sizes contradict. */
static bool broadcast(const lander_tensor *t, int *dims, int64_t *size) {
  int added = t->dims - *dims;
  if (added > 0) {
    memmove(size + added, size, (size_t)*dims * sizeof *size);
    for (int d = 0; d < added; d++) size[d] = 1;
    *dims = t->dims;
  }
  for (int own = 0; own < t->dims; own++) {
    int d = own + *dims - t->dims;
    if (size[d] == 1)
      size[d] = t->size[own];
    else if (t->size[own] != 1 && t->size[own] != size[d])
      return false;
  }
  return true;
}

lander_status tensor_common_shape(const char *name, int count,
                                  const lander_tensor *const *in, int *dims,
                                  int64_t *size, lander_error *error) {
  *dims = 0;
  bool fits = true;
  for (int i = 0; i < count; i++) fits = fits && broadcast(in[i], dims, size);
  if (fits) return LANDER_OK;
  char text[SHAPES_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: shapes %s can't be broadcast together: from the last dimension "
                   "on, sizes must be equal or 1",
                   name, shapes_text(text, count, in));
}

/* ---- checks ---- */

static lander_status check_inputs(lander_operation op, const lander_tensor *const *in,
                                  const operation **found, lander_error *error) {
  *found = operation_find(op);
  if (!*found)
    return error_set(error, LANDER_ERROR_ARGUMENT, "%d is no operation", (int)op);
  for (int i = 0; i < (*found)->inputs; i++)
    if (!in[i] || in[i]->storage->engine != in[0]->storage->engine)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       in[i] ? "%s: input %d belongs to another engine"
                             : "%s: input %d is missing",
                       (*found)->name, i + 1);
  return LANDER_OK;
}

/* Someone who gives the condition in another place would get nonsense without a word. */
static lander_status check_condition(const lander_tensor *t, lander_error *error) {
  lander_tensor *copy;
  const real *data = tensor_contiguous(t, &copy, error);
  if (!data) return LANDER_ERROR_MEMORY;
  lander_status status = LANDER_OK;
  int64_t count = lander_tensor_count(t);
  for (int64_t i = 0; i < count && status == LANDER_OK; i++)
    if (!(data[i] == 0 || data[i] == 1))
      status = error_set(error, LANDER_ERROR_DATA,
                         "where: the condition comes first and is 0 or 1 everywhere; "
                         "found %g",
                         (double)data[i]);
  lander_tensor_free(copy);
  return status;
}

lander_status tensor_check_writable(const lander_tensor *t, const char *name,
                                    lander_error *error) {
  for (int d = 0; d < t->dims; d++)
    if (t->size[d] > 1 && t->stride[d] == 0) {
      char text[SHAPE_TEXT];
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "%s: can't write to an expanded tensor of shape %s: its elements "
                       "share memory; write to a clone of it",
                       name, shape_text(text, t->dims, t->size));
    }
  return LANDER_OK;
}

/* ---- memory that is shared ---- */

static void extent(const lander_tensor *t, const real **first, const real **last) {
  *first = *last = t->data;
  for (int d = 0; d < t->dims; d++) /* strides are never negative */
    *last += (t->size[d] - 1) * t->stride[d];
}

/* Whether writing `out` element by element could change elements of `in` that are still
 * to be read. */
static bool disturbs(const lander_tensor *out, const lander_tensor *in) {
  if (out->storage != in->storage || lander_tensor_count(in) == 0 ||
      lander_tensor_count(out) == 0)
    return false;
  bool same = out->data == in->data;
  for (int d = 0; same && d < out->dims; d++)
    same = out->size[d] == 1 || broadcast_stride(in, out->dims, d) == out->stride[d];
  if (same) return false; /* each element is read just before it is written */
  const real *out_first, *out_last, *in_first, *in_last;
  extent(out, &out_first, &out_last);
  extent(in, &in_first, &in_last);
  return out_first <= in_last && in_first <= out_last;
}

/* ---- the public functions ---- */

lander_tensor *lander_tensor_apply(lander_operation op, const lander_tensor *a,
                                   const lander_tensor *b, const lander_tensor *c,
                                   lander_error *error) {
  const lander_tensor *in[OPERATION_MAX_INPUTS] = {a, b, c};
  const operation *found;
  int dims;
  int64_t size[LANDER_MAX_DIMS];
  error_clear(error);
  if (check_inputs(op, in, &found, error) != LANDER_OK) return NULL;
  if (tensor_common_shape(found->name, found->inputs, in, &dims, size, error) !=
      LANDER_OK)
    return NULL;
  if (op == LANDER_OP_WHERE && check_condition(a, error) != LANDER_OK) return NULL;
  lander_tensor *out = lander_tensor_new(a->storage->engine, dims, size, error);
  if (out) walk_run(found, out, in);
  return out;
}

static lander_status check_into(const operation *op, const lander_tensor *out,
                                const lander_tensor *const *in, lander_error *error) {
  int dims;
  int64_t size[LANDER_MAX_DIMS];
  if (out->storage->engine != in[0]->storage->engine)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: the output belongs to another engine than the inputs",
                     op->name);
  lander_status status =
      tensor_common_shape(op->name, op->inputs, in, &dims, size, error);
  if (status == LANDER_OK) status = tensor_check_writable(out, op->name, error);
  if (status != LANDER_OK) return status;
  bool fits = dims <= out->dims;
  for (int d = 0; fits && d < dims; d++)
    fits = size[d] == 1 || size[d] == out->size[d + out->dims - dims];
  if (fits) return LANDER_OK;
  char to[SHAPE_TEXT], from[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: a result of shape %s can't be written to a tensor of shape %s",
                   op->name, shape_text(from, dims, size),
                   shape_text(to, out->dims, out->size));
}

lander_status lander_tensor_apply_into(lander_operation op, lander_tensor *out,
                                       const lander_tensor *a, const lander_tensor *b,
                                       const lander_tensor *c, lander_error *error) {
  const lander_tensor *in[OPERATION_MAX_INPUTS] = {a, b, c};
  lander_tensor *copy[OPERATION_MAX_INPUTS] = {NULL};
  const operation *found;
  error_clear(error);
  lander_status status = check_inputs(op, in, &found, error);
  if (status == LANDER_OK) status = check_into(found, out, in, error);
  if (status == LANDER_OK && op == LANDER_OP_WHERE) status = check_condition(a, error);
  for (int i = 0; status == LANDER_OK && i < found->inputs; i++) {
    if (!disturbs(out, in[i])) continue;
    in[i] = copy[i] = lander_tensor_clone(in[i], error);
    if (!copy[i]) status = LANDER_ERROR_MEMORY;
  }
  if (status == LANDER_OK) walk_run(found, out, in);
  for (int i = 0; i < OPERATION_MAX_INPUTS; i++) lander_tensor_free(copy[i]);
  return status;
}

lander_status lander_tensor_fill(lander_tensor *t, double value, lander_error *error) {
  error_clear(error);
  lander_status status = tensor_check_writable(t, "fill", error);
  if (status != LANDER_OK) return status;
  real number = (real)value;
  lander_tensor scalar = {.storage = t->storage, .data = &number};
  const lander_tensor *in[] = {&scalar};
  walk_run(operation_find(LANDER_OP_COPY), t, in);
  return LANDER_OK;
}
