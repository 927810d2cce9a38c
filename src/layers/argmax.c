/* argmax.c: which of the classes have the highest scores. */
#include "axis.h"
#include "elementwise.h"

typedef struct argmax {
  int top_k, axis;
  struct axis at;
} argmax;

static const lander_option options[] = {
    OPTION_INT(argmax, top_k, "1", 1, 1 << 24, 1, "how many of the highest"),
    OPTION_AXIS(argmax, "1", "the dimension of the classes"), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  argmax *self = l->self;
  lander_status status = axis_setup(l, self->axis, &self->at, error);
  if (status != LANDER_OK) return status;
  if (self->top_k > self->at.count)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "argmax: top_k is %d, but there are %lld classes", self->top_k,
                     (long long)self->at.count);
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->out[0].size[self->at.dim] = self->top_k;
  return LANDER_OK;
}

/* Whether score `a` of class i comes before score `b` of class k: NaN before all numbers,
 * then the higher one, then the lower class. */
static bool before(real a, int64_t i, real b, int64_t k) {
  bool a_is_nan = a != a, b_is_nan = b != b;
  if (a_is_nan != b_is_nan) return a_is_nan;
  if (a > b || a < b) return a > b;
  return i < k;
}

/* The best of the classes that come behind class `last`; -1: behind none. */
static int64_t next_best(const axis *at, const real *x, int64_t last) {
  int64_t best = -1, step = at->inner;
  for (int64_t i = 0; i < at->count; i++) {
    if (last >= 0 && !before(x[last * step], last, x[i * step], i)) continue;
    if (best < 0 || before(x[i * step], i, x[best * step], best)) best = i;
  }
  return best;
}

#define GRAIN 4096 /* numbers a piece looks at */

typedef struct job {
  const argmax *argmax;
  const layer_call *call;
  int64_t places;
  int pieces;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const axis *at = &j->argmax->at;
  int64_t begin, end, top_k = j->argmax->top_k;
  parallel_range(j->places, j->pieces, piece, &begin, &end);
  for (int64_t place = begin; place < end; place++) {
    int64_t outer = place / at->inner, inner = place % at->inner, best = -1;
    const real *x = j->call->x[0] + outer * at->count * at->inner + inner;
    real *y = j->call->y[0] + outer * top_k * at->inner + inner;
    for (int64_t k = 0; k < top_k; k++) {
      best = next_best(at, x, best);
      y[k * at->inner] = (real)(best + 1);
    }
  }
}

static void forward(const layer *l, const layer_call *c) {
  const argmax *self = l->self;
  int64_t places = c->batch * self->at.outer * self->at.inner;
  job j = {self, c, places,
           parallel_pieces(places, GRAIN / (self->at.count * self->top_k))};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) elementwise_run(l, c, elementwise_zero_back);
}

const layer_type layer_argmax = {
    .name = "argmax",
    .help =
        "which classes have the top_k highest scores, the highest first; classes "
        "count from one, the lower one first when scores are equal; its gradient is 0",
    .example = "nn.argmax { top_k = 2 }",
    .options = options,
    .size = sizeof(argmax),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
