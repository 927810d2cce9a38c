/* test_npz.c: .npz and .npy files: what is written is read, what numpy writes is read,
 * and nothing that is cut, altered or hostile is. */
#include "unit.h"

#include "allocator.h"
#include "base/memory.h"
#include "files.h"
#include "tensor/npz.h"
#include <math.h>

static lander_engine *engine;
static lander_error error;

static bool says(const char *part) {
  if (strstr(error.message, part)) return true;
  printf("message without \"%s\": %s\n", part, error.message);
  return false;
}

/* ---- A small saved file ------------------------------------------------------------ */

static const real weights[6] = {1, -2, 3.5, 0, 1e-3f, 6};
static const int64_t weights_size[2] = {2, 3};
static const char net_text[] = "data = input () shape=3\n";

static lander_status write_small(lander_engine *on, const char *path, lander_error *e) {
  npz_writer *z = npz_create(on, path, e);
  if (!z) return e ? e->code : LANDER_ERROR_IO;
  lander_status status = npz_add_text(z, "net.txt", net_text, strlen(net_text), e);
  if (status == LANDER_OK)
    status = npz_add_array(z, "conv1.weight", 2, weights_size, weights, e);
  if (status == LANDER_OK) status = npz_add_array(z, "scale", 0, NULL, weights + 2, e);
  if (status == LANDER_OK) return npz_commit(z, e);
  npz_abandon(z);
  return status;
}

/* Reads all of it; OK only if everything is there and right. */
static lander_status read_small(lander_engine *on, const char *path, lander_error *e) {
  npz_reader *z = npz_open(on, path, e);
  if (!z) return e->code;
  lander_status status = LANDER_OK;
  size_t length = 0;
  char *text = npz_read_text(z, "net.txt", &length, e);
  lander_tensor *w = text ? npz_read_array(z, "conv1.weight", e) : NULL;
  real scale = 0;
  if (!text || !w)
    status = e->code;
  else
    status = npz_read_into(z, "scale", 0, NULL, &scale, e);
  if (status == LANDER_OK) {
    UNIT_CHECK(npz_count(z) == 3);
    UNIT_CHECK(length == strlen(net_text) && strcmp(text, net_text) == 0);
    UNIT_CHECK(lander_tensor_dims(w) == 2 && lander_tensor_count(w) == 6);
    UNIT_CHECK(memcmp(lander_tensor_data(w), weights, sizeof weights) == 0);
    UNIT_CHECK(scale == weights[2]);
  }
  memory_free(on, text);
  lander_tensor_free(w);
  npz_close(z);
  return status;
}

static void test_round_trip(void) {
  UNIT_TEST("what is written is read");
  UNIT_CHECK(write_small(engine, files_path("small.npz"), &error) == LANDER_OK);
  UNIT_CHECK(read_small(engine, files_path("small.npz"), &error) == LANDER_OK);

  UNIT_TEST("the same content gives the same bytes");
  size_t size[2];
  UNIT_CHECK(write_small(engine, files_path("again.npz"), &error) == LANDER_OK);
  unsigned char *one = files_read(files_path("small.npz"), &size[0]);
  unsigned char *two = files_read(files_path("again.npz"), &size[1]);
  UNIT_CHECK(size[0] == size[1] && memcmp(one, two, size[0]) == 0);
  free(one);
  free(two);

  UNIT_TEST("names are found, or missed with words");
  npz_reader *z = npz_open(engine, files_path("small.npz"), &error);
  UNIT_CHECK(npz_has(z, "conv1.weight.npy") && npz_has(z, "net.txt"));
  UNIT_CHECK(!npz_has(z, "conv1.weight") && !npz_has(z, ""));
  UNIT_CHECK(strcmp(npz_name(z, 0), "net.txt") == 0 && !npz_name(z, 3));
  UNIT_CHECK(!npz_read_array(z, "conv2.weight", &error));
  UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("small.npz"));
  UNIT_CHECK(says("conv2.weight.npy"));

  UNIT_TEST("another shape is refused and nothing is written");
  real out[6] = {0};
  const int64_t other[2] = {3, 2};
  UNIT_CHECK(npz_read_into(z, "conv1.weight", 2, other, out, &error) ==
             LANDER_ERROR_SHAPE);
  UNIT_CHECK(says("(2, 3)") && says("(3, 2)") && says("conv1.weight") && out[0] == 0);
  npz_close(z);
}

static void test_writer_refusals(void) {
  UNIT_TEST("a writer refuses names twice, too long, empty, with control characters");
  npz_writer *z = npz_create(engine, files_path("refused.npz"), &error);
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  UNIT_CHECK(npz_add_text(z, "a", "x", 1, &error) == LANDER_OK);
  UNIT_CHECK(npz_add_text(z, "a", "x", 1, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(npz_add_text(z, name, "x", 1, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(npz_add_text(z, "", "x", 1, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(npz_add_text(z, "a\033b", "x", 1, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(npz_add_array(z, name, 0, NULL, weights, &error) == LANDER_ERROR_ARGUMENT);
  npz_abandon(z);
  UNIT_CHECK(access(files_path("refused.npz"), F_OK) != 0);
  UNIT_TEST("a folder that is not there is named");
  UNIT_CHECK(!npz_create(engine, files_path("none/small.npz"), &error));
  UNIT_CHECK(error.code == LANDER_ERROR_IO && says("none/small.npz"));
}

/* ---- Damage ------------------------------------------------------------------------ */

static void test_truncation(void) {
  UNIT_TEST("cut at any byte: an error that names the file");
  size_t size;
  unsigned char *bytes = files_read(files_path("small.npz"), &size);
  for (size_t cut = 0; cut < size; cut++) {
    files_write(files_path("damaged.npz"), bytes, cut);
    UNIT_CHECK(read_small(engine, files_path("damaged.npz"), &error) ==
               LANDER_ERROR_FORMAT);
    UNIT_CHECK(says("damaged.npz"));
  }
  free(bytes);
}

static void flip(const char *path, const unsigned char *bytes, size_t bit) {
  files_poke(path, bit / 8, (unsigned char)(bytes[bit / 8] ^ 1 << bit % 8));
}

static void test_bits(void) {
  UNIT_TEST("any bit flipped: an error that names the file");
  size_t size;
  unsigned char *bytes = files_read(files_path("small.npz"), &size);
  files_write(files_path("damaged.npz"), bytes, size);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    flip(files_path("damaged.npz"), bytes, bit);
    if (!UNIT_CHECK(read_small(engine, files_path("damaged.npz"), &error) ==
                    LANDER_ERROR_FORMAT))
      printf("byte %zu, bit %zu\n", bit / 8, bit % 8);
    UNIT_CHECK(says("damaged.npz"));
    files_poke(files_path("damaged.npz"), bit / 8, bytes[bit / 8]);
  }

  UNIT_TEST("damage inside a member names the member");
  bytes[30 + strlen("net.txt") + 3] ^= 4; /* the first member's text */
  files_write(files_path("damaged.npz"), bytes, size);
  UNIT_CHECK(read_small(engine, files_path("damaged.npz"), &error) ==
             LANDER_ERROR_FORMAT);
  UNIT_CHECK(says("member net.txt") && says("CRC-32"));

  UNIT_TEST("something before or behind a file is noticed");
  unsigned char *longer = malloc(size + 1);
  memcpy(longer, bytes, size);
  longer[size] = 0;
  files_write(files_path("damaged.npz"), longer, size + 1);
  UNIT_CHECK(read_small(engine, files_path("damaged.npz"), &error) ==
             LANDER_ERROR_FORMAT);
  longer[0] = 'x';
  memcpy(longer + 1, bytes, size);
  files_write(files_path("damaged.npz"), longer, size + 1);
  UNIT_CHECK(read_small(engine, files_path("damaged.npz"), &error) ==
             LANDER_ERROR_FORMAT);
  free(longer);
  free(bytes);
}

static void test_not_a_zip(void) {
  UNIT_TEST("not a zip file");
  const char text[] = "this is a text of more than twenty-two bytes";
  files_write(files_path("damaged.npz"), text, sizeof text);
  UNIT_CHECK(!npz_open(engine, files_path("damaged.npz"), &error));
  UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("not a zip file"));
  UNIT_CHECK(!npz_open(engine, files_path("missing.npz"), &error));
  UNIT_CHECK(error.code == LANDER_ERROR_IO && says("missing.npz"));
  UNIT_CHECK(!npz_open(engine, files_folder, &error));
  UNIT_CHECK(error.code == LANDER_ERROR_IO && says("directory"));
}

/* ---- numpy's files ----------------------------------------------------------------- */

static void check_member(npz_reader *z, const char *name, int64_t count, double first,
                         double last) {
  lander_tensor *t = npz_read_array(z, name, &error);
  if (!UNIT_CHECK(t != NULL)) {
    printf("%s: %s\n", name, error.message);
    return;
  }
  const real *data = lander_tensor_data(t);
  if (!UNIT_CHECK(lander_tensor_count(t) == count && data[0] == (real)first &&
                  data[count - 1] == (real)last))
    printf("%s: %g ... %g\n", name, (double)data[0], (double)data[count - 1]);
  lander_tensor_free(t);
}

static void check_numpy(const char *path) {
  npz_reader *z = npz_open(engine, path, &error);
  if (!UNIT_CHECK(z != NULL)) return;
  UNIT_CHECK(npz_count(z) == 16);
  check_member(z, "f4", 6, 1.5, 6);
  check_member(z, "f8", 3, 0.1, 2);
  check_member(z, "f4_big", 2, 1.5, -2.25);
  check_member(z, "i1", 2, -128, 127);
  check_member(z, "i2", 2, -32768, 32767);
  check_member(z, "i4_big", 2, -2147483648.0, 2147483647.0);
  check_member(z, "i8", 2, -0x1p40, 0x1p40);
  check_member(z, "u1", 2, 0, 255);
  check_member(z, "u2", 2, 0, 65535);
  check_member(z, "u4", 2, 0, 4294967295.0);
  check_member(z, "u8", 2, 0, 0x1p63);
  check_member(z, "b1", 2, 1, 0);
  check_member(z, "scalar", 1, 7, 7);
  check_member(z, "zeros", 5000, 0, 0);
  lander_tensor *t = npz_read_array(z, "columns", &error); /* stored by columns */
  UNIT_CHECK(t && lander_tensor_count(t) == 24 && lander_tensor_sizes(t)[2] == 4);
  for (int i = 0; t && i < 24; i++) UNIT_CHECK(lander_tensor_data(t)[i] == i);
  lander_tensor_free(t);
  t = npz_read_array(z, "empty", &error);
  UNIT_CHECK(t && lander_tensor_count(t) == 0 && lander_tensor_sizes(t)[1] == 3);
  lander_tensor_free(t);
  npz_close(z);
}

static void test_numpy(void) {
  UNIT_TEST("numpy.savez: every type, order and byte order");
  check_numpy("tests/data/npz/numpy.npz");
  UNIT_TEST("numpy.savez_compressed");
  check_numpy("tests/data/npz/numpy_compressed.npz");
  UNIT_TEST("types that are no numbers here are refused with words");
  npz_reader *z = npz_open(engine, "tests/data/npz/complex.npz", &error);
  UNIT_CHECK(!npz_read_array(z, "c", &error) && error.code == LANDER_ERROR_FORMAT);
  UNIT_CHECK(says("<c8") && says("c.npy") && says("complex.npz"));
  UNIT_CHECK(!npz_read_array(z, "text", &error) && says("<U1"));
  npz_close(z);
}

/* Everything that still opens after the damage is as it was. */
static void read_damaged(const char *path) {
  npz_reader *z = npz_open(engine, path, &error);
  if (!z) return;
  lander_tensor *t = npz_read_array(z, "f4", &error);
  if (t) UNIT_CHECK(lander_tensor_data(t)[0] == 1.5 && lander_tensor_data(t)[5] == 6);
  lander_tensor_free(t);
  for (int i = 0; i < npz_count(z); i++) {
    char name[300];
    snprintf(name, sizeof name, "%s", npz_name(z, i));
    size_t length = strlen(name);
    if (length > 4) name[length - 4] = 0;
    lander_tensor_free(npz_read_array(z, name, &error));
  }
  npz_close(z);
}

typedef struct measured {
  test_allocator base;
  size_t largest;
} measured;

static void *measure(void *userdata, void *old, size_t old_size, size_t new_size) {
  measured *m = userdata;
  if (new_size > m->largest) m->largest = new_size;
  return test_allocate(&m->base, old, old_size, new_size);
}

/* Damage in a file without our seal may go unnoticed in its times, never in its numbers;
 * and it costs no memory beyond what the file can hold. */
static void test_numpy_damage(void) {
  UNIT_TEST("numpy's file with bits flipped or cut: no crash, no wrong numbers");
  measured m = {.base = {.allowed = -1}};
  lander_config config = {.allocate = measure, .allocate_userdata = &m, .threads = 1};
  lander_engine *old = engine;
  engine = lander_engine_new(&config, NULL);
  size_t size;
  unsigned char *bytes = files_read("tests/data/npz/numpy_compressed.npz", &size);
  files_write(files_path("damaged.npz"), bytes, size);
  for (size_t bit = 0; bit < 8 * size;
       bit += 3) { /* which comes to every place in a byte */
    flip(files_path("damaged.npz"), bytes, bit);
    read_damaged(files_path("damaged.npz"));
    files_poke(files_path("damaged.npz"), bit / 8, bytes[bit / 8]);
  }
  for (size_t cut = 0; cut < size; cut += 7) {
    files_write(files_path("damaged.npz"), bytes, cut);
    UNIT_CHECK(!npz_open(engine, files_path("damaged.npz"), &error));
  }
  UNIT_CHECK(m.largest < 1032 * size);
  free(bytes);
  lander_engine_free(engine);
  engine = old;
  UNIT_CHECK(test_allocator_clean(&m.base));
}

/* ---- Hostile files ----------------------------------------------------------------- */

/* One member "a.npy" with these fields; -1 where the truth is to be told. */
typedef struct lie {
  long stored, size, flags, method, offset, count;
  int name_zero, twice;
} lie;

static void put(unsigned char **p, int width, unsigned long value) {
  for (int i = 0; i < width; i++) *(*p)++ = (unsigned char)(value >> 8 * i);
}

static const char *write_lie(const lie *l) {
  unsigned char file[512], *p = file;
  const char *body = "0123456789";
  unsigned long crc = 0xa684c7c6; /* of the ten digits */
  unsigned long stored = l->stored < 0 ? 10 : (unsigned long)l->stored;
  unsigned long size = l->size < 0 ? 10 : (unsigned long)l->size;
  unsigned long flags = l->flags < 0 ? 0 : (unsigned long)l->flags;
  unsigned long method = l->method < 0 ? 0 : (unsigned long)l->method;
  put(&p, 4, 0x04034b50), put(&p, 2, 20), put(&p, 2, flags), put(&p, 2, method);
  put(&p, 4, 0), put(&p, 4, crc), put(&p, 4, stored), put(&p, 4, size);
  put(&p, 2, 5), put(&p, 2, 0);
  memcpy(p, l->name_zero ? "a.np" : "a.npy", 5), p += 5;
  memcpy(p, body, 10), p += 10;
  unsigned long directory = (unsigned long)(p - file);
  for (int i = 0; i <= l->twice; i++) {
    put(&p, 4, 0x02014b50), put(&p, 2, 20), put(&p, 2, 20), put(&p, 2, flags);
    put(&p, 2, method), put(&p, 4, 0), put(&p, 4, crc), put(&p, 4, stored);
    put(&p, 4, size), put(&p, 2, 5), put(&p, 4, 0), put(&p, 8, 0);
    put(&p, 4, l->offset < 0 ? 0 : (unsigned long)l->offset);
    memcpy(p, l->name_zero ? "a.np" : "a.npy", 5), p += 5;
  }
  unsigned long length = (unsigned long)(p - file) - directory;
  unsigned long count =
      l->count < 0 ? 1 + (unsigned long)l->twice : (unsigned long)l->count;
  put(&p, 4, 0x06054b50), put(&p, 4, 0), put(&p, 2, count), put(&p, 2, count);
  put(&p, 4, length), put(&p, 4, directory), put(&p, 2, 0);
  files_write(files_path("hostile.npz"), file, (size_t)(p - file));
  return files_path("hostile.npz");
}

static void check_lie(lie l, const char *message) {
  npz_reader *z = npz_open(engine, write_lie(&l), &error);
  bool opened = z != NULL;
  size_t length;
  char *text = opened ? npz_read_text(z, "a.npy", &length, &error) : NULL;
  npz_close(z);
  if (!message) {
    if (!UNIT_CHECK(text && length == 10)) printf("%s\n", error.message);
  } else {
    UNIT_CHECK(!text && error.code == LANDER_ERROR_FORMAT && says(message));
    UNIT_CHECK(says("hostile.npz"));
  }
  memory_free(engine, text);
}

static void test_hostile(void) {
  const lie truth = {-1, -1, -1, -1, -1, -1, 0, 0};
  lie l = truth;
  UNIT_TEST("the truth is read");
  check_lie(truth, NULL);
  UNIT_TEST("sizes that can't be are refused before memory is asked for");
  l.stored = l.size = 0x7fffffff;
  check_lie(l, "reach into the directory");
  l = truth, l.size = 0x7fffffff, l.method = 8;
  check_lie(l, "can't come from");
  l = truth, l.size = 11;
  check_lie(l, "can't come from");
  l = truth, l.size = 0xffffffff;
  check_lie(l, "zip64");
  UNIT_TEST("places that can't be");
  l = truth, l.offset = 40;
  check_lie(l, "inside the directory");
  l = truth, l.offset = 5;
  check_lie(l, "does not agree");
  UNIT_TEST(
      "what is not read: encryption, other methods, other counts, names with zeros");
  l = truth, l.flags = 1;
  check_lie(l, "encrypted");
  l = truth, l.method = 12;
  check_lie(l, "method 12");
  l = truth, l.count = 0;
  check_lie(l, "longer than its members");
  l = truth, l.count = 2;
  check_lie(l, "do not fit");
  l = truth, l.name_zero = 1;
  check_lie(l, "no usable name");
  UNIT_TEST("a member twice");
  l = truth, l.twice = 1;
  check_lie(l, "twice");
  UNIT_TEST("bytes that are not deflated");
  l = truth, l.method = 8;
  check_lie(l, "damaged");
}

/* ---- .npy -------------------------------------------------------------------------- */

static lander_tensor *load_npy(const char *header, size_t elements, int version) {
  unsigned char file[1024] = "\x93NUMPY";
  size_t length = strlen(header), begin = version == 1 ? 10 : 12;
  file[6] = (unsigned char)version;
  file[8] = (unsigned char)length;
  file[9] = (unsigned char)(length >> 8);
  memcpy(file + begin, header, length);
  for (size_t i = 0; i < elements; i++) {
    const float value = (float)i;
    memcpy(file + begin + length + 4 * i, &value, 4);
  }
  files_write(files_path("a.npy"), file, begin + length + 4 * elements);
  return lander_tensor_load(engine, files_path("a.npy"), &error);
}

static void check_header(const char *header, bool good) {
  for (int version = 1; version <= 3; version++) {
    lander_tensor *t = load_npy(header, 6, version);
    if (!UNIT_CHECK((t != NULL) == good)) printf("%s\n", header);
    if (t) UNIT_CHECK(lander_tensor_count(t) == 6 && lander_tensor_data(t)[5] == 5);
    if (!t) UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("a.npy"));
    lander_tensor_free(t);
  }
}

static void test_npy_headers(void) {
  UNIT_TEST("headers as other programs write them");
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", true);
  check_header("{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f4'}", true);
  check_header("{\"descr\":\"<f4\",\"shape\":(6,),\"fortran_order\":False}  \n", true);
  check_header("{ 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 6 , ) , }",
               true);
  UNIT_TEST("headers that are wrong");
  check_header("", false);
  check_header("{", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ", false);
  check_header("{'descr': '<f4', 'fortran_order': False}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': 6}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (6)}x", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", false);
  check_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", false);
  check_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", false);
  check_header("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}",
               false);
  UNIT_TEST("shapes that lie");
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}", false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,"
               " 4611686018427387904)}",
               false);
  check_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999"
               "99,)}",
               false);
  UNIT_TEST("an unknown version");
  UNIT_CHECK(!load_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", 6, 4));
  UNIT_CHECK(says("version 4.0"));
}

static void test_npy_file(void) {
  UNIT_TEST(".npy: saved and loaded");
  lander_tensor *t = lander_tensor_new(engine, 2, weights_size, &error);
  memcpy(lander_tensor_data(t), weights, sizeof weights);
  lander_tensor_data(t)[1] = (real)NAN;
  UNIT_CHECK(lander_tensor_save(t, files_path("a.npy"), &error) == LANDER_OK);
  lander_tensor *u = lander_tensor_load(engine, files_path("a.npy"), &error);
  UNIT_CHECK(u && lander_tensor_dims(u) == 2 && lander_tensor_sizes(u)[0] == 2);
  UNIT_CHECK(u &&
             memcmp(lander_tensor_data(u), lander_tensor_data(t), 6 * sizeof(real)) == 0);
  lander_tensor_free(u);

  UNIT_TEST(".npy: cut at any byte");
  size_t size;
  unsigned char *bytes = files_read(files_path("a.npy"), &size);
  UNIT_CHECK(size == 128 + sizeof weights); /* the header is a multiple of 64 */
  for (size_t cut = 0; cut < size; cut++) {
    files_write(files_path("a.npy"), bytes, cut);
    UNIT_CHECK(!lander_tensor_load(engine, files_path("a.npy"), &error));
    UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("a.npy"));
  }
  free(bytes);
  UNIT_TEST(".npy: a folder that can't be written");
  UNIT_CHECK(lander_tensor_save(t, files_path("none/a.npy"), &error) == LANDER_ERROR_IO);
  UNIT_CHECK(lander_tensor_save(t, files_path("none/a.npy"), NULL) == LANDER_ERROR_IO);
  lander_tensor_free(t);
}

/* ---- No memory --------------------------------------------------------------------- */

static lander_status read_compressed(lander_engine *on, const char *path,
                                     lander_error *e) {
  npz_reader *z = npz_open(on, path, e);
  if (!z) return e->code;
  lander_tensor *t = npz_read_array(z, "zeros", e);
  lander_status status = t ? LANDER_OK : e->code;
  lander_tensor_free(t);
  npz_close(z);
  return status;
}

typedef lander_status (*action)(lander_engine *on, const char *path, lander_error *e);

/* Grants no, one, two ... requests until the action succeeds. */
static void starve(action act, const char *path) {
  for (int n = 0; n < 1000; n++) {
    test_allocator a = {.allowed = n};
    lander_config config = {
        .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
    lander_engine *poor = lander_engine_new(&config, &error);
    lander_status status = poor ? act(poor, path, &error) : LANDER_ERROR_MEMORY;
    lander_engine_free(poor);
    UNIT_CHECK(test_allocator_clean(&a));
    if (!poor) continue;
    if (status == LANDER_OK) return;
    UNIT_CHECK(status == LANDER_ERROR_MEMORY && error.code == LANDER_ERROR_MEMORY);
  }
  UNIT_CHECK(!"1000 requests are enough");
}

static void test_no_memory(void) {
  UNIT_TEST("no memory while writing: the old file stays");
  size_t size[2];
  unsigned char *before = files_read(files_path("small.npz"), &size[0]);
  starve(write_small, files_path("small.npz"));
  unsigned char *after = files_read(files_path("small.npz"), &size[1]);
  UNIT_CHECK(size[0] == size[1] && memcmp(before, after, size[0]) == 0);
  free(before);
  free(after);
  UNIT_TEST("no memory while reading");
  starve(read_small, files_path("small.npz"));
  starve(read_compressed, "tests/data/npz/numpy_compressed.npz");
}

int main(void) {
  files_begin();
  engine = lander_engine_new(NULL, &error);
  test_round_trip();
  test_writer_refusals();
  test_truncation();
  test_bits();
  test_not_a_zip();
  test_numpy();
  test_numpy_damage();
  test_hostile();
  test_npy_headers();
  test_npy_file();
  test_no_memory();
  lander_engine_free(engine);
  UNIT_TEST("nothing is left behind");
  const char *names[] = {"small.npz",   "again.npz", "damaged.npz",
                         "hostile.npz", "a.npy",     NULL};
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
