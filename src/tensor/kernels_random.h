/* kernels_random.h: random numbers by the vector; a part of kernels.c. A lane of the
 * vectors is a block of base/random.h, which has the numbers' definition. */

#define BLOCKS 64 /* that are made at a time */

/* The lanes of some blocks, at most BLOCKS. Only the lowest word of the counter counts
 * up: what is carried out of it ends the first part. */
static void draw_blocks(random_key key, uint64_t place, int64_t blocks, uint32_t *lanes) {
  const uint32_t stream[2] = {(uint32_t)key.stream, (uint32_t)(key.stream >> 32)};
  const uint32_t seed[2] = {(uint32_t)key.seed, (uint32_t)(key.seed >> 32)};
  while (blocks > 0) {
    const uint32_t low = (uint32_t)place, high = (uint32_t)(place >> 32);
    int64_t count = (int64_t)(UINT32_MAX - low) + 1;
    if (count > blocks) count = blocks;
    EACH(int64_t i = 0; i < count; i++) {
      uint32_t c[4] = {low + (uint32_t)i, high, stream[0], stream[1]};
      UNROLL(uint32_t round = 0; round < PHILOX_ROUNDS; round++)
      philox_round(c, seed, round);
      lanes[4 * i] = c[0];
      lanes[4 * i + 1] = c[1];
      lanes[4 * i + 2] = c[2];
      lanes[4 * i + 3] = c[3];
    }
    place += (uint64_t)count;
    lanes += 4 * count;
    blocks -= count;
  }
}

/* Some blocks' draws. */
static void draw_numbers(random_key key, uint64_t place, int64_t blocks, real *out) {
  uint32_t high[4 * BLOCKS];
  draw_blocks(key, RANDOM_HIGH | place, blocks, high);
#ifdef LANDER_REAL_DOUBLE
  uint32_t low[4 * BLOCKS];
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
    draw_numbers(key, begin / 4, (from + count + 3) / 4, drawn);
    memcpy(out, drawn + from, (size_t)count * sizeof(real));
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
