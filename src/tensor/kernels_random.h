/* kernels_random.h: random numbers by the vector; a part of kernels.c. A lane of the
 * vectors is a block of base/random.h, which has the numbers' definition. */

#define BLOCKS 64 /* that are made at a time */

#if defined(__SSE2__)
/* A word of each block lies in the low half of 64 bits: so the processor multiplies it,
 * whatever is in the high half, and the product's halves need not be sorted. */
#define BY ((int)(PRODUCT_BYTES / sizeof(uint64_t))) /* blocks at a time */
typedef uint64_t words __attribute__((vector_size(PRODUCT_BYTES)));
typedef uint64_t loose_words
    __attribute__((vector_size(PRODUCT_BYTES), aligned(sizeof(uint32_t)), may_alias));

INLINE void multiply_words(const words *x, uint64_t by, words *out) {
  const words factor = by - (words){0};
#if defined(__AVX512F__)
  *out = (words)_mm512_mul_epu32((__m512i)*x, (__m512i)factor);
#elif defined(__AVX2__)
  *out = (words)_mm256_mul_epu32((__m256i)*x, (__m256i)factor);
#else
  *out = (words)_mm_mul_epu32((__m128i)*x, (__m128i)factor);
#endif
}

/* Blocks one after another, of which p has the first two words each and q the others: the
 * first half of them, and the second. */
#if defined(__AVX512F__)
#define FIRST_BLOCKS(p, q) __builtin_shufflevector(p, q, 0, 8, 1, 9, 2, 10, 3, 11)
#define OTHER_BLOCKS(p, q) __builtin_shufflevector(p, q, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined(__AVX2__)
#define FIRST_BLOCKS(p, q) __builtin_shufflevector(p, q, 0, 4, 1, 5)
#define OTHER_BLOCKS(p, q) __builtin_shufflevector(p, q, 2, 6, 3, 7)
#else
#define FIRST_BLOCKS(p, q) __builtin_shufflevector(p, q, 0, 2)
#define OTHER_BLOCKS(p, q) __builtin_shufflevector(p, q, 1, 3)
#endif

/* BY blocks from this counter on. */
INLINE void draw_some(uint32_t low, uint32_t high, const uint32_t stream[2],
                      const uint32_t seed[2], uint32_t *lanes) {
  words a = (uint64_t)low - (words){0}, b = (uint64_t)high - (words){0};
  words c = (uint64_t)stream[0] - (words){0}, d = (uint64_t)stream[1] - (words){0};
  for (int i = 0; i < BY; i++) a[i] += (uint64_t)i;
  UNROLL(uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
    words first, second;
    multiply_words(&a, PHILOX_FIRST, &first);
    multiply_words(&c, PHILOX_SECOND, &second);
    a = (second >> 32) ^ b ^ (uint64_t)philox_key(seed, 0, round);
    b = second;
    c = (first >> 32) ^ d ^ (uint64_t)philox_key(seed, 1, round);
    d = first;
  }
  words p = (a & UINT32_MAX) | b << 32, q = (c & UINT32_MAX) | d << 32;
  *(loose_words *)lanes = FIRST_BLOCKS(p, q);
  *(loose_words *)(lanes + 2 * BY) = OTHER_BLOCKS(p, q);
}
#else
#define BY 1
INLINE void draw_some(uint32_t low, uint32_t high, const uint32_t stream[2],
                      const uint32_t seed[2], uint32_t *lanes) {
  uint32_t c[4] = {low, high, stream[0], stream[1]};
  UNROLL(uint32_t round = 0; round < PHILOX_ROUNDS; round++) philox_round(c, seed, round);
  for (int i = 0; i < 4; i++) lanes[i] = c[i];
}
#endif

/* The lanes of some blocks, at most BLOCKS, and room for BY more. Only the lowest word of
 * the counter counts up: what is carried out of it ends the first part. */
static void draw_blocks(random_key key, uint64_t place, int64_t blocks, uint32_t *lanes) {
  const uint32_t stream[2] = {(uint32_t)key.stream, (uint32_t)(key.stream >> 32)};
  const uint32_t seed[2] = {(uint32_t)key.seed, (uint32_t)(key.seed >> 32)};
  while (blocks > 0) {
    const uint32_t low = (uint32_t)place, high = (uint32_t)(place >> 32);
    int64_t count = (int64_t)(UINT32_MAX - low) + 1;
    if (count > blocks) count = blocks;
    EACH(int64_t i = 0; i < count; i += BY)
    draw_some(low + (uint32_t)i, high, stream, seed, lanes + 4 * i);
    place += (uint64_t)count;
    lanes += 4 * count;
    blocks -= count;
  }
}

/* Some blocks' draws. */
static void draw_numbers(random_key key, uint64_t place, int64_t blocks, real *out) {
  uint32_t high[4 * (BLOCKS + BY)];
  draw_blocks(key, RANDOM_HIGH | place, blocks, high);
#ifdef LANDER_REAL_DOUBLE
  uint32_t low[4 * (BLOCKS + BY)];
  draw_blocks(key, RANDOM_LOW | place, blocks, low);
  EACH(int64_t i = 0; i < 4 * blocks; i++)
  out[i] = (double)(int64_t)((uint64_t)high[i] << 21 | low[i] >> 11) * 0x1p-53;
#else
  EACH(int64_t i = 0; i < 4 * blocks; i++)
  out[i] = (float)(int32_t)(high[i] >> 8) * 0x1p-24f;
#endif
}

static void uniform(random_key key, uint64_t begin, int64_t n, real *out) {
  real drawn[4 * BLOCKS];
  while (n > 0) {
    int64_t from = (int64_t)(begin % 4), count = 4 * BLOCKS - from;
    if (count > n) count = n;
    bool whole = from == 0 && count % 4 == 0; /* blocks */
    draw_numbers(key, begin / 4, (from + count + 3) / 4, whole ? out : drawn);
    if (!whole) memcpy(out, drawn + from, (size_t)count * sizeof(real));
    begin += (uint64_t)count;
    out += count;
    n -= count;
  }
}

/* A bit for each number, 32 in a word. */
static void drop(int64_t n, real ratio, real scale, const real *u, uint32_t *bits,
                 const real *x, real *y) {
  for (int64_t begin = 0; begin < n; begin += 32) {
    int64_t count = n - begin < 32 ? n - begin : 32;
    uint32_t word = 0;
    for (int64_t i = 0; i < count; i++) word |= (uint32_t)(u[begin + i] >= ratio) << i;
    bits[begin / 32] = word;
    EACH(int64_t i = 0; i < count; i++)
    y[begin + i] = x[begin + i] * (u[begin + i] >= ratio ? scale : 0);
  }
}

static void drop_back(int64_t n, real scale, const uint32_t *bits, const real *dy,
                      real *dx) {
  for (int64_t begin = 0; begin < n; begin += 32) {
    const uint32_t word = bits[begin / 32];
    int64_t count = n - begin < 32 ? n - begin : 32;
    EACH(int64_t i = 0; i < count; i++)
    dx[begin + i] = dy[begin + i] * (word >> i & 1 ? scale : 0);
  }
}
