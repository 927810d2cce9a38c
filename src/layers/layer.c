/* layer.c: what layers share: shapes, common options, sums over pieces. */
#include "layer.h"

#include "../tensor/tensor.h"

/* ---- shapes ---------------------------------------------------------------------- */

int64_t shape_count(const shape *s) {
  int64_t count = 1;
  for (int d = 0; d < s->dims; d++) count *= s->size[d];
  return count;
}

bool shape_same(const shape *a, const shape *b) {
  if (a->dims != b->dims) return false;
  for (int d = 0; d < a->dims; d++)
    if (a->size[d] != b->size[d]) return false;
  return true;
}

static shape without_ones(const shape *s) {
  shape result = {.dims = 0};
  for (int d = 0; d < s->dims; d++)
    if (s->size[d] != 1) result.size[result.dims++] = s->size[d];
  return result;
}

bool shape_alike(const shape *a, const shape *b) {
  shape short_a = without_ones(a), short_b = without_ones(b);
  return shape_same(&short_a, &short_b);
}

lander_status layer_want_dims(const layer *l, int input, int dims, const char *means,
                              lander_error *error) {
  const shape *in = &l->in[input];
  if (in->dims == dims) return LANDER_OK;
  char found[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "%s needs an input of %d dimension%s, %s, got %s", l->type->name, dims,
                   dims == 1 ? "" : "s", means, shape_text(found, in->dims, in->size));
}

lander_status layer_check_size(const layer *l, const char *what, double count,
                               lander_error *error) {
  if (count <= (double)LAYER_MOST) return LANDER_OK;
  return error_set(error, LANDER_ERROR_SHAPE, "%s: %s would have %.3g numbers",
                   l->type->name, what, count);
}

/* ---- options of every layer with weights ----------------------------------------- */

const lander_option layer_common_options[] = {
    OPTION_NUMBERS(layer_common, lr_mult, "1", 0, 1e6, 0,
                   "factors on the learning rate: of the weight, of the bias ..."),
    OPTION_NUMBERS(layer_common, decay_mult, "1", 0, 1e6, 0,
                   "factors on the weight decay: of the weight, of the bias ..."),
    OPTION_NUMBER(layer_common, loss_weight, "1", -1e30, 1e30, 0,
                  "factor on a loss, where several are added up"),
    OPTION_END};

/* ---- sums over pieces ------------------------------------------------------------ */

#define SUM_GRAIN 4096 /* elements of dw a piece */

typedef struct sum_job {
  const layer *layer;
  const layer_call *call;
  int sums;
  int64_t offset, count;
  real *dw;
  int pieces;
} sum_job;

static void sum_piece(void *arg, int piece, int thread) {
  (void)thread;
  const sum_job *j = arg;
  const kernels *k = j->call->kernels;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  real *to = j->dw + begin;
  int64_t n = end - begin;
  for (int i = 0; i < j->sums; i++) {
    const real *from = layer_partial(j->layer, j->call, i) + j->offset + begin;
    if (i == 0 && j->call->beta == 0)
      k->copy_2d(1, n, from, n, to, n);
    else
      k->add(n, to, from, to);
  }
}

void layer_sum_partials(const layer *l, const layer_call *c, int pieces, int64_t offset,
                        int64_t count, real *dw) {
  sum_job j = {l, c, pieces, offset, count, dw, parallel_pieces(count, SUM_GRAIN)};
  parallel_run(c->engine, j.pieces, sum_piece, &j);
}
