/* matrix.c: products of matrices and vectors. */
#include "../base/error.h"
#include "../base/parallel.h"
#include "gemm.h"
#include "tensor.h"

/* A matrix as gemm takes it. */
typedef struct operand {
  const real *data;
  gemm_transpose transpose;
  int64_t stride;      /* between its stored rows */
  lander_tensor *copy; /* made when its strides are neither; freed by the caller */
} operand;

/* The two last dimensions of t, from t's data on. */
static lander_status read_operand(const lander_tensor *t, operand *o,
                                  lander_error *error) {
  int row = t->dims - 2, column = t->dims - 1;
  *o = (operand){.data = t->data};
  for (int attempt = 0; attempt < 2; attempt++) {
    const lander_tensor *m = attempt ? o->copy : t;
    int64_t rows = m->size[row], columns = m->size[column];
    int64_t down = m->stride[row], across = m->stride[column];
    if (across == 1 && down >= columns) {
      o->transpose = GEMM_N;
      o->stride = down;
      return LANDER_OK;
    }
    if (down == 1 && across >= rows) {
      o->transpose = GEMM_T;
      o->stride = across;
      return LANDER_OK;
    }
    o->copy = lander_tensor_clone(t, error);
    if (!o->copy) break;
    o->data = o->copy->data;
  }
  return LANDER_ERROR_MEMORY;
}

static lander_tensor *refuse(const char *name, const char *wants, const lander_tensor *a,
                             const lander_tensor *b, lander_error *error) {
  char left[SHAPE_TEXT], right[SHAPE_TEXT];
  error_set(error, LANDER_ERROR_SHAPE, "%s: shapes %s and %s don't fit: %s", name,
            shape_text(left, a->dims, a->size), shape_text(right, b->dims, b->size),
            wants);
  return NULL;
}

static bool same_engine(const char *name, const lander_tensor *a, const lander_tensor *b,
                        lander_error *error) {
  if (a->storage->engine == b->storage->engine) return true;
  error_set(error, LANDER_ERROR_ARGUMENT, "%s: the tensors belong to different engines",
            name);
  return false;
}

/* batch products; the operands' distances from one to the next are in dimension 0. */
static lander_tensor *multiply(const lander_tensor *a, const lander_tensor *b, int dims,
                               lander_error *error) {
  int row = dims - 2, column = dims - 1;
  int64_t batch = dims == 3 ? a->size[0] : 1;
  int64_t m = a->size[row], k = a->size[column], n = b->size[column];
  int64_t size[3] = {batch, m, n};
  lander_tensor *c =
      lander_tensor_new(a->storage->engine, dims, size + (3 - dims), error);
  if (!c || batch == 0 || m == 0 || n == 0 || k == 0) return c; /* an empty sum is 0 */
  operand left, right = {.copy = NULL};
  lander_status status = read_operand(a, &left, error);
  if (status == LANDER_OK) status = read_operand(b, &right, error);
  if (status == LANDER_OK) {
    int64_t next_a = (left.copy ? left.copy : a)->stride[0];
    int64_t next_b = (right.copy ? right.copy : b)->stride[0];
    for (int64_t i = 0; i < batch; i++)
      gemm_parallel(a->storage->engine, left.transpose, right.transpose, m, n, k, 1,
                    left.data + i * next_a, left.stride, right.data + i * next_b,
                    right.stride, 0, c->data + i * m * n, n);
  }
  lander_tensor_free(left.copy);
  lander_tensor_free(right.copy);
  if (status == LANDER_OK) return c;
  lander_tensor_free(c);
  return NULL;
}

lander_tensor *lander_tensor_mm(const lander_tensor *a, const lander_tensor *b,
                                lander_error *error) {
  error_clear(error);
  if (!same_engine("mm", a, b, error)) return NULL;
  if (a->dims != 2 || b->dims != 2 || a->size[1] != b->size[0])
    return refuse("mm", "expected (m, k) and (k, n)", a, b, error);
  return multiply(a, b, 2, error);
}

lander_tensor *lander_tensor_bmm(const lander_tensor *a, const lander_tensor *b,
                                 lander_error *error) {
  error_clear(error);
  if (!same_engine("bmm", a, b, error)) return NULL;
  if (a->dims != 3 || b->dims != 3 || a->size[0] != b->size[0] ||
      a->size[2] != b->size[1])
    return refuse("bmm", "expected (batch, m, k) and (batch, k, n)", a, b, error);
  return multiply(a, b, 3, error);
}

/* ---- dot ---- */

#define GRAIN 32768 /* elements a piece */

typedef struct dot_job {
  const real *a, *b;
  int64_t count;
  int pieces;
  double partial[PARALLEL_MAX_PIECES];
} dot_job;

static void dot_piece(void *arg, int piece, int thread) {
  (void)thread;
  dot_job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  double sum = 0;
  for (int64_t i = begin; i < end; i++) sum += (double)j->a[i] * j->b[i];
  j->partial[piece] = sum;
}

lander_status lander_tensor_dot(const lander_tensor *a, const lander_tensor *b,
                                double *value, lander_error *error) {
  error_clear(error);
  if (!same_engine("dot", a, b, error)) return LANDER_ERROR_ARGUMENT;
  bool same = a->dims == b->dims;
  for (int d = 0; same && d < a->dims; d++) same = a->size[d] == b->size[d];
  if (!same) {
    refuse("dot", "expected twice the same", a, b, error);
    return LANDER_ERROR_SHAPE;
  }
  lander_tensor *copy_a, *copy_b = NULL;
  dot_job j = {.count = lander_tensor_count(a)};
  j.a = tensor_contiguous(a, &copy_a, error);
  j.b = j.a ? tensor_contiguous(b, &copy_b, error) : NULL;
  if (j.b) {
    j.pieces = parallel_pieces(j.count, GRAIN);
    if (j.pieces > 0) parallel_run(a->storage->engine, j.pieces, dot_piece, &j);
    *value = 0;
    for (int p = 0; p < j.pieces; p++) *value += j.partial[p];
  }
  lander_tensor_free(copy_a);
  lander_tensor_free(copy_b);
  return j.b ? LANDER_OK : LANDER_ERROR_MEMORY;
}
