/* reduce.c: many elements become one.
 *
 * Every reduction is a function of one contiguous run. The dimension that is reduced is
 * brought to the end first, so that its runs are contiguous; a reduction over everything
 * is cut into runs whose results are put together in order. So the bits depend on the
 * shape alone, and neither on strides nor on threads. */
#include <math.h>

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/parallel.h"
#include "kernels.h"
#include "tensor.h"

#define GRAIN 32768 /* elements a piece */

/* ---- runs ---- */

typedef double (*run_function)(const kernels *k, int64_t n, const real *x, double center);

static double run_sum(const kernels *k, int64_t n, const real *x, double center) {
  (void)center;
  return k->sum(n, x);
}

static double run_squares(const kernels *k, int64_t n, const real *x, double center) {
  (void)center;
  return k->sum_squares(n, x);
}

/* Several sums side by side, as one would wait for itself. */
#define LANES 4

static double run_deviations(const kernels *k, int64_t n, const real *x, double center) {
  (void)k;
  double sum[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++) {
      double d = x[i + lane] - center;
      sum[lane] += d * d;
    }
  for (; i < n; i++) sum[0] += (x[i] - center) * (x[i] - center);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double run_prod(const kernels *k, int64_t n, const real *x, double center) {
  (void)k, (void)center;
  double product = 1;
  for (int64_t i = 0; i < n; i++) product *= x[i];
  return product;
}

/* The smallest or largest element, NaN when there is one. n is at least 1. */
#define EXTREME(name, better)                                                            \
  static double name(const kernels *k, int64_t n, const real *x, double center) {        \
    (void)k, (void)center;                                                               \
    real best[LANES] = {x[0], x[0], x[0], x[0]};                                         \
    bool ordered = x[0] == x[0];                                                         \
    int64_t i = 0;                                                                       \
    for (; i + LANES <= n; i += LANES)                                                   \
      for (int lane = 0; lane < LANES; lane++) {                                         \
        real v = x[i + lane];                                                            \
        ordered &= v == v;                                                               \
        best[lane] = v better best[lane] ? v : best[lane];                               \
      }                                                                                  \
    for (; i < n; i++) {                                                                 \
      ordered &= x[i] == x[i];                                                           \
      best[0] = x[i] better best[0] ? x[i] : best[0];                                    \
    }                                                                                    \
    for (int lane = 1; lane < LANES; lane++)                                             \
      best[0] = best[lane] better best[0] ? best[lane] : best[0];                        \
    return ordered ? best[0] : NAN;                                                      \
  }
EXTREME(run_min, <)
EXTREME(run_max, >)

/* The first position, from 0, of a value that is there; NaN: of the first NaN. */
static double position_of(double value, int64_t n, const real *x) {
  int64_t i = 0;
  if (value != value)
    while (i < n - 1 && x[i] == x[i]) i++;
  else
    while (i < n - 1 && x[i] != value) i++;
  return (double)i;
}

static double run_argmin(const kernels *k, int64_t n, const real *x, double center) {
  return position_of(run_min(k, n, x, center), n, x);
}

static double run_argmax(const kernels *k, int64_t n, const real *x, double center) {
  return position_of(run_max(k, n, x, center), n, x);
}

static double run_all(const kernels *k, int64_t n, const real *x, double center) {
  (void)k, (void)center;
  for (int64_t i = 0; i < n; i++)
    if (x[i] == 0) return 0;
  return 1;
}

static double run_any(const kernels *k, int64_t n, const real *x, double center) {
  (void)k, (void)center;
  for (int64_t i = 0; i < n; i++)
    if (x[i] != 0) return 1;
  return 0;
}

/* ---- the table ---- */

enum reduction_flags {
  CHOOSES = 1,   /* one of the elements: there has to be one */
  POSITION = 2,  /* tells where it is */
  DEVIATION = 4, /* is taken around the mean */
  MEAN = 8,      /* divided by the count */
  ROOT = 16      /* then the square root */
};

typedef struct reduction {
  const char *name;
  run_function run;
  unsigned flags;
} reduction;

static const reduction reductions[LANDER_REDUCTIONS] = {
    [LANDER_REDUCE_SUM] = {"sum", run_sum, 0},
    [LANDER_REDUCE_MEAN] = {"mean", run_sum, MEAN},
    [LANDER_REDUCE_PROD] = {"prod", run_prod, 0},
    [LANDER_REDUCE_MIN] = {"min", run_min, CHOOSES},
    [LANDER_REDUCE_MAX] = {"max", run_max, CHOOSES},
    [LANDER_REDUCE_ARGMIN] = {"argmin", run_argmin, CHOOSES | POSITION},
    [LANDER_REDUCE_ARGMAX] = {"argmax", run_argmax, CHOOSES | POSITION},
    [LANDER_REDUCE_NORM] = {"norm", run_squares, ROOT},
    [LANDER_REDUCE_VAR] = {"var", run_deviations, DEVIATION},
    [LANDER_REDUCE_STD] = {"std", run_deviations, DEVIATION | ROOT},
    [LANDER_REDUCE_ALL] = {"all", run_all, 0},
    [LANDER_REDUCE_ANY] = {"any", run_any, 0},
};

static const reduction *find(lander_reduction op) {
  int place = (int)op;
  return place >= 0 && place < COUNT_OF(reductions) ? &reductions[place] : NULL;
}

const char *lander_reduction_name(lander_reduction op) {
  const reduction *r = find(op);
  return r ? r->name : NULL;
}

/* From what the runs gave to the result. */
static double finish(const reduction *r, double value, int64_t count) {
  if (r->flags & MEAN) value = count > 0 ? value / (double)count : NAN;
  if (r->flags & DEVIATION) value = count > 1 ? value / (double)(count - 1) : NAN;
  if (r->flags & ROOT) value = sqrt(value);
  if (r->flags & POSITION) value += 1;
  return value;
}

/* ---- over everything ---- */

typedef struct whole {
  const reduction *r;
  const kernels *kernels;
  const real *x;
  int64_t count;
  int pieces;
  double center;
  double partial[PARALLEL_MAX_PIECES];
} whole;

static void whole_piece(void *arg, int piece, int thread) {
  (void)thread;
  whole *w = arg;
  int64_t begin, end;
  parallel_range(w->count, w->pieces, piece, &begin, &end);
  w->partial[piece] = w->r->run(w->kernels, end - begin, w->x + begin, w->center);
}

/* Puts the pieces' results together, in order. */
static double combine(const whole *w) {
  if (!(w->r->flags & CHOOSES)) {
    bool product = w->r->run == run_prod, all = w->r->run == run_all;
    double value = product || all ? 1 : 0;
    for (int p = 0; p < w->pieces; p++)
      value = product || all ? value * w->partial[p] : value + w->partial[p];
    return w->r->run == run_any ? value > 0 : value;
  }
  real chosen[PARALLEL_MAX_PIECES]; /* one of each piece; then one of these */
  int64_t place[PARALLEL_MAX_PIECES];
  for (int p = 0; p < w->pieces; p++) {
    int64_t end;
    parallel_range(w->count, w->pieces, p, &place[p], &end);
    if (w->r->flags & POSITION) place[p] += (int64_t)w->partial[p];
    chosen[p] = w->r->flags & POSITION ? w->x[place[p]] : (real)w->partial[p];
  }
  double best = w->r->run(w->kernels, w->pieces, chosen, 0);
  return w->r->flags & POSITION ? (double)place[(int64_t)best] : best;
}

static double reduce_run(lander_engine *engine, const reduction *r, const real *x,
                         int64_t count, double center) {
  whole w = {.r = r,
             .kernels = kernels_table(),
             .x = x,
             .count = count,
             .pieces = parallel_pieces(count, GRAIN),
             .center = center};
  if (w.pieces == 1) whole_piece(&w, 0, 0);
  if (w.pieces > 1) parallel_run(engine, w.pieces, whole_piece, &w);
  return combine(&w);
}

static lander_status nothing_to_choose(const reduction *r, const lander_tensor *t,
                                       lander_error *error) {
  char text[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: there is nothing to choose from in shape %s", r->name,
                   shape_text(text, t->dims, t->size));
}

static lander_status unknown(lander_reduction op, lander_error *error) {
  return error_set(error, LANDER_ERROR_ARGUMENT, "%d is no reduction", (int)op);
}

lander_status lander_tensor_reduce_all(lander_reduction op, const lander_tensor *t,
                                       double *value, lander_error *error) {
  error_clear(error);
  const reduction *r = find(op);
  if (!r) return unknown(op, error);
  int64_t count = lander_tensor_count(t);
  if ((r->flags & CHOOSES) && count == 0) return nothing_to_choose(r, t, error);
  lander_tensor *copy;
  const real *x = tensor_contiguous(t, &copy, error);
  if (!x) return LANDER_ERROR_MEMORY;
  lander_engine *engine = t->storage->engine;
  double center = 0;
  if (r->flags & DEVIATION)
    center = reduce_run(engine, find(LANDER_REDUCE_SUM), x, count, 0) / (double)count;
  *value = finish(r, reduce_run(engine, r, x, count, center), count);
  lander_tensor_free(copy);
  return LANDER_OK;
}

/* ---- over one dimension ---- */

typedef struct rows {
  const reduction *r;
  const kernels *kernels;
  const real *x; /* (count, length) */
  real *y;       /* (count) */
  int64_t count, length;
  int pieces;
} rows;

static void rows_piece(void *arg, int piece, int thread) {
  (void)thread;
  const rows *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    const real *x = j->x + i * j->length;
    double center = 0;
    if (j->r->flags & DEVIATION)
      center = j->kernels->sum(j->length, x) / (double)j->length;
    double value = j->r->run(j->kernels, j->length, x, center);
    j->y[i] = (real)finish(j->r, value, j->length);
  }
}

static lander_status reduce_rows(const reduction *r, const lander_tensor *moved,
                                 lander_tensor *y, lander_error *error) {
  lander_tensor *copy;
  const real *x = tensor_contiguous(moved, &copy, error);
  if (!x) return LANDER_ERROR_MEMORY;
  rows j = {.r = r,
            .kernels = kernels_table(),
            .x = x,
            .y = y->data,
            .count = lander_tensor_count(y),
            .length = moved->size[moved->dims - 1]};
  int64_t rows_a_piece = GRAIN / (j.length > 0 ? j.length : 1);
  j.pieces = parallel_pieces(j.count, rows_a_piece > 0 ? rows_a_piece : 1);
  if (j.pieces > 0) parallel_run(y->storage->engine, j.pieces, rows_piece, &j);
  lander_tensor_free(copy);
  return LANDER_OK;
}

lander_status tensor_check_positions(int64_t longest, const char *name,
                                     lander_error *error) {
  const int64_t most = (int64_t)1 << (sizeof(real) == sizeof(float) ? 24 : 53);
  if (longest <= most) return LANDER_OK;
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: positions up to %lld can't be held exactly in a tensor, whose "
                   "numbers count to %lld",
                   name, (long long)longest, (long long)most);
}

/* t with dimension dim at the end. */
lander_tensor *tensor_move_last(const lander_tensor *t, int dim, lander_error *error) {
  int order[LANDER_MAX_DIMS];
  for (int d = 0; d < t->dims; d++) order[d] = d < dim ? d : d + 1;
  order[t->dims - 1] = dim;
  return lander_tensor_permute(t, order, error);
}

static lander_tensor *reduce_dim(const reduction *r, const lander_tensor *t, int dim,
                                 bool keep, lander_error *error) {
  int dims = 0;
  int64_t size[LANDER_MAX_DIMS];
  for (int d = 0; d < t->dims; d++)
    if (d != dim || keep) size[dims++] = d == dim ? 1 : t->size[d];
  lander_tensor *y = lander_tensor_new(t->storage->engine, dims, size, error);
  if (!y) return NULL;
  lander_status status = LANDER_OK;
  if ((r->flags & CHOOSES) && t->size[dim] == 0 && lander_tensor_count(y) > 0)
    status = nothing_to_choose(r, t, error);
  if (status == LANDER_OK && (r->flags & POSITION))
    status = tensor_check_positions(t->size[dim], r->name, error);
  if (status == LANDER_OK) {
    lander_tensor *moved = tensor_move_last(t, dim, error);
    status = moved ? reduce_rows(r, moved, y, error) : LANDER_ERROR_MEMORY;
    lander_tensor_free(moved);
  }
  if (status == LANDER_OK) return y;
  lander_tensor_free(y);
  return NULL;
}

lander_tensor *lander_tensor_reduce(lander_reduction op, const lander_tensor *t, int dim,
                                    bool keep, lander_error *error) {
  error_clear(error);
  const reduction *r = find(op);
  if (!r) {
    unknown(op, error);
    return NULL;
  }
  if (dim != LANDER_ALL_DIMS) {
    if (tensor_check_dim(t, dim, r->name, error) != LANDER_OK) return NULL;
    return reduce_dim(r, t, dim, keep, error);
  }
  double value;
  if ((r->flags & POSITION) &&
      tensor_check_positions(lander_tensor_count(t), r->name, error) != LANDER_OK)
    return NULL;
  if (lander_tensor_reduce_all(op, t, &value, error) != LANDER_OK) return NULL;
  int64_t ones[LANDER_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
  lander_tensor *y =
      lander_tensor_new(t->storage->engine, keep ? t->dims : 0, ones, error);
  if (y) y->data[0] = (real)value;
  return y;
}
