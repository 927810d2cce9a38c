/* norm.c: what batch_norm, layer_norm and group_norm share. */
#include "norm.h"

norm_stats norm_of_sums(const double sums[2], double count, real pivot) {
  double shift = sums[0] / count, variance = sums[1] / count - shift * shift;
  return (norm_stats){.mean = (double)pivot + shift,
                      .variance = variance < 0 ? 0 : variance}; /* NaN stays */
}

norm_line norm_gradient(const double sums[2], double count, real mean, real inverse,
                        real weight) {
  double i = inverse;
  return (norm_line){.mean = mean,
                     .by_dy = weight * inverse,
                     .by_x = (real)(-i * i * i * sums[1] / count),
                     .shift = (real)(-i * sums[0] / count)};
}

void norm_declare(layer *l, const shape *size) {
  l->weight[0] = (layer_weight){.name = "weight", .shape = *size, .filler = {.value = 1}};
  l->weight[1] = (layer_weight){.name = "bias", .shape = *size};
  for (int i = 0; i < 2; i++) l->weight[i].fan_in = l->weight[i].fan_out = 1;
  l->weights = 2;
}

int norm_pieces(int64_t rows, int64_t row_size) {
  return parallel_pieces(rows, NORM_GRAIN / row_size);
}

/* As many as keep the blocks small, but some, to share out. */
#define MOST_PIECES   32
#define LEAST_PIECES  4
#define PARTIAL_TOTAL ((int64_t)1 << 20)

int norm_partial_pieces(int64_t partial) {
  int64_t fit = PARTIAL_TOTAL / partial;
  return (int)(fit > MOST_PIECES ? MOST_PIECES : fit < LEAST_PIECES ? LEAST_PIECES : fit);
}
