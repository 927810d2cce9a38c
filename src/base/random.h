/* random.h: counter-based random numbers, Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * A draw is a function of seed, stream and counter, so it does not depend on threads or
 * on what was drawn before. */
#ifndef LANDER_BASE_RANDOM_H
#define LANDER_BASE_RANDOM_H

#include "base.h"

/* Ten rounds: 128 random bits from a counter and a key. */
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* What a draw belongs to. The index of the draw is the low half of the counter. */
typedef struct random_key {
  uint64_t seed;
  uint64_t stream; /* RANDOM_... + which one */
} random_key;

/* Streams never meet: the use in the high bits, which one (and when) in the low. */
#define RANDOM_FILLER(param)  (((uint64_t)1 << 56) | (uint64_t)(param))
#define RANDOM_SHUFFLE(epoch) (((uint64_t)2 << 56) | (uint64_t)(epoch))
#define RANDOM_TENSOR         ((uint64_t)3 << 56)
#define RANDOM_DROPOUT(layer, pass)                                                      \
  (((uint64_t)4 << 56) | ((uint64_t)(layer) << 40) | ((uint64_t)(pass)&0xffffffffffu))

/* Draws begin .. begin+count-1 of the key's sequence. */
void random_uniform(random_key key, uint64_t begin, size_t count, real *out); /* [0, 1) */
void random_normal(random_key key, uint64_t begin, size_t count, real *out); /* N(0, 1) */
uint32_t random_bits(random_key key, uint64_t index);
/* A number in [0, bound) without bias (Lemire's method, on further draws of the index).
 */
uint64_t random_below(random_key key, uint64_t index, uint64_t bound);
/* A permutation of 0 .. count-1 (Fisher-Yates). */
void random_permutation(random_key key, int64_t count, int64_t *out);

#endif
