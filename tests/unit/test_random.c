/* test_random.c: Philox, and the distributions that are made of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/random.h"
#include "unit.h"

static const random_key key = {20240607, RANDOM_TENSOR};

/* ---- the generator ----------------------------------------------------------------- */

/* Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds). */
static void test_vectors(void) {
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } known[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
               {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                {0xffffffff, 0xffffffff},
                {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
               {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                {0xa4093822, 0x299f31d0},
                {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  UNIT_TEST("Philox4x32-10 gives its published vectors");
  for (int i = 0; i < COUNT_OF(known); i++) {
    uint32_t out[4];
    philox(known[i].counter, known[i].key, out);
    UNIT_CHECK(!memcmp(out, known[i].out, sizeof out));
  }
}

/* A block as random.h describes it. */
static void block(random_key k, uint64_t counter, uint32_t out[4]) {
  const uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)k.stream,
                         (uint32_t)(k.stream >> 32)};
  const uint32_t words[2] = {(uint32_t)k.seed, (uint32_t)(k.seed >> 32)};
  philox(c, words, out);
}

static void test_mapping(void) {
  UNIT_TEST("draws come from the bits that random.h names");
  const random_key keys[] = {key, {0, 0}, {UINT64_MAX, UINT64_MAX}};
  const uint64_t indexes[] = {0,         1, 2, 3, 4, 5, 1001, ((uint64_t)1 << 40) + 6,
                              UINT64_MAX};
  for (int k = 0; k < COUNT_OF(keys); k++)
    for (int i = 0; i < COUNT_OF(indexes); i++) {
      uint32_t high[4], low[4];
      uint64_t index = indexes[i];
      block(keys[k], index / 4, high);
      block(keys[k], (uint64_t)1 << 62 | index / 4, low);
      UNIT_CHECK(random_bits(keys[k], index) == high[index % 4]);
      real u;
      random_uniform(keys[k], index, 1, &u);
      double fine = ((double)high[index % 4] * 0x1p21 + (low[index % 4] >> 11)) * 0x1p-53;
      double coarse = floor(fine * 0x1p24) * 0x1p-24;
      UNIT_CHECK((double)u == (sizeof(real) == sizeof(double) ? fine : coarse));
    }
}

static void test_ranges(void) {
  UNIT_TEST("a draw does not depend on how a range is cut");
  enum { COUNT = 67 };
  real whole[COUNT], normal[COUNT], part[COUNT + 1];
  const uint64_t begin = 1234567;
  for (uint64_t shift = 0; shift < 4; shift++) {
    random_uniform(key, begin + shift, COUNT, whole);
    random_normal(key, begin + shift, COUNT, normal);
    for (size_t from = 0; from < 9; from++)
      for (size_t count = 0; from + count <= COUNT; count++) {
        part[count] = 77;
        random_uniform(key, begin + shift + from, count, part);
        UNIT_CHECK(!memcmp(part, whole + from, count * sizeof(real)) &&
                   part[count] == 77);
        random_normal(key, begin + shift + from, count, part);
        UNIT_CHECK(!memcmp(part, normal + from, count * sizeof(real)) &&
                   part[count] == 77);
      }
  }

  UNIT_TEST("seeds and streams give different numbers");
  const random_key others[] = {
      {key.seed + 1, key.stream},       {key.seed ^ (uint64_t)1 << 63, key.stream},
      {key.seed, RANDOM_FILLER(0)},     {key.seed, RANDOM_FILLER(1)},
      {key.seed, RANDOM_DROPOUT(0, 1)}, {key.seed, RANDOM_DROPOUT(1, 0)},
      {key.seed, RANDOM_SHUFFLE(0)}};
  for (int i = 0; i < COUNT_OF(others); i++)
    for (int j = 0; j < i; j++)
      UNIT_CHECK(random_bits(others[i], 0) != random_bits(others[j], 0) &&
                 random_bits(others[i], 0) != random_bits(key, 0));
}

/* ---- distributions ----------------------------------------------------------------- */

/* Chi-square as a number of standard deviations, by Wilson and Hilferty (1931). The seed
 * is fixed, so this passes always or never: a sound generator passes 4.5 deviations for
 * all but a few seeds in a million, and a crooked one misses by hundreds. */
static bool plausible(const int64_t *found, const double *expected, int cells) {
  double chi = 0;
  for (int i = 0; i < cells; i++) {
    double d = (double)found[i] - expected[i];
    chi += d * d / expected[i];
  }
  double width = 2.0 / (9 * (cells - 1));
  return fabs(cbrt(chi / (cells - 1)) - (1 - width)) < 4.5 * sqrt(width);
}

static bool plausible_flat(const int64_t *found, int cells, int64_t draws) {
  double *expected = malloc((size_t)cells * sizeof *expected);
  if (!expected) return false;
  for (int i = 0; i < cells; i++) expected[i] = (double)draws / cells;
  bool result = plausible(found, expected, cells);
  free(expected);
  return result;
}

enum { DRAWS = 1 << 20 };
static real drawn[DRAWS];

static double moment(int power) {
  double sum = 0;
  for (int i = 0; i < DRAWS; i++) sum += pow((double)drawn[i], power);
  return sum / DRAWS;
}

/* Whether a mean over the draws is within 4.5 of its standard deviations. */
static bool near_mean(double found, double expected, double deviation_of_one) {
  return fabs(found - expected) <= 4.5 * deviation_of_one / sqrt(DRAWS);
}

static void test_uniform(void) {
  UNIT_TEST("uniform draws are in [0, 1), with the right moments");
  random_uniform(key, 0, DRAWS, drawn);
  bool inside = true;
  for (int i = 0; i < DRAWS; i++)
    if (!(drawn[i] >= 0 && drawn[i] < 1)) inside = false;
  UNIT_CHECK(inside);
  UNIT_CHECK(near_mean(moment(1), 1.0 / 2, sqrt(1.0 / 12)));
  UNIT_CHECK(near_mean(moment(2), 1.0 / 3, sqrt(4.0 / 45)));
  UNIT_CHECK(near_mean(moment(3), 1.0 / 4, sqrt(1.0 / 7 - 1.0 / 16)));

  UNIT_TEST("uniform draws fill their cells evenly, pairs of neighbours too");
  static int64_t cells[256], pairs[1024];
  for (int i = 0; i < DRAWS; i++) cells[(int)(drawn[i] * 256)]++;
  for (int i = 0; i + 1 < DRAWS; i += 2)
    pairs[(int)(drawn[i] * 32) * 32 + (int)(drawn[i + 1] * 32)]++;
  UNIT_CHECK(plausible_flat(cells, 256, DRAWS));
  UNIT_CHECK(plausible_flat(pairs, 1024, DRAWS / 2));

  UNIT_TEST("every bit is set half of the time");
  int64_t ones[32] = {0};
  for (uint64_t i = 0; i < 100000; i++)
    for (int bit = 0; bit < 32; bit++) ones[bit] += random_bits(key, i) >> bit & 1;
  for (int bit = 0; bit < 32; bit++)
    UNIT_CHECK(fabs((double)ones[bit] - 50000) < 4.5 * sqrt(25000));
}

static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}

static void test_normal(void) {
  UNIT_TEST("normal draws are finite, with the right moments");
  random_normal(key, 3, DRAWS, drawn);
  bool finite = true;
  for (int i = 0; i < DRAWS; i++)
    if (!(fabs((double)drawn[i]) < 6.7)) finite = false; /* sqrt(64 log 2) = 6.66 */
  UNIT_CHECK(finite);
  UNIT_CHECK(near_mean(moment(1), 0, 1));
  UNIT_CHECK(near_mean(moment(2), 1, sqrt(2)));
  UNIT_CHECK(near_mean(moment(3), 0, sqrt(15)));
  UNIT_CHECK(near_mean(moment(4), 3, sqrt(96)));

  UNIT_TEST("neighbouring normal draws are uncorrelated");
  for (int distance = 1; distance <= 4; distance++) {
    double sum = 0;
    for (int i = 0; i + distance < DRAWS; i++)
      sum += (double)drawn[i] * (double)drawn[i + distance];
    UNIT_CHECK(near_mean(sum / DRAWS, 0, 1));
  }

  UNIT_TEST("normal draws have the bell's shape");
  enum { CELLS = 64 }; /* from -4 to 4, and the tails in the first and the last */
  int64_t found[CELLS] = {0};
  double expected[CELLS];
  for (int i = 0; i < DRAWS; i++) {
    int cell = (int)floor(((double)drawn[i] + 4) * CELLS / 8);
    found[cell < 0 ? 0 : cell >= CELLS ? CELLS - 1 : cell]++;
  }
  for (int i = 0; i < CELLS; i++) {
    double low = i == 0 ? 0 : normal_cdf(8.0 * i / CELLS - 4);
    double high = i == CELLS - 1 ? 1 : normal_cdf(8.0 * (i + 1) / CELLS - 4);
    expected[i] = DRAWS * (high - low);
  }
  UNIT_CHECK(plausible(found, expected, CELLS));
}

static void test_zero_lane(void) {
  UNIT_TEST("a normal draw is finite where its bits are all zero");
  const uint64_t index = 4 * (uint64_t)6392010586; /* the first such one of this key */
  real pair[2];
  UNIT_CHECK(random_bits(key, index) == 0);
  random_normal(key, index, 2, pair);
  double radius = hypot((double)pair[0], (double)pair[1]);
  UNIT_CHECK(fabs(radius - sqrt(64 * log(2))) < 1e-5); /* a float's rounding, times 10 */
}

static void test_below(void) {
  UNIT_TEST("numbers below a bound are below it, and even");
  static const uint64_t bounds[] = {1, 2, 3, 6, 7, 10, 100, 255};
  for (int b = 0; b < COUNT_OF(bounds); b++) {
    int64_t found[255] = {0};
    bool inside = true;
    for (uint64_t i = 0; i < 100000; i++) {
      uint64_t r = random_below(key, i, bounds[b]);
      if (r < bounds[b])
        found[r]++;
      else
        inside = false;
    }
    UNIT_CHECK(inside);
    if (bounds[b] > 1) UNIT_CHECK(plausible_flat(found, (int)bounds[b], 100000));
  }
  UNIT_CHECK(random_below(key, 5, 0) == 0);

  UNIT_TEST("bounds that refuse many of the draws are even too");
  /* Of four draws of 64 bits two would fall on multiples of three, if none were refused.
   */
  const uint64_t large = (uint64_t)3 << 62;
  int64_t rest[3] = {0}, found[64] = {0};
  for (uint64_t i = 0; i < 100000; i++) {
    uint64_t r = random_below(key, i, large);
    UNIT_CHECK(r < large);
    rest[r % 3]++;
    found[r / (large / 64)]++;
  }
  UNIT_CHECK(plausible_flat(rest, 3, 100000) && plausible_flat(found, 64, 100000));

  UNIT_TEST("a number below a bound is a function of key, index and bound");
  for (uint64_t i = 0; i < 1000; i++) {
    uint64_t whole = random_below(key, i, (uint64_t)1 << 63);
    for (int bits = 1; bits < 63; bits++) /* powers of two take the highest bits */
      UNIT_CHECK(random_below(key, i, (uint64_t)1 << bits) == whole >> (63 - bits));
    UNIT_CHECK(random_below(key, i, large) == random_below(key, i, large));
  }
#ifdef __SIZEOF_INT128__
  UNIT_TEST("the product behind it is the high half of 64 x 64 bits");
  __extension__ typedef unsigned __int128 wide;
  for (uint64_t i = 0; i < 1000; i++) {
    uint32_t lanes[4];
    block(key, (uint64_t)2 << 62 | i, lanes);
    uint64_t bound = ((uint64_t)random_bits(key, i) << 8 | 1) >> i % 40;
    uint64_t bits = (uint64_t)lanes[1] << 32 | lanes[0];
    UNIT_CHECK(random_below(key, i, bound) == (uint64_t)((wide)bits * bound >> 64));
  }
#endif
}

static void test_permutation(void) {
  UNIT_TEST("a permutation has every number once");
  static int64_t out[1000];
  static bool seen[1000];
  random_permutation(key, 1000, out);
  int64_t in_place = 0;
  for (int i = 0; i < 1000; i++) {
    UNIT_CHECK(out[i] >= 0 && out[i] < 1000 && !seen[out[i]]);
    if (out[i] >= 0 && out[i] < 1000) seen[out[i]] = true;
    in_place += out[i] == i;
  }
  UNIT_CHECK(in_place < 10); /* one is expected */
  out[0] = 5;
  random_permutation(key, 0, out);
  UNIT_CHECK(out[0] == 5);
  random_permutation(key, 1, out);
  UNIT_CHECK(out[0] == 0);

  UNIT_TEST("all orders are equally likely, and epochs differ");
  int64_t orders[24] = {0};
  for (uint64_t epoch = 0; epoch < 24000; epoch++) {
    int64_t p[4];
    random_permutation((random_key){key.seed, RANDOM_SHUFFLE(epoch)}, 4, p);
    int64_t place = p[0] * 6;
    place += 2 * (p[1] - (p[1] > p[0]));
    place += p[2] > p[3];
    orders[place]++;
  }
  UNIT_CHECK(plausible_flat(orders, 24, 24000));
}

int main(void) {
  test_vectors();
  test_mapping();
  test_ranges();
  test_uniform();
  test_normal();
  test_zero_lane();
  test_below();
  test_permutation();
  return unit_finish();
}
