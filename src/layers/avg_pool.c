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

static real weight(const avg_pool *self, const pool_place *p) {
  int64_t inside = (p->end[0] - p->begin[0]) * (p->end[1] - p->begin[1]);
  return 1 / (real)(self->divisor == VALID ? inside : p->padded);
}

static void forward_plane(const layer *l, const layer_call *c, int64_t plane) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const real *x = c->x[0] + plane * self->pool.in;
  real *y = c->y[0] + plane * self->pool.out;
  for (int64_t i = 0; i < w->out[0]; i++)
    for (int64_t j = 0; j < w->out[1]; j++) {
      pool_place p = pool_place_at(w, i, j);
      real sum = 0;
      for (int64_t a = p.begin[0]; a < p.end[0]; a++)
        for (int64_t b = p.begin[1]; b < p.end[1]; b++) sum += x[a * w->in[1] + b];
      *y++ = sum * weight(self, &p);
    }
}

static void backward_plane(const layer *l, const layer_call *c, int64_t plane) {
  const avg_pool *self = l->self;
  const window *w = &self->pool.window;
  const real *dy = c->dy[0] + plane * self->pool.out;
  real *dx = c->dx[0] + plane * self->pool.in;
  c->kernels->fill(self->pool.in, 0, dx);
  for (int64_t i = 0; i < w->out[0]; i++)
    for (int64_t j = 0; j < w->out[1]; j++) {
      pool_place p = pool_place_at(w, i, j);
      real part = *dy++ * weight(self, &p);
      for (int64_t a = p.begin[0]; a < p.end[0]; a++)
        for (int64_t b = p.begin[1]; b < p.end[1]; b++) dx[a * w->in[1] + b] += part;
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
    .setup = pool_setup,
    .forward = forward,
    .backward = backward,
};
