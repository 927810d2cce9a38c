/* attention.c: scaled dot-product attention with several heads (Vaswani et al.,
 * "Attention is all you need", 2017), of a sequence on itself or on another one. */
#include <math.h>

#include "../tensor/tensor.h"
#include "dense.h"

typedef struct attention {
  int heads;
  bool causal, bias;
  filler weight_filler, bias_filler;
  /* worked out by setup: */
  int64_t dim, head;     /* numbers a step, and of each head */
  int64_t steps, others; /* that ask, and that are looked at */
  int64_t block;         /* steps that are worked on together */
} attention;

static const lander_option options[] = {
    OPTION_INT(attention, heads, "1", 1, 1 << 20, 1,
               "into how many heads the numbers of a step are divided"),
    OPTION_BOOL(attention, causal, "false",
                "whether a step sees only itself and earlier"),
    OPTION_BOOL(attention, bias, "true", "whether learnt biases are added"),
    OPTION_FILLER(attention, weight_filler, "xavier", "initial values of the weights"),
    OPTION_FILLER(attention, bias_filler, "constant", "initial values of the biases"),
    OPTION_END};

/* Causal: in blocks, since those to the right of the diagonal are not worked out. */
#define CAUSAL_BLOCK 32

/* ---- setup ----------------------------------------------------------------------- */

static lander_status check_shapes(const layer *l, lander_error *error) {
  const attention *self = l->self;
  lander_status status = layer_want_dims(l, 0, 2, "(time, dim)", error);
  if (status == LANDER_OK && l->inputs > 1)
    status = layer_want_dims(l, 1, 2, "(time, dim)", error);
  if (status != LANDER_OK) return status;
  int64_t dim = l->in[0].size[1];
  if (dim % self->heads != 0)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "attention: %lld numbers a step can't be divided into %d heads",
                     (long long)dim, self->heads);
  if (l->inputs == 1) return LANDER_OK;
  char first[SHAPE_TEXT], second[SHAPE_TEXT];
  if (l->in[1].size[1] != dim)
    return error_set(
        error, LANDER_ERROR_SHAPE,
        "attention: both sequences, (time, dim), must have the same dim, got "
        "%s and %s",
        shape_text(first, 2, l->in[0].size), shape_text(second, 2, l->in[1].size));
  if (self->causal)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "attention: causal is for one sequence; with a second one there is "
                     "no earlier and later");
  return LANDER_OK;
}

static void add_weight(layer *l, const char *name, shape size, const filler *f,
                       int64_t dim) {
  l->weight[l->weights++] = (layer_weight){
      .name = name, .shape = size, .filler = *f, .fan_in = dim, .fan_out = dim};
}

static lander_status setup(layer *l, lander_error *error) {
  attention *self = l->self;
  lander_status status = check_shapes(l, error);
  if (status != LANDER_OK) return status;
  int64_t steps = self->steps = l->in[0].size[0];
  int64_t others = self->others = l->in[l->inputs - 1].size[0];
  int64_t dim = self->dim = l->in[0].size[1];
  self->head = dim / self->heads;
  self->block = self->causal && CAUSAL_BLOCK < steps ? CAUSAL_BLOCK : steps;
  status = layer_check_size(l, "the weight", 3 * (double)dim * (double)dim, error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "the attention",
                              (double)self->heads * (double)steps * (double)others +
                                  8 * ((double)steps + (double)others) * (double)dim,
                              error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = l->in[0];
  add_weight(l, "in_weight", (shape){2, {3 * dim, dim}}, &self->weight_filler, dim);
  if (self->bias)
    add_weight(l, "in_bias", (shape){1, {3 * dim}}, &self->bias_filler, dim);
  add_weight(l, "out_weight", (shape){2, {dim, dim}}, &self->weight_filler, dim);
  if (self->bias) add_weight(l, "out_bias", (shape){1, {dim}}, &self->bias_filler, dim);
  /* probabilities, twice what the heads read, twice what they write */
  l->kept =
      self->heads * steps * others + 2 * (steps + 2 * others) * dim + 2 * steps * dim;
  l->scratch = self->block * others;
  dense_setup(l, 3 * dim);
  l->multiply_adds = 2 * (steps + others) * dim * dim + 2 * steps * others * dim;
  return LANDER_OK;
}

/* ---- memory ---------------------------------------------------------------------- */

/* What the heads read, or the gradients in it: rows of queries, keys and values, each as
 * far apart as the step says. With one sequence the three lie side by side. */
typedef struct heads {
  real *q, *k, *v;
  int64_t q_step, kv_step;
} heads;

typedef struct memory {
  const layer *layer;
  const layer_call *call;
  const attention *self;
  bool cross;
  real *p; /* (batch, heads, steps, others): the probabilities */
  heads in, din;
  real *mixed, *dmixed; /* (batch, steps, dim): what the heads write */
} memory;

static heads place_heads(const attention *self, bool cross, int64_t batch, real *at) {
  int64_t dim = self->dim;
  if (!cross) return (heads){at, at + dim, at + 2 * dim, 3 * dim, 3 * dim};
  real *k = at + batch * self->steps * dim;
  return (heads){at, k, k + dim, dim, 2 * dim};
}

static memory lay_out(const layer *l, const layer_call *c) {
  const attention *self = l->self;
  memory m = {.layer = l, .call = c, .self = self, .cross = l->inputs > 1, .p = c->kept};
  real *in = m.p + c->batch * self->heads * self->steps * self->others;
  real *din = in + c->batch * (self->steps + 2 * self->others) * self->dim;
  m.in = place_heads(self, m.cross, c->batch, in);
  m.din = place_heads(self, m.cross, c->batch, din);
  m.mixed = din + c->batch * (self->steps + 2 * self->others) * self->dim;
  m.dmixed = m.mixed + c->batch * self->steps * self->dim;
  return m;
}

/* Places of the weights, which depend on whether there are biases. */
static int out_weight(const attention *self) {
  return self->bias ? 2 : 1;
}

/* ---- the four products with weights ---------------------------------------------- */

/* y (rows, n) = x (rows, dim) W^T + b */
static void project(const memory *m, int64_t rows, int64_t n, const real *x,
                    const real *weight, const real *bias, real *y) {
  dense d = {rows, m->self->dim, n, x, weight, bias};
  dense_forward(m->call, &d, y);
}

/* The gradients of that; each of dx, dw and db may be NULL. */
static void project_back(const memory *m, int64_t rows, int64_t n, const real *x,
                         const real *weight, const real *dy, real *dx, real *dw,
                         real *db) {
  dense d = {
      .rows = rows, .inputs = m->self->dim, .outputs = n, .x = x, .weight = weight};
  dense_backward(m->layer, m->call, &d, dy, dx, dw, db);
}

static real *moved(real *at, int64_t by) {
  return at ? at + by : NULL;
}

/* ---- one head of one sample ------------------------------------------------------ */

typedef struct job {
  const memory *memory;
  int64_t count; /* heads of all samples */
  int pieces;
} job;

typedef struct one_head {
  const real *q, *k, *v;
  real *dq, *dk, *dv, *p, *mixed, *dmixed;
  int64_t q_step, kv_step;
} one_head;

static one_head select_head(const memory *m, int64_t index) {
  const attention *self = m->self;
  int64_t sample = index / self->heads, at = index % self->heads * self->head;
  int64_t q = sample * self->steps * m->in.q_step + at;
  int64_t kv = sample * self->others * m->in.kv_step + at;
  int64_t out = sample * self->steps * self->dim + at;
  return (one_head){.q = m->in.q + q,
                    .k = m->in.k + kv,
                    .v = m->in.v + kv,
                    .dq = m->din.q + q,
                    .dk = m->din.k + kv,
                    .dv = m->din.v + kv,
                    .p = m->p + index * self->steps * self->others,
                    .mixed = m->mixed + out,
                    .dmixed = m->dmixed + out,
                    .q_step = m->in.q_step,
                    .kv_step = m->in.kv_step};
}

/* How many of the others step `step` sees. */
static int64_t seen(const attention *self, int64_t step) {
  return self->causal ? step + 1 : self->others;
}

/* Steps begin .. begin + n - 1: p = softmax(q k^T / sqrt(head)), mixed = p v. */
static void attend(const memory *m, const one_head *h, int64_t begin, int64_t n) {
  const attention *self = m->self;
  const kernels *k = m->call->kernels;
  int64_t width = seen(self, begin + n - 1), others = self->others;
  real *p = h->p + begin * others, scale = (real)(1 / sqrt((double)self->head));
  gemm(GEMM_N, GEMM_T, n, width, self->head, scale, h->q + begin * h->q_step, h->q_step,
       h->k, h->kv_step, 0, p, others);
  for (int64_t i = 0; i < n; i++) {
    int64_t visible = seen(self, begin + i);
    k->softmax(visible, p + i * others, p + i * others);
    k->fill(width - visible, 0, p + i * others + visible);
  }
  gemm(GEMM_N, GEMM_N, n, self->head, width, 1, p, others, h->v, h->kv_step, 0,
       h->mixed + begin * self->dim, self->dim);
}

/* The gradients in the scores: dp = dmixed v^T, ds = p (dp - sum p dp), and from them
 * those in q, k and v. `ds` is the thread's scratch. */
static void attend_back(const memory *m, const one_head *h, int64_t begin, int64_t n,
                        real *ds) {
  const attention *self = m->self;
  const kernels *k = m->call->kernels;
  int64_t width = seen(self, begin + n - 1), others = self->others, head = self->head;
  const real *p = h->p + begin * others, *dmixed = h->dmixed + begin * self->dim;
  real scale = (real)(1 / sqrt((double)head));
  gemm(GEMM_N, GEMM_T, n, width, head, 1, dmixed, self->dim, h->v, h->kv_step, 0, ds,
       width);
  for (int64_t i = 0; i < n; i++)
    k->softmax_back(width, p + i * others, ds + i * width, ds + i * width);
  gemm(GEMM_N, GEMM_N, n, head, width, scale, ds, width, h->k, h->kv_step, 0,
       h->dq + begin * h->q_step, h->q_step);
  gemm(GEMM_T, GEMM_N, width, head, n, scale, ds, width, h->q + begin * h->q_step,
       h->q_step, 1, h->dk, h->kv_step);
  gemm(GEMM_T, GEMM_N, width, head, n, 1, p, others, dmixed, self->dim, 1, h->dv,
       h->kv_step);
}

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const attention *self = j->memory->self;
  int64_t first, end;
  parallel_range(j->count, j->pieces, piece, &first, &end);
  for (int64_t index = first; index < end; index++) {
    one_head h = select_head(j->memory, index);
    for (int64_t i = 0; i < self->steps; i += self->block)
      attend(j->memory, &h, i,
             self->steps - i < self->block ? self->steps - i : self->block);
  }
}

static void clear_rows(const kernels *k, int64_t rows, int64_t n, int64_t step, real *y) {
  for (int64_t i = 0; i < rows; i++) k->fill(n, 0, y + i * step);
}

static void backward_piece(void *arg, int piece, int thread) {
  const job *j = arg;
  const memory *m = j->memory;
  const attention *self = m->self;
  int64_t first, end;
  parallel_range(j->count, j->pieces, piece, &first, &end);
  for (int64_t index = first; index < end; index++) {
    one_head h = select_head(m, index);
    clear_rows(m->call->kernels, self->others, self->head, h.kv_step, h.dk);
    clear_rows(m->call->kernels, self->others, self->head, h.kv_step, h.dv);
    for (int64_t i = 0; i < self->steps; i += self->block)
      attend_back(m, &h, i, self->steps - i < self->block ? self->steps - i : self->block,
                  layer_scratch(m->layer, m->call, thread));
  }
}

static void run_heads(const memory *m, parallel_body body) {
  int64_t count = m->call->batch * m->self->heads;
  job j = {m, count, parallel_pieces(count, 1)};
  parallel_run(m->call->engine, j.pieces, body, &j);
}

/* ---- the layer ------------------------------------------------------------------- */

static void forward(const layer *l, const layer_call *c) {
  const attention *self = l->self;
  memory m = lay_out(l, c);
  int64_t dim = self->dim, rows = c->batch * self->steps,
          others = c->batch * self->others;
  const real *bias = self->bias ? c->w[1] : NULL;
  if (m.cross) {
    project(&m, rows, dim, c->x[0], c->w[0], bias, m.in.q);
    project(&m, others, 2 * dim, c->x[1], c->w[0] + dim * dim, bias ? bias + dim : NULL,
            m.in.k);
  } else {
    project(&m, rows, 3 * dim, c->x[0], c->w[0], bias, m.in.q);
  }
  run_heads(&m, forward_piece);
  int out = out_weight(self);
  project(&m, rows, dim, m.mixed, c->w[out], self->bias ? c->w[out + 1] : NULL, c->y[0]);
}

static void backward(const layer *l, const layer_call *c) {
  const attention *self = l->self;
  memory m = lay_out(l, c);
  int64_t dim = self->dim, rows = c->batch * self->steps,
          others = c->batch * self->others;
  int out = out_weight(self);
  project_back(&m, rows, dim, m.mixed, c->w[out], c->dy[0], m.dmixed, c->dw[out],
               self->bias ? c->dw[out + 1] : NULL);
  run_heads(&m, backward_piece);
  real *dw = c->dw[0], *db = self->bias ? c->dw[1] : NULL;
  if (m.cross) {
    project_back(&m, rows, dim, c->x[0], c->w[0], m.din.q, c->dx[0], dw, db);
    project_back(&m, others, 2 * dim, c->x[1], c->w[0] + dim * dim, m.din.k, c->dx[1],
                 moved(dw, dim * dim), moved(db, dim));
  } else {
    project_back(&m, rows, 3 * dim, c->x[0], c->w[0], m.din.q, c->dx[0], dw, db);
  }
}

const layer_type layer_attention = {
    .name = "attention",
    .help =
        "each head of (time, dim): softmax(q k^T / sqrt(dim / heads)) v, with q, k, v "
        "= x W_in^T + b_in; the heads side by side times W_out^T, + b_out; k and v "
        "come from the second input if there is one",
    .example = "nn.attention { 4, causal = true }",
    .options = options,
    .size = sizeof(attention),
    .min_inputs = 1,
    .max_inputs = 2,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
