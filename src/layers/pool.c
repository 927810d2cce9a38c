/* pool.c: what max_pool and avg_pool share. */
#include "pool.h"

#define PLANE_WORK 16384 /* numbers a piece should have at least */

const char *const pool_roundings[] = {"floor", "ceil", NULL};

static lander_status check_pad(const layer *l, const window *w, lander_error *error) {
  for (int side = 0; side < 2; side++)
    if (w->pad[side] >= w->kernel[side])
      return error_set(
          error, LANDER_ERROR_SHAPE,
          "%s: padding %lld must be smaller than the kernel %lld, or a window "
          "would lie in the padding alone",
          l->type->name, (long long)w->pad[side], (long long)w->kernel[side]);
  return LANDER_OK;
}

lander_status pool_setup(layer *l, lander_error *error) {
  pool_layer *self = l->self;
  window *w = &self->window;
  window_options o = {.kernel = &self->kernel,
                      .stride = &self->stride,
                      .pad = &self->pad,
                      .stride_is_kernel = true,
                      .round_up = self->rounding == 1};
  lander_status status = window_setup(l, &o, w, error);
  if (status == LANDER_OK) status = check_pad(l, w, error);
  if (status != LANDER_OK) return status;
  self->planes = l->in[0].size[0];
  self->in = w->in[0] * w->in[1];
  self->out = w->out[0] * w->out[1];
  l->outputs = 1;
  l->out[0] = window_shape(l, w, self->planes);
  return LANDER_OK;
}

typedef struct job {
  const layer *layer;
  const layer_call *call;
  pool_body body;
  int64_t planes;
  int pieces;
} job;

static void run_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  int64_t begin, end;
  parallel_range(j->planes, j->pieces, piece, &begin, &end);
  real *scratch = layer_scratch(j->layer, j->call, thread);
  for (int64_t plane = begin; plane < end; plane++)
    j->body(j->layer, j->call, plane, scratch);
}

void pool_run(const layer *l, const layer_call *c, pool_body body) {
  const pool_layer *self = l->self;
  int64_t planes = c->batch * self->planes;
  job j = {l, c, body, planes, parallel_pieces(planes, PLANE_WORK / self->in)};
  parallel_run(c->engine, j.pieces, run_piece, &j);
}

int64_t pool_round_up(int64_t count) {
  return (count + 15) / 16 * 16;
}

int64_t pool_row_size(const window *w) {
  int64_t seen = pool_round_up(w->out[1]) * w->stride[1] + w->kernel[1];
  int64_t whole = w->pad[1] + w->in[1];
  return pool_round_up(seen > whole ? seen : whole);
}

pool_whole pool_whole_of(const window *w, int side) {
  window_span first = window_inside(w, side, 0);
  window_span last = window_inside(w, side, w->kernel[side] - 1);
  pool_whole whole = {first.begin, last.end};
  if (whole.end < whole.begin) whole.end = whole.begin;
  return whole;
}

pool_span pool_span_at(const window *w, int side, int64_t at) {
  int64_t begin = at * w->stride[side] - w->pad[side], end = begin + w->kernel[side];
  if (end > w->in[side] + w->pad[side]) end = w->in[side] + w->pad[side];
  pool_span s = {begin, end, end - begin};
  if (s.begin < 0) s.begin = 0;
  if (s.end > w->in[side]) s.end = w->in[side];
  return s;
}
