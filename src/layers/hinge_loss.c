/* hinge_loss.c: a margin for each class against all others (Caffe's HingeLoss). */
#include "classes.h"
#include "sums.h"

#include <math.h>

enum { L1, L2 };

static const char *const norms[] = {"L1", "L2", NULL};

typedef struct hinge_loss {
  int norm;
  classes size;
} hinge_loss;

static const lander_option options[] = {
    OPTION_CHOICE(hinge_loss, norm, "L1", norms,
                  "whether what is missing from the margin counts as it is, or squared"),
    OPTION_END};

static const lander_ints none; /* no label is ignored */

static lander_status setup(layer *l, lander_error *error) {
  hinge_loss *self = l->self;
  sums_setup(l);
  return classes_setup(l, &self->size, error);
}

#define PIECE_WORK 4096 /* numbers a piece */

static int64_t grain(const classes *size) {
  return PIECE_WORK / (size->count * size->inner);
}

/* +1 for the label's class, -1 for the others. */
static real side(const hinge_loss *self, const layer_call *c, int64_t sample, int64_t k,
                 int64_t place) {
  real label = c->x[1][sample * self->size.inner + place];
  return (int64_t)label - 1 == k ? 1 : -1;
}

/* What is missing: max(0, v), and NaN stays. */
static real missing(real v) {
  return v <= 0 ? 0 : v;
}

static double add_losses(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                         int thread) {
  (void)thread;
  const hinge_loss *self = l->self;
  const classes *size = &self->size;
  const real *x = c->x[0] + begin * size->count * size->inner;
  double sum = 0;
  for (int64_t sample = begin; sample < end; sample++)
    for (int64_t k = 0; k < size->count; k++)
      for (int64_t i = 0; i < size->inner; i++) {
        double m = missing(1 - side(self, c, sample, k, i) * *x++);
        sum += self->norm == L2 ? m * m : m;
      }
  return sum;
}

static void forward(const layer *l, const layer_call *c) {
  const hinge_loss *self = l->self;
  c->y[0][0] = (real)NAN;
  if (!classes_check_labels(&self->size, &none, c)) return;
  double sum = sums_run(l, c, c->batch, grain(&self->size), add_losses);
  c->y[0][0] = (real)(sum / ((double)c->batch * (double)self->size.inner));
}

static void backward_samples(const layer *l, const layer_call *c, int64_t begin,
                             int64_t end, real scale) {
  const hinge_loss *self = l->self;
  const classes *size = &self->size;
  int64_t at = begin * size->count * size->inner;
  for (int64_t sample = begin; sample < end; sample++)
    for (int64_t k = 0; k < size->count; k++)
      for (int64_t i = 0; i < size->inner; i++, at++) {
        real s = side(self, c, sample, k, i), m = missing(1 - s * c->x[0][at]);
        real slope = self->norm == L2 ? 2 * m : m > 0 ? 1 : m; /* 0, or NaN */
        c->dx[0][at] = -s * slope * scale;
      }
}

static void backward(const layer *l, const layer_call *c) {
  const hinge_loss *self = l->self;
  double places = (double)c->batch * (double)self->size.inner;
  real scale = (real)((double)c->dy[0][0] / places);
  if (c->dx[0])
    sums_run_back(l, c, c->batch, grain(&self->size), scale, backward_samples);
  if (c->dx[1]) c->kernels->fill(c->batch * self->size.inner, 0, c->dx[1]);
}

/* Each class says the same for all samples, of which one in n is its own: -1 (L1), or
 * 2 / n - 1 (L2). */
static double chance(const layer *l) {
  const hinge_loss *self = l->self;
  double n = (double)self->size.count;
  if (n < 2) return 0;
  return self->norm == L2 ? 4 * (n - 1) / n : 2;
}

const layer_type layer_hinge_loss = {
    .name = "hinge_loss",
    .help =
        "of (scores, label), one against the rest: the sum over the classes of max(0, "
        "1 - s x), or of its square (L2), with s = 1 for the label's class and -1 for "
        "others, the mean over batch and places",
    .example = "y:hinge_loss { nn.label {}, norm = \"L2\" }",
    .options = options,
    .size = sizeof(hinge_loss),
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = LAYER_LOSS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .chance = chance,
};
