/* embedding.c: each index becomes a learnt row of numbers. */
#include <math.h>

#include "../tensor/tensor.h"
#include "layer.h"

typedef struct embedding {
  int entries, dim;
  filler weight_filler;
  int64_t places; /* indices in a sample */
} embedding;

static const lander_option options[] = {
    OPTION_INT(embedding, entries, NULL, 1, 1 << 28, 1, "how many indices there are"),
    OPTION_INT(embedding, dim, NULL, 1, 1 << 24, 2, "how many numbers each becomes"),
    OPTION_FILLER(embedding, weight_filler, "gaussian", "initial values of the rows"),
    OPTION_END};

static lander_status setup(layer *l, lander_error *error) {
  embedding *self = l->self;
  const shape *in = &l->in[0];
  if (in->dims >= LANDER_MAX_DIMS - 1) { /* the batch is one more */
    char found[SHAPE_TEXT];
    return error_set(error, LANDER_ERROR_SHAPE,
                     "embedding adds a dimension, and %s has as many as can be",
                     shape_text(found, in->dims, in->size));
  }
  self->places = shape_count(in);
  lander_status status =
      layer_check_size(l, "the weight", (double)self->entries * (double)self->dim, error);
  if (status == LANDER_OK)
    status = layer_check_size(l, "the output", (double)self->places * (double)self->dim,
                              error);
  if (status != LANDER_OK) return status;
  l->outputs = 1;
  l->out[0] = *in;
  l->out[0].size[l->out[0].dims++] = self->dim;
  l->weights = 1;
  l->weight[0] = (layer_weight){.name = "weight",
                                .shape = {2, {self->entries, self->dim}},
                                .filler = self->weight_filler,
                                .fan_in = self->entries,
                                .fan_out = self->dim};
  return LANDER_OK;
}

static bool check_indices(const embedding *self, const layer_call *c) {
  for (int64_t i = 0; i < c->batch * self->places; i++) {
    double found = c->x[0][i];
    if (found >= 1 && found <= (double)self->entries && found == floor(found)) continue;
    if (c->error && c->error->code == LANDER_OK)
      error_set(c->error, LANDER_ERROR_DATA,
                "index %.9g of sample %lld is outside 1..%d, or not whole (indices count "
                "from one)",
                found, (long long)(i / self->places + 1), self->entries);
    return false;
  }
  return true;
}

#define GRAIN   16384 /* numbers a piece */
#define COLUMNS 32    /* of the weight a piece, in backward */

typedef struct job {
  const embedding *self;
  const layer_call *call;
  int64_t rows; /* that the pieces share */
  int pieces;
} job;

static void forward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end, dim = j->self->dim;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    const real *from = c->w[0] + ((int64_t)c->x[0][i] - 1) * dim;
    c->kernels->copy_2d(1, dim, from, dim, c->y[0] + i * dim, dim);
  }
}

static void forward(const layer *l, const layer_call *c) {
  const embedding *self = l->self;
  if (!check_indices(self, c)) return;
  int64_t rows = c->batch * self->places;
  job j = {self, c, rows, parallel_pieces(rows, GRAIN / self->dim)};
  parallel_run(c->engine, j.pieces, forward_piece, &j);
}

static void clear_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end, dim = j->self->dim;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  j->call->kernels->fill((end - begin) * dim, 0, j->call->dw[0] + begin * dim);
}

/* An index may come up in many places, so pieces have columns of their own, and add in
 * the order of the places. */
static void backward_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const layer_call *c = j->call;
  int64_t begin, end, dim = j->self->dim;
  parallel_range(dim, j->pieces, piece, &begin, &end);
  for (int64_t i = 0; i < c->batch * j->self->places; i++) {
    real *to = c->dw[0] + ((int64_t)c->x[0][i] - 1) * dim + begin;
    c->kernels->add_2d(1, end - begin, c->dy[0] + i * dim + begin, dim, to, dim);
  }
}

static void backward(const layer *l, const layer_call *c) {
  const embedding *self = l->self;
  if (c->dw[0]) {
    job clear = {self, c, self->entries,
                 parallel_pieces(self->entries, GRAIN / self->dim)};
    if (c->beta == 0) parallel_run(c->engine, clear.pieces, clear_piece, &clear);
    job j = {self, c, 0, parallel_pieces(self->dim, COLUMNS)};
    parallel_run(c->engine, j.pieces, backward_piece, &j);
  }
  if (c->dx[0]) c->kernels->fill(c->batch * self->places, 0, c->dx[0]);
}

const layer_type layer_embedding = {
    .name = "embedding",
    .help = "each index i, 1 to entries, becomes row i of the weight (entries, dim): "
            "shape S becomes (S, dim)",
    .example = "nn.embedding { 96, 128 }",
    .options = options,
    .size = sizeof(embedding),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
