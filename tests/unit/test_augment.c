/* test_augment.c: crops, padding and mirroring against the plain definition on the same
 * draws, from any place in the data, with and without the prefetch thread. */
#include "unit.h"

#include "allocator.h"
#include "base/random.h"
#include "files.h"
#include "lander.h"

static lander_engine *engine;
static lander_error error;

static bool says(const char *part) {
  if (strstr(error.message, part)) return true;
  printf("message without \"%s\": %s\n", part, error.message);
  return false;
}

/* ---- Ten samples of 2 planes of 5 x 7, no two pixels alike, none of them 0 ----------
 */

enum { N = 10, PLANES = 2, ROWS = 5, COLUMNS = 7, PIXELS = PLANES * ROWS * COLUMNS };

static lander_real pixel(int64_t sample, int p, int64_t row, int64_t column) {
  if (row < 0 || row >= ROWS || column < 0 || column >= COLUMNS) return 0;
  return (lander_real)(1 + ((sample * PLANES + p) * ROWS + row) * COLUMNS + column);
}

static lander_dataset *new_samples(lander_engine *on, const char *options) {
  const int64_t size[4] = {N, PLANES, ROWS, COLUMNS};
  lander_tensor *x = lander_tensor_new(on, 4, size, &error);
  lander_tensor *y = x ? lander_tensor_new(on, 1, size, &error) : NULL;
  for (int64_t i = 0; y && i < N * PIXELS; i++)
    lander_tensor_data(x)[i] = (lander_real)(i + 1);
  lander_dataset *d = y ? lander_data_tensors(x, y, options, &error) : NULL;
  lander_tensor_free(x);
  lander_tensor_free(y);
  return d;
}

/* ---- The definition -----------------------------------------------------------------
 */

typedef struct transform {
  int pad_rows, pad_columns, rows, columns; /* of the crop */
  bool mirror, random;
  uint64_t seed;
} transform;

/* Whether `x` is what becomes of the sample at this place in the data. */
static bool is_right(const transform *t, int64_t position, int64_t sample,
                     const lander_real *x) {
  random_key key = {t->seed, (uint64_t)5 << 56 | (uint64_t)(position / N)};
  uint64_t index = 4 * (uint64_t)(position % N);
  int64_t room[2] = {ROWS + 2 * t->pad_rows - t->rows,
                     COLUMNS + 2 * t->pad_columns - t->columns};
  bool mirrored = t->random && t->mirror && random_below(key, index, 2) == 1;
  int64_t at[2] = {room[0] / 2, room[1] / 2};
  for (int i = 0; t->random && i < 2; i++)
    at[i] = (int64_t)random_below(key, index + 1 + (uint64_t)i, (uint64_t)room[i] + 1);
  for (int p = 0; p < PLANES; p++)
    for (int r = 0; r < t->rows; r++)
      for (int c = 0; c < t->columns; c++) {
        int column = mirrored ? t->columns - 1 - c : c;
        lander_real expected =
            pixel(sample, p, at[0] + r - t->pad_rows, at[1] + column - t->pad_columns);
        if (x[(p * t->rows + r) * t->columns + c] != expected) return false;
      }
  return true;
}

/* Goes to `position` and looks at some batches from there on. */
static void check_from(lander_batches *b, const transform *t, int64_t position) {
  lander_batches_seek(b, position);
  for (int i = 0; i < 5; i++) {
    lander_tensor *x, *y;
    UNIT_CHECK(lander_batches_next(b, &x, &y, &error) == LANDER_OK);
    int64_t count;
    const int64_t *samples = lander_batches_samples(b, &count);
    const int64_t *size = lander_tensor_sizes(x);
    UNIT_CHECK(size[0] == count && size[1] == PLANES && size[2] == t->rows &&
               size[3] == t->columns);
    for (int64_t k = 0; k < count; k++)
      UNIT_CHECK(is_right(t, position + k, samples[k],
                          lander_tensor_data(x) + k * PLANES * t->rows * t->columns));
    position += count;
  }
}

static void check(const char *options, const transform *t) {
  const char *kinds[] = {"prefetch=false", "prefetch=true"};
  for (int i = 0; i < 2; i++) {
    lander_dataset *d = new_samples(engine, kinds[i]);
    lander_batches *b = lander_batches_new(d, options, &error);
    int64_t size[LANDER_MAX_DIMS];
    if (!UNIT_CHECK(b != NULL)) printf("%s\n", error.message);
    UNIT_CHECK(lander_batches_shape(b, size) == 3 && size[0] == PLANES &&
               size[1] == t->rows && size[2] == t->columns);
    const int64_t places[] = {0, 30, 7, 8, 1234567, 0, 7};
    for (int k = 0; k < 7; k++) check_from(b, t, places[k]);
    lander_batches_free(b);
    lander_dataset_free(d);
  }
}

static void test_definition(void) {
  UNIT_TEST("nothing asked for");
  check("size=3 loop=true", &(transform){.rows = ROWS, .columns = COLUMNS});
  UNIT_TEST("mirror");
  check("size=3 loop=true augment.mirror=true seed=9",
        &(transform){0, 0, ROWS, COLUMNS, true, true, 9});
  UNIT_TEST("pad alone makes samples larger");
  check("size=4 loop=true augment.pad=3,1 shuffle=true",
        &(transform){3, 1, ROWS + 6, COLUMNS + 2, false, true, 1});
  UNIT_TEST("crop");
  check("size=3 loop=true augment.crop=4,2 seed=123456789",
        &(transform){0, 0, 4, 2, false, true, 123456789});
  check("size=3 loop=true augment.crop=1", &(transform){0, 0, 1, 1, false, true, 1});
  UNIT_TEST("pad, crop and mirror");
  check(
      "size=3 loop=true shuffle=true augment.pad=2 augment.crop=5,7 augment.mirror=true",
      &(transform){2, 2, 5, 7, true, true, 1});
  UNIT_TEST("a padding wider than the crop: some samples are all black");
  check("size=7 loop=true augment.pad=9,11 augment.crop=3 augment.mirror=true",
        &(transform){9, 11, 3, 3, true, true, 1});
  UNIT_TEST("a test crops the middle and mirrors nothing");
  check("size=3 loop=true phase=test augment.pad=2 augment.crop=4 augment.mirror=true",
        &(transform){2, 2, 4, 4, true, false, 1});
  check("size=3 loop=true phase=test augment.mirror=true",
        &(transform){0, 0, ROWS, COLUMNS, true, false, 1});
}

/* What the same draws mean for larger sizes, without pixels: all places are used alike.
 */
static void test_frequencies(void) {
  UNIT_TEST("every crop and both sides come equally often");
  int rows[4] = {0}, columns[6] = {0}, mirrored = 0;
  const int draws = 24000;
  for (int i = 0; i < draws; i++) {
    random_key key = {3, RANDOM_AUGMENT(i / 1000)};
    uint64_t index = 4 * (uint64_t)(i % 1000);
    mirrored += (int)random_below(key, index, 2);
    rows[random_below(key, index + 1, 4)]++;
    columns[random_below(key, index + 2, 6)]++;
  }
  /* five deviations of a binomial count */
  UNIT_CHECK(mirrored > 12000 - 390 && mirrored < 12000 + 390);
  for (int i = 0; i < 4; i++) UNIT_CHECK(rows[i] > 6000 - 336 && rows[i] < 6000 + 336);
  for (int i = 0; i < 6; i++)
    UNIT_CHECK(columns[i] > 4000 - 289 && columns[i] < 4000 + 289);
}

/* ---- Black pixels -------------------------------------------------------------------
 */

static void test_blank(void) {
  UNIT_TEST("the padding is what a byte of 0 becomes, in a part too");
  const unsigned char images[16 + 4] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0,
                                        0, 2, 0, 0, 0, 2, 9, 8, 7, 6};
  const unsigned char labels[8 + 1] = {0, 0, 8, 1, 0, 0, 0, 1, 3};
  files_write(files_path("images"), images, sizeof images);
  files_write(files_path("labels"), labels, sizeof labels);
  lander_dataset *whole = lander_data_idx(
      engine, files_path("images"), files_path("labels"), "scale=1 mean=3 std=2", &error);
  lander_dataset *part = lander_dataset_subset(whole, 0, 1, &error);
  lander_batches *b = lander_batches_new(part, "size=1 augment.pad=1 phase=test", &error);
  lander_tensor *x, *y;
  UNIT_CHECK(lander_batches_next(b, &x, &y, &error) == LANDER_OK);
  const lander_real expected[16] = {-1.5, -1.5, -1.5, -1.5, -1.5, 3,    2.5,  -1.5,
                                    -1.5, 2,    1.5,  -1.5, -1.5, -1.5, -1.5, -1.5};
  for (int i = 0; i < 16; i++) UNIT_CHECK(lander_tensor_data(x)[i] == expected[i]);
  UNIT_CHECK(lander_tensor_data(y)[0] == 4);
  lander_batches_free(b);
  lander_dataset_free(part);
  lander_dataset_free(whole);
}

/* ---- What is refused ----------------------------------------------------------------
 */

static void check_refused(lander_dataset *d, const char *options, const char *message) {
  lander_batches *b = lander_batches_new(d, options, &error);
  UNIT_CHECK(!b && error.code == LANDER_ERROR_ARGUMENT && says(message));
  lander_batches_free(b);
}

static lander_dataset *of_shapes(int x_dims, int y_dims, int64_t last) {
  const int64_t size[4] = {2, 3, 3, last};
  lander_tensor *x = lander_tensor_new(engine, x_dims, size, &error);
  lander_tensor *y = lander_tensor_new(engine, y_dims, size, &error);
  lander_dataset *d = lander_data_tensors(x, y, NULL, &error);
  lander_tensor_free(x);
  lander_tensor_free(y);
  return d;
}

static void test_refused(void) {
  UNIT_TEST("transforms that can't be");
  lander_dataset *d = new_samples(engine, NULL);
  check_refused(d, "size=1 augment.crop=6", "augment.crop=6,6 is larger than the 5 rows");
  check_refused(d, "size=1 augment.crop=5,8", "and 7 columns that a sample has");
  check_refused(d, "size=1 augment.crop=8 augment.pad=1",
                "7 rows and 9 columns that a "
                "sample has with its padding");
  check_refused(d, "size=1 augment.crop=0", "augment.crop");
  check_refused(d, "size=1 augment.pad=-1", "augment.pad");
  check_refused(d, "size=1 augment.pad=1,2,3", "augment.pad has 3 numbers");
  check_refused(d, "size=1 augment.crop=1,2,3", "augment.crop has 3 numbers");
  check_refused(d, "size=1 augment.mirrored=true", "did you mean 'augment.mirror'?");
  check_refused(d, "size=1 phase=tset", "did you mean 'test'?");
  lander_dataset_free(d);
  UNIT_TEST("samples and targets without rows and columns, or with too many");
  d = of_shapes(2, 1, 1);
  check_refused(d, "size=1 augment.mirror=true", "a sample has the shape (3)");
  lander_dataset_free(d);
  d = of_shapes(3, 3, 1);
  check_refused(d, "size=1 augment.mirror=true", "of the shape (3, 3), has rows and");
  lander_dataset_free(d);
  d = of_shapes(4, 1, 0);
  check_refused(d, "size=1 augment.mirror=true", "a sample has no numbers");
  lander_dataset_free(d);
}

static void test_no_memory(void) {
  UNIT_TEST("no memory");
  for (int n = 0; n < 1000; n++) {
    test_allocator a = {.allowed = n};
    lander_config config = {
        .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
    lander_engine *poor = lander_engine_new(&config, &error);
    lander_dataset *d = poor ? new_samples(poor, "prefetch=true") : NULL;
    lander_batches *b =
        d ? lander_batches_new(d, "size=2 augment.crop=3 shuffle=true", &error) : NULL;
    lander_status status = b ? LANDER_OK : error.code;
    lander_batches_free(b);
    lander_dataset_free(d);
    lander_engine_free(poor);
    UNIT_CHECK(test_allocator_clean(&a));
    if (b) break;
    UNIT_CHECK(n < 999 && status == LANDER_ERROR_MEMORY);
  }
}

int main(void) {
  files_begin();
  engine = lander_engine_new(NULL, &error);
  test_definition();
  test_frequencies();
  test_blank();
  test_refused();
  test_no_memory();
  lander_engine_free(engine);
  UNIT_TEST("nothing is left behind");
  const char *names[] = {"images", "labels", NULL};
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
