/* conv.c: convolution, as the networks' literature calls it (a cross-correlation), over
 * images or sequences. Here is chosen how its passes are computed; conv_direct.c,
 * conv_winograd.c, conv_depth.c and conv_product.c do the sums. */
#include "conv.h"

#define SIZE_MAX_OPTION (1 << 20)

static const lander_option options[] = {
    OPTION_INT(conv, outputs, NULL, 1, 1 << 24, 1, "how many channels come out"),
    OPTION_INTS(conv, kernel, NULL, 1, SIZE_MAX_OPTION, 2,
                "size of the window: one number, or height,width"),
    OPTION_INTS(conv, stride, "1", 1, SIZE_MAX_OPTION, 0, "steps of the window"),
    OPTION_INTS(conv, pad, "0", 0, SIZE_MAX_OPTION, 0, "zeros around the input"),
    OPTION_INTS(conv, dilation, "1", 1, SIZE_MAX_OPTION, 0,
                "distance between the places of the window"),
    OPTION_INT(conv, groups, "1", 1, 1 << 24, 0,
               "parts of the channels that don't see each other"),
    OPTION_BOOL(conv, bias, "true", "whether a learnt bias is added"),
    OPTION_FILLER(conv, weight_filler, "xavier", "initial values of the weights"),
    OPTION_FILLER(conv, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

/* Sums over the batch are taken in this many pieces, or fewer so that the pieces' blocks
 * do not take too much memory. */
#define MOST_PIECES   16
#define LEAST_PIECES  4
#define PARTIAL_TOTAL ((int64_t)1 << 21)

static int partial_pieces(int64_t partial) {
  int64_t fit = PARTIAL_TOTAL / partial;
  return (int)(fit > MOST_PIECES ? MOST_PIECES : fit < LEAST_PIECES ? LEAST_PIECES : fit);
}

static lander_status check_groups(const layer *l, int64_t channels, lander_error *error) {
  const conv *self = l->self;
  if (channels % self->groups == 0 && self->outputs % self->groups == 0) return LANDER_OK;
  return error_set(error, LANDER_ERROR_SHAPE,
                   "conv: %lld channels and %d outputs must both be divisible by groups, "
                   "which is %d",
                   (long long)channels, self->outputs, self->groups);
}

/* Whether all products of sizes below can be taken as integers. */
static lander_status check_sizes(const layer *l, lander_error *error) {
  const conv *self = l->self;
  const window *w = &self->window;
  double kernel = (double)w->kernel[0] * (double)w->kernel[1] * (double)l->in[0].size[0];
  double positions = (double)w->out[0] * (double)w->out[1];
  lander_status status = layer_check_size(l, "the weight", kernel * self->outputs, error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "an image as a matrix", kernel * positions, error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "an output", positions * self->outputs, error);
  return status;
}

static void declare_weights(layer *l) {
  conv *self = l->self;
  const window *w = &self->window;
  int64_t places = w->kernel[0] * w->kernel[1];
  int64_t fan_out = places * self->group_out;
  shape weight = {4, {self->outputs, self->group_in, w->kernel[0], w->kernel[1]}};
  if (l->in[0].dims == 2)
    weight = (shape){3, {self->outputs, self->group_in, w->kernel[1]}};
  l->weight[0] = (layer_weight){.name = "weight",
                                .shape = weight,
                                .filler = self->weight_filler,
                                .fan_in = self->group_kernel,
                                .fan_out = fan_out};
  l->weight[1] = (layer_weight){.name = "bias",
                                .shape = {1, {self->outputs}},
                                .filler = self->bias_filler,
                                .fan_in = self->group_kernel,
                                .fan_out = fan_out};
  l->weights = self->bias ? 2 : 1;
}

static bool is_product(const window *w) {
  bool product = true;
  for (int side = 0; side < 2; side++)
    product &= w->kernel[side] == 1 && w->stride[side] == 1 && w->pad[side] == 0;
  return product;
}

/* ---- which way -------------------------------------------------------------------- */

/* Sums with more terms than this are products, which pack their matrices once for many
 * columns, where each block of sums would read weights from far away. */
#define MOST_TERMS 2304

window conv_turned(const window *w) {
  window t = *w;
  for (int side = 0; side < 2; side++) {
    t.in[side] = w->out[side];
    t.out[side] = w->in[side];
    t.pad[side] = w->dilation[side] * (w->kernel[side] - 1) - w->pad[side];
  }
  return t;
}

/* Multiplications of a group's pass, with nothing saved. */
static double multiplications(const conv *self, const window *w) {
  return (double)(w->out[0] * w->out[1]) * (double)self->group_kernel *
         (double)self->group_out;
}

static const conv_way *choose_ahead(const conv *self) {
  const window *w = &self->window;
  if (conv_depth_wins(self)) return &conv_planes;
  if (conv_winograd_wins(w, self->group_in, self->group_out, multiplications(self, w)))
    return &conv_points;
  bool sums = !self->is_product && self->group_kernel <= MOST_TERMS;
  return sums ? &conv_sums : &conv_products;
}

/* Windows that move by more than one leave holes in the gradient of the image, which a
 * sum over all taps would not skip. And where the image is larger than the output, many
 * of its sums are over zeros around the output's gradient. Products do not take these,
 * but adding up their columns takes about as long as so many terms. */
#define SPREAD_TERMS 32

static const conv_way *choose_back(const conv *self) {
  const window *w = &self->window, back = conv_turned(w);
  if (conv_depth_wins(self)) return &conv_planes;
  double sums = multiplications(self, &back), products = multiplications(self, w);
  products *= 1 + SPREAD_TERMS / (double)self->group_out;
  bool in_sums = w->stride[0] == 1 && w->stride[1] == 1 && sums < products;
  if (conv_winograd_wins(&back, self->group_out, self->group_in,
                         in_sums ? sums : products))
    return &conv_points;
  in_sums &= !self->is_product && self->group_kernel <= MOST_TERMS;
  return in_sums ? &conv_sums : &conv_products;
}

void conv_want(layer *l, int64_t scratch, int64_t workspace) {
  scratch = (scratch + 63) / 64 * 64;
  if (l->scratch < scratch) l->scratch = scratch;
  if (l->workspace < workspace) l->workspace = workspace;
}

static lander_status setup(layer *l, lander_error *error) {
  conv *self = l->self;
  window *w = &self->window;
  window_options o = {.kernel = &self->kernel,
                      .stride = &self->stride,
                      .pad = &self->pad,
                      .dilation = &self->dilation};
  lander_status status = window_setup(l, &o, w, error);
  if (status == LANDER_OK) status = check_groups(l, l->in[0].size[0], error);
  if (status == LANDER_OK) status = check_sizes(l, error);
  if (status != LANDER_OK) return status;

  self->is_product = is_product(w);
  self->in = shape_count(&l->in[0]);
  self->positions = w->out[0] * w->out[1];
  self->out = self->outputs * self->positions;
  self->group_in = l->in[0].size[0] / self->groups;
  self->group_out = self->outputs / self->groups;
  self->group_kernel = self->group_in * w->kernel[0] * w->kernel[1];
  l->outputs = 1;
  l->out[0] = window_shape(l, w, self->outputs);
  declare_weights(l);

  l->partial = self->outputs * self->group_kernel + self->outputs;
  l->partial_pieces = partial_pieces(l->partial);
  l->y_unread = true;
  l->multiply_adds = self->out * self->group_kernel;
  for (int pass = 0; pass < CONV_PASSES; pass++) {
    self->way[pass] = pass == CONV_IMAGE ? choose_back(self) : choose_ahead(self);
    self->way[pass]->setup(l, pass);
  }
  return LANDER_OK;
}

/* ---- the passes ------------------------------------------------------------------- */

void conv_bias_gradient(const layer *l, const layer_call *c, int64_t begin, int64_t end,
                        real *sums) {
  const conv *self = l->self;
  if (!self->bias || !c->dw[1]) return;
  real *to = sums + self->outputs * self->group_kernel;
  for (int64_t o = 0; o < self->outputs; o++) {
    double sum = 0;
    for (int64_t image = begin; image < end; image++)
      sum += c->kernels->sum(self->positions,
                             c->dy[0] + image * self->out + o * self->positions);
    to[o] = (real)sum;
  }
}

void conv_sum_pieces(const layer *l, const layer_call *c, int pieces) {
  const conv *self = l->self;
  int64_t weights = self->outputs * self->group_kernel;
  if (c->dw[0]) layer_sum_partials(l, c, pieces, 0, weights, c->dw[0]);
  if (self->bias && c->dw[1])
    layer_sum_partials(l, c, pieces, weights, self->outputs, c->dw[1]);
}

static void forward(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  self->way[CONV_FORWARD]->run[CONV_FORWARD](l, c);
}

static void backward(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  if (c->dw[0] || (self->bias && c->dw[1]))
    self->way[CONV_WEIGHTS]->run[CONV_WEIGHTS](l, c);
  if (c->dx[0]) self->way[CONV_IMAGE]->run[CONV_IMAGE](l, c);
}

const layer_type layer_conv = {
    .name = "conv",
    .help = "convolution: every output channel is a window of learnt weights that moves "
            "over the input, y[o, p] = sum over c, q of W[o, c, q] x[c, stride p + "
            "dilation q - pad] + b[o]",
    .example = "nn.conv { 20, kernel = 5, stride = 1, pad = 2 }",
    .options = options,
    .size = sizeof(conv),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
