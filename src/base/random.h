/* random.h: counter-based random numbers, Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * A draw is a function of seed, stream and index, so it does not depend on threads or on
 * what was drawn before, nor on how a range of draws is cut.
 *
 * How draws come from bits (another program can make the same ones): philox has the seed
 * as its key, low word first, and the counter {low, high of c, low, high of the stream},
 * where c is
 *
 *    index / 4            for bits, uniform and normal draws, which are one lane each,
 *                         lane index % 4, so that a block serves four draws;
 *    2^62 + index / 4     for the bits below those, in the double build;
 *    2^63 + (try << 56) + index    for random_below.
 *
 * A uniform draw is the lane's 32 bits and the 21 highest bits of the same lane of the
 * lower block as one number of 53 bits, over 2^53; a float has the 24 highest bits of it.
 * So both builds draw the same numbers, the float one cut off. A normal draw pair, lanes
 * (0, 1) and (2, 3), is r cos a and r sin a with r = sqrt(-2 log((first + 1) / 2^32)) and
 * a = 2 pi second / 2^32 (Box and Muller 1958), worked out in double. */
#ifndef LANDER_BASE_RANDOM_H
#define LANDER_BASE_RANDOM_H

#include "base.h"

/* The paper's table 2 and section 4.3 have the constants. Here for kernels, which do it
 * by the vector. */
#define PHILOX_ROUNDS 10
#define PHILOX_FIRST  0xD2511F53u
#define PHILOX_SECOND 0xCD9E8D57u

static inline uint32_t philox_key(const uint32_t key[2], int word, uint32_t round) {
  return key[word] + round * (word == 0 ? 0x9E3779B9u : 0xBB67AE85u);
}

/* `round` counts from 0. */
static inline void philox_round(uint32_t c[4], const uint32_t key[2], uint32_t round) {
  uint64_t a = (uint64_t)PHILOX_FIRST * c[0], b = (uint64_t)PHILOX_SECOND * c[2];
  c[0] = (uint32_t)(b >> 32) ^ c[1] ^ philox_key(key, 0, round);
  c[1] = (uint32_t)b;
  c[2] = (uint32_t)(a >> 32) ^ c[3] ^ philox_key(key, 1, round);
  c[3] = (uint32_t)a;
}

/* All of them: 128 random bits from a counter and a key. */
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The uses of a key, in the two highest bits of the counter's half that has the index. */
#define RANDOM_HIGH  ((uint64_t)0 << 62) /* a draw's first 32 bits */
#define RANDOM_LOW   ((uint64_t)1 << 62) /* the bits below them, for a double */
#define RANDOM_BELOW ((uint64_t)2 << 62) /* random_below, one block a try */

/* What a draw belongs to. */
typedef struct random_key {
  uint64_t seed;
  uint64_t stream; /* RANDOM_... + which one */
} random_key;

/* Streams never meet: the use in the high bits, which one (and when) in the low. */
#define RANDOM_FILLER(param)  (((uint64_t)1 << 56) | (uint64_t)(param))
#define RANDOM_SHUFFLE(epoch) (((uint64_t)2 << 56) | (uint64_t)(epoch))
#define RANDOM_TENSOR         ((uint64_t)3 << 56)
#define RANDOM_AUGMENT(epoch) (((uint64_t)5 << 56) | (uint64_t)(epoch))
#define RANDOM_DROPOUT(layer, pass)                                                      \
  (((uint64_t)4 << 56) | ((uint64_t)(layer) << 40) | ((uint64_t)(pass)&0xffffffffffu))

/* Draws begin .. begin+count-1 of the key's sequence, one by one; a kernel makes the
 * uniform ones by the vector (tensor/kernels.h). */
void random_uniform(random_key key, uint64_t begin, size_t count,
                    real *out); /* [0, 1), never 1 */
void random_normal(random_key key, uint64_t begin, size_t count, real *out); /* N(0, 1) */
uint32_t random_bits(random_key key, uint64_t index);
/* A number in [0, bound) without bias, from 64 bits of a block of the index, low word
 * first (Lemire 2019: "Fast random integer generation in an interval"); what would favour
 * some numbers is drawn anew. index is below 2^56. A bound of 0 gives 0. */
uint64_t random_below(random_key key, uint64_t index, uint64_t bound);
/* A permutation of 0 .. count-1 (Fisher-Yates). */
void random_permutation(random_key key, int64_t count, int64_t *out);

#endif
