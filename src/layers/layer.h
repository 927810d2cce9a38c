/* layer.h: what a layer is.
 *
 * A layer is one C file that ends in one `const layer_type`, one line in registry.c, and
 * one test. It is described by data (name, options, how many inputs) and three functions:
 *
 *   setup     infers shapes, declares weights and memory. May fail; allocates nothing.
 *   forward   y from x. Never fails, never allocates.
 *   backward  dx and dw from dy. Never fails, never allocates.
 *
 * The net provides all memory. Shapes leave out the batch; data lies (batch, ...)
 * row-major. */
#ifndef LANDER_LAYERS_LAYER_H
#define LANDER_LAYERS_LAYER_H

#include "../base/base.h"
#include "../base/error.h"
#include "../base/options.h"
#include "../base/parallel.h"
#include "../base/random.h"
#include "../tensor/gemm.h"
#include "../tensor/kernels.h"
#include "filler.h"

#define LAYER_MAX_INPUTS  16
#define LAYER_MAX_OUTPUTS 16
#define LAYER_MAX_WEIGHTS 32
#define LAYER_MAX_STATES  4

typedef struct shape {
  int dims;
  int64_t size[LANDER_MAX_DIMS];
} shape;

int64_t shape_count(const shape *s);
bool shape_same(const shape *a, const shape *b);
bool shape_alike(const shape *a, const shape *b); /* but for dimensions of size 1 */
/* Fails with both shapes in words when in[input] has not `dims` dimensions. */
typedef struct layer layer;
lander_status layer_want_dims(const layer *l, int input, int dims, const char *means,
                              lander_error *error);
/* Fails when `what` would have more numbers than can be: products of sizes are tried as
 * doubles before they are taken as integers. */
#define LAYER_MOST ((int64_t)1 << 46)
lander_status layer_check_size(const layer *l, const char *what, double count,
                               lander_error *error);

typedef struct layer_weight {
  const char *name; /* "weight" */
  shape shape;
  filler filler;
  int64_t fan_in, fan_out;
} layer_weight;

/* What a layer remembers from pass to pass and is not learnt by gradient: the running
 * statistics of batch_norm. It is saved with the net. */
typedef struct layer_state {
  const char *name; /* "running_mean" */
  shape shape;
  real value; /* that all of it begins with */
} layer_state;

typedef struct layer_type layer_type;

/* One layer of a net, as setup sees it. setup fills in what is below the line. */
struct layer {
  const layer_type *type;
  const char *name;
  void *self; /* type->size bytes: the options, then whatever setup works out */
  int inputs;
  shape in[LAYER_MAX_INPUTS];
  /* ---- */
  int outputs;
  shape out[LAYER_MAX_OUTPUTS];
  bool unbatched; /* outputs are for the whole batch (a loss) */
  int weights;
  layer_weight weight[LAYER_MAX_WEIGHTS];
  int states;
  layer_state state[LAYER_MAX_STATES];
  int64_t kept;          /* reals a sample: from forward to backward (a mask) */
  int64_t scratch;       /* reals a thread, during one call */
  int64_t partial;       /* reals a piece, during one call (sums to be added in order) */
  int partial_pieces;    /* how many pieces have such a block; 0: PARALLEL_MAX_PIECES */
  int64_t workspace;     /* reals for all threads together, during one call */
  int64_t multiply_adds; /* of one forward pass of one sample */
  /* What a net that saves memory may do; a layer that says nothing allows nothing. */
  bool x_unread, y_unread; /* backward reads no input; no output */
  bool over_x;             /* the first output may be written over the first input */
  bool over_dy;            /* dx[0] may be written over dy[0] */
  bool is_relu;            /* max(0, x), which the layer before it may do as well: */
  bool may_relu;           /* it does so to its output, where layer_call says it */
};

/* One call of forward or backward. */
typedef struct layer_call {
  lander_engine *engine;
  const kernels *kernels;
  int64_t batch; /* at least 1 */
  lander_phase phase;
  const real *x[LAYER_MAX_INPUTS];
  real *y[LAYER_MAX_OUTPUTS];
  const real *w[LAYER_MAX_WEIGHTS];
  /* Forward in the train phase may change it. When the solver rejects the iteration, the
   * net puts back what was there. */
  real *state[LAYER_MAX_STATES];
  real *kept;        /* (batch, l->kept) */
  real *scratch;     /* (threads, l->scratch) */
  real *partial;     /* (l->partial_pieces, l->partial) */
  real *workspace;   /* (l->workspace) */
  random_key random; /* this layer's, in this pass */
  /* The layer behind is a ReLU, and this one does its work: y[0] is max(0, y), and dy[0]
   * counts as 0 where that is 0. */
  bool relu;
  /* backward: */
  const real *dy[LAYER_MAX_OUTPUTS];
  real *dx[LAYER_MAX_INPUTS];  /* to be written, not added to; NULL: nobody needs it */
  real *dw[LAYER_MAX_WEIGHTS]; /* NULL: frozen */
  real beta;                   /* 0: write dw without reading it; 1: add to it */
  /* The one thing that can go wrong here is the data: a label out of range. The first
   * such error is kept, and the pass fails with it. */
  lander_error *error;
} layer_call;

enum layer_flags {
  LAYER_SOURCE = 1, /* has no inputs: input, label */
  LAYER_LABEL = 2,  /* its output comes from the data and takes no gradient */
  LAYER_LOSS =
      4, /* its output is a number to be minimised; the last input is the label */
  LAYER_METRIC = 8 /* its output is a number to be looked at; no backward */
};

struct layer_type {
  const char *name;
  const char *help;             /* one line: what it does, and the formula */
  const char *example;          /* a line of Lua */
  const lander_option *options; /* offsets into self; ended by OPTION_END */
  size_t size;                  /* of self */
  int min_inputs, max_inputs;
  unsigned flags;
  lander_status (*setup)(layer *l, lander_error *error);
  void (*forward)(const layer *l, const layer_call *c);
  void (*backward)(const layer *l, const layer_call *c);
  /* When the net is freed, or setup has failed. NULL: nothing to do. */
  void (*release)(layer *l);
  /* Losses: turns the scores of their first input into what a user wants to see when
   * predicting (softmax_loss: probabilities). NULL: the scores themselves. */
  void (*predict)(const layer *l, const layer_call *c, const real *x, real *y);
  /* Losses: the chance level, the lowest mean loss of an answer that doesn't look at the
   * input, all classes being as frequent. NULL: not known, or a matter of the data. */
  double (*chance)(const layer *l);
};

/* The registry: index from 0, NULL past the last; by name, NULL if unknown. */
const layer_type *layer_types(int index);
const layer_type *layer_type_find(const char *name);
/* The type, the engine's own (host.c) or a registered one, or an error with the nearest
 * known name. */
const layer_type *layer_type_check(const lander_engine *engine, const char *name,
                                   lander_error *error);
/* Types that were defined for this engine, the newest first; NULL past the last. */
const layer_type *layer_types_of_host(const lander_engine *engine, int index);

/* Options that the net reads, not the layer. lr_mult and decay_mult: for layers with
 * weights, one number for each weight, the last one holding for the rest. loss_weight:
 * for losses. (And `share`, which is a name: see build.c.) */
extern const lander_option layer_common_options[];
typedef struct layer_common {
  lander_numbers lr_mult, decay_mult;
  double loss_weight;
} layer_common;

/* Scratch of this thread, partial sums of this piece. */
static inline real *layer_scratch(const layer *l, const layer_call *c, int thread) {
  return c->scratch + (int64_t)thread * l->scratch;
}
static inline real *layer_partial(const layer *l, const layer_call *c, int piece) {
  return c->partial + (int64_t)piece * l->partial;
}

/* dw = beta dw + the partial sums of `pieces` pieces in order, taken from element
 * `offset` of each piece's partial block; shared out over the threads. */
void layer_sum_partials(const layer *l, const layer_call *c, int pieces, int64_t offset,
                        int64_t count, real *dw);

#endif
