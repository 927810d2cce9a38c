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
  lander_status status = pool_setup(l, error);
  if (status == LANDER_OK) l->scratch = (self->pool.window.out[1] + 63) / 64 * 64;
  return status;
}

/* y[j] = x[j] / the size of window j, for a row of windows. */
static void divide_row(const avg_pool *self, pool_span rows, const real *x, real *y) {
  const window *w = &self->pool.window;
  for (int64_t j = 0; j < w->out[1]; j++) {
    pool_span s = pool_span_at(w, 1, j);
    int64_t size = self->divisor == VALID ? (rows.end - rows.begin) * (s.end - s.begin)
                                          : rows.padded * s.padded;
    y[j] = x[j] / (real)size;
  }
}

/* Row by row of windows: all that lies under one place of the kernel, then the next. */
static void forward_plane(const layer *l, const layer_call *c, int64_t plane,
                          real *scratch) {
  (void)scratch;
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const real *x = c->x[0] + plane * self->pool.in;
  real *y = c->y[0] + plane * self->pool.out;
  c->kernels->fill(self->pool.out, 0, y);
  for (int64_t row = 0; row < w->out[0]; row++, y += w->out[1]) {
    pool_span rows = pool_span_at(w, 0, row);
    for (int64_t i = rows.begin; i < rows.end; i++)
      for (int64_t j = 0; j < w->kernel[1]; j++) {
        window_span s = window_inside(w, 1, j);
        c->kernels->add_steps(s.end - s.begin, w->stride[1], x + i * w->in[1] + s.first,
                              y + s.begin);
      }
    divide_row(self, rows, y, y);
  }
}

/* Each window's part goes to all its places; scratch has the parts of a row. */
static void backward_plane(const layer *l, const layer_call *c, int64_t plane,
                           real *part) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const real *dy = c->dy[0] + plane * self->pool.out;
  real *dx = c->dx[0] + plane * self->pool.in;
  c->kernels->fill(self->pool.in, 0, dx);
  for (int64_t row = 0; row < w->out[0]; row++, dy += w->out[1]) {
    pool_span rows = pool_span_at(w, 0, row);
    divide_row(self, rows, dy, part);
    for (int64_t i = rows.begin; i < rows.end; i++)
      for (int64_t j = 0; j < w->kernel[1]; j++) {
        window_span s = window_inside(w, 1, j);
        c->kernels->add_to_steps(s.end - s.begin, w->stride[1], part + s.begin,
                                 dx + i * w->in[1] + s.first);
      }
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
