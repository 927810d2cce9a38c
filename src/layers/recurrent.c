/* recurrent.c: shapes, weights and memory of rnn, lstm and gru, and the pass forward. */
#include "recurrent.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../tensor/tensor.h"

/* ---- setup ----------------------------------------------------------------------- */

/* Those of filler.h, and PyTorch's default. */
const char *const recurrent_fillers[] = {
    "hidden", "constant", "uniform",           "gaussian", "xavier",
    "msra",   "bilinear", "positive_unitball", NULL};

static int filler_type(const char *name) {
  int type = 0;
  while (strcmp(filler_names[type], name)) type++;
  return type;
}

static filler choose_filler(const filler *given, int hidden) {
  filler f = *given;
  bool is_default = given->type == 0;
  f.type = filler_type(is_default ? "uniform" : recurrent_fillers[given->type]);
  if (is_default) f.max = 1 / sqrt((double)hidden), f.min = -f.max;
  return f;
}

static void add_weight(layer *l, const char *name, int level, int direction, shape size,
                       const filler *f, int64_t fan_in) {
  recurrent *self = l->self;
  char *full = self->name[l->weights];
  snprintf(full, RECURRENT_NAME, "%s_l%d%s", name, level, direction ? "_reverse" : "");
  l->weight[l->weights++] = (layer_weight){.name = full,
                                           .shape = size,
                                           .filler = choose_filler(f, self->hidden),
                                           .fan_in = fan_in,
                                           .fan_out = self->hidden};
}

static lander_status add_weights(layer *l, const recurrent_cell *cell,
                                 lander_error *error) {
  recurrent *self = l->self;
  int needed = self->layers * self->directions * (self->bias ? 4 : 2);
  if (needed > LAYER_MAX_WEIGHTS)
    return error_set(
        error, LANDER_ERROR_ARGUMENT,
        "%s: %d layers%s would have %d parameters, one layer of a net has at "
        "most %d; put several %s one behind the other",
        l->type->name, self->layers, self->bidirectional ? " in both directions" : "",
        needed, LAYER_MAX_WEIGHTS, l->type->name);
  int64_t width = (int64_t)self->directions * self->hidden;
  int64_t rows = (int64_t)cell->gates * self->hidden;
  double widest = (double)(self->features > width ? self->features : width);
  lander_status status = layer_check_size(l, "a weight", (double)rows * widest, error);
  if (status != LANDER_OK) return status;
  for (int k = 0; k < self->layers; k++) {
    int64_t in = k == 0 ? self->features : width;
    for (int d = 0; d < self->directions; d++) {
      add_weight(l, "weight_ih", k, d, (shape){2, {rows, in}}, &self->weight_filler, in);
      add_weight(l, "weight_hh", k, d, (shape){2, {rows, self->hidden}},
                 &self->weight_filler, self->hidden);
      for (int i = 0; self->bias && i < 2; i++)
        add_weight(l, i == 0 ? "bias_ih" : "bias_hh", k, d, (shape){1, {rows}},
                   &self->bias_filler, self->hidden);
    }
    l->multiply_adds += self->steps * self->directions * rows * (in + self->hidden);
  }
  return LANDER_OK;
}

/* Input number `input` must have this shape. */
static lander_status want_shape(const layer *l, int input, const char *what,
                                const shape *expected, lander_error *error) {
  if (shape_same(&l->in[input], expected)) return LANDER_OK;
  char want[SHAPE_TEXT], found[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE, "%s: input %d, %s, must be %s, got %s",
                   l->type->name, input + 1, what,
                   shape_text(want, expected->dims, expected->size),
                   shape_text(found, l->in[input].dims, l->in[input].size));
}

static lander_status check_inputs(const layer *l, const recurrent_cell *cell,
                                  lander_error *error) {
  const recurrent *self = l->self;
  int states = self->state ? 1 + cell->has_cell : 0;
  int expected = 1 + self->mask + states;
  if (l->inputs != expected)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s takes x%s%s here, %d input%s, %d %s given (the options mask and "
                     "state say which there are)",
                     l->type->name, self->mask ? ", a mask" : "",
                     !self->state     ? ""
                     : cell->has_cell ? ", h, c"
                                      : ", h",
                     expected, expected == 1 ? "" : "s", l->inputs,
                     l->inputs == 1 ? "is" : "are");
  lander_status status = LANDER_OK;
  shape mask = {1, {self->steps}};
  shape state = {2, {(int64_t)self->layers * self->directions, self->hidden}};
  if (self->mask) status = want_shape(l, 1, "the mask (time)", &mask, error);
  for (int i = 0; status == LANDER_OK && i < states; i++)
    status = want_shape(l, 1 + self->mask + i, "the state (layers * directions, hidden)",
                        &state, error);
  return status;
}

/* Reals a sample of each part of the kept memory. */
typedef struct sizes {
  int64_t input, gates, states, out; /* of a layer and direction; out of a layer */
  int64_t layer, dgates, dsequence, carry;
} sizes;

static sizes measure(const recurrent *self, const recurrent_cell *cell) {
  int64_t steps = self->steps, hidden = self->hidden, directions = self->directions;
  int64_t width = directions * hidden;
  sizes z = {.input = steps * self->features,
             .gates = steps * cell->blocks * hidden,
             .states = (steps + 1) * hidden,
             .out = steps * width};
  z.layer = z.out + directions * (z.gates + (cell->has_cell ? 2 : 1) * z.states);
  z.dgates = steps * cell->back_blocks * hidden;
  z.dsequence = steps * (self->features > width ? self->features : width);
  z.carry = width;
  return z;
}

/* What a piece packs of weight_hh: columns for its units, from all gates. */
static int64_t packed_piece(int64_t hidden, int gates, int pieces) {
  return gates * gemm_packed_size((hidden + pieces - 1) / pieces, hidden);
}

static int64_t packed_room(int64_t hidden, int gates) {
  int64_t most = 0;
  for (int pieces = 1; pieces <= RECURRENT_PIECES; pieces *= 2) {
    int64_t room = pieces * packed_piece(hidden, gates, pieces);
    if (room > most) most = room;
  }
  return most;
}

lander_status recurrent_setup(layer *l, const recurrent_cell *cell, lander_error *error) {
  recurrent *self = l->self;
  lander_status status = layer_want_dims(l, 0, 2, "(time, features)", error);
  if (status != LANDER_OK) return status;
  self->steps = l->in[0].size[0];
  self->features = l->in[0].size[1];
  self->directions = self->bidirectional ? 2 : 1;
  int64_t width = (int64_t)self->directions * self->hidden;
  double most = (double)self->steps * (double)self->layers *
                ((double)self->features + 16 * (double)width);
  status = check_inputs(l, cell, error);
  if (status == LANDER_OK) status = layer_check_size(l, "the gates", most, error);
  if (status == LANDER_OK) status = add_weights(l, cell, error);
  if (status != LANDER_OK) return status;
  shape state = {2, {(int64_t)self->layers * self->directions, self->hidden}};
  l->outputs = cell->has_cell ? 3 : 2;
  l->out[0] = (shape){2, {self->steps, width}};
  l->out[1] = l->out[2] = state;
  sizes z = measure(self, cell);
  l->kept = z.input + self->layers * z.layer + self->directions * z.dgates + z.dsequence +
            2 * z.carry;
  l->workspace = self->directions * packed_room(self->hidden, cell->gates);
  l->partial = (int64_t)cell->blocks * self->hidden;
  l->partial_pieces = RECURRENT_PIECES;
  return LANDER_OK;
}

/* ---- memory ---------------------------------------------------------------------- */

/* Multiply-adds of one step that are worth a piece, and the unit of its width. */
#define PIECE_WORK 2e6
#define PIECE_UNIT 32

static int count_pieces(int64_t batch, int64_t hidden, int gates) {
  double work = (double)batch * (double)hidden * (double)hidden * gates;
  int pieces = 1;
  while (pieces < RECURRENT_PIECES && work >= 2 * PIECE_WORK * pieces &&
         hidden >= 2 * PIECE_UNIT * pieces)
    pieces *= 2;
  return pieces;
}

recurrent_memory recurrent_lay_out(const layer *l, const layer_call *c,
                                   const recurrent_cell *cell) {
  const recurrent *self = l->self;
  sizes z = measure(self, cell);
  recurrent_memory m = {.layer = l,
                        .call = c,
                        .self = self,
                        .cell = cell,
                        .steps = self->steps,
                        .batch = c->batch,
                        .hidden = self->hidden,
                        .width = (int64_t)self->directions * self->hidden,
                        .mask = self->mask ? c->x[1] : NULL,
                        .input = c->kept};
  m.layers = m.input + z.input * c->batch;
  m.dgates = m.layers + self->layers * z.layer * c->batch;
  m.dsequence = m.dgates + self->directions * z.dgates * c->batch;
  m.carry = m.dsequence + z.dsequence * c->batch;
  m.dcell = m.carry + z.carry * c->batch;
  m.pieces = count_pieces(c->batch, self->hidden, cell->gates);
  m.packed_piece = packed_piece(self->hidden, cell->gates, m.pieces);
  return m;
}

recurrent_run recurrent_select(const recurrent_memory *m, int level, int direction) {
  const recurrent *self = m->self;
  sizes z = measure(self, m->cell);
  int64_t states = m->cell->has_cell ? 2 * z.states : z.states;
  real *memory = m->layers + level * z.layer * m->batch;
  real *own = memory + (z.out + direction * (z.gates + states)) * m->batch;
  const real *below = level == 0 ? m->input : memory - z.layer * m->batch;
  return (recurrent_run){
      .direction = direction,
      .gates = own,
      .h = own + z.gates * m->batch,
      .c = m->cell->has_cell ? own + (z.gates + z.states) * m->batch : NULL,
      .bias = layer_partial(m->layer, m->call, direction),
      .packed = m->call->workspace + direction * m->pieces * m->packed_piece,
      .first_weight = (level * self->directions + direction) * (self->bias ? 4 : 2),
      .out = memory,
      .in = below,
      .in_width = level == 0 ? self->features : m->width,
      .dgates = m->dgates + direction * z.dgates * m->batch,
      .carry = m->carry + direction * m->hidden * m->batch,
      .dcell = m->cell->has_cell ? m->dcell + direction * m->hidden * m->batch : NULL,
  };
}

/* ---- from batch-major to time-major ---------------------------------------------- */

#define COPY_GRAIN 16384 /* numbers a piece */

typedef struct copy_job {
  const layer_call *call;
  int64_t steps, n;
  const real *from;
  real *to;
  int pieces;
  bool back;
} copy_job;

static void copy_piece(void *arg, int piece, int thread) {
  (void)thread;
  const copy_job *j = arg;
  int64_t begin, end, across = j->call->batch * j->n, n = j->n;
  parallel_range(j->call->batch, j->pieces, piece, &begin, &end);
  for (int64_t b = begin; b < end; b++) {
    int64_t sample = b * j->steps * n;
    if (j->back)
      j->call->kernels->copy_2d(j->steps, n, j->from + b * n, across, j->to + sample, n);
    else
      j->call->kernels->copy_2d(j->steps, n, j->from + sample, n, j->to + b * n, across);
  }
}

static void copy_all(const layer_call *c, int64_t steps, int64_t n, const real *from,
                     real *to, bool back) {
  int pieces = parallel_pieces(c->batch, COPY_GRAIN / (steps * n));
  copy_job j = {c, steps, n, from, to, pieces, back};
  parallel_run(c->engine, pieces, copy_piece, &j);
}

void recurrent_time_major(const layer_call *c, int64_t steps, int64_t n, const real *from,
                          real *to) {
  copy_all(c, steps, n, from, to, false);
}

void recurrent_batch_major(const layer_call *c, int64_t steps, int64_t n,
                           const real *from, real *to) {
  copy_all(c, steps, n, from, to, true);
}

/* ---- forward --------------------------------------------------------------------- */

static bool check_mask(const recurrent_memory *m) {
  const layer_call *c = m->call;
  for (int64_t i = 0; m->mask && i < m->batch * m->steps; i++) {
    if (m->mask[i] == 0 || m->mask[i] == 1) continue;
    if (c->error && c->error->code == LANDER_OK)
      error_set(
          c->error, LANDER_ERROR_DATA,
          "the mask of sample %lld is %.9g at step %lld; it must be 1 (a real step) "
          "or 0 (padding)",
          (long long)(i / m->steps + 1), (double)m->mask[i],
          (long long)(i % m->steps + 1));
    return false;
  }
  return true;
}

/* The blocks of both biases added up, as far as they go to the same sums. */
static void add_biases(const recurrent_memory *m, const recurrent_run *r) {
  const kernels *k = m->call->kernels;
  const recurrent_cell *cell = m->cell;
  k->fill(cell->blocks * m->hidden, 0, r->bias);
  if (!m->self->bias) return;
  const real *ih = m->call->w[r->first_weight + 2], *hh = m->call->w[r->first_weight + 3];
  int64_t joint = (cell->gates - cell->split) * m->hidden, all = cell->gates * m->hidden;
  k->add(joint, ih, hh, r->bias);
  if (!cell->split) return;
  k->add(m->hidden, r->bias + joint, ih + joint, r->bias + joint);
  k->add(m->hidden, r->bias + all, hh + joint, r->bias + all);
}

/* The state before the first step: the input number `input`, or zero. */
static void set_state(const recurrent_memory *m, const recurrent_run *r, int level,
                      int input, real *slots) {
  const recurrent *self = m->self;
  const kernels *k = m->call->kernels;
  int64_t begin = recurrent_before(r, recurrent_time(m, r, 0)) * m->batch * m->hidden;
  int64_t step = (int64_t)self->layers * m->width;
  if (!self->state) {
    k->fill(m->batch * m->hidden, 0, slots + begin);
    return;
  }
  const real *from = m->call->x[input] + level * m->width + r->direction * m->hidden;
  k->copy_2d(m->batch, m->hidden, from, step, slots + begin, m->hidden);
}

static void get_state(const recurrent_memory *m, const recurrent_run *r, int level,
                      const real *slots, real *y) {
  int64_t last = recurrent_time(m, r, m->steps - 1);
  m->call->kernels->copy_2d(m->batch, m->hidden,
                            slots + recurrent_after(r, last) * m->batch * m->hidden,
                            m->hidden, y + level * m->width + r->direction * m->hidden,
                            (int64_t)m->self->layers * m->width);
}

typedef struct step_job {
  const recurrent_memory *memory;
  const recurrent_run *runs; /* one for each direction */
  int64_t step;
} step_job;

/* The weights are the same at every step: each piece packs its part beforehand. */
static void pack_piece(void *arg, int piece, int thread) {
  (void)thread;
  const step_job *j = arg;
  const recurrent_memory *m = j->memory;
  const recurrent_run *r = &j->runs[piece / m->pieces];
  int64_t begin, end, hidden = m->hidden;
  recurrent_piece(m, piece, &begin, &end);
  const real *weight = m->call->w[r->first_weight + 1];
  real *packed = recurrent_packed(m, r, piece);
  for (int g = 0; g < m->cell->gates; g++)
    gemm_pack(GEMM_T, end - begin, hidden, weight + (g * hidden + begin) * hidden, hidden,
              packed + g * gemm_packed_size(end - begin, hidden));
}

/* Adds the products with the state before the step to the sums of units begin .. */
static void add_products(const recurrent_memory *m, const real *packed, int64_t begin,
                         int64_t n, const real *before, real *gates) {
  int64_t hidden = m->hidden, row = m->cell->blocks * hidden;
  for (int g = 0; g < m->cell->gates; g++) {
    bool apart = m->cell->split && g == m->cell->gates - 1;
    gemm_packed(m->batch, n, hidden, before, hidden,
                packed + g * gemm_packed_size(n, hidden), apart ? 0 : 1,
                gates + (g + apart) * hidden + begin, row);
  }
}

static void step_piece(void *arg, int piece, int thread) {
  (void)thread;
  const step_job *j = arg;
  const recurrent_memory *m = j->memory;
  const recurrent_run *r = &j->runs[piece / m->pieces];
  const kernels *k = m->call->kernels;
  int64_t begin, end, t = recurrent_time(m, r, j->step), hidden = m->hidden;
  recurrent_piece(m, piece, &begin, &end);
  int64_t before = recurrent_before(r, t) * m->batch * hidden;
  int64_t after = recurrent_after(r, t) * m->batch * hidden, n = end - begin;
  int64_t row = m->cell->blocks * hidden;
  real *gates = r->gates + t * m->batch * row;
  real *out = r->out + t * m->batch * m->width + r->direction * hidden + begin;
  add_products(m, recurrent_packed(m, r, piece), begin, n, r->h + before, gates);
  for (int64_t b = 0; b < m->batch; b++, out += m->width) {
    int64_t from = before + b * hidden + begin, to = after + b * hidden + begin;
    if (m->mask && m->mask[b * m->steps + t] == 0) {
      k->copy_2d(1, n, r->h + from, n, r->h + to, n);
      if (r->c) k->copy_2d(1, n, r->c + from, n, r->c + to, n);
      k->fill(n, 0, out);
      continue;
    }
    recurrent_units u = {.n = n,
                         .hidden = hidden,
                         .bias = r->bias + begin,
                         .gates = gates + b * row + begin,
                         .before = r->h + from,
                         .cell_before = r->c ? r->c + from : NULL,
                         .after = r->h + to,
                         .cell_after = r->c ? r->c + to : NULL};
    m->cell->step(m->self, k, &u);
    k->copy_2d(1, n, u.after, n, out, n);
  }
}

static void forward_layer(const recurrent_memory *m, int level) {
  const recurrent *self = m->self;
  const layer_call *c = m->call;
  recurrent_run runs[2];
  int64_t rows = m->steps * m->batch;
  for (int d = 0; d < self->directions; d++) {
    const recurrent_run *r = &runs[d];
    runs[d] = recurrent_select(m, level, d);
    gemm_parallel(c->engine, GEMM_N, GEMM_T, rows, m->cell->gates * m->hidden,
                  r->in_width, 1, r->in, r->in_width, c->w[r->first_weight], r->in_width,
                  0, r->gates, m->cell->blocks * m->hidden);
    add_biases(m, r);
    set_state(m, r, level, 1 + self->mask, r->h);
    if (r->c) set_state(m, r, level, 2 + self->mask, r->c);
  }
  step_job j = {m, runs, 0};
  parallel_run(c->engine, self->directions * m->pieces, pack_piece, &j);
  for (; j.step < m->steps; j.step++)
    parallel_run(c->engine, self->directions * m->pieces, step_piece, &j);
  for (int d = 0; d < self->directions; d++) {
    get_state(m, &runs[d], level, runs[d].h, c->y[1]);
    if (runs[d].c) get_state(m, &runs[d], level, runs[d].c, c->y[2]);
  }
}

void recurrent_forward(const layer *l, const layer_call *c, const recurrent_cell *cell) {
  recurrent_memory m = recurrent_lay_out(l, c, cell);
  if (!check_mask(&m)) return;
  recurrent_time_major(c, m.steps, m.self->features, c->x[0], m.input);
  for (int k = 0; k < m.self->layers; k++) forward_layer(&m, k);
  recurrent_run top = recurrent_select(&m, m.self->layers - 1, 0);
  recurrent_batch_major(c, m.steps, m.width, top.out, c->y[0]);
}
