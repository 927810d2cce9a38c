/* conv.c: convolution, as the networks' literature calls it (a cross-correlation), over
 * images or sequences: for each image im2col, then one matrix product. */
#include "im2col.h"
#include "images.h"

typedef struct conv {
  int outputs;
  lander_ints kernel, stride, pad, dilation;
  int groups;
  bool bias;
  filler weight_filler, bias_filler;
  /* worked out: */
  window window;
  bool is_product;      /* 1 x 1 without steps: the image is its own matrix */
  int64_t in, out;      /* numbers of one image */
  int64_t positions;    /* of the window */
  int64_t group_in;     /* channels that an output sees */
  int64_t group_out;    /* outputs of a group */
  int64_t group_kernel; /* numbers that an output sums up: group_in * kh * kw */
} conv;

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

  /* Threads' blocks on cache lines of their own. */
  if (!self->is_product)
    l->scratch = (self->group_kernel * self->positions + 63) / 64 * 64;
  l->partial = self->outputs * self->group_kernel + self->outputs;
  l->partial_pieces = partial_pieces(l->partial);
  l->multiply_adds = self->out * self->group_kernel;
  return LANDER_OK;
}

/* The matrix of one group of one image, (group_kernel, positions). */
static const real *columns_of(const conv *self, const kernels *k, const real *x,
                              real *scratch) {
  if (self->is_product) return x;
  im2col(&self->window, k, self->group_in, x, scratch);
  return scratch;
}

/* ---- forward --------------------------------------------------------------------- */

static void forward_image(const layer *l, const layer_call *c, int64_t image,
                          real *scratch) {
  const conv *self = l->self;
  const real *x = c->x[0] + image * self->in; /* (channels, height, width) */
  real *y = c->y[0] + image * self->out;      /* (outputs, positions) */
  int64_t k = self->group_kernel, p = self->positions;
  for (int64_t g = 0; g < self->groups; g++) {
    const real *columns =
        columns_of(self, c->kernels, x + g * (self->in / self->groups), scratch);
    gemm(GEMM_N, GEMM_N, self->group_out, p, k, 1, c->w[0] + g * self->group_out * k, k,
         columns, p, 0, y + g * self->group_out * p, p);
  }
  for (int64_t o = 0; self->bias && o < self->outputs; o++)
    c->kernels->add_scalar(p, c->w[1][o], y + o * p, y + o * p);
}

static void forward(const layer *l, const layer_call *c) {
  images_forward(l, c, forward_image);
}

/* ---- backward -------------------------------------------------------------------- */

/* Adds an image's part of dw to a piece's sums (the first image writes them): weights
 * first, then biases. */
static void add_gradients(const layer *l, const layer_call *c, int64_t image, bool first,
                          real *scratch, real *sums) {
  const conv *self = l->self;
  const real *x = c->x[0] + image * self->in;
  const real *dy = c->dy[0] + image * self->out;
  int64_t k = self->group_kernel, p = self->positions;
  for (int64_t g = 0; c->dw[0] && g < self->groups; g++) {
    const real *columns =
        columns_of(self, c->kernels, x + g * (self->in / self->groups), scratch);
    gemm(GEMM_N, GEMM_T, self->group_out, k, p, 1, dy + g * self->group_out * p, p,
         columns, p, first ? 0 : 1, sums + g * self->group_out * k, k);
  }
  real *bias_sums = sums + self->outputs * k;
  for (int64_t o = 0; self->bias && c->dw[1] && o < self->outputs; o++) {
    real sum = (real)c->kernels->sum(p, dy + o * p);
    bias_sums[o] = first ? sum : bias_sums[o] + sum;
  }
}

static void image_gradient(const layer *l, const layer_call *c, int64_t image,
                           real *scratch) {
  const conv *self = l->self;
  real *dx = c->dx[0] + image * self->in;
  const real *dy = c->dy[0] + image * self->out;
  int64_t k = self->group_kernel, p = self->positions;
  for (int64_t g = 0; g < self->groups; g++) {
    real *group_dx = dx + g * (self->in / self->groups);
    gemm(GEMM_T, GEMM_N, k, p, self->group_out, 1, c->w[0] + g * self->group_out * k, k,
         dy + g * self->group_out * p, p, 0, self->is_product ? group_dx : scratch, p);
    if (!self->is_product)
      col2im(&self->window, c->kernels, self->group_in, scratch, group_dx);
  }
}

static void backward_image(const layer *l, const layer_call *c, int64_t image, bool first,
                           real *scratch, real *sums) {
  add_gradients(l, c, image, first, scratch, sums);
  if (c->dx[0]) image_gradient(l, c, image, scratch);
}

static void backward(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  images_backward(l, c, backward_image, self->outputs * self->group_kernel,
                  self->bias ? self->outputs : 0);
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
