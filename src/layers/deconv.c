/* deconv.c: transposed convolution, which makes images larger: the gradient of conv as a
 * forward pass (Caffe's Deconvolution, PyTorch's ConvTranspose2d). For each image one
 * matrix product, then every column is added where conv would have taken it from. */
#include "im2col.h"
#include "images.h"

#include "../tensor/tensor.h"

typedef struct deconv {
  int outputs;
  lander_ints kernel, stride, pad, output_pad, dilation;
  int groups;
  bool bias;
  filler weight_filler, bias_filler;
  /* worked out: */
  window window;        /* of the conv that goes from the output to the input */
  bool is_product;      /* 1 x 1 without steps: the matrix is its own image */
  int64_t in, out;      /* numbers of one image */
  int64_t positions;    /* places of the input */
  int64_t places;       /* of the output */
  int64_t group_in;     /* channels of a group */
  int64_t group_out;    /* outputs of a group */
  int64_t group_kernel; /* numbers that an input is spread over: group_out * kh * kw */
} deconv;

#define SIZE_MAX_OPTION (1 << 20)

static const lander_option options[] = {
    OPTION_INT(deconv, outputs, NULL, 1, 1 << 24, 1, "how many channels come out"),
    OPTION_INTS(deconv, kernel, NULL, 1, SIZE_MAX_OPTION, 2,
                "size of the window: one number, or height,width"),
    OPTION_INTS(deconv, stride, "1", 1, SIZE_MAX_OPTION, 0,
                "steps of the window over the output"),
    OPTION_INTS(deconv, pad, "0", 0, SIZE_MAX_OPTION, 0,
                "border that is cut off the output"),
    OPTION_INTS(deconv, output_pad, "0", 0, SIZE_MAX_OPTION, 0,
                "places more at the output's end; less than stride or dilation"),
    OPTION_INTS(deconv, dilation, "1", 1, SIZE_MAX_OPTION, 0,
                "distance between the places of the window"),
    OPTION_INT(deconv, groups, "1", 1, 1 << 24, 0,
               "parts of the channels that don't see each other"),
    OPTION_BOOL(deconv, bias, "true", "whether a learnt bias is added"),
    OPTION_FILLER(deconv, weight_filler, "xavier", "initial values of the weights"),
    OPTION_FILLER(deconv, bias_filler, "constant", "initial values of the bias"),
    OPTION_END};

/* ---- shapes ---------------------------------------------------------------------- */

/* Reads a list of one number for all sides, or one for each. A sample without a height
 * has `flat` there. */
static lander_status read_sides(const layer *l, const char *name, const lander_ints *list,
                                int64_t flat, int64_t to[2], lander_error *error) {
  int sides = l->in[0].dims - 1;
  if (list->count > sides)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "deconv: option '%s' must be one number%s for an input with %d "
                     "side%s, got %d",
                     name, sides == 2 ? ", or two: height,width" : "", sides,
                     sides == 1 ? "" : "s", list->count);
  to[0] = sides == 1 ? flat : list->at[0];
  to[1] = list->at[list->count - 1];
  return LANDER_OK;
}

static lander_status output_size(const layer *l, int side, int64_t output_pad,
                                 lander_error *error) {
  deconv *self = l->self;
  window *w = &self->window;
  const char *name = side == 0 ? "height" : "width";
  int64_t more =
      w->stride[side] > w->dilation[side] ? w->stride[side] : w->dilation[side];
  if (output_pad >= more)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "deconv: output_pad %lld of the %s must be less than stride or "
                     "dilation, which is %lld",
                     (long long)output_pad, name, (long long)more);
  w->in[side] = (w->out[side] - 1) * w->stride[side] - 2 * w->pad[side] +
                w->dilation[side] * (w->kernel[side] - 1) + output_pad + 1;
  char found[SHAPE_TEXT];
  if (w->in[side] < 1)
    return error_set(
        error, LANDER_ERROR_SHAPE,
        "deconv: from an input %s, kernel %lld and padding %lld would make an "
        "output of %s %lld; use less padding",
        shape_text(found, l->in[0].dims, l->in[0].size), (long long)w->kernel[side],
        (long long)w->pad[side], name, (long long)w->in[side]);
  return LANDER_OK;
}

static lander_status setup_window(const layer *l, lander_error *error) {
  deconv *self = l->self;
  window *w = &self->window;
  const shape *in = &l->in[0];
  if (in->dims != 2 && in->dims != 3)
    return layer_want_dims(l, 0, 3, "(channels, height, width)", error);
  w->out[0] = in->dims == 2 ? 1 : in->size[1];
  w->out[1] = in->size[in->dims - 1];
  int64_t output_pad[2];
  const struct {
    const char *name;
    const lander_ints *list;
    int64_t flat;
    int64_t *to;
  } lists[] = {{"kernel", &self->kernel, 1, w->kernel},
               {"stride", &self->stride, 1, w->stride},
               {"pad", &self->pad, 0, w->pad},
               {"output_pad", &self->output_pad, 0, output_pad},
               {"dilation", &self->dilation, 1, w->dilation}};
  lander_status status = LANDER_OK;
  for (int i = 0; status == LANDER_OK && i < COUNT_OF(lists); i++)
    status =
        read_sides(l, lists[i].name, lists[i].list, lists[i].flat, lists[i].to, error);
  for (int side = 0; status == LANDER_OK && side < 2; side++)
    status = output_size(l, side, output_pad[side], error);
  return status;
}

static lander_status check_groups(const layer *l, lander_error *error) {
  const deconv *self = l->self;
  int64_t channels = l->in[0].size[0];
  if (channels % self->groups == 0 && self->outputs % self->groups == 0) return LANDER_OK;
  return error_set(
      error, LANDER_ERROR_SHAPE,
      "deconv: %lld channels and %d outputs must both be divisible by groups, "
      "which is %d",
      (long long)channels, self->outputs, self->groups);
}

/* Whether all products of sizes below can be taken as integers. */
static lander_status check_sizes(const layer *l, lander_error *error) {
  const deconv *self = l->self;
  const window *w = &self->window;
  double kernel = (double)w->kernel[0] * (double)w->kernel[1] * self->outputs;
  double positions = (double)w->out[0] * (double)w->out[1];
  double places = (double)w->in[0] * (double)w->in[1];
  lander_status status =
      layer_check_size(l, "the weight", kernel * (double)l->in[0].size[0], error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "an image as a matrix", kernel * positions, error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "an output", places * self->outputs, error);
  return status;
}

static void declare_weights(layer *l) {
  deconv *self = l->self;
  const window *w = &self->window;
  int64_t fan_out = self->group_in * w->kernel[0] * w->kernel[1];
  shape weight = {4, {l->in[0].size[0], self->group_out, w->kernel[0], w->kernel[1]}};
  if (l->in[0].dims == 2)
    weight = (shape){3, {l->in[0].size[0], self->group_out, w->kernel[1]}};
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

/* Sums over the batch are taken in this many pieces, or fewer so that the pieces' blocks
 * do not take too much memory. */
#define MOST_PIECES   16
#define LEAST_PIECES  4
#define PARTIAL_TOTAL ((int64_t)1 << 21)

static int partial_pieces(int64_t partial) {
  int64_t fit = PARTIAL_TOTAL / partial;
  return (int)(fit > MOST_PIECES ? MOST_PIECES : fit < LEAST_PIECES ? LEAST_PIECES : fit);
}

static bool is_product(const window *w) {
  bool product = true;
  for (int side = 0; side < 2; side++)
    product &= w->kernel[side] == 1 && w->stride[side] == 1 && w->pad[side] == 0 &&
               w->in[side] == w->out[side];
  return product;
}

static lander_status setup(layer *l, lander_error *error) {
  deconv *self = l->self;
  window *w = &self->window;
  lander_status status = setup_window(l, error);
  if (status == LANDER_OK) status = check_groups(l, error);
  if (status == LANDER_OK) status = check_sizes(l, error);
  if (status != LANDER_OK) return status;

  self->is_product = is_product(w);
  self->in = shape_count(&l->in[0]);
  self->positions = w->out[0] * w->out[1];
  self->places = w->in[0] * w->in[1];
  self->out = self->outputs * self->places;
  self->group_in = l->in[0].size[0] / self->groups;
  self->group_out = self->outputs / self->groups;
  self->group_kernel = self->group_out * w->kernel[0] * w->kernel[1];
  l->outputs = 1;
  l->out[0] = (shape){3, {self->outputs, w->in[0], w->in[1]}};
  if (l->in[0].dims == 2) l->out[0] = (shape){2, {self->outputs, w->in[1]}};
  declare_weights(l);

  /* Threads' blocks on cache lines of their own. */
  if (!self->is_product)
    l->scratch = (self->group_kernel * self->positions + 63) / 64 * 64;
  l->partial = l->in[0].size[0] * self->group_kernel + self->outputs;
  l->partial_pieces = partial_pieces(l->partial);
  l->multiply_adds = self->in * self->group_kernel;
  return LANDER_OK;
}

/* Numbers of one group: of its input, its output, its weights. */
static int64_t in_of(const deconv *self) {
  return self->group_in * self->positions;
}

static int64_t out_of(const deconv *self) {
  return self->group_out * self->places;
}

static int64_t weights_of(const deconv *self) {
  return self->group_in * self->group_kernel;
}

/* ---- forward --------------------------------------------------------------------- */

static void forward_image(const layer *l, const layer_call *c, int64_t image,
                          real *scratch) {
  const deconv *self = l->self;
  const real *x = c->x[0] + image * self->in; /* (channels, positions) */
  real *y = c->y[0] + image * self->out;      /* (outputs, places) */
  int64_t k = self->group_kernel, p = self->positions;
  for (int64_t g = 0; g < self->groups; g++) {
    real *group_y = y + g * out_of(self);
    gemm(GEMM_T, GEMM_N, k, p, self->group_in, 1, c->w[0] + g * weights_of(self), k,
         x + g * in_of(self), p, 0, self->is_product ? group_y : scratch, p);
    if (!self->is_product)
      col2im(&self->window, c->kernels, self->group_out, scratch, group_y);
  }
  int64_t n = self->places;
  for (int64_t o = 0; self->bias && o < self->outputs; o++)
    c->kernels->add_scalar(n, c->w[1][o], y + o * n, y + o * n);
}

static void forward(const layer *l, const layer_call *c) {
  images_each(l, c, forward_image);
}

/* ---- backward -------------------------------------------------------------------- */

/* One image: its dx, and its part of dw, added to a piece's sums (the first image writes
 * them): weights first, then biases. */
static void backward_image(const layer *l, const layer_call *c, int64_t image, bool first,
                           real *scratch, real *sums) {
  const deconv *self = l->self;
  const real *x = c->x[0] + image * self->in, *dy = c->dy[0] + image * self->out;
  int64_t k = self->group_kernel, p = self->positions;
  for (int64_t g = 0; (c->dx[0] || c->dw[0]) && g < self->groups; g++) {
    const real *columns = dy + g * out_of(self);
    if (!self->is_product) {
      im2col(&self->window, c->kernels, self->group_out, columns, scratch);
      columns = scratch;
    }
    if (c->dx[0])
      gemm(GEMM_N, GEMM_N, self->group_in, p, k, 1, c->w[0] + g * weights_of(self), k,
           columns, p, 0, c->dx[0] + image * self->in + g * in_of(self), p);
    if (c->dw[0])
      gemm(GEMM_N, GEMM_T, self->group_in, k, p, 1, x + g * in_of(self), p, columns, p,
           first ? 0 : 1, sums + g * weights_of(self), k);
  }
  real *bias_sums = sums + self->groups * weights_of(self);
  for (int64_t o = 0; self->bias && c->dw[1] && o < self->outputs; o++) {
    real sum = (real)c->kernels->sum(self->places, dy + o * self->places);
    bias_sums[o] = first ? sum : bias_sums[o] + sum;
  }
}

static void backward(const layer *l, const layer_call *c) {
  const deconv *self = l->self;
  images_backward(l, c, backward_image, self->groups * weights_of(self),
                  self->bias ? self->outputs : 0);
}

const layer_type layer_deconv = {
    .name = "deconv",
    .help =
        "transposed convolution: every number of the input is spread over a window of "
        "the output, y[o, stride p + dilation q - pad] += W[c, o, q] x[c, p], and + "
        "b[o]; size (in - 1) stride - 2 pad + dilation (kernel - 1) + output_pad + 1",
    .example = "nn.deconv { 16, kernel = 4, stride = 2, pad = 1 }",
    .options = options,
    .size = sizeof(deconv),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
