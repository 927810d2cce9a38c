/* bias.c: a number for each channel is added, learnt or given by a second input (Caffe's
 * Bias). */
#include "axis.h"
#include "spread.h"

#include "elementwise.h"

typedef struct bias {
  int axis, num_axes;
  filler bias_filler;
  spread spread;
} bias;

static const lander_option options[] = {
    OPTION_SPREAD(bias),
    OPTION_FILLER(bias, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  bias *self = l->self;
  spread *s = &self->spread;
  lander_status status = spread_setup(l, self->axis, self->num_axes, s, error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = l->in[0];
  if (s->given) return LANDER_OK;
  l->weights = 1;
  l->weight[0] = (layer_weight){.name = "bias",
                                .shape = s->shape,
                                .filler = self->bias_filler,
                                .fan_in = s->count,
                                .fan_out = s->count};
  return LANDER_OK;
}

static void apply(const layer *l, const layer_call *c, int64_t begin, int64_t end) {
  const bias *self = l->self;
  const spread *s = &self->spread;
  for (int64_t row = begin; row < end; row++) {
    int64_t at = row * s->count * s->inner;
    const real *b = spread_row(s, s->given, s->given ? c->x[1] : c->w[0], row);
    spread_add(s, c->kernels, c->x[0] + at, b, c->y[0] + at);
  }
}

static void forward(const layer *l, const layer_call *c) {
  const bias *self = l->self;
  spread_run(&self->spread, l, c, apply);
}

static void backward(const layer *l, const layer_call *c) {
  const bias *self = l->self;
  const spread *s = &self->spread;
  if (c->dx[0]) elementwise_run(l, c, elementwise_copy_back);
  if (s->given && c->dx[1]) spread_sum(s, true, c, c->dy[0], NULL, 0, c->dx[1]);
  if (!s->given && c->dw[0]) spread_sum(s, false, c, c->dy[0], NULL, c->beta, c->dw[0]);
}

const layer_type layer_bias = {
    .name = "bias",
    .help = "a number for each channel is added: y[c, p] = x[c, p] + b[c]; they are "
            "learnt, or each sample has its own when they are a second input",
    .example = "nn.bias {}",
    .options = options,
    .size = sizeof(bias),
    .min_inputs = 1,
    .max_inputs = 2,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
