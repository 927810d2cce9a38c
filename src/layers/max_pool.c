/* max_pool.c: the largest number of every window. A NaN in a window comes out of it. */
#include "pool.h"

static const lander_option options[] = {POOL_OPTIONS(pool_layer), OPTION_END};

/* Places are kept as reals, which hold whole numbers up to this exactly. */
#define MOST_PLACES ((int64_t)1 << 24)

static lander_status setup(layer *l, lander_error *error) {
  const pool_layer *self = l->self;
  lander_status status = pool_setup(l, error);
  if (status != LANDER_OK) return status;
  if (self->in > MOST_PLACES)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "max_pool: an image of %lld numbers a channel, at most %lld can be",
                     (long long)self->in, (long long)MOST_PLACES);
  l->kept = self->planes * self->out;
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

/* Some windows of a row, `count` from number `first` on, that all have the places
 * x.begin .. x.end - 1 of the first one's rows, and the next ones `stride` further. */
static void forward_windows(const window *w, const kernels *k, pool_span rows,
                            pool_span x, int64_t count, const real *plane, real *y,
                            real *kept) {
  int64_t place = rows.begin * w->in[1] + x.begin;
  k->max_windows(&(pool_windows){.count = count,
                                 .rows = rows.end - rows.begin,
                                 .columns = x.end - x.begin,
                                 .step = w->stride[1],
                                 .width = w->in[1],
                                 .place = place},
                 plane + place, y, kept);
}

/* Whole windows at once, those at the edges one by one. */
static void forward_row(const window *w, const kernels *k, int64_t row, pool_whole whole,
                        const real *plane, real *y, real *kept) {
  pool_span rows = pool_span_at(w, 0, row);
  int64_t count = whole.end - whole.begin;
  if (count > 0)
    forward_windows(w, k, rows, pool_span_at(w, 1, whole.begin), count, plane,
                    y + whole.begin, kept + whole.begin);
  for (int64_t j = 0; j < w->out[1]; j++) {
    if (j == whole.begin) j = whole.end;
    if (j < w->out[1])
      forward_windows(w, k, rows, pool_span_at(w, 1, j), 1, plane, y + j, kept + j);
  }
}

static void forward_plane(const layer *l, const layer_call *c, int64_t plane,
                          real *scratch) {
  (void)scratch;
  const pool_layer *self = l->self;
  const window *w = &self->window;
  const real *x = c->x[0] + plane * self->in;
  real *y = c->y[0] + plane * self->out, *kept = c->kept + plane * self->out;
  if (is_2x2(w)) {
    c->kernels->max_pool_2x2(w->out[0], w->out[1], w->in[1], x, y, kept);
    return;
  }
  pool_whole whole = pool_whole_of(w, 1);
  for (int64_t i = 0; i < w->out[0]; i++)
    forward_row(w, c->kernels, i, whole, x, y + i * w->out[1], kept + i * w->out[1]);
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
