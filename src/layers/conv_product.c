/* conv_product.c: convolution as one matrix product an image, of the weights and a matrix
 * whose columns are what the windows see (im2col.h). */
#include "conv.h"

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
  images_each(l, c, forward_image);
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

static void weights(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  images_backward(l, c, add_gradients, self->outputs * self->group_kernel,
                  self->bias ? self->outputs : 0);
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

static void image(const layer *l, const layer_call *c) {
  images_each(l, c, image_gradient);
}

static void setup(layer *l, int pass) {
  const conv *self = l->self;
  (void)pass;
  if (!self->is_product) conv_want(l, self->group_kernel * self->positions, 0);
}

const conv_way conv_products = {
    .setup = setup,
    .run = {[CONV_FORWARD] = forward, [CONV_WEIGHTS] = weights, [CONV_IMAGE] = image}};
