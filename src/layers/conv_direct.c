/* conv_direct.c: convolution as sums of shifted strips (strips.h).
 *
 * Forward: an output channel is the sum over the taps of a weight times a strip; some
 * channels and neighbouring places at a time stay in registers. The gradient of the image
 * is the same sum over the output's gradient, with the kernel turned round and as much
 * padding as makes the image's size again. The gradient of a weight is the product of its
 * strip and the output's gradient, summed along both. */
#include "conv.h"

/* Strips stay in a core's second-level cache, beside weights and outputs. */
#define ROOM ((int64_t)(512 * 1024 / sizeof(real)))

/* Those that weights' gradients are made of may take more: they are read one after
 * another, and sums over many places at a time take less time. */
#define PLACES_ROOM (4 * ROOM)
#define MOST_PLACES 1024

/* ---- memory ----------------------------------------------------------------------- */

/* How many images' strips are there together. */
static int64_t chunk_of(const strips *s) {
  int64_t positions = s->window.out[0] * s->window.out[1];
  int64_t wanted = (MOST_PLACES + positions - 1) / positions, fit = PLACES_ROOM / s->size;
  if (s->band < s->window.out[0] || fit < 1) return 1;
  return wanted < fit ? wanted : fit;
}

static void setup(layer *l, int pass) {
  conv *self = l->self;
  const window *w = &self->window;
  int64_t scratch, workspace = self->outputs * self->group_kernel; /* in another order */
  if (pass == CONV_FORWARD) {
    strips_setup(&self->ahead, w, self->group_in, ROOM);
    scratch = self->ahead.size;
  } else if (pass == CONV_IMAGE) {
    window back = conv_turned(w);
    strips_setup(&self->back, &back, self->group_out, ROOM);
    scratch = self->back.size;
  } else {
    strips_setup(&self->places, w, self->group_in, PLACES_ROOM);
    self->chunk = chunk_of(&self->places);
    scratch = self->chunk * self->places.size;
    workspace = 0;
  }
  conv_want(l, scratch + TAPS_SLACK, workspace);
}

/* ---- weights in the order in which they are used ---------------------------------- */

/* One way of running the sums: forward, or back to the image. */
typedef struct pass {
  const layer *layer;
  const layer_call *call;
  const strips *strips;
  bool back;
  int64_t rows; /* channels that come out of a group */
  int64_t taps; /* terms of each of their numbers */
  int64_t blocks;
  const real *from; /* images whose strips are summed up */
  int64_t from_image;
  real *to;
  int64_t to_image;
  const real *bias;
  int pieces;
} pass;

static pass pass_of(const layer *l, const layer_call *c, bool back) {
  const conv *self = l->self;
  pass p = {.layer = l, .call = c, .back = back};
  p.strips = back ? &self->back : &self->ahead;
  p.rows = back ? self->group_in : self->group_out;
  p.taps = p.strips->channels * p.strips->taps.columns * p.strips->taps.rows;
  p.blocks = (p.rows + c->kernels->tap_rows - 1) / c->kernels->tap_rows;
  p.from = back ? c->dy[0] : c->x[0];
  p.from_image = back ? self->out : self->in;
  p.to = back ? c->dx[0] : c->y[0];
  p.to_image = back ? self->in : self->out;
  p.bias = back || !self->bias ? NULL : c->w[1];
  return p;
}

/* The weight of tap (channel, i, j) for row `row` of group `group`. */
static real weight_at(const pass *p, int64_t group, int64_t row, int64_t channel,
                      int64_t i, int64_t j) {
  const conv *self = p->layer->self;
  const taps *t = &p->strips->taps;
  int64_t output = group * self->group_out + (p->back ? channel : row);
  int64_t input = p->back ? row : channel;
  if (p->back) {
    i = t->rows - 1 - i;
    j = t->columns - 1 - j;
  }
  return p->call
      ->w[0][((output * self->group_in + input) * t->rows + i) * t->columns + j];
}

/* Block number `block` of all groups' blocks: (channels, columns, rows of the kernel;
 * rows of the block). */
static void order_block(const pass *p, int64_t block) {
  const taps *t = &p->strips->taps;
  int64_t group = block / p->blocks, begin, end;
  parallel_range(p->rows, (int)p->blocks, (int)(block % p->blocks), &begin, &end);
  real *to = p->call->workspace + (group * p->rows + begin) * p->taps;
  for (int64_t c = 0; c < t->channels; c++)
    for (int64_t j = 0; j < t->columns; j++)
      for (int64_t i = 0; i < t->rows; i++)
        for (int64_t row = begin; row < end; row++)
          *to++ = weight_at(p, group, row, c, i, j);
}

static void order_piece(void *arg, int piece, int thread) {
  (void)thread;
  const pass *p = arg;
  const conv *self = p->layer->self;
  int64_t begin, end;
  parallel_range(p->blocks * self->groups, p->pieces, piece, &begin, &end);
  for (int64_t block = begin; block < end; block++) order_block(p, block);
}

#define ORDER_GRAIN 8192 /* weights a piece */

static void order_weights(pass *p) {
  const conv *self = p->layer->self;
  int64_t weights = p->rows * p->taps / p->blocks;
  p->pieces = parallel_pieces(p->blocks * self->groups, ORDER_GRAIN / weights);
  parallel_run(p->call->engine, p->pieces, order_piece, p);
}

/* ---- sums over the taps ----------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void sum_band(const pass *p, int64_t group, int64_t row, int64_t rows,
                     const real *strip, real *to) {
  const window *w = &p->strips->window;
  const kernels *k = p->call->kernels;
  int64_t plane = w->out[0] * w->out[1];
  for (int64_t b = 0; b < p->blocks; b++) {
    int64_t begin, end;
    parallel_range(p->rows, (int)p->blocks, (int)b, &begin, &end);
    int64_t first = group * p->rows + begin;
    k->sum_taps((int)(end - begin), rows * w->out[1], &p->strips->taps, strip,
                p->call->workspace + first * p->taps, p->bias ? p->bias + first : NULL,
                to + first * plane + row * w->out[1], plane);
  }
}

static void sum_image(const pass *p, int64_t image, real *scratch) {
  const conv *self = p->layer->self;
  const strips *s = p->strips;
  const window *w = &s->window;
  const real *from = p->from + image * p->from_image;
  for (int64_t g = 0; g < self->groups; g++, from += s->channels * w->in[0] * w->in[1])
    for (int64_t row = 0; row < w->out[0]; row += s->band) {
      int64_t rows = least(s->band, w->out[0] - row);
      strips_fill(s, p->call->kernels, row, rows, from, scratch);
      sum_band(p, g, row, rows, scratch, p->to + image * p->to_image);
    }
}

static void image_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  int64_t begin, end;
  parallel_range(p->call->batch, p->pieces, piece, &begin, &end);
  for (int64_t image = begin; image < end; image++)
    sum_image(p, image, layer_scratch(p->layer, p->call, thread));
}

static void run_images(const layer *l, const layer_call *c, bool back) {
  pass p = pass_of(l, c, back);
  order_weights(&p);
  p.pieces = parallel_pieces(c->batch, 1);
  parallel_run(c->engine, p.pieces, image_piece, &p);
}

static void forward(const layer *l, const layer_call *c) {
  run_images(l, c, false);
}

static void image(const layer *l, const layer_call *c) {
  run_images(l, c, true);
}

/* ---- sums over the places --------------------------------------------------------- */

/* Adds the part of some images to a piece's sums: one band of one image, or as many whole
 * images as there is room for, since sums over many places at once take less time. */
static void sum_weights(const pass *p, int64_t image, int64_t images, int64_t row,
                        int64_t rows, real *scratch, real *sums) {
  const conv *self = p->layer->self;
  const layer_call *c = p->call;
  const strips *s = &self->places;
  int64_t plane = self->in / (self->groups * self->group_in);
  for (int64_t g = 0; g < self->groups; g++) {
    const real *x = c->x[0] + image * self->in + g * self->group_in * plane;
    for (int64_t i = 0; i < images; i++)
      strips_fill(s, c->kernels, row, rows, x + i * self->in, scratch + i * s->size);
    c->kernels->sum_places(
        &(taps_back){.taps = s->taps,
                     .images = images,
                     .n = rows * s->window.out[1],
                     .x = scratch,
                     .x_image = s->size,
                     .rows = self->group_out,
                     .dy = c->dy[0] + image * self->out +
                           g * self->group_out * self->positions + row * s->window.out[1],
                     .dy_image = self->out,
                     .dy_step = self->positions,
                     .dw = sums + g * self->group_out * self->group_kernel,
                     .dw_step = self->group_kernel});
  }
}

static void weight_gradient(const pass *p, int64_t begin, int64_t end, real *scratch,
                            real *sums) {
  const conv *self = p->layer->self;
  const strips *s = &self->places;
  int64_t height = s->window.out[0];
  p->call->kernels->fill(self->outputs * self->group_kernel, 0, sums);
  for (int64_t image = begin; image < end; image += self->chunk)
    for (int64_t row = 0; row < height; row += s->band)
      sum_weights(p, image, least(self->chunk, end - image), row,
                  least(s->band, height - row), scratch, sums);
}

static void weights_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const layer *l = p->layer;
  const layer_call *c = p->call;
  real *sums = layer_partial(l, c, piece);
  int64_t begin, end;
  parallel_range(c->batch, p->pieces, piece, &begin, &end);
  if (c->dw[0]) weight_gradient(p, begin, end, layer_scratch(l, c, thread), sums);
  conv_bias_gradient(l, c, begin, end, sums);
}

/* As many as there are blocks for, but each with enough places to sum up. */
#define PIECE_PLACES 512
#define LEAST_PIECES 8

static int weights_pieces(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  int64_t pieces = least(c->batch, l->partial_pieces);
  int64_t wanted = c->batch * self->positions / PIECE_PLACES;
  if (wanted < LEAST_PIECES) wanted = LEAST_PIECES;
  return (int)least(pieces, wanted);
}

static void weights(const layer *l, const layer_call *c) {
  pass p = {.layer = l, .call = c, .pieces = weights_pieces(l, c)};
  parallel_run(c->engine, p.pieces, weights_piece, &p);
  conv_sum_pieces(l, c, p.pieces);
}

const conv_way conv_sums = {
    .setup = setup,
    .run = {[CONV_FORWARD] = forward, [CONV_WEIGHTS] = weights, [CONV_IMAGE] = image}};
