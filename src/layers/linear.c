/* linear.c: y = x W^T + b, every output sees every input (Caffe's InnerProduct). */
#include "layer.h"

typedef struct linear {
  int outputs;
  bool bias;
  filler weight_filler, bias_filler;
  int64_t fan_in; /* numbers in a sample of the input, whatever its shape */
} linear;

static const lander_option options[] = {
    OPTION_INT(linear, outputs, NULL, 1, 1 << 24, 1, "how many numbers come out"),
    OPTION_BOOL(linear, bias, "true", "whether a learnt bias is added"),
    OPTION_FILLER(linear, weight_filler, "xavier", "initial values of the weights"),
    OPTION_FILLER(linear, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  linear *self = l->self;
  self->fan_in = shape_count(&l->in[0]);
  lander_status status = layer_check_size(
      l, "the weight", (double)self->outputs * (double)self->fan_in, error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = (shape){1, {self->outputs}};
  l->weight[0] = (layer_weight){.name = "weight",
                                .shape = {2, {self->outputs, self->fan_in}},
                                .filler = self->weight_filler,
                                .fan_in = self->fan_in,
                                .fan_out = self->outputs};
  l->weight[1] = (layer_weight){.name = "bias",
                                .shape = {1, {self->outputs}},
                                .filler = self->bias_filler,
                                .fan_in = self->fan_in,
                                .fan_out = self->outputs};
  l->weights = self->bias ? 2 : 1;
  l->multiply_adds = self->outputs * self->fan_in;
  return LANDER_OK;
}

static void forward(const layer *l, const layer_call *c) {
  const linear *self = l->self;
  const real *x = c->x[0];      /* (batch, fan_in) */
  const real *weight = c->w[0]; /* (outputs, fan_in) */
  real *y = c->y[0];            /* (batch, outputs) */
  gemm_parallel(c->engine, GEMM_N, GEMM_T, c->batch, self->outputs, self->fan_in, 1, x,
                self->fan_in, weight, self->fan_in, 0, y, self->outputs);
  if (self->bias) c->kernels->add_rows(c->batch, self->outputs, c->w[1], y);
}

static void backward(const layer *l, const layer_call *c) {
  const linear *self = l->self;
  const real *x = c->x[0];   /* (batch, fan_in) */
  const real *dy = c->dy[0]; /* (batch, outputs) */
  if (c->dw[0])
    gemm_parallel(c->engine, GEMM_T, GEMM_N, self->outputs, self->fan_in, c->batch, 1, dy,
                  self->outputs, x, self->fan_in, c->beta, c->dw[0], self->fan_in);
  if (self->bias && c->dw[1]) {
    if (c->beta == 0) c->kernels->fill(self->outputs, 0, c->dw[1]);
    c->kernels->sum_rows(c->batch, self->outputs, dy, c->dw[1]);
  }
  if (c->dx[0])
    gemm_parallel(c->engine, GEMM_N, GEMM_N, c->batch, self->fan_in, self->outputs, 1, dy,
                  self->outputs, c->w[0], self->fan_in, 0, c->dx[0], self->fan_in);
}

const layer_type layer_linear = {
    .name = "linear",
    .help = "every output is a weighted sum of all inputs: y = x W^T + b",
    .example = "nn.linear { 500 }",
    .options = options,
    .size = sizeof(linear),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
