/* draw.c: tensors of numbers: random ones, and ranges. */
#include <math.h>

#include "../base/error.h"
#include "../base/parallel.h"
#include "../base/random.h"
#include "kernels.h"
#include "tensor.h"

#define GRAIN 16384 /* draws a piece */

typedef struct draw {
  bool normal;
  random_key key;
  uint64_t begin;
  double scale, shift; /* of the standard draw */
  double below;        /* uniform: the bound that is not reached */
  real *out;
  int64_t count;
  int pieces;
} draw;

static void draw_piece(void *arg, int piece, int thread) {
  (void)thread;
  const draw *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  uint64_t first = j->begin + (uint64_t)begin;
  if (j->normal)
    random_normal(j->key, first, (size_t)(end - begin), j->out + begin);
  else
    kernels_table()->uniform(j->key, first, end - begin, j->out + begin);
  for (int64_t i = begin; i < end; i++) {
    real value = (real)(j->shift + j->scale * j->out[i]);
    /* rounding may reach the upper bound, which is not in the range */
    if (!j->normal && value >= (real)j->below) value = (real)j->shift;
    j->out[i] = value;
  }
}

static lander_status fill(lander_tensor *t, draw *j, lander_error *error) {
  const char *name = j->normal ? "normal" : "uniform";
  lander_status status = tensor_check_writable(t, name, error);
  if (status != LANDER_OK) return status;
  lander_tensor *target = t;
  bool direct = lander_tensor_is_contiguous(t);
  lander_engine *engine = t->storage->engine;
  if (!direct) target = lander_tensor_new(engine, t->dims, t->size, error);
  if (!target) return LANDER_ERROR_MEMORY;
  j->out = target->data;
  j->count = lander_tensor_count(t);
  j->pieces = parallel_pieces(j->count, GRAIN);
  if (j->pieces > 0) parallel_run(engine, j->pieces, draw_piece, j);
  if (direct) return LANDER_OK;
  status = lander_tensor_apply_into(LANDER_OP_COPY, t, target, NULL, NULL, error);
  lander_tensor_free(target);
  return status;
}

lander_status lander_tensor_uniform(lander_tensor *t, uint64_t seed, uint64_t begin,
                                    double low, double high, lander_error *error) {
  error_clear(error);
  if (!(low <= high) || !isfinite(high - low))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "uniform: expected finite bounds, the lower one first; found %g "
                     "and %g",
                     low, high);
  draw j = {.key = {seed, RANDOM_TENSOR},
            .begin = begin,
            .scale = high - low,
            .shift = low,
            .below = high};
  return fill(t, &j, error);
}

lander_status lander_tensor_normal(lander_tensor *t, uint64_t seed, uint64_t begin,
                                   double mean, double std, lander_error *error) {
  error_clear(error);
  if (!isfinite(mean) || !(std >= 0) || !isfinite(std))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "normal: expected a finite mean and a finite deviation of at least "
                     "0; found %g and %g",
                     mean, std);
  draw j = {.normal = true,
            .key = {seed, RANDOM_TENSOR},
            .begin = begin,
            .scale = std,
            .shift = mean};
  return fill(t, &j, error);
}

lander_tensor *lander_tensor_range(lander_engine *engine, double first, double last,
                                   double step, lander_error *error) {
  error_clear(error);
  if (!isfinite(first) || !isfinite(last) || !isfinite(step) || step == 0) {
    error_set(error, LANDER_ERROR_ARGUMENT,
              "arange: expected finite bounds and a step that is not 0; found %g to %g "
              "in steps of %g",
              first, last, step);
    return NULL;
  }
  /* (0.3 - 0) / 0.1 is a little less than 3, and 0.3 is meant to be there */
  double steps = floor((last - first) / step + 1e-9);
  if (!(steps < 9e18)) {
    error_set(error, LANDER_ERROR_SHAPE,
              "arange: %g to %g in steps of %g has more elements than a computer can "
              "address",
              first, last, step);
    return NULL;
  }
  int64_t count = steps < 0 ? 0 : (int64_t)steps + 1;
  lander_tensor *t = lander_tensor_new(engine, 1, &count, error);
  for (int64_t i = 0; t && i < count; i++) t->data[i] = (real)(first + (double)i * step);
  return t;
}
