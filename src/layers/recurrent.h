/* recurrent.h: what rnn, lstm and gru share: everything but the cell.
 *
 * Inside, sequences lie time-major, (steps, batch, ...), so that a step works on memory
 * that is in one piece. The products with the inputs of all steps are one product, which
 * is taken beforehand; a step adds the product with the state before it, tile by tile of
 * the units, and goes on to the gates of these units while they are in cache. */
#ifndef LANDER_LAYERS_RECURRENT_H
#define LANDER_LAYERS_RECURRENT_H

#include "layer.h"

/* A sample's units begin .. begin + n - 1 at one step. Blocks lie `hidden` apart. */
typedef struct recurrent_units {
  int64_t n, hidden;
  const real *bias;   /* a block for each of the cell's blocks */
  real *gates;        /* forward: sums in, what backward needs out */
  const real *before; /* the state before this step */
  const real *cell_before;
  real *after, *cell_after; /* forward: the state after it */
  const real *dout;         /* backward: in the output of this step */
  real *carry; /* backward: in the state after it from later steps; out: what goes to the
                  state before it other than by the product with the gates */
  real *dcell; /* backward: in the cell after this step; out: in the one before it */
  real *dgates;
} recurrent_units;

typedef struct recurrent recurrent;

/* What makes an rnn, lstm or gru. The last gate of a `split` cell keeps the product with
 * the state apart from the one with the input, in the block behind the gates. */
typedef struct recurrent_cell {
  int gates;       /* blocks of the weights */
  int blocks;      /* kept from forward to backward */
  int back_blocks; /* of gradients: the gates, and one more if split */
  bool split;
  bool has_cell; /* a second state, that of lstm */
  void (*step)(const recurrent *self, const kernels *k, const recurrent_units *u);
  void (*step_back)(const recurrent *self, const kernels *k, const recurrent_units *u);
} recurrent_cell;

#define RECURRENT_NAME   24
#define RECURRENT_PIECES 16 /* a step, or sum, is cut into no more for a direction */

struct recurrent {
  int hidden, layers, nonlinearity;
  bool bidirectional, bias, mask, state;
  filler weight_filler, bias_filler;
  /* worked out by setup: */
  int directions;
  int64_t steps, features;
  char name[LAYER_MAX_WEIGHTS][RECURRENT_NAME];
};

extern const char *const recurrent_fillers[];

#define RECURRENT_FILLER(field, text)                                                    \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_GROUP, .offset = offsetof(recurrent, field),   \
    .fallback = "hidden", .choices = recurrent_fillers, .members = filler_options,       \
    .help = text                                                                         \
  }

/* The rows of the option table that all have. */
#define RECURRENT_OPTIONS                                                                \
  OPTION_INT(recurrent, hidden, NULL, 1, 1 << 20, 1, "how many units a layer has"),      \
      OPTION_INT(recurrent, layers, "1", 1, LAYER_MAX_WEIGHTS / 2, 0,                    \
                 "how many layers, each on the output of the one before"),               \
      OPTION_BOOL(                                                                       \
          recurrent, bidirectional, "false",                                             \
          "whether every layer also runs from the end, with weights of its own"),        \
      OPTION_BOOL(recurrent, bias, "true", "whether learnt biases are added"),           \
      OPTION_BOOL(recurrent, mask, "false",                                              \
                  "whether the next input is a mask (time): 1 a real step, 0 padding, "  \
                  "which is passed over and gives 0"),                                   \
      OPTION_BOOL(recurrent, state, "false",                                             \
                  "whether the next inputs are the state before the first step"),        \
      RECURRENT_FILLER(weight_filler, "initial values of the weights; hidden: drawn "    \
                                      "evenly from +-1 / sqrt(hidden)"),                 \
      RECURRENT_FILLER(bias_filler, "initial values of the biases")

lander_status recurrent_setup(layer *l, const recurrent_cell *cell, lander_error *error);
void recurrent_forward(const layer *l, const layer_call *c, const recurrent_cell *cell);
void recurrent_backward(const layer *l, const layer_call *c, const recurrent_cell *cell);

/* How memory is laid out, and the state of a call; for recurrent.c and
 * recurrent_back.c. */
typedef struct recurrent_memory {
  const layer *layer;
  const layer_call *call;
  const recurrent *self;
  const recurrent_cell *cell;
  int64_t steps, batch, hidden;
  int64_t width; /* of the output: directions * hidden */
  const real *mask;
  /* kept: */
  real *input; /* (steps, batch, features) */
  real *layers, *dgates, *dsequence, *carry, *dcell;
  int pieces;           /* of the units, for each direction */
  int64_t packed_piece; /* numbers of a piece's part of the packed weights */
} recurrent_memory;

/* One direction of one layer. */
typedef struct recurrent_run {
  int direction;
  real *gates;      /* (steps, batch, blocks, hidden) */
  real *h, *c;      /* (steps + 1, batch, hidden) */
  real *bias;       /* (blocks, hidden), in forward */
  int first_weight; /* weight_ih, weight_hh, bias_ih, bias_hh */
  real *packed;     /* weight_hh, packed for the products of each piece of the units */
  real *out;        /* (steps, batch, width), of the layer */
  const real *in;   /* (steps, batch, in_width) */
  int64_t in_width;
  real *dgates;        /* (steps, batch, back_blocks, hidden) */
  real *carry, *dcell; /* (batch, hidden) */
} recurrent_run;

recurrent_memory recurrent_lay_out(const layer *l, const layer_call *c,
                                   const recurrent_cell *cell);
recurrent_run recurrent_select(const recurrent_memory *m, int level, int direction);

/* The place in time of the step number `s` of a direction, and the place in h and c of
 * the state before it and after it. */
static inline int64_t recurrent_time(const recurrent_memory *m, const recurrent_run *r,
                                     int64_t s) {
  return r->direction == 0 ? s : m->steps - 1 - s;
}
static inline int64_t recurrent_before(const recurrent_run *r, int64_t t) {
  return r->direction == 0 ? t : t + 1;
}
static inline int64_t recurrent_after(const recurrent_run *r, int64_t t) {
  return r->direction == 0 ? t + 1 : t;
}

/* The units of a piece. */
static inline void recurrent_piece(const recurrent_memory *m, int piece, int64_t *begin,
                                   int64_t *end) {
  parallel_range(m->hidden, m->pieces, piece % m->pieces, begin, end);
}
static inline real *recurrent_packed(const recurrent_memory *m, const recurrent_run *r,
                                     int piece) {
  return r->packed + piece % m->pieces * m->packed_piece;
}

/* Copies (batch, steps, n) to (steps, batch, n), or back. */
void recurrent_time_major(const layer_call *c, int64_t steps, int64_t n, const real *from,
                          real *to);
void recurrent_batch_major(const layer_call *c, int64_t steps, int64_t n,
                           const real *from, real *to);

#endif
