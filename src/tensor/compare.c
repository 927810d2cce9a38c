/* compare.c: whether two tensors are nearly the same. */
#include <math.h>

#include "../base/error.h"
#include "tensor.h"

static bool all_close(int64_t count, const real *a, const real *b, double rtol,
                      double atol) {
  for (int64_t i = 0; i < count; i++) {
    if (a[i] == b[i]) continue; /* equal infinities, too */
    double distance = fabs((double)a[i] - b[i]);
    if (!(distance <= atol + rtol * fabs((double)b[i])) || isinf(distance)) return false;
  }
  return true;
}

/* t in row-major order with that shape, in *expanded or *copy, to be freed by the
 * caller. */
static const real *broadcast_copy(const lander_tensor *t, int dims, const int64_t *size,
                                  lander_tensor **expanded, lander_tensor **copy,
                                  lander_error *error) {
  *copy = NULL;
  *expanded = lander_tensor_expand(t, dims, size, error);
  return *expanded ? tensor_contiguous(*expanded, copy, error) : NULL;
}

lander_status lander_tensor_allclose(const lander_tensor *a, const lander_tensor *b,
                                     double rtol, double atol, bool *close,
                                     lander_error *error) {
  error_clear(error);
  if (!(rtol >= 0) || !(atol >= 0))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "allclose: tolerances are at least 0, found rtol %g and atol %g",
                     rtol, atol);
  const lander_tensor *in[] = {a, b};
  int dims;
  int64_t size[LANDER_MAX_DIMS];
  lander_status status = tensor_common_shape("allclose", 2, in, &dims, size, error);
  if (status != LANDER_OK) return status;
  lander_tensor *wide_a, *wide_b = NULL, *copy_a, *copy_b = NULL;
  const real *data_a = broadcast_copy(a, dims, size, &wide_a, &copy_a, error);
  const real *data_b = NULL;
  if (data_a) data_b = broadcast_copy(b, dims, size, &wide_b, &copy_b, error);
  status = data_b ? LANDER_OK : LANDER_ERROR_MEMORY;
  if (status == LANDER_OK)
    *close = all_close(lander_tensor_count(wide_a), data_a, data_b, rtol, atol);
  lander_tensor_free(copy_a);
  lander_tensor_free(copy_b);
  lander_tensor_free(wide_a);
  lander_tensor_free(wide_b);
  return status;
}
