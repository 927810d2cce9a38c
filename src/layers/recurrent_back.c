/* recurrent_back.c: the pass backward through rnn, lstm and gru. */
#include "recurrent.h"

typedef struct back_job {
  const recurrent_memory *memory;
  const recurrent_run *runs; /* one for each direction */
  int64_t step;
} back_job;

/* The gates that have their sums with the input in common. */
static int64_t joint_gates(const recurrent_memory *m) {
  return (m->cell->gates - m->cell->split) * m->hidden;
}

/* As in the pass forward; the weights are not turned here. */
static void pack_piece(void *arg, int piece, int thread) {
  (void)thread;
  const back_job *j = arg;
  const recurrent_memory *m = j->memory;
  const recurrent_run *r = &j->runs[piece / m->pieces];
  int64_t begin, end, hidden = m->hidden, joint = joint_gates(m);
  recurrent_piece(m, piece, &begin, &end);
  const real *weight = m->call->w[r->first_weight + 1];
  real *packed = recurrent_packed(m, r, piece);
  gemm_pack(GEMM_N, end - begin, joint, weight + begin, hidden, packed);
  if (m->cell->split)
    gemm_pack(GEMM_N, end - begin, hidden, weight + joint * hidden + begin, hidden,
              packed + gemm_packed_size(end - begin, joint));
}

/* Adds to the gradient in the state before the step at place `t` what comes through the
 * gates, for the units begin .. begin + n - 1: dgates (batch, gates) W_hh. */
static void add_products(const recurrent_memory *m, const recurrent_run *r, int64_t t,
                         const real *packed, int64_t begin, int64_t n) {
  int64_t hidden = m->hidden, row = m->cell->back_blocks * hidden;
  const real *dgates = r->dgates + t * m->batch * row;
  int64_t joint = joint_gates(m);
  gemm_packed(m->batch, n, joint, dgates, row, packed, 1, r->carry + begin, hidden);
  if (m->cell->split)
    gemm_packed(m->batch, n, hidden, dgates + joint + hidden, row,
                packed + gemm_packed_size(n, joint), 1, r->carry + begin, hidden);
}

/* The gradients in the gates of one sample's units, from those in its state. */
static void unit_gradients(const recurrent_memory *m, const recurrent_run *r, int64_t b,
                           int64_t t, int64_t begin, int64_t n) {
  const kernels *k = m->call->kernels;
  int64_t hidden = m->hidden, back_blocks = m->cell->back_blocks;
  int64_t row = t * m->batch + b, before = recurrent_before(r, t) * m->batch + b;
  real *dgates = r->dgates + row * back_blocks * hidden + begin;
  if (m->mask && m->mask[b * m->steps + t] == 0) { /* the state was held */
    k->fill(n, 0, dgates);
    for (int64_t i = 1; i < back_blocks; i++) k->fill(n, 0, dgates + i * hidden);
    return;
  }
  recurrent_units u = {.n = n,
                       .hidden = hidden,
                       .gates = r->gates + row * m->cell->blocks * hidden + begin,
                       .before = r->h + before * hidden + begin,
                       .cell_before = r->c ? r->c + before * hidden + begin : NULL,
                       .dout =
                           m->dsequence + row * m->width + r->direction * hidden + begin,
                       .carry = r->carry + b * hidden + begin,
                       .dcell = r->dcell ? r->dcell + b * hidden + begin : NULL,
                       .dgates = dgates};
  m->cell->step_back(m->self, k, &u);
}

static void step_piece(void *arg, int piece, int thread) {
  (void)thread;
  const back_job *j = arg;
  const recurrent_memory *m = j->memory;
  const recurrent_run *r = &j->runs[piece / m->pieces];
  int64_t begin, end;
  recurrent_piece(m, piece, &begin, &end);
  if (j->step < m->steps - 1)
    add_products(m, r, recurrent_time(m, r, j->step + 1), recurrent_packed(m, r, piece),
                 begin, end - begin);
  if (j->step < 0) return; /* the gradient in the state that it all began with */
  int64_t t = recurrent_time(m, r, j->step);
  for (int64_t b = 0; b < m->batch; b++) unit_gradients(m, r, b, t, begin, end - begin);
}

/* ---- weights --------------------------------------------------------------------- */

typedef struct bias_job {
  const recurrent_memory *memory;
  const recurrent_run *run;
  int pieces;
} bias_job;

static void bias_piece(void *arg, int piece, int thread) {
  (void)thread;
  const bias_job *j = arg;
  const recurrent_memory *m = j->memory;
  const kernels *k = m->call->kernels;
  int64_t begin, end, row = m->cell->back_blocks * m->hidden;
  parallel_range(m->steps * m->batch, j->pieces, piece, &begin, &end);
  real *sum = layer_partial(m->layer, m->call, piece);
  k->fill(row, 0, sum);
  k->sum_rows(end - begin, row, j->run->dgates + begin * row, sum);
}

#define BIAS_GRAIN 16384 /* numbers a piece */

static void bias_gradients(const recurrent_memory *m, const recurrent_run *r) {
  const layer *l = m->layer;
  const layer_call *c = m->call;
  real *ih = c->dw[r->first_weight + 2], *hh = c->dw[r->first_weight + 3];
  if (!ih && !hh) return;
  int64_t hidden = m->hidden, all = m->cell->gates * hidden;
  int64_t joint = all - m->cell->split * hidden;
  bias_job j = {
      m, r,
      parallel_pieces(m->steps * m->batch, BIAS_GRAIN / (m->cell->back_blocks * hidden))};
  if (j.pieces > RECURRENT_PIECES) j.pieces = RECURRENT_PIECES;
  parallel_run(c->engine, j.pieces, bias_piece, &j);
  if (ih) layer_sum_partials(l, c, j.pieces, 0, all, ih);
  if (hh) layer_sum_partials(l, c, j.pieces, 0, joint, hh);
  if (hh && m->cell->split) layer_sum_partials(l, c, j.pieces, all, hidden, hh + joint);
}

/* dW (blocks * hidden, n) from the blocks from `block` on: the sum over all steps. */
static void weight_gradient(const recurrent_memory *m, const recurrent_run *r, int block,
                            int blocks, const real *in, int64_t n, real *dw) {
  int64_t row = m->cell->back_blocks * m->hidden;
  gemm_parallel(m->call->engine, GEMM_T, GEMM_N, blocks * m->hidden, n,
                m->steps * m->batch, 1, r->dgates + block * m->hidden, row, in, n,
                m->call->beta, dw, n);
}

static void weight_gradients(const recurrent_memory *m, const recurrent_run *r) {
  const layer_call *c = m->call;
  const recurrent_cell *cell = m->cell;
  real *ih = c->dw[r->first_weight], *hh = c->dw[r->first_weight + 1];
  if (ih) weight_gradient(m, r, 0, cell->gates, r->in, r->in_width, ih);
  /* The states before each step, as they lie in time. */
  const real *before = r->h + recurrent_before(r, 0) * m->batch * m->hidden;
  int joint = cell->gates - cell->split;
  if (hh) weight_gradient(m, r, 0, joint, before, m->hidden, hh);
  if (hh && cell->split)
    weight_gradient(m, r, cell->gates, 1, before, m->hidden,
                    hh + joint * m->hidden * m->hidden);
  if (m->self->bias) bias_gradients(m, r);
}

/* ---- the pass -------------------------------------------------------------------- */

static void get_last(const recurrent_memory *m, const recurrent_run *r, int level,
                     const real *dy, real *carry) {
  m->call->kernels->copy_2d(m->batch, m->hidden,
                            dy + level * m->width + r->direction * m->hidden,
                            (int64_t)m->self->layers * m->width, carry, m->hidden);
}

static void set_first(const recurrent_memory *m, const recurrent_run *r, int level,
                      const real *carry, real *dx) {
  m->call->kernels->copy_2d(m->batch, m->hidden, carry, m->hidden,
                            dx + level * m->width + r->direction * m->hidden,
                            (int64_t)m->self->layers * m->width);
}

static void backward_layer(const recurrent_memory *m, int level) {
  const recurrent *self = m->self;
  const layer_call *c = m->call;
  recurrent_run runs[2];
  for (int d = 0; d < self->directions; d++) {
    runs[d] = recurrent_select(m, level, d);
    get_last(m, &runs[d], level, c->dy[1], runs[d].carry);
    if (runs[d].dcell) get_last(m, &runs[d], level, c->dy[2], runs[d].dcell);
  }
  real *dh = self->state ? c->dx[1 + self->mask] : NULL;
  real *dc = self->state && m->cell->has_cell ? c->dx[2 + self->mask] : NULL;
  back_job j = {m, runs, m->steps - 1};
  parallel_run(c->engine, self->directions * m->pieces, pack_piece, &j);
  for (; j.step >= (dh ? -1 : 0); j.step--)
    parallel_run(c->engine, self->directions * m->pieces, step_piece, &j);
  for (int d = 0; d < self->directions; d++) {
    const recurrent_run *r = &runs[d];
    if (dh) set_first(m, r, level, r->carry, dh);
    if (dc) set_first(m, r, level, r->dcell, dc);
    weight_gradients(m, r);
    if (level > 0 || c->dx[0]) /* into the sequence that this one was made from */
      gemm_parallel(c->engine, GEMM_N, GEMM_N, m->steps * m->batch, r->in_width,
                    m->cell->gates * m->hidden, 1, r->dgates,
                    m->cell->back_blocks * m->hidden, c->w[r->first_weight], r->in_width,
                    d == 0 ? 0 : 1, m->dsequence, r->in_width);
  }
}

void recurrent_backward(const layer *l, const layer_call *c, const recurrent_cell *cell) {
  recurrent_memory m = recurrent_lay_out(l, c, cell);
  recurrent_time_major(c, m.steps, m.width, c->dy[0], m.dsequence);
  for (int k = m.self->layers - 1; k >= 0; k--) backward_layer(&m, k);
  if (c->dx[0])
    recurrent_batch_major(c, m.steps, m.self->features, m.dsequence, c->dx[0]);
  if (m.mask && c->dx[1]) c->kernels->fill(m.batch * m.steps, 0, c->dx[1]);
}
