/* test_hostile.c: files that were made to do harm: sizes that no machine has, texts that
 * would take for ever, archives that unpack to a thousand times their size, names for a
 * terminal. Each gets an error, soon, and memory in proportion to the file.
 * (tests/fuzz looks for more of them.) */
#include "../../src/base/memory.h"
#include "../../src/net/net.h"
#include "../../src/tensor/npy.h"
#include "../../src/tensor/zip.h"
#include "../../src/tensor/zip_format.h"
#include "allocator.h"
#include "files.h"
#include "unit.h"

#include <math.h>
#include <zlib.h>

static test_allocator allocator;

#define MB ((int64_t)1 << 20)

/* Counts anew what is taken. */
static lander_engine *new_engine(void) {
  allocator = (test_allocator){.allowed = -1};
  return lander_engine_new(&(lander_config){.allocate = test_allocate,
                                            .allocate_userdata = &allocator,
                                            .threads = 1},
                           NULL);
}

/* The end of a test: nothing is left, and never was more out than this. */
static void check_memory(lander_engine *engine, int64_t most) {
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&allocator));
  if (!UNIT_CHECK(allocator.peak <= most))
    printf("  %lld bytes were taken\n", (long long)allocator.peak);
}

static bool has_control(const char *message) {
  for (const char *p = message; *p; p++)
    if (((unsigned char)*p < 32 && *p != '\n' && *p != '\t') || *p == 127) return true;
  return false;
}

static void check_refused(const void *made, const lander_error *error,
                          lander_status code) {
  bool good = !made && error->code == code && error->message[0];
  if (!UNIT_CHECK(good && !has_control(error->message)))
    printf("  %s: %s\n", made ? "made" : lander_status_name(error->code), error->message);
}

/* ---- arrays ---------------------------------------------------------------------- */

static void write_npy(const char *path, const char *sizes, size_t data) {
  char file[1024] = "\x93NUMPY\x01";
  int length =
      snprintf(file + 10, sizeof file - 10,
               "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", sizes);
  file[8] = (char)(length & 0xff);
  file[9] = (char)(length >> 8);
  files_write(path, file, 10 + (size_t)length + data);
}

static void test_shapes(void) {
  static const char *const shapes[] = {
      "(9223372036854775807,)",
      "(9223372036854775808,)",
      "(18446744073709551617,)", /* 1 in 64 bits */
      "(4611686018427387905,)",  /* times 4 bytes: 4 in 64 bits */
      "(4294967296, 4294967296)",
      "(4294967297, 4294967295, 4)",
      "(-1,)",
      "(-1, -4)",
      "(1, 1, 1, 1, 1, 1, 1, 1, 1)",
      "(1e3,)",
      "(((((1)))))",
      "(1,,)",
      "()",
      "(1, 2147483648)"};
  const char *path = files_path("hostile.npy");
  UNIT_TEST("arrays with sizes that no machine has");
  for (int i = 0; i < COUNT_OF(shapes); i++) {
    lander_error error;
    lander_engine *engine = new_engine();
    write_npy(path, shapes[i], 8);
    check_refused(lander_tensor_load(engine, path, &error), &error, LANDER_ERROR_FORMAT);
    check_memory(engine, MB / 4);
  }
  /* Nothing is there, and nothing is said to be: that is an array, of any other sizes. */
  lander_error error;
  lander_engine *engine = new_engine();
  write_npy(path, "(0, 4611686018427387904)", 0);
  lander_tensor *t = lander_tensor_load(engine, path, &error);
  UNIT_CHECK(!t || lander_tensor_count(t) == 0);
  lander_tensor_free(t);
  check_memory(engine, MB / 4);
}

static void test_long_header(void) {
  static const unsigned char head[12] = {0x93, 'N',  'U',  'M',  'P',  'Y',
                                         2,    0x00, 0xff, 0xff, 0xff, 0xff};
  lander_error error;
  const char *path = files_path("hostile.npy");
  UNIT_TEST("a header of 4 GB");
  lander_engine *engine = new_engine();
  files_write(path, head, sizeof head);
  check_refused(lander_tensor_load(engine, path, &error), &error, LANDER_ERROR_FORMAT);
  check_memory(engine, MB / 4);
}

/* ---- nets ------------------------------------------------------------------------ */

/* A file with this text and no parameters, as well made as Lander makes them. */
static void write_net(const char *path, const char *lines) {
  lander_engine *engine = lander_engine_new(NULL, NULL);
  npz_writer *z = npz_create(engine, path, NULL);
  UNIT_CHECK(npz_add_text(z, "net.txt", lines, strlen(lines), NULL) == LANDER_OK);
  UNIT_CHECK(npz_commit(z, NULL) == LANDER_OK);
  lander_engine_free(engine);
}

/* Loads it; NULL when it is refused, with no more memory than `most`. */
static void check_net(const char *lines, int64_t most) {
  lander_error error;
  const char *path = files_path("hostile.npz");
  write_net(path, lines);
  lander_engine *engine = new_engine();
  lander_net *net = lander_net_open(engine, path, &error);
  bool refused = !net && error.message[0] && !has_control(error.message);
  if (!UNIT_CHECK(refused && error.code != LANDER_ERROR_MEMORY))
    printf("  %.60s: %s\n", lines, net ? "loaded" : error.message);
  lander_net_free(net);
  check_memory(engine, most);
}

static void test_nets(void) {
  static const char *const texts[] = {
      /* weights that the file does not hold, of sizes whose product wraps around */
      "x = input () shape=4\ny = linear (x) outputs=16777216\n",
      "x = input () shape=1073741824\ny = linear (x) outputs=16777216\n",
      "x = input () shape=1073741824,1073741824\ny = linear (x) outputs=4\n",
      "x = input () shape=1073741824,1073741824,16\ny = relu (x)\n",
      "x = input () shape=1073741824,1073741824,1073741824,1073741824\ny = relu (x)\n",
      "x = input () shape=4,8,8\ny = conv (x) outputs=16777216 kernel=1048576 "
      "pad=1048576\n",
      "x = input () shape=1,8,8\ny = conv (x) outputs=1 kernel=99 dilation=1048576\n",
      "x = input () shape=1,8,8\ny = deconv (x) outputs=16777216 kernel=1048576 "
      "stride=1048576\n",
      "x = input () shape=4\ny = embedding (x) entries=16777216 dim=16777216\n",
      "x = input () shape=4,4\ny = lstm (x) hidden=16777216 layers=64\n",
      "x = input () shape=4\ny = tile (x) times=2147483647\nz = tile (y) "
      "times=2147483647\nw = tile (z) times=2147483647\n",
      "x = input () shape=2147483648\n",
      "x = input () shape=9223372036854775808\n",
      "x = input () shape=-1\n",
      "x = input () shape=0\n",
      "x = input () shape=1e300\n",
      "x = input () shape=nan\n",
      "x = input () shape=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n",
      /* cycles */
      "x = input () shape=4\na = relu (b)\nb = relu (a)\n",
      "x = input () shape=4\na = relu (a)\n",
      "x = input () shape=4\na = linear (x) outputs=4 share=a\n",
      "x = input () shape=4\na = linear (x) outputs=4 share=b\nb = linear (x) outputs=4 "
      "share=a\n",
      /* names */
      "x = input () shape=4\n\x1b[2J = relu (x)\n",
      "x = input () shape=4\n../../etc/passwd = relu (x)\n",
      "x = input () shape=4\na..b = linear (x) outputs=1\n",
      "x = input () shape=4\n%n%s%n = relu (x)\n",
      "x = input () shape=4\nx = relu (x)\n",
      "x = input () shape=4\ny = \x1b]0;title\x07 (x)\n",
      /* nothing, and what is no net */
      "",
      "\n\n\n",
      "#",
      "((((((((((((((((",
      "x = input () shape=4\ny = relu ((((x))))\n",
      "return os.execute('true')\n",
      "x = input () shape=os.exit()\n",
  };
  UNIT_TEST("nets whose text promises, asks in circles, or wants a terminal");
  for (int i = 0; i < COUNT_OF(texts); i++) check_net(texts[i], MB);
}

/* One line over and over, behind an input: `count` times, numbered. */
static char *repeat(const char *format, int count) {
  const size_t room = (size_t)count * 64 + 64;
  char *lines = malloc(room), *at = lines;
  if (!lines) exit(2);
  at += snprintf(at, 64, "a0 = input () shape=1\n");
  for (int i = 1; i <= count; i++) at += snprintf(at, 64, format, i, i - 1);
  return lines;
}

static void test_many_layers(void) {
  UNIT_TEST("a million layers, a million settings, a million comments");
  char *lines = repeat("a%d = relu (a%d)\n", 1000000);
  check_net(lines, 160 * MB);
  free(lines);
  lines = repeat("param a%d.%d lr_mult=2\n", 1000000);
  check_net(lines, 160 * MB);
  free(lines);
  lines = repeat("# %d %d\n", 1000000);
  lines[0] = '#';
  check_net(lines, 160 * MB);
  free(lines);
}

/* As many as there may be, forward and backward, under a solver too. */
static void test_most_layers(void) {
  lander_error error;
  UNIT_TEST("a net of as many layers as there may be");
  char *lines = repeat("a%d = relu (a%d)\n", NET_MOST_LAYERS - 1);
  lander_engine *engine = new_engine();
  lander_net *net = lander_net_build(engine, lines, 1, &error);
  real x = 3, y = 0;
  if (UNIT_CHECK(net)) {
    UNIT_CHECK(lander_net_layers(net) == NET_MOST_LAYERS);
    UNIT_CHECK(lander_net_find(net, "a8191") == NET_MOST_LAYERS - 1);
    UNIT_CHECK(lander_net_find(net, "a8192") == -1 && lander_net_find(net, "") == -1);
    UNIT_CHECK(lander_net_append(net, "more = relu (a0)", &error) ==
               LANDER_ERROR_ARGUMENT);
    UNIT_CHECK(lander_net_predict(net, &x, 1, &y, &error) == LANDER_OK && y == 3);
    lander_net_want_input_gradient(net, true);
    lander_tensor *in = lander_tensor_new(engine, 2, (int64_t[]){1, 1}, &error);
    UNIT_CHECK(lander_net_forward(net, &in, 1, &error) == LANDER_OK);
    UNIT_CHECK(lander_net_backward(net, in, false, &error) == LANDER_OK);
    lander_tensor_free(in);
  }
  lander_net_free(net);
  check_memory(engine, 256 * MB);
  free(lines);
}

/* ---- archives -------------------------------------------------------------------- */

/* A zip file with one packed member, which is said to have `claimed` bytes. */
static void write_packed(const char *path, const char *name, const void *bytes,
                         size_t size, uint32_t claimed, uint32_t crc) {
  size_t length = strlen(name);
  unsigned char *file = malloc(size + 1024), *at = file;
  if (!file) exit(2);
  zip_put_local(at, crc, claimed, length);
  zip_put16(at + 8, 8);
  zip_put32(at + 18, (uint32_t)size);
  memcpy(at + ZIP_LOCAL_SIZE, name, length);
  at += ZIP_LOCAL_SIZE + length;
  memcpy(at, bytes, size);
  at += size;
  unsigned char *directory = at;
  memset(at, 0, ZIP_CENTRAL_SIZE + ZIP_END_SIZE + length);
  zip_put32(at, ZIP_CENTRAL);
  zip_put16(at + 10, 8);
  zip_put32(at + 16, crc);
  zip_put32(at + 20, (uint32_t)size);
  zip_put32(at + 24, claimed);
  zip_put16(at + 28, (unsigned)length);
  memcpy(at + ZIP_CENTRAL_SIZE, name, length);
  at += ZIP_CENTRAL_SIZE + length;
  zip_put32(at, ZIP_END);
  zip_put16(at + 8, 1);
  zip_put16(at + 10, 1);
  zip_put32(at + 12, (uint32_t)(at - directory));
  zip_put32(at + 16, (uint32_t)(directory - file));
  files_write(path, file, (size_t)(at - file) + ZIP_END_SIZE);
  free(file);
}

/* `count` times a space, deflated. owns: the caller (free). */
static unsigned char *deflate_spaces(size_t count, size_t *size, uint32_t *crc) {
  z_stream z = {0};
  size_t room = count / 100 + 1024;
  unsigned char *out = malloc(room), *in = malloc(count);
  if (!out || !in || deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, 0) != Z_OK) exit(2);
  memset(in, ' ', count);
  *crc = (uint32_t)crc32_z(0, in, count);
  z.next_in = in;
  z.avail_in = (uInt)count;
  z.next_out = out;
  z.avail_out = (uInt)room;
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) exit(2);
  *size = room - z.avail_out;
  deflateEnd(&z);
  free(in);
  return out;
}

static void test_bombs(void) {
  lander_error error;
  const char *path = files_path("bomb.npz");
  size_t size;
  uint32_t crc;
  UNIT_TEST("a member that claims a gigabyte and has a few bytes");
  size_t few;
  unsigned char *some = deflate_spaces(100, &few, &crc);
  unsigned char *padded = calloc(1, 2 * MB);
  if (!padded) exit(2);
  memcpy(padded, some, few);
  write_packed(path, "x.npy", padded, 2 * MB, 1000u << 20, crc);
  lander_engine *engine = new_engine();
  check_refused(lander_data_npz(engine, path, "x", "x", "", &error), &error,
                LANDER_ERROR_FORMAT);
  check_memory(engine, 64 * MB);
  free(padded);
  free(some);

  UNIT_TEST("a net's text that unpacks to more than a text may have");
  unsigned char *bomb = deflate_spaces(200 * MB, &size, &crc);
  write_packed(path, "net.txt", bomb, size, 200 * MB, crc);
  engine = new_engine();
  check_refused(lander_net_open(engine, path, &error), &error, LANDER_ERROR_FORMAT);
  UNIT_CHECK(strstr(error.message, "a text may have"));
  check_memory(engine, 2 * MB);
  free(bomb);

  UNIT_TEST("packed members are read whole, whatever they grow to");
  bomb = deflate_spaces(3 * MB + 17, &size, &crc);
  write_packed(path, "spaces", bomb, size, 3 * MB + 17, crc);
  engine = new_engine();
  npz_reader *z = npz_open(engine, path, &error);
  size_t length = 0;
  char *lines = z ? npz_read_text(z, "spaces", &length, &error) : NULL;
  UNIT_CHECK(lines && length == 3 * MB + 17 && strspn(lines, " ") == length);
  memory_free(engine, lines);
  npz_close(z);
  check_memory(engine, 12 * MB);
  free(bomb);
}

/* ---- files with a right seal, which were put together otherwise -------------------- */

/* Two texts, as Lander writes them. */
static unsigned char *make_sealed(const char *path, size_t *size) {
  lander_engine *engine = lander_engine_new(NULL, NULL);
  zip_writer *z = zip_create(engine, path, NULL);
  UNIT_CHECK(zip_add(z, "a", "first", 5, "", 0, NULL) == LANDER_OK);
  UNIT_CHECK(zip_add(z, "b", "secnd", 5, "", 0, NULL) == LANDER_OK);
  UNIT_CHECK(zip_commit(z, NULL) == LANDER_OK);
  lander_engine_free(engine);
  return files_read(path, size);
}

#define ENTRY  (ZIP_CENTRAL_SIZE + 1)
#define MEMBER (ZIP_LOCAL_SIZE + 1 + 5)

/* The file again, with a seal for the directory that lies at `directory`. */
static void seal_again(const char *path, unsigned char *file, size_t directory) {
  unsigned char *end = file + directory + 2 * ENTRY;
  zip_put32(end + 16, (uint32_t)directory);
  char seal[ZIP_SEAL_LENGTH + 1];
  zip_seal(seal, (uint32_t)crc32_z(0, file + directory, 2 * ENTRY));
  memcpy(end + ZIP_END_SIZE, seal, ZIP_SEAL_LENGTH);
  files_write(path, file, directory + 2 * ENTRY + ZIP_END_SIZE + ZIP_SEAL_LENGTH);
}

static void check_zip(const char *path, const char *words) {
  lander_error error;
  lander_engine *engine = new_engine();
  check_refused(zip_open(engine, path, &error), &error, LANDER_ERROR_FORMAT);
  if (!UNIT_CHECK(strstr(error.message, words))) printf("  %s\n", error.message);
  check_memory(engine, MB / 4);
}

static void test_sealed(void) {
  const char *path = files_path("sealed.npz");
  size_t size;
  UNIT_TEST("members in another order than their bytes");
  unsigned char *file = make_sealed(path, &size), other[ENTRY];
  unsigned char *directory = file + 2 * MEMBER;
  memcpy(other, directory, ENTRY);
  memcpy(directory, directory + ENTRY, ENTRY);
  memcpy(directory + ENTRY, other, ENTRY);
  seal_again(path, file, 2 * MEMBER);
  check_zip(path, "does not follow the one before");
  free(file);

  UNIT_TEST("something between the members and the directory");
  file = make_sealed(path, &size);
  unsigned char *longer = malloc(size + 7);
  if (!longer) exit(2);
  memcpy(longer, file, 2 * MEMBER);
  memset(longer + 2 * MEMBER, 'x', 7);
  memcpy(longer + 2 * MEMBER + 7, file + 2 * MEMBER, size - 2 * MEMBER);
  seal_again(path, longer, 2 * MEMBER + 7);
  check_zip(path, "something lies between");
  free(longer);

  UNIT_TEST("more members than this kind of file has");
  zip_put16(file + 2 * MEMBER + 2 * ENTRY + 8, 0xffff);
  zip_put16(file + 2 * MEMBER + 2 * ENTRY + 10, 0xffff);
  files_write(path, file, size);
  check_zip(path, "zip64");
  free(file);
}

static void test_texts(void) {
  lander_error error;
  const char *path = files_path("sealed.npz");
  UNIT_TEST("a text with zeros in it, an array whose name is no name of a member");
  lander_engine *engine = new_engine();
  zip_writer *out = zip_create(engine, path, NULL);
  UNIT_CHECK(zip_add(out, "net.txt", "a\0b", 3, "", 0, NULL) == LANDER_OK);
  UNIT_CHECK(zip_commit(out, NULL) == LANDER_OK);
  check_refused(lander_net_open(engine, path, &error), &error, LANDER_ERROR_FORMAT);
  UNIT_CHECK(strstr(error.message, "zeros"));
  char name[400];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  npz_reader *z = npz_open(engine, path, &error);
  check_refused(npz_read_array(z, name, &error), &error, LANDER_ERROR_FORMAT);
  npz_close(z);
  check_memory(engine, MB / 4);
}

int main(void) {
  static const char *const names[] = {"hostile.npy", "hostile.npz", "bomb.npz",
                                      "sealed.npz", NULL};
  files_begin();
  alarm(300); /* what hangs, ends */
  test_shapes();
  test_long_header();
  test_nets();
  test_many_layers();
  test_most_layers();
  test_bombs();
  test_sealed();
  test_texts();
  UNIT_TEST("nothing is left behind");
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
