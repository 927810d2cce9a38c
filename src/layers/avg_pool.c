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

/* ---- scratch: the sizes of a row's windows, and a row at work ---- */

static lander_status setup(layer *l, lander_error *error) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  lander_status status = pool_setup(l, error);
  if (status == LANDER_OK)
    l->scratch = (pool_round_up(w->out[1]) + pool_row_size(w) + 63) / 64 * 64;
  return status;
}

/* The part of a window's size that is along this side. */
static real size_at(const avg_pool *self, int side, int64_t at) {
  pool_span s = pool_span_at(&self->pool.window, side, at);
  return (real)(self->divisor == VALID ? s.end - s.begin : s.padded);
}

static void fill_sizes(const avg_pool *self, real *size) {
  for (int64_t j = 0; j < self->pool.window.out[1]; j++) size[j] = size_at(self, 1, j);
}

/* ---- forward ---- */

/* The sum of the rows of a row of windows, between zeros. */
static void sum_rows(const window *w, const kernels *k, pool_span rows, const real *x,
                     real *sum) {
  int64_t width = w->in[1];
  k->copy_2d(1, width, x + rows.begin * width, width, sum, width);
  for (int64_t i = rows.begin + 1; i < rows.end; i++)
    k->add(width, sum, x + i * width, sum);
}

static void forward_plane(const layer *l, const layer_call *c, int64_t plane,
                          real *size) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const real *x = c->x[0] + plane * self->pool.in;
  real *y = c->y[0] + plane * self->pool.out, *sum = size + pool_round_up(w->out[1]);
  fill_sizes(self, size);
  c->kernels->fill(pool_row_size(w), 0, sum);
  for (int64_t row = 0; row < w->out[0]; row++, y += w->out[1]) {
    sum_rows(w, c->kernels, pool_span_at(w, 0, row), x, sum + w->pad[1]);
    c->kernels->mean_windows(w->out[1], w->kernel[1], w->stride[1], sum, size,
                             size_at(self, 0, row), y);
  }
}

/* ---- backward ---- */

/* What a row of windows gives to each of the rows that it covers is the same. */
static void backward_plane(const layer *l, const layer_call *c, int64_t plane,
                           real *size) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const kernels *k = c->kernels;
  const real *dy = c->dy[0] + plane * self->pool.out;
  real *dx = c->dx[0] + plane * self->pool.in, *spread = size + pool_round_up(w->out[1]);
  int64_t width = w->in[1];
  fill_sizes(self, size);
  k->fill(self->pool.in, 0, dx);
  k->fill(pool_row_size(w), 0, spread);
  for (int64_t row = 0; row < w->out[0]; row++, dy += w->out[1]) {
    pool_span rows = pool_span_at(w, 0, row);
    k->spread_windows(w->out[1], w->kernel[1], w->stride[1], dy, size,
                      size_at(self, 0, row), spread);
    k->add_2d(rows.end - rows.begin, width, spread + w->pad[1], 0,
              dx + rows.begin * width, width);
  }
}

static void forward(const layer *l, const layer_call *c) {
  pool_run(l, c, forward_plane);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) pool_run(l, c, backward_plane);
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
