/* conv_winograd.c: convolution by Winograd's tiles, with fewer multiplications (Lavin and
 * Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).
 *
 * A tile of 6 x 6 numbers of an image gives 4 x 4 outputs of a kernel of 3 x 3, or 2 x 2
 * of one of 5 x 5. Tiles and kernels are turned into 36 points each. A point of an output
 * is the sum over the channels of the products of both: for all tiles and outputs it is a
 * matrix product, of which there are 36. Then points are turned back into numbers.
 *
 * The gradient of the image is the same over the output's gradient, with the kernel
 * turned round. In the gradient of the weights a tile of the output's gradient takes the
 * part of the kernel: its points times those of the image, summed over all tiles, are
 * points of the gradient.
 *
 * A block of tiles is worked on while it is in a core's cache. Its images are laid out
 * with channels innermost, and zeros around them: all transforms run along channels. */
#include "conv.h"

#define TILE   6 /* numbers along a side */
#define POINTS (TILE * TILE)

/* ---- which way -------------------------------------------------------------------- */

/* What it takes to lay out and turn the numbers of a channel in a tile, there and back,
 * in multiplications of a product. */
#define TURNING 400

static double vectors(int64_t channels) { /* of the widest */
  return (double)((channels + 15) / 16 * 16);
}

bool conv_winograd_wins(const window *w, int64_t from, int64_t to, double others) {
  int64_t kernel = w->kernel[0], side = TILE + 1 - kernel;
  if (kernel != w->kernel[1] || (kernel != 3 && kernel != 5)) return false;
  for (int s = 0; s < 2; s++)
    if (w->stride[s] != 1 || w->dilation[s] != 1) return false;
  double tiles =
      (double)((w->out[0] + side - 1) / side) * (double)((w->out[1] + side - 1) / side);
  double points = POINTS * (double)from * vectors(to);
  double turning = TURNING * (vectors(from) + vectors(to));
  return tiles * (points + turning) < others;
}

/* ---- memory ----------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t whole_vectors(int64_t channels) {
  int64_t lanes = kernels_table()->lanes;
  return (channels + lanes - 1) / lanes * lanes;
}

/* The points of a block of tiles, of both sides together; but so many tiles at least,
 * because each block reads all of the weights. */
#define ROOM        ((int64_t)(512 * 1024 / sizeof(real)))
#define LEAST_TILES 16

/* All of some images, or one of few bands of nearly the same height. */
static void choose_block(winograd *t) {
  int64_t fit = most(ROOM / (POINTS * (t->from_room + t->to_room)), LEAST_TILES);
  int64_t rows = most(fit / t->across, 1), bands = (t->down + rows - 1) / rows;
  t->band = (t->down + bands - 1) / bands;
  t->images = bands > 1 ? 1 : most(fit / (t->across * t->down), 1);
}

/* An image's part of a block, `border` numbers wider and higher than its outputs. */
static int64_t grid_size(const winograd *t, int64_t border, int64_t room) {
  return (t->band * t->side + border) * (t->across * t->side + border) * room;
}

#define LINE ((int64_t)(64 / sizeof(real)))

/* A thread's scratch: an image's part with channels innermost, points of both sides, then
 * a line of numbers, then (from sums_at on) points of the weights' gradient. */
static void lay_out_scratch(winograd *t) {
  int64_t tiles = t->images * t->band * t->across;
  t->from_step = tiles * t->from_room + LINE; /* not at one place of the cache's sets */
  t->to_step = tiles * t->to_room + LINE;
  t->from_at =
      most(grid_size(t, TILE - t->side, t->from_room), grid_size(t, 0, t->to_room));
  t->to_at = t->from_at + POINTS * t->from_step;
  t->line_at = t->to_at + POINTS * t->to_step;
  t->sums_at = t->line_at + POINTS * most(t->from_room, t->to_room);
}

static winograd tiles_of(const window *w, int64_t from, int64_t to) {
  winograd t = {.window = *w, .from = from, .to = to};
  t.from_room = whole_vectors(from);
  t.to_room = whole_vectors(to);
  t.side = TILE + 1 - w->kernel[0];
  t.down = (w->out[0] + t.side - 1) / t.side;
  t.across = (w->out[1] + t.side - 1) / t.side;
  t.weights_step = gemm_packed_size(t.to_room, from);
  choose_block(&t);
  lay_out_scratch(&t);
  return t;
}

/* Points of the weights' gradient that are summed up at a time, by parts of the outputs:
 * all of them are read and written for each block of tiles. */
#define SUMS_ROOM  ((int64_t)(4 * 1024 * 1024 / sizeof(real)))
#define LEAST_PART 16

/* The largest equal parts that there is room for; all, where no such part is left. */
static int64_t outputs_at_a_time(int64_t from, int64_t outputs) {
  int64_t fit = most(SUMS_ROOM / (POINTS * whole_vectors(from)), LEAST_PART);
  for (int64_t part = least(fit, outputs); part >= least(LEAST_PART, outputs); part--)
    if (outputs % part == 0) return part;
  return outputs;
}

static winograd tiles_of_pass(const conv *self, int pass) {
  const window *w = &self->window, back = conv_turned(w);
  int64_t in = self->group_in, out = self->group_out;
  if (pass == CONV_IMAGE) return tiles_of(&back, out, in);
  return tiles_of(w, in, pass == CONV_WEIGHTS ? outputs_at_a_time(in, out) : out);
}

static void setup(layer *l, int pass) {
  conv *self = l->self;
  winograd *t = &self->winograd[pass];
  *t = tiles_of_pass(self, pass);
  if (pass == CONV_WEIGHTS)
    conv_want(l, t->sums_at + POINTS * t->to * t->from_room, 0);
  else
    conv_want(l, t->sums_at, self->groups * POINTS * t->weights_step);
}

/* ---- images with channels innermost ------------------------------------------------ */

/* A part of an image (channels, height, width): rows and columns from `top` and `left`
 * on, which may lie outside, where zeros are. */
typedef struct part {
  int64_t channels, room, height, width;
  int64_t top, left, rows, columns;
} part;

/* to (rows, columns, room) */
static void lay_out(const part *p, const kernels *k, const real *image, real *to) {
  int64_t plane = p->height * p->width, step = p->columns * p->room;
  int64_t left = most(0, -p->left), right = least(p->columns, p->width - p->left);
  if (p->room > p->channels || left > right) k->fill(p->rows * step, 0, to);
  for (int64_t r = 0; r < p->rows && left <= right; r++, to += step) {
    int64_t y = p->top + r;
    if (y < 0 || y >= p->height) {
      k->fill(step, 0, to);
      continue;
    }
    k->fill(left * p->room, 0, to);
    k->transpose(p->channels, right - left, image + y * p->width + p->left + left, plane,
                 to + left * p->room, p->room);
    k->fill((p->columns - right) * p->room, 0, to + right * p->room);
  }
}

/* The other way: what lies inside of the image, whose left side is that of the part. */
static void put_back(const part *p, const kernels *k, const real *from, real *image) {
  int64_t plane = p->height * p->width, columns = least(p->columns, p->width);
  for (int64_t r = 0; r < p->rows && p->top + r < p->height; r++)
    k->transpose(columns, p->channels, from + r * p->columns * p->room, p->room,
                 image + (p->top + r) * p->width, plane);
}

/* ---- a pass ------------------------------------------------------------------------ */

typedef struct pass {
  const layer *layer;
  const layer_call *call;
  const winograd *tiles;
  bool back;
  const real *from; /* images of `from` channels a group */
  int64_t from_image;
  real *to; /* NULL for the gradient of the weights */
  int64_t to_image;
  int64_t blocks;
  int pieces;
} pass;

static int64_t bands_of(const winograd *t) {
  return (t->down + t->band - 1) / t->band;
}

/* A multiple of some number of threads, where there are so many. */
#define EVEN 4

static int64_t blocks_of(const winograd *t, int64_t batch) {
  if (t->band < t->down) return batch * bands_of(t);
  int64_t blocks = (batch + t->images - 1) / t->images;
  return blocks < EVEN ? blocks : least((blocks + EVEN - 1) / EVEN * EVEN, batch);
}

/* Images image .. image + images - 1 of a block, and their rows of tiles. */
typedef struct block {
  int64_t image, images, row, rows;
} block;

static block block_at(const pass *p, int64_t index) {
  const winograd *t = p->tiles;
  block b = {.image = index / bands_of(t), .images = 1, .rows = t->down};
  if (t->band < t->down) {
    b.row = index % bands_of(t) * t->band;
    b.rows = least(t->band, t->down - b.row);
  } else {
    b.image = p->call->batch * index / p->blocks;
    b.images = p->call->batch * (index + 1) / p->blocks - b.image;
  }
  return b;
}

static int64_t tiles_in(const winograd *t, const block *b) {
  return b->images * b->rows * t->across;
}

/* How tiles lie in a part of an image, `columns` wide. */
static winograd_tiles grid_of(const winograd *t, int64_t columns, int64_t room,
                              int64_t step) {
  return (winograd_tiles){.count = t->across,
                          .channels = room,
                          .size = (int)t->side,
                          .tile = t->side * room,
                          .row = columns * room,
                          .column = room,
                          .point = step};
}

/* Points of what goes in: tiles that overlap. */
static void spread_block(const pass *p, const block *b, int64_t group, real *scratch) {
  const winograd *t = p->tiles;
  const window *w = &t->window;
  const kernels *k = p->call->kernels;
  int64_t border = TILE - t->side;
  part at = {.channels = t->from,
             .room = t->from_room,
             .height = w->in[0],
             .width = w->in[1],
             .top = b->row * t->side - w->pad[0],
             .left = -w->pad[1],
             .rows = b->rows * t->side + border,
             .columns = t->across * t->side + border};
  winograd_tiles tiles = grid_of(t, at.columns, t->from_room, t->from_step);
  real *points = scratch + t->from_at;
  for (int64_t i = b->image; i < b->image + b->images; i++) {
    lay_out(&at, k, p->from + i * p->from_image + group * t->from * w->in[0] * w->in[1],
            scratch);
    for (int64_t r = 0; r < b->rows; r++, points += t->across * t->from_room)
      k->winograd_spread(&tiles, scratch + r * t->side * tiles.row, points);
  }
}

static part part_that_comes_out(const winograd *t, const block *b) {
  return (part){.channels = t->to,
                .room = t->to_room,
                .height = t->window.out[0],
                .width = t->window.out[1],
                .top = b->row * t->side,
                .rows = b->rows * t->side,
                .columns = t->across * t->side};
}

/* ---- points of the weights --------------------------------------------------------- */

/* Of all that channel number `channel` of a group that goes in has to do with. */
static void turn_weights(const pass *p, int64_t group, int64_t channel, real *line) {
  const winograd *t = p->tiles;
  const conv *self = p->layer->self;
  const kernels *k = p->call->kernels;
  int64_t side = t->window.kernel[0], places = side * side, panel = k->product_columns;
  int64_t from_step = p->back ? self->group_kernel : places;
  int64_t to_step = p->back ? places : self->group_kernel;
  const real *w = p->call->w[0] + group * self->group_out * self->group_kernel;
  k->fill(places * t->to_room, 0, line);
  k->transpose(t->to, places, w + channel * from_step, to_step, line, t->to_room);
  winograd_tiles tiles = {.count = 1, .size = (int)side, .point = t->weights_step};
  tiles.column = p->back ? -t->to_room : t->to_room;
  tiles.row = side * tiles.column;
  if (p->back) line += (places - 1) * t->to_room;
  real *to = p->call->workspace + group * POINTS * t->weights_step + channel * panel;
  for (int64_t first = 0; first < t->to_room; first += panel) {
    tiles.channels = least(panel, t->to_room - first);
    k->winograd_evaluate(&tiles, line + first, to + first * t->from);
  }
}

static void weights_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const winograd *t = p->tiles;
  const conv *self = p->layer->self;
  real *line = layer_scratch(p->layer, p->call, thread) + t->line_at;
  int64_t begin, end;
  parallel_range(self->groups * t->from, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++) turn_weights(p, i / t->from, i % t->from, line);
}

static void turn_all_weights(pass *p) {
  const conv *self = p->layer->self;
  p->pieces = parallel_pieces(self->groups * p->tiles->from, 1);
  parallel_run(p->call->engine, p->pieces, weights_piece, p);
}

/* ---- forward, and back to the image ------------------------------------------------ */

static void multiply(const pass *p, const block *b, int64_t group, real *scratch) {
  const winograd *t = p->tiles;
  const real *weights = p->call->workspace + group * POINTS * t->weights_step;
  for (int64_t i = 0; i < POINTS; i++)
    gemm_packed(tiles_in(t, b), t->to_room, t->from,
                scratch + t->from_at + i * t->from_step, t->from_room,
                weights + i * t->weights_step, 0, scratch + t->to_at + i * t->to_step,
                t->to_room);
}

/* The group's biases beside zeros; NULL: there are none. */
static const real *bias_of(const pass *p, int64_t group, real *line) {
  const winograd *t = p->tiles;
  const conv *self = p->layer->self;
  if (p->back || !self->bias) return NULL;
  p->call->kernels->fill(t->to_room, 0, line);
  p->call->kernels->copy_2d(1, t->to, p->call->w[1] + group * t->to, t->to, line, t->to);
  return line;
}

static void combine_block(const pass *p, const block *b, int64_t group, real *scratch) {
  const winograd *t = p->tiles;
  const kernels *k = p->call->kernels;
  const real *bias = bias_of(p, group, scratch + t->line_at);
  part at = part_that_comes_out(t, b);
  winograd_tiles tiles = grid_of(t, at.columns, t->to_room, t->to_step);
  const real *points = scratch + t->to_at;
  real *to = p->to + group * t->to * at.height * at.width;
  for (int64_t i = b->image; i < b->image + b->images; i++) {
    for (int64_t r = 0; r < b->rows; r++, points += t->across * t->to_room)
      k->winograd_combine(&tiles, bias, points, scratch + r * t->side * tiles.row);
    put_back(&at, k, scratch, to + i * p->to_image);
  }
}

static void image_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const conv *self = p->layer->self;
  real *scratch = layer_scratch(p->layer, p->call, thread);
  int64_t begin, end;
  parallel_range(p->blocks, p->pieces, piece, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    block b = block_at(p, i);
    for (int64_t g = 0; g < self->groups; g++) {
      spread_block(p, &b, g, scratch);
      multiply(p, &b, g, scratch);
      combine_block(p, &b, g, scratch);
    }
  }
}

static void run_images(pass *p) {
  turn_all_weights(p);
  p->blocks = blocks_of(p->tiles, p->call->batch);
  p->pieces = parallel_pieces(p->blocks, 1);
  parallel_run(p->call->engine, p->pieces, image_piece, p);
}

static void forward(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  run_images(&(pass){.layer = l,
                     .call = c,
                     .tiles = &self->winograd[CONV_FORWARD],
                     .from = c->x[0],
                     .from_image = self->in,
                     .to = c->y[0],
                     .to_image = self->out});
}

static void image(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  run_images(&(pass){.layer = l,
                     .call = c,
                     .tiles = &self->winograd[CONV_IMAGE],
                     .back = true,
                     .from = c->dy[0],
                     .from_image = self->out,
                     .to = c->dx[0],
                     .to_image = self->in});
}

/* ---- back to the weights ----------------------------------------------------------- */

/* Points of the output's gradient, of a part of the outputs: tiles side by side. */
static void evaluate_block(const pass *p, const block *b, int64_t outputs,
                           real *scratch) {
  const winograd *t = p->tiles;
  const conv *self = p->layer->self;
  const kernels *k = p->call->kernels;
  part at = part_that_comes_out(t, b);
  winograd_tiles tiles = grid_of(t, at.columns, t->to_room, t->to_step);
  const real *dy = p->call->dy[0] + outputs * t->to * self->positions;
  real *points = scratch + t->to_at;
  for (int64_t i = b->image; i < b->image + b->images; i++) {
    lay_out(&at, k, dy + i * self->out, scratch);
    for (int64_t r = 0; r < b->rows; r++, points += t->across * t->to_room)
      k->winograd_evaluate(&tiles, scratch + r * t->side * tiles.row, points);
  }
}

static void add_products(const pass *p, const block *b, bool first, real *scratch) {
  const winograd *t = p->tiles;
  for (int64_t i = 0; i < POINTS; i++)
    gemm(GEMM_T, GEMM_N, t->to, t->from_room, tiles_in(t, b), 1,
         scratch + t->to_at + i * t->to_step, t->to_room,
         scratch + t->from_at + i * t->from_step, t->from_room, first ? 0 : 1,
         scratch + t->sums_at + i * t->to * t->from_room, t->from_room);
}

/* From points to the gradient of the weights of these outputs. */
static void combine_weights(const pass *p, real *scratch, real *to) {
  const winograd *t = p->tiles;
  const kernels *k = p->call->kernels;
  int64_t side = t->window.kernel[0], places = side * side, room = t->from_room;
  winograd_tiles tiles = {.count = 1,
                          .channels = room,
                          .size = (int)side,
                          .row = side * room,
                          .column = room,
                          .point = t->to * room};
  real *line = scratch + t->line_at;
  for (int64_t o = 0; o < t->to; o++) {
    k->winograd_combine(&tiles, NULL, scratch + t->sums_at + o * room, line);
    k->transpose(places, t->from, line, room, to + o * t->from * places, places);
  }
}

static void gradient_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const layer *l = p->layer;
  const conv *self = l->self;
  real *scratch = layer_scratch(l, p->call, thread);
  real *sums = layer_partial(l, p->call, piece);
  int64_t begin, end, to = p->tiles->to;
  parallel_range(p->blocks, p->pieces, piece, &begin, &end);
  for (int64_t q = 0; p->call->dw[0] && q * to < self->outputs; q++) {
    for (int64_t i = begin; i < end; i++) {
      block b = block_at(p, i);
      spread_block(p, &b, q * to / self->group_out, scratch);
      evaluate_block(p, &b, q, scratch);
      add_products(p, &b, i == begin, scratch);
    }
    combine_weights(p, scratch, sums + q * to * self->group_kernel);
  }
  parallel_range(p->call->batch, p->pieces, piece, &begin, &end);
  conv_bias_gradient(l, p->call, begin, end, sums);
}

/* A piece turns its sums back into weights, which takes as long as so many tiles. */
#define PIECE_TILES 64

static void weights(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  pass p = {.layer = l,
            .call = c,
            .tiles = &self->winograd[CONV_WEIGHTS],
            .from = c->x[0],
            .from_image = self->in};
  p.blocks = blocks_of(p.tiles, c->batch);
  int64_t tiles = c->batch * p.tiles->down * p.tiles->across;
  p.pieces = (int)least(least(p.blocks, l->partial_pieces), most(tiles / PIECE_TILES, 4));
  parallel_run(c->engine, p.pieces, gradient_piece, &p);
  conv_sum_pieces(l, c, p.pieces);
}

const conv_way conv_points = {
    .setup = setup,
    .run = {[CONV_FORWARD] = forward, [CONV_WEIGHTS] = weights, [CONV_IMAGE] = image}};
