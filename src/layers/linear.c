/* linear.c: y = x W^T + b, every output sees every input (Caffe's InnerProduct). */
#include "axis.h"
#include "dense.h"

typedef struct linear {
  int outputs, axis;
  bool bias;
  filler weight_filler, bias_filler;
  int64_t rows, fan_in; /* rows of a sample, numbers in each */
} linear;

static const lander_option options[] = {
    OPTION_INT(linear, outputs, NULL, 1, 1 << 24, 1, "how many numbers come out"),
    OPTION_AXIS(linear, "1",
                "the first dimension that is multiplied; those before it stay, and all "
                "their places have the same weights"),
    OPTION_BOOL(linear, bias, "true", "whether a learnt bias is added"),
    OPTION_FILLER(linear, weight_filler, "xavier", "initial values of the weights"),
    OPTION_FILLER(linear, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

/* Rows are what comes before the axis. A number by itself is a row of one. */
static lander_status set_shapes(layer *l, lander_error *error) {
  linear *self = l->self;
  axis first = {.dim = 0, .outer = 1};
  if (l->in[0].dims > 0) {
    lander_status status = axis_setup(l, self->axis, &first, error);
    if (status != LANDER_OK) return status;
  }
  self->rows = first.outer;
  self->fan_in = shape_count(&l->in[0]) / self->rows;
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->out[0].dims = first.dim + 1;
  l->out[0].size[first.dim] = self->outputs;
  return layer_check_size(l, "the weight", (double)self->outputs * (double)self->fan_in,
                          error);
}

static lander_status setup(layer *l, lander_error *error) {
  linear *self = l->self;
  lander_status status = set_shapes(l, error);
  if (status != LANDER_OK) return status;
  status = layer_check_size(l, "the output", (double)self->rows * self->outputs, error);
  if (status != LANDER_OK) return status;
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
  dense_setup(l, self->outputs);
  l->y_unread = true;
  l->multiply_adds = self->rows * self->outputs * self->fan_in;
  return LANDER_OK;
}

static dense rows_of(const linear *self, const layer_call *c) {
  return (dense){.rows = c->batch * self->rows,
                 .inputs = self->fan_in,
                 .outputs = self->outputs,
                 .x = c->x[0],
                 .weight = c->w[0],
                 .bias = self->bias ? c->w[1] : NULL};
}

static void forward(const layer *l, const layer_call *c) {
  dense d = rows_of(l->self, c);
  dense_forward(c, &d, c->y[0]);
}

static void backward(const layer *l, const layer_call *c) {
  const linear *self = l->self;
  dense d = rows_of(self, c);
  dense_backward(l, c, &d, c->dy[0], c->dx[0], c->dw[0], self->bias ? c->dw[1] : NULL);
}

const layer_type layer_linear = {
    .name = "linear",
    .help = "every output is a weighted sum of all inputs, or with axis = -1 of those of "
            "the last dimension: y = x W^T + b",
    .example = "nn.linear { 500 }",
    .options = options,
    .size = sizeof(linear),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
