/* max_pool.c: the largest number of every window. A NaN in a window comes out of it. */
#include "pool.h"

#include <math.h>

static const lander_option options[] = {POOL_OPTIONS(pool_layer), OPTION_END};

/* Places are kept as reals, which hold whole numbers up to this exactly. */
#define MOST_PLACES ((int64_t)1 << 24)

/* Numbers that are copied at a time, if the rows that a window sees have not more: they
 * stay in the first cache. */
#define COPIED 4096

/* How many rows of windows that is for, and the rows of the image that these see. */
static int64_t band_of(const window *w) {
  int64_t rows = COPIED / pool_row_size(w) - w->kernel[0];
  return rows < 0 ? 1 : rows / w->stride[0] + 1;
}

static int64_t band_rows(const window *w) {
  int64_t rows = (band_of(w) - 1) * w->stride[0] + w->kernel[0];
  return rows < w->in[0] ? rows : w->in[0];
}

static lander_status setup(layer *l, lander_error *error) {
  const pool_layer *self = l->self;
  lander_status status = pool_setup(l, error);
  if (status != LANDER_OK) return status;
  if (self->in > MOST_PLACES)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "max_pool: an image of %lld numbers a channel, at most %lld can be",
                     (long long)self->in, (long long)MOST_PLACES);
  l->kept = self->planes * self->out;
  l->scratch = (band_rows(&self->window) * pool_row_size(&self->window) + 63) / 64 * 64;
  return LANDER_OK;
}

/* The window of most nets: 2 x 2, side by side. */
static bool is_2x2(const window *w) {
  bool is = true;
  for (int side = 0; side < 2; side++)
    is &= w->kernel[side] == 2 && w->stride[side] == 2 && w->pad[side] == 0 &&
          w->out[side] == w->in[side] / 2;
  return is;
}

/* Whether windows lie inside of the image, and are as many as are done at a time. */
static bool is_plain(const window *w) {
  pool_whole whole = pool_whole_of(w, 1);
  return whole.end - whole.begin == w->out[1] && w->out[1] >= 8;
}

/* Row number `row` of windows; `image` begins with its row number `top`, and rows lie
 * `width` apart. */
static void forward_row(const window *w, const kernels *k, int64_t row, const real *image,
                        int64_t top, int64_t width, real *y, real *kept) {
  pool_span rows = pool_span_at(w, 0, row);
  int64_t first = rows.begin * w->in[1];
  k->max_windows(&(pool_windows){.count = w->out[1],
                                 .rows = rows.end - rows.begin,
                                 .columns = w->kernel[1],
                                 .step = w->stride[1],
                                 .width = width,
                                 .places = w->in[1],
                                 .place = first - w->pad[1],
                                 .lowest = first},
                 image + (rows.begin - top) * width, y + row * w->out[1],
                 kept + row * w->out[1]);
}

/* Where windows hang over the sides, what they see is copied, some rows of windows at a
 * time, between what is never larger. */
static void forward_copied(const window *w, const kernels *k, const real *image,
                           real *scratch, real *y, real *kept) {
  int64_t width = pool_row_size(w), band = band_of(w), height = w->out[0];
  k->fill(band_rows(w) * width, -(real)INFINITY, scratch);
  for (int64_t row = 0; row < height; row += band) {
    int64_t end = row + band < height ? row + band : height;
    int64_t first = pool_span_at(w, 0, row).begin;
    int64_t rows = pool_span_at(w, 0, end - 1).end - first;
    k->copy_2d(rows, w->in[1], image + first * w->in[1], w->in[1], scratch + w->pad[1],
               width);
    for (int64_t i = row; i < end; i++)
      forward_row(w, k, i, scratch, first, width, y, kept);
  }
}

static void forward_plane(const layer *l, const layer_call *c, int64_t plane,
                          real *scratch) {
  const pool_layer *self = l->self;
  const window *w = &self->window;
  const kernels *k = c->kernels;
  const real *x = c->x[0] + plane * self->in;
  real *y = c->y[0] + plane * self->out, *kept = c->kept + plane * self->out;
  if (is_2x2(w))
    k->max_pool_2x2(w->out[0], w->out[1], w->in[1], x, y, kept);
  else if (!is_plain(w))
    forward_copied(w, k, x, scratch, y, kept);
  else
    for (int64_t i = 0; i < w->out[0]; i++) forward_row(w, k, i, x, 0, w->in[1], y, kept);
}

static void backward_plane(const layer *l, const layer_call *c, int64_t plane,
                           real *scratch) {
  (void)scratch;
  const pool_layer *self = l->self;
  const window *w = &self->window;
  const real *dy = c->dy[0] + plane * self->out, *kept = c->kept + plane * self->out;
  real *dx = c->dx[0] + plane * self->in;
  bool fast = is_2x2(w);
  if (!fast || self->in != 4 * self->out) c->kernels->fill(self->in, 0, dx);
  if (fast) {
    c->kernels->max_pool_2x2_back(w->out[0], w->out[1], w->in[1], kept, dy, dx);
    return;
  }
  for (int64_t i = 0; i < self->out; i++) dx[(int64_t)kept[i]] += dy[i];
}

static void forward(const layer *l, const layer_call *c) {
  pool_run(l, c, forward_plane);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) pool_run(l, c, backward_plane);
}

const layer_type layer_max_pool = {
    .name = "max_pool",
    .help = "the largest number of every window: y[p] = max over q of x[stride p + q - "
            "pad]; padding is never the largest",
    .example = "nn.max_pool { 2, stride = 2 }",
    .options = options,
    .size = sizeof(pool_layer),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
