/* spread.c: numbers that are spread over an input. */
#include "spread.h"

#include "../tensor/tensor.h"
#include "axis.h"

#define GRAIN 16384 /* numbers a piece */

static lander_status check_given(const layer *l, const shape *given, int first,
                                 lander_error *error) {
  const shape *in = &l->in[0];
  bool fits = first + given->dims <= in->dims;
  for (int d = 0; fits && d < given->dims; d++)
    fits = given->size[d] == in->size[first + d];
  if (fits) return LANDER_OK;
  char found[SHAPE_TEXT], expected[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s: the input is %s and the second one %s, which has not its sizes "
                   "from dimension %d on",
                   l->type->name, shape_text(expected, in->dims, in->size),
                   shape_text(found, l->in[1].dims, l->in[1].size), first + 1);
}

lander_status spread_setup(const layer *l, int number, int num_axes, spread *s,
                           lander_error *error) {
  const shape *in = &l->in[0];
  axis a;
  lander_status status = axis_setup(l, number, &a, error);
  if (status != LANDER_OK) return status;
  s->given = l->inputs == 2;
  if (s->given) {
    s->shape = l->in[1];
    while (s->shape.dims > 0 && s->shape.size[s->shape.dims - 1] == 1) s->shape.dims--;
    status = check_given(l, &s->shape, a.dim, error);
    if (status != LANDER_OK) return status;
  } else {
    s->shape.dims = num_axes < 0 ? in->dims - a.dim : num_axes;
    if (a.dim + s->shape.dims > in->dims)
      return error_set(error, LANDER_ERROR_SHAPE,
                       "%s: %d dimensions from dimension %d on, but the input has %d",
                       l->type->name, num_axes, a.dim + 1, in->dims);
    for (int d = 0; d < s->shape.dims; d++) s->shape.size[d] = in->size[a.dim + d];
  }
  s->outer = a.outer;
  s->count = shape_count(&s->shape);
  s->inner = a.count * a.inner / s->count;
  return LANDER_OK;
}

void spread_mul(const spread *s, const kernels *k, const real *x, const real *w,
                real *y) {
  int64_t n = s->inner;
  if (n == 1) k->mul(s->count, x, w, y);
  for (int64_t i = 0; n > 1 && i < s->count; i++) k->scale(n, w[i], x + i * n, y + i * n);
}

void spread_add(const spread *s, const kernels *k, const real *x, const real *w,
                real *y) {
  int64_t n = s->inner;
  if (n == 1) k->add(s->count, x, w, y);
  for (int64_t i = 0; n > 1 && i < s->count; i++)
    k->add_scalar(n, w[i], x + i * n, y + i * n);
}

/* ---- all rows -------------------------------------------------------------------- */

typedef struct rows_job {
  const layer *layer;
  const layer_call *call;
  spread_body body;
  int64_t rows;
  int pieces;
} rows_job;

static void rows_piece(void *arg, int piece, int thread) {
  (void)thread;
  const rows_job *j = arg;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  j->body(j->layer, j->call, begin, end);
}

void spread_run(const spread *s, const layer *l, const layer_call *c, spread_body body) {
  int64_t rows = c->batch * s->outer;
  rows_job j = {l, c, body, rows, parallel_pieces(rows, GRAIN / (s->count * s->inner))};
  parallel_run(c->engine, j.pieces, rows_piece, &j);
}

/* ---- sums ------------------------------------------------------------------------ */

#define COLUMNS 64 /* that are summed at a time */

typedef struct sum_job {
  const spread *spread;
  const kernels *kernels;
  const real *a, *b;
  real beta;
  real *dw;
  int64_t rows; /* that go into one sum */
  int64_t sums;
  int pieces;
} sum_job;

/* Adds the part of one row: of `n` numbers from number `first` on. */
static void add_row(const sum_job *j, int64_t row, int64_t first, int64_t n,
                    double total[COLUMNS]) {
  const spread *s = j->spread;
  int64_t at = (row * s->count + first) * s->inner;
  const real *a = j->a + at, *b = j->b ? j->b + at : NULL;
  for (int64_t i = 0; s->inner == 1 && i < n; i++)
    total[i] += b ? (double)a[i] * b[i] : (double)a[i];
  for (int64_t i = 0; s->inner > 1 && i < n; i++)
    total[i] += b ? j->kernels->dot(s->inner, a + i * s->inner, b + i * s->inner)
                  : j->kernels->sum(s->inner, a + i * s->inner);
}

/* Sums number begin .. end - 1, of as many groups of rows as there are: a few columns of
 * one group at a time. */
static void sum_piece(void *arg, int piece, int thread) {
  (void)thread;
  const sum_job *j = arg;
  const spread *s = j->spread;
  int64_t at, end;
  parallel_range(j->sums, j->pieces, piece, &at, &end);
  while (at < end) {
    int64_t group = at / s->count, first = at % s->count;
    int64_t n = s->count - first < end - at ? s->count - first : end - at;
    if (n > COLUMNS) n = COLUMNS;
    double total[COLUMNS] = {0};
    for (int64_t row = group * j->rows; row < (group + 1) * j->rows; row++)
      add_row(j, row, first, n, total);
    for (int64_t i = 0; i < n; i++)
      j->dw[at + i] = j->beta == 0 ? (real)total[i]
                                   : (real)(j->beta * (double)j->dw[at + i] + total[i]);
    at += n;
  }
}

void spread_sum(const spread *s, bool given, const layer_call *c, const real *a,
                const real *b, real beta, real *dw) {
  int64_t groups = given ? c->batch : 1;
  int64_t rows = given ? s->outer : c->batch * s->outer;
  sum_job j = {.spread = s,
               .kernels = c->kernels,
               .a = a,
               .b = b,
               .beta = beta,
               .dw = dw,
               .rows = rows,
               .sums = groups * s->count};
  j.pieces = parallel_pieces(j.sums, GRAIN / (rows * s->inner));
  parallel_run(c->engine, j.pieces, sum_piece, &j);
}
