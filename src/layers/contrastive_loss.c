/* contrastive_loss.c: similar pairs near each other, others apart by a margin (Hadsell,
 * Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006). */
#include "sums.h"

#include "../tensor/tensor.h"

#include <math.h>

typedef struct contrastive_loss {
  double margin;
  bool legacy;
} contrastive_loss;

static const lander_option options[] = {
    OPTION_NUMBER(contrastive_loss, margin, "1", 0, 1e30, 0,
                  "the distance that pairs which are not similar should have"),
    OPTION_BOOL(contrastive_loss, legacy, "false",
                "for those pairs max(0, margin - d^2) in place of max(0, margin - d)^2, "
                "as Caffe's first versions"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  if (!shape_same(&l->in[0], &l->in[1]))
    return error_set(error, LANDER_ERROR_SHAPE,
                     "contrastive_loss: both of a pair must have one shape; the first is "
                     "%s, but the second %s",
                     shape_text(expected, l->in[0].dims, l->in[0].size),
                     shape_text(found, l->in[1].dims, l->in[1].size));
  if (shape_count(&l->in[2]) != 1)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "contrastive_loss needs one label a pair, got %s",
                     shape_text(found, l->in[2].dims, l->in[2].size));
  sums_setup(l);
  l->kept = 1; /* the distance of each pair */
  return LANDER_OK;
}

#define PIECE_WORK 4096 /* numbers a piece */

static int64_t grain(const layer *l) {
  return PIECE_WORK / shape_count(&l->in[0]);
}

static bool check_labels(const layer_call *c) {
  for (int64_t i = 0; i < c->batch; i++) {
    double label = c->x[2][i];
    if (label == 0 || label == 1) continue;
    if (c->error && c->error->code == LANDER_OK)
      error_set(c->error, LANDER_ERROR_DATA,
                "label %.9g of sample %lld is neither 1 (a similar pair) nor 0", label,
                (long long)i + 1);
    return false;
  }
  return true;
}

/* max(0, v), and NaN stays. */
static double positive(double v) {
  return v <= 0 ? 0 : v;
}

static double add_losses(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                         int thread) {
  (void)thread;
  const contrastive_loss *self = l->self;
  int64_t n = shape_count(&l->in[0]);
  double sum = 0;
  for (int64_t pair = begin; pair < end; pair++) {
    const real *a = c->x[0] + pair * n, *b = c->x[1] + pair * n;
    double square = 0;
    for (int64_t i = 0; i < n; i++) {
      double d = (double)a[i] - (double)b[i];
      square += d * d;
    }
    double distance = sqrt(square), apart = positive(self->margin - distance);
    c->kept[pair] = (real)distance;
    if (c->x[2][pair] == 1)
      sum += square / 2;
    else
      sum += (self->legacy ? positive(self->margin - square) : apart * apart) / 2;
  }
  return sum;
}

static void forward(const layer *l, const layer_call *c) {
  c->y[0][0] = (real)NAN;
  if (!check_labels(c)) return;
  c->y[0][0] = (real)(sums_run(l, c, c->batch, grain(l), add_losses) / (double)c->batch);
}

/* The derivative of the pair's loss in a is this times a - b. Where a = b it would be any
 * direction; it is none. */
static double pull(const contrastive_loss *self, double distance, bool similar) {
  if (similar) return 1;
  if (self->legacy) return distance * distance >= self->margin ? 0 : -1;
  if (distance == 0 || distance >= self->margin) return 0;
  return -(self->margin - distance) / distance;
}

static void backward_pairs(const layer *l, const layer_call *c, int64_t begin,
                           int64_t end, real scale) {
  int64_t n = shape_count(&l->in[0]);
  for (int64_t pair = begin; pair < end; pair++) {
    const real *a = c->x[0] + pair * n, *b = c->x[1] + pair * n;
    real factor =
        (real)((double)scale * pull(l->self, c->kept[pair], c->x[2][pair] == 1));
    for (int side = 0; side < 2; side++) {
      if (!c->dx[side]) continue;
      real *dx = c->dx[side] + pair * n, signed_factor = side == 0 ? factor : -factor;
      c->kernels->sub(n, a, b, dx);
      c->kernels->scale(n, signed_factor, dx, dx);
    }
  }
}

static void backward(const layer *l, const layer_call *c) {
  real scale = (real)((double)c->dy[0][0] / (double)c->batch);
  if (c->dx[0] || c->dx[1])
    sums_run_back(l, c, c->batch, grain(l), scale, backward_pairs);
  if (c->dx[2]) c->kernels->fill(c->batch, 0, c->dx[2]);
}

const layer_type layer_contrastive_loss = {
    .name = "contrastive_loss",
    .help = "of (a, b, label), with d the distance of a and b: 1 / (2 batch) times the "
            "sum of d^2 for similar pairs (label 1) and max(0, margin - d)^2 for others "
            "(label 0)",
    .example = "y:contrastive_loss { y:linear { 3 }, nn.label {}, margin = 1 }",
    .options = options,
    .size = sizeof(contrastive_loss),
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = LAYER_LOSS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
