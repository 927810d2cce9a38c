/* random.c: counter-based random numbers, Philox4x32-10. */
#include "random.h"

#include <math.h>

#define BELOW_TRIES 64 /* in the six bits below RANDOM_BELOW */

#define PI 3.14159265358979323846

void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
  for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) philox_round(c, key, round);
  for (int i = 0; i < 4; i++) out[i] = c[i];
}

/* The four lanes of one block. */
static void block(random_key key, uint64_t place, uint32_t out[4]) {
  const uint32_t counter[4] = {(uint32_t)place, (uint32_t)(place >> 32),
                               (uint32_t)key.stream, (uint32_t)(key.stream >> 32)};
  const uint32_t k[2] = {(uint32_t)key.seed, (uint32_t)(key.seed >> 32)};
  philox(counter, k, out);
}

uint32_t random_bits(random_key key, uint64_t index) {
  uint32_t lanes[4];
  block(key, RANDOM_HIGH | index / 4, lanes);
  return lanes[index % 4];
}

/* The four uniform draws of a block. */
static void uniform_block(random_key key, uint64_t place, real out[4]) {
  uint32_t high[4];
  block(key, RANDOM_HIGH | place, high);
#ifdef LANDER_REAL_DOUBLE
  uint32_t low[4];
  block(key, RANDOM_LOW | place, low);
  for (int lane = 0; lane < 4; lane++)
    out[lane] = (double)((uint64_t)high[lane] << 21 | low[lane] >> 11) * 0x1p-53;
#else
  for (int lane = 0; lane < 4; lane++) out[lane] = (float)(high[lane] >> 8) * 0x1p-24f;
#endif
}

/* The four normal draws of a block: Box and Muller (1958), on two pairs of lanes. The
 * radius is finite since its uniform number is never zero. */
static void normal_block(random_key key, uint64_t place, real out[4]) {
  uint32_t lanes[4];
  block(key, RANDOM_HIGH | place, lanes);
  for (int pair = 0; pair < 4; pair += 2) {
    double radius = sqrt(-2 * log(((double)lanes[pair] + 1) * 0x1p-32));
    double angle = 2 * PI * (lanes[pair + 1] * 0x1p-32);
    out[pair] = (real)(radius * cos(angle));
    out[pair + 1] = (real)(radius * sin(angle));
  }
}

typedef void (*block_maker)(random_key key, uint64_t place, real out[4]);

/* Draws begin .. begin+count-1 from blocks of four, of which the first and the last may
 * be needed in part. */
static inline void draw(block_maker make, random_key key, uint64_t begin, size_t count,
                        real *out) {
  uint64_t index = begin;
  size_t done = 0;
  real four[4];
  while (done < count) {
    if (index % 4 == 0 && count - done >= 4) {
      make(key, index / 4, out + done);
      done += 4;
      index += 4;
      continue;
    }
    make(key, index / 4, four);
    do {
      out[done++] = four[index++ % 4];
    } while (done < count && index % 4 != 0);
  }
}

void random_uniform(random_key key, uint64_t begin, size_t count, real *out) {
  draw(uniform_block, key, begin, count, out);
}

void random_normal(random_key key, uint64_t begin, size_t count, real *out) {
  draw(normal_block, key, begin, count, out);
}

/* The high and the low half of a * b. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low) {
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  uint64_t other = a0 * b1 + (uint32_t)middle;
  *low = a * b;
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

uint64_t random_below(random_key key, uint64_t index, uint64_t bound) {
  if (bound <= 1) return 0;
  uint64_t unfair = (0 - bound) % bound; /* 2^64 mod bound */
  uint64_t result = 0;
  for (uint64_t attempt = 0; attempt < BELOW_TRIES; attempt++) {
    uint32_t lanes[4];
    block(key, RANDOM_BELOW | attempt << 56 | index, lanes);
    for (int pair = 0; pair < 4; pair += 2) {
      uint64_t low;
      result = multiply((uint64_t)lanes[pair + 1] << 32 | lanes[pair], bound, &low);
      if (low >= unfair) return result;
    }
  }
  return result; /* one time in 2^128, for the worst of bounds */
}

void random_permutation(random_key key, int64_t count, int64_t *out) {
  for (int64_t i = 0; i < count; i++) out[i] = i;
  for (int64_t i = count - 1; i > 0; i--) {
    int64_t j = (int64_t)random_below(key, (uint64_t)i, (uint64_t)i + 1);
    int64_t swapped = out[i];
    out[i] = out[j];
    out[j] = swapped;
  }
}
