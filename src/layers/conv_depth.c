/* conv_depth.c: convolution whose groups are single channels (depthwise): each plane of
 * the image makes a plane of the output, by sums over the plane where it lies.
 *
 * A plane is copied once, between zeros for the padding, to memory that stays in the
 * first or second cache. The gradient of the image is the same sum over the output's
 * gradient, its numbers as far apart as windows are, with the kernel turned round. The
 * gradient of the weights is summed up over all images of a batch, a channel at a time.
 */
#include "conv.h"

/* Taps of a kernel, and its windows on a plane, that are worth it: a larger plane has
 * left the first cache by the time that it is read, and a strip of it has not. Wide steps
 * make large planes of few windows. */
#define MOST_TAPS    64
#define MOST_WINDOWS ((int64_t)1 << 15)
#define MOST_PLANE   ((int64_t)1 << 18)

/* Windows whose products are summed up in a vector of reals; these sums in double. */
#define MOST_TOGETHER 4096

/* Parts of a batch, of few channels. */
#define MOST_PARTS 32

/* ---- a plane between zeros ----------------------------------------------------------
 */

static planes planes_of(const window *w, int64_t spread_rows, int64_t spread_columns) {
  planes p = {.window = *w,
              .spread = {spread_rows, spread_columns},
              .top = w->pad[0],
              .left = w->pad[1]};
  p.height = (w->out[0] - 1) * w->stride[0] + w->dilation[0] * (w->kernel[0] - 1) + 1;
  p.width = (w->out[1] - 1) * w->stride[1] + w->dilation[1] * (w->kernel[1] - 1) + 1;
  p.windows = (plane_windows){.rows = w->out[0],
                              .columns = w->out[1],
                              .row_step = w->stride[0] * p.width,
                              .step = w->stride[1],
                              .kernel_rows = w->kernel[0],
                              .kernel_columns = w->kernel[1],
                              .tap_row = w->dilation[0] * p.width,
                              .tap_column = w->dilation[1]};
  p.size = p.height * p.width + PLANE_SLACK;
  return p;
}

/* Windows of the image that make the output. */
static planes planes_ahead(const window *w) {
  return planes_of(w, 1, 1);
}

/* Windows of the output's gradient that make the image's. */
static planes planes_back(const window *w) {
  window back = conv_turned(w);
  back.stride[0] = back.stride[1] = 1;
  return planes_of(&back, w->stride[0], w->stride[1]);
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* How many of `count` places, `spread` apart from `first` on, lie before `end`. */
static int64_t fitting(int64_t count, int64_t spread, int64_t first, int64_t end) {
  return end > first ? least(count, (end - first + spread - 1) / spread) : 0;
}

/* What is inside of the padding; the zeros around it are there. */
static void fill_plane(const planes *p, const kernels *k, const real *from, real *to) {
  const window *w = &p->window;
  int64_t rows = fitting(w->in[0], p->spread[0], p->top, p->height);
  int64_t columns = fitting(w->in[1], p->spread[1], p->left, p->width);
  to += p->top * p->width + p->left;
  if (p->spread[1] == 1) {
    k->copy_2d(rows, columns, from, w->in[1], to, p->spread[0] * p->width);
    return;
  }
  for (int64_t r = 0; r < rows; r++, from += w->in[1], to += p->spread[0] * p->width)
    for (int64_t c = 0; c < columns; c++) to[c * p->spread[1]] = from[c];
}

/* ---- which way -------------------------------------------------------------------- */

static bool fits(const planes *p) {
  return p->top >= 0 && p->left >= 0 && p->windows.step <= 2 && p->size <= MOST_PLANE;
}

bool conv_depth_wins(const conv *self) {
  const window *w = &self->window;
  if (self->group_in != 1 || self->group_out != 1) return false;
  if (w->kernel[0] * w->kernel[1] > MOST_TAPS || self->positions > MOST_WINDOWS)
    return false;
  planes ahead = planes_ahead(w), back = planes_back(w);
  return fits(&ahead) && fits(&back);
}

static void setup(layer *l, int pass) {
  conv *self = l->self;
  planes *p = &self->planes[pass];
  *p = pass == CONV_IMAGE ? planes_back(&self->window) : planes_ahead(&self->window);
  int64_t sums = pass == CONV_WEIGHTS ? MOST_TAPS * kernels_table()->lanes : MOST_TAPS;
  conv_want(l, p->size + sums, 0);
}

/* ---- sums over the taps ----------------------------------------------------------- */

typedef struct pass {
  const layer *layer;
  const layer_call *call;
  const planes *planes;
  bool back;
  const real *from;
  real *to;
  int parts; /* of the batch */
  int pieces;
} pass;

/* A channel's weights; turned round in `turned` on the way back. */
static const real *weights_of(const pass *p, int64_t channel, real *turned) {
  const conv *self = p->layer->self;
  int64_t count = self->group_kernel;
  const real *w = p->call->w[0] + channel * count;
  if (!p->back) return w;
  for (int64_t t = 0; t < count; t++) turned[t] = w[count - 1 - t];
  return turned;
}

/* Planes of all images, one after another. */
static void planes_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const conv *self = p->layer->self;
  const planes *s = p->planes;
  const kernels *k = p->call->kernels;
  const real *bias = p->back || !self->bias ? NULL : p->call->w[1];
  real *plane = layer_scratch(p->layer, p->call, thread), *turned = plane + s->size;
  int64_t begin, end, in = s->window.in[0] * s->window.in[1];
  int64_t out = s->window.out[0] * s->window.out[1];
  parallel_range(p->call->batch * self->outputs, p->pieces, piece, &begin, &end);
  k->fill(s->size, 0, plane);
  for (int64_t i = begin; i < end; i++) {
    int64_t channel = i % self->outputs;
    fill_plane(s, k, p->from + i * in, plane);
    k->sum_windows(&s->windows, plane, weights_of(p, channel, turned),
                   bias ? bias[channel] : 0, p->to + i * out);
  }
}

static void run_planes(pass *p) {
  const conv *self = p->layer->self;
  p->pieces = parallel_pieces(p->call->batch * self->outputs, 1);
  parallel_run(p->call->engine, p->pieces, planes_piece, p);
}

static void forward(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  run_planes(&(pass){.layer = l,
                     .call = c,
                     .planes = &self->planes[CONV_FORWARD],
                     .from = c->x[0],
                     .to = c->y[0]});
}

static void image(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  run_planes(&(pass){.layer = l,
                     .call = c,
                     .planes = &self->planes[CONV_IMAGE],
                     .back = true,
                     .from = c->dy[0],
                     .to = c->dx[0]});
}

/* ---- sums over the windows --------------------------------------------------------- */

/* A channel's weights, summed up over some images. */
static void channel_weights(const pass *p, int64_t channel, int64_t begin, int64_t end,
                            real *plane, real *dw) {
  const conv *self = p->layer->self;
  const layer_call *c = p->call;
  const planes *s = p->planes;
  const kernels *k = c->kernels;
  int64_t in = s->window.in[0] * s->window.in[1], count = self->group_kernel;
  int64_t together = MOST_TOGETHER / self->positions + 1;
  real *sums = plane + s->size;
  double total[MOST_TAPS] = {0};
  for (int64_t first = begin; first < end; first += together) {
    k->fill(count * k->lanes, 0, sums);
    for (int64_t i = first; i < least(first + together, end); i++) {
      fill_plane(s, k, c->x[0] + i * self->in + channel * in, plane);
      k->multiply_windows(&s->windows, plane,
                          c->dy[0] + i * self->out + channel * self->positions, sums);
    }
    for (int64_t t = 0; t < count; t++) total[t] += k->sum(k->lanes, sums + t * k->lanes);
  }
  for (int64_t t = 0; t < count; t++) dw[t] = (real)total[t];
}

static real channel_bias(const pass *p, int64_t channel, int64_t begin, int64_t end) {
  const conv *self = p->layer->self;
  const layer_call *c = p->call;
  double sum = 0;
  for (int64_t i = begin; i < end; i++)
    sum += c->kernels->sum(self->positions,
                           c->dy[0] + i * self->out + channel * self->positions);
  return (real)sum;
}

/* Each of a piece's units is a channel in a part of the images. */
static void units_piece(void *arg, int piece, int thread) {
  const pass *p = arg;
  const layer_call *c = p->call;
  const conv *self = p->layer->self;
  real *plane = layer_scratch(p->layer, c, thread);
  int64_t begin, end, image, last;
  parallel_range(self->outputs * p->parts, p->pieces, piece, &begin, &end);
  c->kernels->fill(p->planes->size, 0, plane);
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t channel = unit / p->parts, part = unit % p->parts;
    real *sums = layer_partial(p->layer, c, (int)part);
    parallel_range(c->batch, p->parts, (int)part, &image, &last);
    if (c->dw[0])
      channel_weights(p, channel, image, last, plane,
                      sums + channel * self->group_kernel);
    if (self->bias && c->dw[1])
      sums[self->outputs * self->group_kernel + channel] =
          channel_bias(p, channel, image, last);
  }
}

/* Where there are few channels, the images are shared out too. */
static int parts_of_batch(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  int64_t parts = MOST_PARTS / self->outputs;
  return parts > 1 ? (int)least(parts, least(c->batch, l->partial_pieces)) : 1;
}

static void weights(const layer *l, const layer_call *c) {
  const conv *self = l->self;
  pass p = {.layer = l,
            .call = c,
            .planes = &self->planes[CONV_WEIGHTS],
            .parts = parts_of_batch(l, c)};
  p.pieces = parallel_pieces(self->outputs * p.parts, 1);
  parallel_run(c->engine, p.pieces, units_piece, &p);
  conv_sum_pieces(l, c, p.parts);
}

const conv_way conv_planes = {
    .setup = setup,
    .run = {[CONV_FORWARD] = forward, [CONV_WEIGHTS] = weights, [CONV_IMAGE] = image}};
