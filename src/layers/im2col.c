/* im2col.c: an image as the matrix that makes a convolution a matrix product, and back.
 */
#include "im2col.h"

void im2col(const window *w, const kernels *k, int64_t channels, const real *image,
            real *columns) {
  int64_t width = w->in[1], out = w->out[0] * w->out[1];
  for (int64_t c = 0; c < channels; c++, image += w->in[0] * width)
    for (int64_t i = 0; i < w->kernel[0]; i++)
      for (int64_t j = 0; j < w->kernel[1]; j++, columns += out) {
        window_span y = window_inside(w, 0, i), x = window_inside(w, 1, j);
        int64_t rows = y.end - y.begin, n = x.end - x.begin;
        if (rows * n < out) k->fill(out, 0, columns);
        const real *from = image + y.first * width + x.first;
        real *to = columns + y.begin * w->out[1] + x.begin;
        if (w->stride[1] == 1)
          k->copy_2d(rows, n, from, w->stride[0] * width, to, w->out[1]);
        else
          for (int64_t r = 0; r < rows; r++)
            for (int64_t q = 0; q < n; q++)
              to[r * w->out[1] + q] = from[r * w->stride[0] * width + q * w->stride[1]];
      }
}

void col2im(const window *w, const kernels *k, int64_t channels, const real *columns,
            real *image) {
  int64_t width = w->in[1], out = w->out[0] * w->out[1];
  k->fill(channels * w->in[0] * width, 0, image);
  for (int64_t c = 0; c < channels; c++, image += w->in[0] * width)
    for (int64_t i = 0; i < w->kernel[0]; i++)
      for (int64_t j = 0; j < w->kernel[1]; j++, columns += out) {
        window_span y = window_inside(w, 0, i), x = window_inside(w, 1, j);
        int64_t rows = y.end - y.begin, n = x.end - x.begin;
        const real *from = columns + y.begin * w->out[1] + x.begin;
        real *to = image + y.first * width + x.first;
        if (w->stride[1] == 1)
          k->add_2d(rows, n, from, w->out[1], to, w->stride[0] * width);
        else
          for (int64_t r = 0; r < rows; r++)
            k->add_to_steps(n, w->stride[1], from + r * w->out[1],
                            to + r * w->stride[0] * width);
      }
}
