/* strided.c: numbers of a sample in another order, or some of them. */
#include "strided.h"

#include <string.h>

#define GRAIN 16384 /* numbers a piece */

void strided_rows(const shape *s, int64_t stride[LANDER_MAX_DIMS]) {
  int64_t step = 1;
  for (int d = s->dims - 1; d >= 0; d--) {
    stride[d] = step;
    step *= s->size[d];
  }
}

void strided_simplify(strided *s) {
  int dims = 0;
  for (int d = 0; d < s->dims; d++) {
    if (s->size[d] == 1) continue;
    if (dims > 0 && s->stride[dims - 1] == s->size[d] * s->stride[d]) {
      s->size[dims - 1] *= s->size[d];
      s->stride[dims - 1] = s->stride[d];
      continue;
    }
    s->size[dims] = s->size[d];
    s->stride[dims++] = s->stride[d];
  }
  s->dims = dims;
}

typedef struct job {
  const strided *at;
  const kernels *kernels;
  bool gather;
  const real *from;
  real *to;
  int64_t rows, rows_of_sample, length, step;
  int inner;      /* dimensions of a row: 2 when it is a plane that is turned */
  int64_t height; /* of a plane */
  int pieces;
} job;

/* Where row number `row` begins in the other array. */
static int64_t row_place(const job *j, int64_t row) {
  const strided *s = j->at;
  int64_t rest = row % j->rows_of_sample;
  int64_t place = row / j->rows_of_sample * s->sample + s->offset;
  for (int d = s->dims - 1 - j->inner; d >= 0; d--) {
    place += rest % s->size[d] * s->stride[d];
    rest /= s->size[d];
  }
  return place;
}

/* Planes whose rows are the other array's columns. */
static void run_turned_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, n = j->length, height = j->height, step = j->step;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    int64_t other = row_place(j, row), dense = row * height * n;
    if (j->gather)
      j->kernels->transpose(n, height, j->from + other, step, j->to + dense, n);
    else
      j->kernels->transpose(height, n, j->from + dense, n, j->to + other, step);
  }
}

static void run_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, n = j->length, step = j->step;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    int64_t other = row_place(j, row), dense = row * n;
    const real *from = j->from + (j->gather ? other : dense);
    real *to = j->to + (j->gather ? dense : other);
    if (step == 1)
      memcpy(to, from, (size_t)n * sizeof(real));
    else if (j->gather)
      for (int64_t i = 0; i < n; i++) to[i] = from[i * step];
    else
      for (int64_t i = 0; i < n; i++) to[i * step] = from[i];
  }
}

static void run(const strided *s, const layer_call *c, bool gather, const real *from,
                real *to) {
  int last = s->dims - 1;
  job j = {.at = s,
           .kernels = c->kernels,
           .gather = gather,
           .from = from,
           .to = to,
           .rows_of_sample = 1,
           .length = last < 0 ? 1 : s->size[last],
           .step = last < 0 ? 1 : s->stride[last],
           .inner = 1};
  bool turned = last > 0 && j.step != 1 && s->stride[last - 1] == 1;
  if (turned) j.inner = 2, j.height = s->size[last - 1];
  for (int d = 0; d <= last - j.inner; d++) j.rows_of_sample *= s->size[d];
  j.rows = c->batch * j.rows_of_sample;
  j.pieces = parallel_pieces(j.rows, GRAIN / (turned ? j.height * j.length : j.length));
  parallel_run(c->engine, j.pieces, turned ? run_turned_piece : run_piece, &j);
}

void strided_gather(const strided *s, const layer_call *c, const real *other,
                    real *dense) {
  run(s, c, true, other, dense);
}

void strided_scatter(const strided *s, const layer_call *c, const real *dense,
                     real *other) {
  run(s, c, false, dense, other);
}
