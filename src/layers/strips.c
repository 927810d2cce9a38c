/* strips.c: an image laid out so that a window's sums run along memory. */
#include "strips.h"

static bool shares_rows(const window *w) {
  return w->stride[0] == 1;
}

/* Rows of a strip that are there for `band` rows of windows. */
static int64_t rows_of(const window *w, int64_t band) {
  return shares_rows(w) ? band + (w->kernel[0] - 1) * w->dilation[0]
                        : band * w->kernel[0];
}

/* Strips begin on cache lines, and not all at one place of the cache's sets. */
#define LINE  ((int64_t)(64 / sizeof(real)))
#define CROWD ((int64_t)(1024 / sizeof(real)))

static int64_t strip_step(int64_t numbers) {
  int64_t step = (numbers + LINE - 1) / LINE * LINE;
  return step % CROWD == 0 ? step + LINE : step;
}

void strips_setup(strips *s, const window *w, int64_t channels, int64_t room) {
  s->window = *w;
  s->channels = channels;
  int64_t width = w->out[1], all = channels * w->kernel[1];
  int64_t first = rows_of(w, 1), more = rows_of(w, 2) - first;
  int64_t rows = room / (all * width); /* that there is room for in a strip */
  s->band = rows > first ? 1 + (rows - first) / more : 1;
  if (s->band > w->out[0]) s->band = w->out[0];
  taps *t = &s->taps;
  t->channels = channels;
  t->columns = w->kernel[1];
  t->rows = w->kernel[0];
  t->row_step = (shares_rows(w) ? w->dilation[0] : s->band) * width;
  t->column_step = strip_step(rows_of(w, s->band) * width);
  t->channel_step = t->columns * t->column_step;
  s->size = channels * t->channel_step;
}

/* Rows of a strip: zeros, then from `begin` on rows of the image, then zeros from `end`
 * up to `total`. Alone: the image's memory begins with the first row, or ends with the
 * last one; there are other channels elsewhere. */
typedef struct stretch {
  int64_t begin, end, total;
  bool first_alone, last_alone;
} stretch;

static void fill_rows(const window *w, const kernels *k, stretch y, window_span x,
                      const real *from, int64_t from_step, real *to) {
  int64_t width = w->out[1], rows = y.end - y.begin, n = x.end - x.begin;
  if (rows <= 0 || n <= 0) {
    k->fill(y.total * width, 0, to);
    return;
  }
  k->fill(y.begin * width, 0, to);
  k->fill((y.total - y.end) * width, 0, to + y.end * width);
  k->fill_strip(&(strip_rows){.rows = rows,
                              .width = width,
                              .begin = x.begin,
                              .end = x.end,
                              .step = w->stride[1],
                              .first_alone = y.first_alone,
                              .last_alone = y.last_alone,
                              .x_step = from_step},
                from, to + y.begin * width);
}

static int64_t within(int64_t at, int64_t total) {
  return at < 0 ? 0 : at > total ? total : at;
}

static stretch clip(const strips *s, int64_t channel, window_span x, int64_t begin,
                    int64_t end, int64_t total) {
  const window *w = &s->window;
  int64_t step = w->stride[1], width = w->in[1];
  bool near = step * x.begin <= width && step * (w->out[1] - x.end) <= width;
  return (stretch){.begin = within(begin, total),
                   .end = within(end, total),
                   .total = total,
                   .first_alone = channel == 0 || !near,
                   .last_alone = channel == s->channels - 1 || !near};
}

/* One strip of which a row of the image is a row. */
static void fill_shared(const strips *s, const kernels *k, int64_t channel, int64_t row,
                        int64_t rows, window_span x, const real *image, real *to) {
  const window *w = &s->window;
  int64_t top = row - w->pad[0]; /* the row of the image where the strip begins */
  stretch y = clip(s, channel, x, -top, w->in[0] - top, rows_of(w, rows));
  fill_rows(w, k, y, x, image + (top + y.begin) * w->in[1] + x.first, w->in[1], to);
}

/* One strip with a part for each row of the kernel. */
static void fill_parts(const strips *s, const kernels *k, int64_t channel, int64_t row,
                       int64_t rows, window_span x, const real *image, real *to) {
  const window *w = &s->window;
  int64_t step = w->stride[0] * w->in[1];
  for (int64_t i = 0; i < w->kernel[0]; i++, to += s->taps.row_step) {
    window_span inside = window_inside(w, 0, i);
    stretch y = clip(s, channel, x, inside.begin - row, inside.end - row, rows);
    int64_t first = (row + y.begin) * w->stride[0] + i * w->dilation[0] - w->pad[0];
    fill_rows(w, k, y, x, image + first * w->in[1] + x.first, step, to);
  }
}

void strips_fill(const strips *s, const kernels *k, int64_t row, int64_t rows,
                 const real *image, real *to) {
  const window *w = &s->window;
  for (int64_t j = 0; j < w->kernel[1]; j++) {
    window_span x = window_inside(w, 1, j);
    for (int64_t c = 0; c < s->channels; c++) {
      const real *from = image + c * w->in[0] * w->in[1];
      real *strip = to + c * s->taps.channel_step + j * s->taps.column_step;
      if (shares_rows(w))
        fill_shared(s, k, c, row, rows, x, from, strip);
      else
        fill_parts(s, k, c, row, rows, x, from, strip);
    }
  }
}
