/* tile.c: its input again and again along one dimension. */
#include "axis.h"

#include <string.h>

typedef struct tile {
  int axis, times;
  int64_t outer, block; /* a sample is (outer, block) and becomes (outer, times, block) */
} tile;

static const lander_option options[] = {
    OPTION_INT(tile, times, NULL, 1, 1 << 24, 1, "how often the input is repeated"),
    OPTION_AXIS(tile, "1", "the dimension along which it is repeated"), OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  tile *self = l->self;
  axis a;
  lander_status status = axis_setup(l, self->axis, &a, error);
  if (status == LANDER_OK)
    status = layer_check_size(
        l, "the output", (double)shape_count(&l->in[0]) * (double)self->times, error);
  if (status != LANDER_OK) return status;
  self->outer = a.outer;
  self->block = a.count * a.inner;
  l->outputs = 1;
  l->out[0] = l->in[0];
  l->out[0].size[a.dim] *= self->times;
  return LANDER_OK;
}

#define GRAIN 16384 /* numbers a piece */

typedef struct job {
  const tile *tile;
  const layer_call *call;
  int64_t rows;
  int pieces;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, n = j->tile->block, times = j->tile->times;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    for (int64_t i = 0; i < times; i++)
      memcpy(j->call->y[0] + (row * times + i) * n, j->call->x[0] + row * n,
             (size_t)n * sizeof(real));
}

static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, n = j->tile->block, times = j->tile->times;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const real *dy = j->call->dy[0] + row * times * n;
    real *dx = j->call->dx[0] + row * n;
    memcpy(dx, dy, (size_t)n * sizeof(real));
    for (int64_t i = 1; i < times; i++) j->call->kernels->add(n, dx, dy + i * n, dx);
  }
}

static void run(const layer *l, const layer_call *c, parallel_body body) {
  const tile *self = l->self;
  int64_t rows = c->batch * self->outer;
  job j = {self, c, rows, parallel_pieces(rows, GRAIN / (self->block * self->times))};
  parallel_run(c->engine, j.pieces, body, &j);
}

static void forward(const layer *l, const layer_call *c) {
  run(l, c, forward_piece);
}

static void backward(const layer *l, const layer_call *c) {
  if (c->dx[0]) run(l, c, backward_piece);
}

const layer_type layer_tile = {
    .name = "tile",
    .help = "its input repeated along one dimension: 1 2 three times becomes 1 2 1 2 1 2",
    .example = "nn.tile { 3 }",
    .options = options,
    .size = sizeof(tile),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
