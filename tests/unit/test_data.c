/* test_data.c: IDX files, datasets and batches from inside: damage, lies, no memory, and
 * the same batches whatever came before. */
#include "unit.h"

#include "allocator.h"
#include "files.h"
#include "lander.h"
#include <math.h>
#include <time.h>
#include <zlib.h>

static lander_engine *engine;
static lander_error error;

static bool says(const char *part) {
  if (strstr(error.message, part)) return true;
  printf("message without \"%s\": %s\n", part, error.message);
  return false;
}

/* ---- Small IDX files: 5 images of 2 x 3, labels 3 1 4 1 5 ---------------------------
 */

static const unsigned char small_images[16 + 30] = {
    0,  0,  8,  3,  0,  0,  0,  5,  0,  0,  0,   2,   0,   0,  0,  3,
    0,  1,  2,  3,  4,  5,  10, 11, 12, 13, 14,  15,  20,  21, 22, 23,
    24, 25, 30, 31, 32, 33, 34, 35, 40, 51, 102, 153, 204, 255};
static const unsigned char small_labels[8 + 5] = {0, 0, 8, 1, 0, 0, 0, 5, 3, 1, 4, 1, 5};

static void write_gzip(const char *path, const void *bytes, size_t size) {
  gzFile f = gzopen(path, "wb");
  if (!f || gzwrite(f, bytes, (unsigned)size) != (int)size || gzclose(f) != Z_OK) exit(2);
}

static lander_dataset *open_idx(lander_engine *on, const char *images, const char *labels,
                                const char *options) {
  return lander_data_idx(on, files_path(images), files_path(labels), options, &error);
}

static void write_small(void) {
  files_write(files_path("images"), small_images, sizeof small_images);
  files_write(files_path("labels"), small_labels, sizeof small_labels);
  write_gzip(files_path("images.gz"), small_images, sizeof small_images);
  write_gzip(files_path("labels.gz"), small_labels, sizeof small_labels);
}

static void check_small(const char *images, const char *labels) {
  lander_dataset *d = open_idx(engine, images, labels, "scale=0.5 mean=1 std=4");
  if (!UNIT_CHECK(d != NULL)) {
    printf("%s\n", error.message);
    return;
  }
  int64_t size[LANDER_MAX_DIMS];
  UNIT_CHECK(lander_dataset_count(d) == 5 && lander_dataset_classes(d) == 10);
  UNIT_CHECK(lander_dataset_shape(d, 0, size) == 3);
  UNIT_CHECK(size[0] == 1 && size[1] == 2 && size[2] == 3);
  UNIT_CHECK(lander_dataset_shape(d, 1, size) == 0);
  const int64_t positions[2] = {4, 0};
  lander_real x[12], y[2];
  UNIT_CHECK(lander_dataset_read(d, positions, 2, x, y, &error) == LANDER_OK);
  for (int i = 0; i < 6; i++) {
    UNIT_CHECK(x[i] == (lander_real)((small_images[40 + i] * 0.5 - 1) / 4));
    UNIT_CHECK(x[6 + i] == (lander_real)((i * 0.5 - 1) / 4));
  }
  UNIT_CHECK(y[0] == 6 && y[1] == 4);
  const int64_t outside[2] = {0, 5}, negative[1] = {-1};
  UNIT_CHECK(lander_dataset_read(d, outside, 2, x, y, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(lander_dataset_read(d, negative, 1, x, y, &error) == LANDER_ERROR_ARGUMENT);
  lander_dataset_free(d);
}

static void test_reading(void) {
  UNIT_TEST("plain and gzipped files give the same samples");
  check_small("images", "labels");
  check_small("images.gz", "labels.gz");
  check_small("images.gz", "labels");

  UNIT_TEST("a limit");
  lander_dataset *d = open_idx(engine, "images.gz", "labels.gz", "limit=2");
  UNIT_CHECK(d && lander_dataset_count(d) == 2);
  lander_dataset_free(d);
  d = open_idx(engine, "images", "labels", "limit=100");
  UNIT_CHECK(d && lander_dataset_count(d) == 5);
  lander_dataset_free(d);

  UNIT_TEST("the default scale is 1/255");
  d = open_idx(engine, "images", "labels", NULL);
  const int64_t last = 4;
  lander_real x[6], y;
  UNIT_CHECK(d && lander_dataset_read(d, &last, 1, x, &y, &error) == LANDER_OK);
  for (int i = 0; d && i < 6; i++)
    UNIT_CHECK(x[i] == small_images[40 + i] / (lander_real)255);
  lander_dataset_free(d);

  UNIT_TEST("options that make no sense");
  const char *bad[] = {"std=0",    "std=-1",    "mean=nan", "classes=0",
                       "limit=-1", "scale=inf", "sclae=1",  "classes=257"};
  for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++)
    if (!UNIT_CHECK(!open_idx(engine, "images", "labels", bad[i]) &&
                    error.code == LANDER_ERROR_ARGUMENT && says("idx")))
      printf("%s\n", bad[i]);
  if (sizeof(lander_real) == sizeof(float)) { /* a double holds it */
    UNIT_CHECK(!open_idx(engine, "images", "labels", "mean=1e30 std=1e-30"));
    UNIT_CHECK(error.code == LANDER_ERROR_ARGUMENT && says("not finite"));
  }
}

/* ---- Damage and lies -----------------------------------------------------------------
 */

static void check_refused(const char *images, const char *labels, lander_status code,
                          const char *message) {
  lander_dataset *d = open_idx(engine, images, labels, NULL);
  UNIT_CHECK(!d && error.code == code && says(message));
  lander_dataset_free(d);
}

static void write_images(int place, int value, size_t size) {
  unsigned char bytes[sizeof small_images + 1] = {0};
  memcpy(bytes, small_images, sizeof small_images);
  bytes[place] = (unsigned char)value;
  files_write(files_path("bad"), bytes, size);
}

static void test_damage(void) {
  const size_t size = sizeof small_images;
  const lander_status format = LANDER_ERROR_FORMAT;
  UNIT_TEST("a missing file, a directory");
  check_refused("missing", "labels", LANDER_ERROR_IO, "missing");
  check_refused("images", "missing", LANDER_ERROR_IO, "missing");
  check_refused("", "labels", LANDER_ERROR_IO, "directory");
  UNIT_TEST("wrong magic numbers, with what was found");
  write_images(0, 0x7f, size);
  check_refused("bad", "labels", format, "0x7f000803");
  write_images(2, 0x0d, size);
  check_refused("bad", "labels", format, "0x00000d03");
  write_images(3, 9, size);
  check_refused("bad", "labels", format, "9 sizes");
  write_images(3, 0, size);
  check_refused("bad", "labels", format, "0 sizes");
  check_refused("labels", "labels", format, "not a file of images");
  check_refused("images", "images", format, "not a file of labels");
  UNIT_TEST("sizes that lie: more, less, none, more than memory");
  write_images(7, 6, size);
  check_refused("bad", "labels", format, "cut short");
  write_images(7, 4, size);
  check_refused("bad", "labels", format, "has 30 bytes behind its header, which says 24");
  write_images(7, 0, size);
  check_refused("bad", "labels", format, "no samples");
  write_images(4, 255, size);
  check_refused("bad", "labels", format, "claims more");
  UNIT_TEST("more than the sizes say");
  write_images(0, 0, size + 1);
  check_refused("bad", "labels", format, "has 31 bytes");
  UNIT_TEST("as many labels as images");
  const unsigned char four[8 + 4] = {0, 0, 8, 1, 0, 0, 0, 4, 3, 1, 4, 1};
  files_write(files_path("bad"), four, sizeof four);
  check_refused("images", "bad", format, "has 5 images");
  UNIT_CHECK(says("has 4 labels"));
  UNIT_TEST("a label out of range: file, sample, value, range");
  unsigned char labels[sizeof small_labels];
  memcpy(labels, small_labels, sizeof labels);
  labels[8 + 2] = 10;
  files_write(files_path("bad"), labels, sizeof labels);
  check_refused("images", "bad", LANDER_ERROR_DATA, "sample 3 is 10, expected 0 to 9");
  UNIT_CHECK(says("bad"));
  lander_dataset *d = open_idx(engine, "images", "bad", "classes=11");
  UNIT_CHECK(d != NULL);
  lander_dataset_free(d);
}

static void test_damaged_gzip(void) {
  const lander_status format = LANDER_ERROR_FORMAT;
  unsigned char bytes[200];
  UNIT_TEST("gzip: sizes that lie");
  memcpy(bytes, small_images, sizeof small_images);
  bytes[7] = 6;
  write_gzip(files_path("bad.gz"), bytes, sizeof small_images);
  check_refused("bad.gz", "labels", format,
                "has 30 bytes behind its header, which says 36");
  bytes[7] = 4;
  write_gzip(files_path("bad.gz"), bytes, sizeof small_images);
  check_refused("bad.gz", "labels", format, "more than the 24 bytes");
  bytes[4] = 200;
  write_gzip(files_path("bad.gz"), bytes, sizeof small_images);
  check_refused("bad.gz", "labels", format, "claims more");
  UNIT_TEST("gzip: something else behind it");
  size_t size;
  unsigned char *whole = files_read(files_path("images.gz"), &size);
  memcpy(bytes, whole, size);
  strcpy((char *)bytes + size, "junk behind it");
  files_write(files_path("bad.gz"), bytes, size + 14);
  check_refused("bad.gz", "labels", format, "something else follows");
  UNIT_TEST("gzip: several members are one file");
  write_gzip(files_path("bad.gz"), small_images, 20);
  size_t first;
  unsigned char *half = files_read(files_path("bad.gz"), &first);
  memcpy(bytes, half, first);
  free(half);
  write_gzip(files_path("bad.gz"), small_images + 20, sizeof small_images - 20);
  size_t second;
  half = files_read(files_path("bad.gz"), &second);
  memcpy(bytes + first, half, second);
  free(half);
  files_write(files_path("bad.gz"), bytes, first + second);
  check_small("bad.gz", "labels");
  UNIT_TEST("gzip: cut at any byte");
  for (size_t cut = 0; cut < size; cut++) {
    files_write(files_path("bad.gz"), whole, cut);
    check_refused("bad.gz", "labels", format, "bad.gz");
  }
  UNIT_TEST("gzip: with any bit flipped it is refused, or is the same");
  for (size_t bit = 0; bit < 8 * size; bit++) {
    whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
    files_write(files_path("bad.gz"), whole, size);
    lander_dataset *d = open_idx(engine, "bad.gz", "labels", NULL);
    if (!d) UNIT_CHECK(error.code == format && says("bad.gz"));
    const int64_t at = 4;
    lander_real x[6], y;
    if (d)
      UNIT_CHECK(lander_dataset_read(d, &at, 1, x, &y, NULL) == LANDER_OK && x[5] == 1);
    lander_dataset_free(d);
    whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  free(whole);
}

/* ---- Tensors and parts ---------------------------------------------------------------
 */

static lander_tensor *counting_tensor(lander_engine *on, int dims, const int64_t *size) {
  lander_tensor *t = lander_tensor_new(on, dims, size, &error);
  for (int64_t i = 0; t && i < lander_tensor_count(t); i++)
    lander_tensor_data(t)[i] = (lander_real)(i + 1);
  return t;
}

/* x (n, 2) holds 1, 2, 3 ...; y (n) holds 1 .. n. */
static lander_dataset *counting_dataset(lander_engine *on, int64_t n,
                                        const char *options) {
  lander_tensor *x = counting_tensor(on, 2, (int64_t[]){n, 2});
  lander_tensor *y = x ? counting_tensor(on, 1, &n) : NULL;
  lander_dataset *d = y ? lander_data_tensors(x, y, options, &error) : NULL;
  lander_tensor_free(x);
  lander_tensor_free(y);
  return d;
}

static void test_tensors(void) {
  UNIT_TEST("tensors as a dataset, kept alive by it");
  lander_dataset *d = counting_dataset(engine, 7, NULL);
  const int64_t at[2] = {6, 2};
  lander_real x[4], y[2];
  UNIT_CHECK(d && lander_dataset_count(d) == 7 && lander_dataset_classes(d) == 0);
  UNIT_CHECK(lander_dataset_read(d, at, 2, x, y, &error) == LANDER_OK);
  UNIT_CHECK(x[0] == 13 && x[1] == 14 && x[2] == 5 && y[0] == 7 && y[1] == 3);

  UNIT_TEST("a part, and a part of a part, keep the whole alive");
  lander_dataset *part = lander_dataset_subset(d, 2, 4, &error);
  lander_dataset *inner = lander_dataset_subset(part, 1, 3, &error);
  UNIT_CHECK(!lander_dataset_subset(part, 2, 3, &error));
  UNIT_CHECK(error.code == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!lander_dataset_subset(part, -1, 1, &error));
  UNIT_CHECK(!lander_dataset_subset(part, 1, INT64_MAX, &error));
  lander_dataset_free(d);
  lander_dataset_free(part);
  UNIT_CHECK(inner && lander_dataset_count(inner) == 3);
  UNIT_CHECK(lander_dataset_read(inner, at + 1, 1, x, y, &error) == LANDER_OK);
  UNIT_CHECK(x[0] == 11 && y[0] == 6);
  lander_dataset_free(inner);

  UNIT_TEST("labels are checked when classes are given");
  d = counting_dataset(engine, 7, "classes=7");
  UNIT_CHECK(d && lander_dataset_classes(d) == 7);
  lander_dataset_free(d);
  UNIT_CHECK(!counting_dataset(engine, 7, "classes=6"));
  UNIT_CHECK(error.code == LANDER_ERROR_DATA && says("sample 7 is 7, expected"));
  const int64_t n = 3;
  const double bad[] = {0, 1.5, -1, NAN, INFINITY};
  for (int i = 0; i < 5; i++) {
    lander_tensor *labels = counting_tensor(engine, 1, &n);
    lander_tensor_data(labels)[1] = (lander_real)bad[i];
    UNIT_CHECK(!lander_data_tensors(labels, labels, "classes=3", &error));
    UNIT_CHECK(error.code == LANDER_ERROR_DATA && says("sample 2"));
    lander_tensor_free(labels);
  }

  UNIT_TEST("shapes that don't fit name both");
  lander_tensor *four = counting_tensor(engine, 2, (int64_t[]){4, 2});
  lander_tensor *three = counting_tensor(engine, 1, &n);
  UNIT_CHECK(!lander_data_tensors(four, three, NULL, &error));
  UNIT_CHECK(error.code == LANDER_ERROR_SHAPE && says("(4, 2)") && says("(3)"));
  UNIT_CHECK(!lander_data_tensors(four, four, "classes=8", &error));
  UNIT_CHECK(error.code == LANDER_ERROR_SHAPE);
  lander_tensor_free(four);
  lander_tensor_free(three);
}

/* ---- Batches
 * --------------------------------------------------------------------------- */

/* The next batch's y, which names the samples; its size, 0 at the end. */
static int64_t next_y(lander_batches *b, lander_real *out) {
  lander_tensor *x, *y;
  if (!UNIT_CHECK(lander_batches_next(b, &x, &y, &error) == LANDER_OK)) return -1;
  if (!x) return 0;
  int64_t n = lander_tensor_sizes(y)[0], listed;
  UNIT_CHECK(lander_tensor_sizes(x)[0] == n && lander_tensor_count(x) == 2 * n);
  const int64_t *samples = lander_batches_samples(b, &listed);
  UNIT_CHECK(listed == n);
  for (int64_t i = 0; i < n; i++) {
    out[i] = lander_tensor_data(y)[i];
    UNIT_CHECK(lander_tensor_data(x)[2 * i + 1] == 2 * out[i]); /* x belongs to y */
    UNIT_CHECK(samples[i] == (int64_t)out[i] - 1);
  }
  return n;
}

static void test_batches(void) {
  lander_dataset *d = counting_dataset(engine, 10, NULL);
  lander_real y[64];
  int64_t none;
  UNIT_TEST("one epoch in order, the last batch short, then nothing");
  lander_batches *b = lander_batches_new(d, "size=4", &error);
  UNIT_CHECK(lander_batches_samples(b, &none) && none == 0);
  UNIT_CHECK(next_y(b, y) == 4 && y[0] == 1 && y[3] == 4);
  UNIT_CHECK(next_y(b, y) == 4 && y[0] == 5 && lander_batches_position(b) == 8);
  UNIT_CHECK(next_y(b, y) == 2 && y[1] == 10 && lander_batches_position(b) == 10);
  UNIT_CHECK(next_y(b, y) == 0 && next_y(b, y) == 0 && lander_batches_position(b) == 10);
  UNIT_TEST("seeking to the end opens the next epoch");
  lander_batches_seek(b, lander_batches_position(b));
  UNIT_CHECK(next_y(b, y) == 4 && y[0] == 1 && lander_batches_position(b) == 14);
  lander_batches_seek(b, 7);
  UNIT_CHECK(next_y(b, y) == 3 && y[0] == 8 && next_y(b, y) == 0);
  lander_batches_seek(b, -5);
  UNIT_CHECK(next_y(b, y) == 4 && y[0] == 1);
  lander_batches_seek(b, INT64_MAX);
  UNIT_CHECK(next_y(b, y) > 0);
  lander_batches_free(b);

  UNIT_TEST("loops have full batches across the borders of epochs");
  b = lander_batches_new(d, "size=4 loop=true", &error);
  for (int i = 0; i < 50; i++) {
    UNIT_CHECK(next_y(b, y) == 4);
    for (int k = 0; k < 4; k++) UNIT_CHECK(y[k] == (4 * i + k) % 10 + 1);
  }
  lander_batches_free(b);
  b = lander_batches_new(d, "size=25 loop=true", &error); /* more than an epoch */
  UNIT_CHECK(next_y(b, y) == 25 && y[24] == 5 && next_y(b, y) == 25 && y[0] == 6);
  lander_batches_free(b);
  b = lander_batches_new(d, "size=64", &error);
  UNIT_CHECK(next_y(b, y) == 10 && next_y(b, y) == 0);
  lander_batches_free(b);

  UNIT_TEST("the dataset may be freed before its batches");
  b = lander_batches_new(d, "size=3", &error);
  lander_dataset_free(d);
  UNIT_CHECK(next_y(b, y) == 3 && next_y(b, y) == 3 && y[0] == 4);
  lander_batches_free(b);
}

static void test_batch_options(void) {
  lander_dataset *d = counting_dataset(engine, 10, NULL);
  UNIT_TEST("batches: options that make no sense");
  const char *bad[] = {NULL,
                       "",
                       "size=0",
                       "size=-1",
                       "size=1.5",
                       "size=4 shufle=true",
                       "size=99999999999"};
  for (int i = 0; i < 7; i++)
    UNIT_CHECK(!lander_batches_new(d, bad[i], &error) &&
               error.code == LANDER_ERROR_ARGUMENT && says("batches"));
  lander_dataset_free(d);
  UNIT_TEST("batches of nothing end at once; they can't loop");
  d = counting_dataset(engine, 0, NULL);
  lander_batches *b = lander_batches_new(d, "size=4 shuffle=true", &error);
  lander_real y[4];
  UNIT_CHECK(next_y(b, y) == 0);
  lander_batches_seek(b, 3);
  UNIT_CHECK(next_y(b, y) == 0);
  lander_batches_free(b);
  UNIT_CHECK(!lander_batches_new(d, "size=4 loop=true", &error) && says("no samples"));
  lander_dataset_free(d);
}

static void test_shuffle(void) {
  enum { N = 100 };
  lander_dataset *d = counting_dataset(engine, N, NULL);
  const char *options = "size=7 shuffle=true seed=5 loop=true";
  static lander_real stream[N * 10 + 7], again[N * 10 + 7];
  lander_batches *b = lander_batches_new(d, options, &error);
  for (int i = 0; i < 140; i++) next_y(b, stream + 7 * i);
  UNIT_TEST("each epoch has every sample once, in an order of its own");
  for (int epoch = 0; epoch < 9; epoch++) {
    bool seen[N + 1] = {false};
    for (int i = 0; i < N; i++) seen[(int)stream[epoch * N + i]] = true;
    for (int i = 1; i <= N; i++) UNIT_CHECK(seen[i]);
    UNIT_CHECK(memcmp(stream + epoch * N, stream + (epoch + 1) * N, 10 * sizeof *stream));
  }
  UNIT_TEST("from any place on the same samples come, forwards and backwards");
  const int64_t places[] = {0, 350, 99, 100, 101, 7, 893, 1, 350};
  for (int i = 0; i < 9; i++) {
    lander_batches_seek(b, places[i]);
    for (int k = 0; k < 3; k++) {
      UNIT_CHECK(next_y(b, again) == 7);
      UNIT_CHECK(!memcmp(again, stream + places[i] + 7 * k, 7 * sizeof *again));
    }
  }
  UNIT_TEST("the size of the batches does not change the order");
  lander_batches *other = lander_batches_new(d, "size=50 shuffle=true seed=5", &error);
  UNIT_CHECK(next_y(other, again) == 50 && next_y(other, again + 50) == 50);
  UNIT_CHECK(next_y(other, again) == 0);
  UNIT_CHECK(!memcmp(again + 50, stream + 50, 50 * sizeof *again));
  lander_batches_free(other);
  UNIT_TEST("another seed, another order");
  other = lander_batches_new(d, "size=50 shuffle=true seed=6", &error);
  UNIT_CHECK(next_y(other, again) == 50 && memcmp(again, stream, 50 * sizeof *again));
  lander_batches_free(other);
  lander_batches_free(b);
  lander_dataset_free(d);
}

static void test_staying(void) {
  UNIT_TEST("a batch stays as it is until the next call but one");
  lander_dataset *d = counting_dataset(engine, 1000, NULL);
  lander_batches *b = lander_batches_new(d, "size=10 loop=true", &error);
  lander_tensor *x[2], *y[2];
  const struct timespec pause = {.tv_nsec = 2000000};
  UNIT_CHECK(lander_batches_next(b, &x[0], &y[0], &error) == LANDER_OK);
  for (int i = 0; i < 200; i++) {
    int now = (i + 1) % 2, before = i % 2;
    UNIT_CHECK(lander_batches_next(b, &x[now], &y[now], &error) == LANDER_OK);
    int64_t position;
    lander_batches_samples(b, &position); /* time for the other thread to do harm */
    if (i % 20 == 0) nanosleep(&pause, NULL);
    for (int k = 0; k < 10; k++) {
      UNIT_CHECK(lander_tensor_data(y[before])[k] == (i * 10 + k) % 1000 + 1);
      UNIT_CHECK(lander_tensor_data(y[now])[k] == ((i + 1) * 10 + k) % 1000 + 1);
    }
  }
  lander_batches_free(b);
  lander_dataset_free(d);
}

/* ---- No memory
 * ------------------------------------------------------------------------- */

static lander_status use_idx(lander_engine *on) {
  lander_dataset *d = open_idx(on, "images.gz", "labels", NULL);
  if (!d) return error.code;
  lander_batches *b = lander_batches_new(d, "size=2 shuffle=true", &error);
  lander_status status = b ? LANDER_OK : error.code;
  lander_tensor *x = NULL, *y;
  if (b) UNIT_CHECK(lander_batches_next(b, &x, &y, &error) == LANDER_OK && x);
  lander_batches_free(b);
  lander_dataset_free(d);
  return status;
}

static lander_status use_tensors(lander_engine *on) {
  lander_dataset *d = counting_dataset(on, 5, "classes=5");
  if (!d) return error.code;
  lander_dataset *part = lander_dataset_subset(d, 1, 3, &error);
  lander_status status = part ? LANDER_OK : error.code;
  lander_dataset_free(part);
  lander_dataset_free(d);
  return status;
}

static void starve(lander_status (*act)(lander_engine *on)) {
  for (int n = 0; n < 1000; n++) {
    test_allocator a = {.allowed = n};
    lander_config config = {
        .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
    lander_engine *poor = lander_engine_new(&config, &error);
    lander_status status = poor ? act(poor) : LANDER_ERROR_MEMORY;
    lander_engine_free(poor);
    UNIT_CHECK(test_allocator_clean(&a));
    if (!poor) continue;
    if (status == LANDER_OK) return;
    UNIT_CHECK(status == LANDER_ERROR_MEMORY);
  }
  UNIT_CHECK(!"1000 requests are enough");
}

static void test_no_memory(void) {
  UNIT_TEST("no memory");
  starve(use_idx);
  starve(use_tensors);
  UNIT_TEST("giving out batches allocates nothing");
  test_allocator a = {.allowed = -1};
  lander_config config = {
      .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
  lander_engine *poor = lander_engine_new(&config, &error);
  lander_dataset *d = counting_dataset(poor, 10, NULL);
  lander_batches *b = lander_batches_new(d, "size=4 shuffle=true loop=true", &error);
  int before = a.requests;
  lander_real y[4];
  for (int i = 0; i < 20; i++) UNIT_CHECK(next_y(b, y) == 4);
  lander_batches_seek(b, 3);
  UNIT_CHECK(next_y(b, y) == 4 && a.requests == before);
  lander_batches_free(b);
  lander_dataset_free(d);
  lander_engine_free(poor);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* Says no to whoever asks for more than two million bytes at once. */
static void *allocate_little(void *userdata, void *old, size_t old_size,
                             size_t new_size) {
  return new_size > 2000000 ? NULL : test_allocate(userdata, old, old_size, new_size);
}

static void test_memory_follows_bytes(void) {
  UNIT_TEST("gzip: no memory for bytes that are only claimed");
  static unsigned char bytes[16 + 300000];
  memcpy(bytes, small_images, 16);
  uint32_t random = 1;
  for (size_t i = 16; i < sizeof bytes; i++) /* Numerical Recipes' generator */
    bytes[i] = (unsigned char)((random = random * 1664525u + 1013904223u) >> 24);
  bytes[5] = 10; /* 655365 images of 6 bytes: a file of this size could have them */
  write_gzip(files_path("bad.gz"), bytes, sizeof bytes);
  test_allocator a = {.allowed = -1};
  lander_config config = {
      .allocate = allocate_little, .allocate_userdata = &a, .threads = 1};
  lander_engine *poor = lander_engine_new(&config, &error);
  UNIT_CHECK(!open_idx(poor, "bad.gz", "labels", NULL));
  UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("has 300000 bytes"));
  lander_engine_free(poor);
  UNIT_CHECK(test_allocator_clean(&a));
}

static void test_error_is_empty(void) {
  UNIT_TEST("an old error goes away");
  const int64_t first = 0;
  lander_real x[6], y[1];
  lander_tensor *px, *py;
#define OLD_ERROR (error = (lander_error){LANDER_ERROR_IO, "old"})
#define IS_EMPTY  (error.code == LANDER_OK && !error.message[0])
  OLD_ERROR;
  lander_dataset *d = open_idx(engine, "images", "labels", NULL);
  UNIT_CHECK(d && IS_EMPTY);
  OLD_ERROR;
  lander_dataset *part = lander_dataset_subset(d, 0, 2, &error);
  UNIT_CHECK(part && IS_EMPTY);
  OLD_ERROR;
  UNIT_CHECK(lander_dataset_read(d, &first, 1, x, y, &error) == LANDER_OK && IS_EMPTY);
  OLD_ERROR;
  lander_batches *b = lander_batches_new(d, "size=2", &error);
  UNIT_CHECK(b && IS_EMPTY);
  OLD_ERROR;
  UNIT_CHECK(lander_batches_next(b, &px, &py, &error) == LANDER_OK && IS_EMPTY);
  OLD_ERROR;
  UNIT_CHECK(lander_tensor_save(px, files_path("bad"), &error) == LANDER_OK && IS_EMPTY);
  lander_dataset *tensors;
  OLD_ERROR;
  UNIT_CHECK((tensors = lander_data_tensors(px, py, NULL, &error)) && IS_EMPTY);
#undef OLD_ERROR
#undef IS_EMPTY
  lander_dataset_free(tensors);
  lander_batches_free(b);
  lander_dataset_free(part);
  lander_dataset_free(d);
}

int main(void) {
  files_begin();
  write_small();
  engine = lander_engine_new(NULL, &error);
  test_reading();
  test_damage();
  test_damaged_gzip();
  test_tensors();
  test_batches();
  test_batch_options();
  test_shuffle();
  test_staying();
  test_no_memory();
  test_memory_follows_bytes();
  test_error_is_empty();
  lander_engine_free(engine);
  UNIT_TEST("nothing is left behind");
  const char *names[] = {"images", "labels", "images.gz", "labels.gz",
                         "bad",    "bad.gz", NULL};
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
