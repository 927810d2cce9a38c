/* scale.c: a factor for each channel, learnt or given by a second input (Caffe's Scale).
 */
#include "axis.h"
#include "spread.h"

typedef struct scale {
  int axis, num_axes;
  bool bias;
  filler weight_filler, bias_filler;
  spread spread;
} scale;

static const lander_option options[] = {
    OPTION_SPREAD(scale),
    OPTION_BOOL(scale, bias, "false", "whether a learnt bias is added"),
    OPTION_FILLER_ONE(scale, weight_filler, "constant", "initial values of the factors"),
    OPTION_FILLER(scale, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  scale *self = l->self;
  spread *s = &self->spread;
  lander_status status = spread_setup(l, self->axis, self->num_axes, s, error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = l->in[0];
  layer_weight weight = {.name = "weight",
                         .shape = s->shape,
                         .filler = self->weight_filler,
                         .fan_in = s->count,
                         .fan_out = s->count};
  layer_weight bias = weight;
  bias.name = "bias";
  bias.filler = self->bias_filler;
  if (!s->given) l->weight[l->weights++] = weight;
  if (self->bias) l->weight[l->weights++] = bias;
  l->multiply_adds = shape_count(&l->in[0]);
  return LANDER_OK;
}

/* The place of the bias among the weights. */
static int bias_index(const scale *self) {
  return self->spread.given ? 0 : 1;
}

static const real *factors(const scale *self, const layer_call *c, int64_t row) {
  return spread_row(&self->spread, self->spread.given,
                    self->spread.given ? c->x[1] : c->w[0], row);
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t end) {
  const scale *self = l->self;
  const spread *s = &self->spread;
  for (int64_t row = begin; row < end; row++) {
    int64_t at = row * s->count * s->inner;
    real *y = c->y[0] + at;
    spread_mul(s, c->kernels, c->x[0] + at, factors(self, c, row), y);
    if (self->bias) spread_add(s, c->kernels, y, c->w[bias_index(self)], y);
  }
}

static void apply_back(const layer *l, const layer_call *c, int64_t begin, int64_t end) {
  const scale *self = l->self;
  const spread *s = &self->spread;
  for (int64_t row = begin; row < end; row++) {
    int64_t at = row * s->count * s->inner;
    spread_mul(s, c->kernels, c->dy[0] + at, factors(self, c, row), c->dx[0] + at);
  }
}

static void forward(const layer *l, const layer_call *c) {
  const scale *self = l->self;
  spread_run(&self->spread, l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  const scale *self = l->self;
  const spread *s = &self->spread;
  const real *x = c->x[0], *dy = c->dy[0];
  if (c->dx[0]) spread_run(s, l, c, apply_back);
  if (s->given && c->dx[1]) spread_sum(s, true, c, dy, x, 0, c->dx[1]);
  if (!s->given && c->dw[0]) spread_sum(s, false, c, dy, x, c->beta, c->dw[0]);
  if (self->bias && c->dw[bias_index(self)])
    spread_sum(s, false, c, dy, NULL, c->beta, c->dw[bias_index(self)]);
}

const layer_type layer_scale = {
    .name = "scale",
    .help = "a factor for each channel: y[c, p] = w[c] x[c, p] + b[c]; the factors are "
            "learnt, or each sample has its own when they are a second input",
    .example = "nn.scale { bias = true }",
    .options = options,
    .size = sizeof(scale),
    .min_inputs = 1,
    .max_inputs = 2,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
