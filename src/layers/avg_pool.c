/* avg_pool.c: the mean of every window. */
#include "pool.h"

typedef struct avg_pool {
  pool_layer pool;
  int divisor;
} avg_pool;

enum { PADDED, VALID };

static const char *const divisors[] = {"padded", "valid", NULL};

static const lander_option options[] = {
    POOL_OPTIONS(pool_layer),
    OPTION_CHOICE(avg_pool, divisor, "padded", divisors,
                  "what a sum is divided by: the window's places with the padding (as "
                  "Caffe and PyTorch), or those inside the input"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  lander_status status = pool_setup(l, error);
  if (status != LANDER_OK) return status;
  l->workspace = pool_round_up(w->out[1]);
  l->scratch = (w->out[0] * pool_row_size(w) + 63) / 64 * 64;
  return LANDER_OK;
}

/* The part of a window's size that is along this side. */
static real size_at(const avg_pool *self, int side, int64_t at) {
  pool_span s = pool_span_at(&self->pool.window, side, at);
  return (real)(self->divisor == VALID ? s.end - s.begin : s.padded);
}

/* All planes, when the sizes of a row's windows are in the workspace, with ones behind
 * them. */
static void run(const layer *l, const layer_call *c, pool_body body) {
  const avg_pool *self = l->self;
  int64_t windows = self->pool.window.out[1];
  c->kernels->fill(pool_round_up(windows), 1, c->workspace);
  for (int64_t j = 0; j < windows; j++) c->workspace[j] = size_at(self, 1, j);
  pool_run(l, c, body);
}

/* ---- a plane: rows of windows are laid out between zeros, then worked on ----------- */

static void forward_plane(const layer *l, const layer_call *c, int64_t plane,
                          real *sums) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const kernels *k = c->kernels;
  const real *x = c->x[0] + plane * self->pool.in;
  real *y = c->y[0] + plane * self->pool.out;
  int64_t width = w->in[1], step = pool_row_size(w);
  k->fill(w->out[0] * step, 0, sums);
  for (int64_t row = 0; row < w->out[0]; row++) {
    pool_span rows = pool_span_at(w, 0, row);
    k->add_up(rows.end - rows.begin, width, x + rows.begin * width, width,
              sums + row * step + w->pad[1]);
  }
  for (int64_t row = 0; row < w->out[0]; row++)
    k->mean_windows(w->out[1], w->kernel[1], w->stride[1], sums + row * step,
                    c->workspace, size_at(self, 0, row), y + row * w->out[1]);
}

/* The rows of windows that cover a row of the image: [begin, end). */
typedef struct cover {
  int64_t begin, end;
} cover;

static cover cover_of(const window *w, int64_t row) {
  int64_t place = row + w->pad[0], beyond = place - w->kernel[0];
  cover c = {.begin = beyond < 0 ? 0 : beyond / w->stride[0] + 1,
             .end = place / w->stride[0] + 1};
  if (c.end > w->out[0]) c.end = w->out[0];
  if (c.begin > c.end) c.begin = c.end;
  return c;
}

/* Where the rows end, from `row` on, that the same windows cover. */
static int64_t end_of_cover(const window *w, int64_t row, cover c) {
  for (row++; row < w->in[0]; row++) {
    cover other = cover_of(w, row);
    if (other.begin != c.begin || other.end != c.end) break;
  }
  return row;
}

/* A row of windows gives the same to each of the rows that it covers; these get the sum
 * of what all that cover them give. */
static void backward_plane(const layer *l, const layer_call *c, int64_t plane,
                           real *spread) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const kernels *k = c->kernels;
  const real *dy = c->dy[0] + plane * self->pool.out;
  int64_t width = w->in[1], step = pool_row_size(w), end;
  k->fill(w->out[0] * step, 0, spread);
  for (int64_t row = 0; row < w->out[0]; row++)
    k->spread_windows(w->out[1], w->kernel[1], w->stride[1], dy + row * w->out[1],
                      c->workspace, size_at(self, 0, row), spread + row * step);
  for (int64_t row = 0; row < w->in[0]; row = end) {
    cover by = cover_of(w, row);
    real *dx = c->dx[0] + plane * self->pool.in + row * width;
    end = end_of_cover(w, row, by);
    k->add_up(by.end - by.begin, width, spread + by.begin * step + w->pad[1], step, dx);
    k->copy_2d(end - row - 1, width, dx, 0, dx + width, width);
  }
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_plane);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_plane);
}

const layer_type layer_avg_pool = {
    .name = "avg_pool",
    .help = "the mean of every window: y[p] = sum over q of x[stride p + q - pad] / n",
    .example = "nn.avg_pool { 2, stride = 2 }",
    .options = options,
    .size = sizeof(avg_pool),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
