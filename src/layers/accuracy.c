/* accuracy.c: how many samples have their label's class among the highest scores. */
#include "classes.h"

#include <math.h>

typedef struct accuracy {
  int top_k;
  lander_ints ignore_label;
  classes size;
} accuracy;

static const lander_option options[] = {
    OPTION_INT(accuracy, top_k, "1", 1, 1 << 24, 0,
               "among how many of the highest scores the class must be"),
    OPTION_IGNORE_LABEL(accuracy), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  accuracy *self = l->self;
  lander_status status = classes_setup(l, &self->size, error);
  if (status != LANDER_OK) return status;
  if (self->top_k > self->size.count)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "accuracy: top_k is %d, but there are %lld classes", self->top_k,
                     (long long)self->size.count);
  l->outputs = 1;
  l->out[0] = (shape){.dims = 0};
  l->unbatched = true;
  return LANDER_OK;
}

/* Right when fewer than top_k other classes have a score that is not lower: so neither
 * equal scores nor NaN, which a net that has diverged gives, count in its favour. */
static bool is_right(const accuracy *self, const real *x, int64_t class) {
  const classes *size = &self->size;
  real own = x[class * size->inner];
  if (own != own) return false;
  int64_t not_lower = 0;
  for (int64_t k = 0; k < size->count; k++)
    if (k != class && !(x[k * size->inner] < own)) not_lower++;
  return not_lower < self->top_k;
}

static void forward(const layer *l, const layer_call *c) {
  const accuracy *self = l->self;
  const classes *size = &self->size;
  c->y[0][0] = (real)NAN;
  if (!classes_check_labels(size, &self->ignore_label, c)) return;
  int64_t right = 0, places = c->batch * size->inner;
  int64_t counted = classes_counted(size, &self->ignore_label, c);
  for (int64_t i = 0; i < places; i++) {
    if (classes_is_ignored(&self->ignore_label, c->x[1][i])) continue;
    int64_t sample = i / size->inner;
    const real *x = c->x[0] + sample * size->count * size->inner + i % size->inner;
    right += is_right(self, x, (int64_t)c->x[1][i] - 1);
  }
  c->y[0][0] = counted > 0 ? (real)((double)right / (double)counted) : 0;
}

const layer_type layer_accuracy = {
    .name = "accuracy",
    .help =
        "of (scores, label): the part of the samples whose class has one of the top_k "
        "highest scores; equal scores don't count in its favour",
    .example = "y:accuracy { nn.label {}, top_k = 5 }",
    .options = options,
    .size = sizeof(accuracy),
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_METRIC,
    .setup = setup,
    .forward = forward,
};
