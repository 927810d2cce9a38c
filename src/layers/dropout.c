/* dropout.c: y = x, or 0 with probability `ratio` while training (Srivastava et al.,
 * "Dropout", JMLR 2014). What is kept is scaled up while training, so that testing needs
 * nothing. */
#include "elementwise.h"

typedef struct dropout {
  double ratio;
} dropout;

/* The largest double below 1: a ratio of 1 would leave nothing to scale. */
static const lander_option options[] = {
    OPTION_NUMBER(dropout, ratio, "0.5", 0, 0.99999999999999989, 1,
                  "probability of dropping a number, from 0 to below 1"),
    OPTION_END};

/* What is kept is a bit a number, in words. */
#define BITS 32
static int64_t words(int64_t count) {
  return (count + BITS - 1) / BITS;
}

static lander_status setup(layer *l, lander_error *error) {
  l->kept = words(shape_count(&l->in[0]));
  l->x_unread = l->y_unread = l->over_x = l->over_dy = true;
  return elementwise_setup(l, error);
}

/* ---- the numbers of some words ----------------------------------------------------- */

#define PIECE_WORDS 512 /* a piece */
#define DRAWN_WORDS 16  /* for which draws are made at a time */

typedef struct job {
  const layer *layer;
  const layer_call *call;
  int64_t count; /* of the batch */
  int pieces;
} job;

/* A number's draw is its place in the batch. */
static void drop(const job *j, int64_t begin, int64_t n) {
  const dropout *self = j->layer->self;
  const layer_call *c = j->call;
  uint32_t *bits = (uint32_t *)c->kept + begin / BITS;
  real u[DRAWN_WORDS * BITS];
  c->kernels->uniform(c->random, (uint64_t)begin, n, u);
  c->kernels->drop(n, (real)self->ratio, (real)(1 / (1 - self->ratio)), u, bits,
                   c->x[0] + begin, c->y[0] + begin);
}

static void drop_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  int64_t begin, end;
  parallel_range(words(j->count), j->pieces, piece, &begin, &end);
  for (; begin < end; begin += DRAWN_WORDS) {
    int64_t last = (begin + DRAWN_WORDS < end ? begin + DRAWN_WORDS : end) * BITS;
    drop(j, begin * BITS, (last < j->count ? last : j->count) - begin * BITS);
  }
}

static void drop_back_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const dropout *self = j->layer->self;
  const layer_call *c = j->call;
  int64_t begin, end;
  parallel_range(words(j->count), j->pieces, piece, &begin, &end);
  int64_t first = begin * BITS, last = end * BITS < j->count ? end * BITS : j->count;
  c->kernels->drop_back(last - first, (real)(1 / (1 - self->ratio)),
                        (const uint32_t *)c->kept + begin, c->dy[0] + first,
                        c->dx[0] + first);
}

static void run(const layer *l, const layer_call *c, parallel_body body) {
  int64_t count = c->batch * shape_count(&l->in[0]);
  job j = {l, c, count, parallel_pieces(words(count), PIECE_WORDS)};
  parallel_run(c->engine, j.pieces, body, &j);
}

/* ---- the layer ------------------------------------------------------------------- */

static bool drops(const layer *l, const layer_call *c) {
  const dropout *self = l->self;
  return c->phase == LANDER_TRAIN && self->ratio > 0;
}

static void forward(const layer *l, const layer_call *c) {
  if (drops(l, c))
    run(l, c, drop_piece);
  else
    elementwise_run(l, c, elementwise_copy);
}

static void backward(const layer *l, const layer_call *c) {
  if (!c->dx[0]) return;
  if (drops(l, c))
    run(l, c, drop_back_piece);
  else
    elementwise_run(l, c, elementwise_copy_back);
}

const layer_type layer_dropout = {
    .name = "dropout",
    .help =
        "while training: y = x / (1 - ratio), or 0 with probability ratio; else y = x",
    .example = "nn.dropout { 0.5 }",
    .options = options,
    .size = sizeof(dropout),
    .min_inputs = 1,
    .max_inputs = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
