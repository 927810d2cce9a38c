/* fuzz.c: what the fuzz targets have in common. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void fuzz_wrong(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
  abort();
}

/* ---- memory ------------------------------------------------------------------------ */

static struct { int64_t out, peak, most, blocks; } memory;

static void *allocate(void *userdata, void *old, size_t old_size, size_t new_size) {
  (void)userdata;
  if (new_size == 0) {
    memory.out -= (int64_t)old_size;
    memory.blocks -= old != NULL;
    free(old);
    return NULL;
  }
  if (new_size > (uint64_t)memory.most ||
      memory.out + (int64_t)new_size - (int64_t)old_size > memory.most)
    return NULL;
  void *block = realloc(old, new_size);
  FUZZ_REQUIRE(block);
  memory.out += (int64_t)new_size - (int64_t)old_size;
  memory.blocks += old == NULL;
  if (memory.out > memory.peak) memory.peak = memory.out;
  return block;
}

lander_engine *fuzz_open(int64_t most) {
  lander_config config = {.allocate = allocate, .threads = 1};
  memset(&memory, 0, sizeof memory);
  memory.most = most;
  lander_engine *engine = lander_engine_new(&config, NULL);
  FUZZ_REQUIRE(engine);
  return engine;
}

void fuzz_close(lander_engine *engine) {
  lander_engine_free(engine);
  FUZZ_REQUIRE(memory.out == 0);
  FUZZ_REQUIRE(memory.blocks == 0);
}

int64_t fuzz_peak(void) {
  return memory.peak;
}

/* ---- input ------------------------------------------------------------------------- */

const char *fuzz_file(int which, const uint8_t *data, size_t size) {
  static int fd[2];
  static char path[2][32];
  if (!path[which][0]) {
    fd[which] = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path[which], sizeof path[which], "/proc/self/fd/%d", fd[which]);
  }
  FUZZ_REQUIRE(ftruncate(fd[which], 0) == 0);
  FUZZ_REQUIRE(pwrite(fd[which], data, size, 0) == (ssize_t)size);
  return path[which];
}

char *fuzz_line(const uint8_t **data, size_t *size) {
  const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
  size_t length = end ? (size_t)(end - *data) : *size;
  char *line = malloc(length + 1);
  FUZZ_REQUIRE(line);
  if (length > 0) memcpy(line, *data, length);
  line[length] = 0;
  size_t used = length + (end != NULL);
  if (used > 0) *data += used;
  *size -= used;
  return line;
}

void fuzz_refused(const lander_error *error) {
  FUZZ_REQUIRE(error->code > LANDER_OK && error->code <= LANDER_STOPPED);
  FUZZ_REQUIRE(error->message[0]);
  for (const char *p = error->message; *p; p++) /* nothing that moves a terminal about */
    FUZZ_REQUIRE(((unsigned char)*p >= 32 && *p != 127) || *p == '\n' || *p == '\t');
}

/* ---- what came out well ------------------------------------------------------------ */

void fuzz_use_dataset(lander_dataset *d) {
  lander_error error;
  int64_t size[LANDER_MAX_DIMS];
  for (int which = 0; which < 2; which++) lander_dataset_shape(d, which, size);
  FUZZ_REQUIRE(lander_dataset_count(d) >= 0);
  lander_batches *b = lander_batches_new(d, "size=3 shuffle=true", &error);
  lander_tensor *x = NULL, *y = NULL;
  if (!b)
    fuzz_refused(&error);
  else if (lander_batches_next(b, &x, &y, &error) != LANDER_OK)
    fuzz_refused(&error);
  lander_batches_free(b);
  lander_dataset_free(d);
}

#define MOST_WORK    2000000 /* multiply-adds and numbers of a pass */
#define MOST_NUMBERS 200000  /* of an input */

/* Nets whose text asks for hours of work are right to take hours. */
static bool is_quick(const lander_net *net) {
  double work = 0;
  for (int i = 0; i < lander_net_layers(net); i++) {
    lander_layer_info info;
    FUZZ_REQUIRE(lander_net_layer(net, i, &info));
    double numbers = 1;
    for (int d = 0; d < info.dims; d++) numbers *= (double)info.size[d];
    work += (double)info.multiply_adds + numbers + (double)info.parameters;
  }
  return work < MOST_WORK;
}

/* An input of ones, of the net's input number `index`; NULL: too large. */
static lander_tensor *make_input(const lander_net *net, int index) {
  lander_layer_info info;
  int layer = lander_net_find(net, lander_net_input(net, index));
  FUZZ_REQUIRE(layer >= 0 && lander_net_layer(net, layer, &info));
  int64_t size[LANDER_MAX_DIMS + 1] = {1}, numbers = 1;
  for (int d = 0; d < info.dims; d++) {
    if (info.size[d] > MOST_NUMBERS / numbers) return NULL;
    numbers *= info.size[d];
    size[d + 1] = info.size[d];
  }
  if (info.dims == LANDER_MAX_DIMS) return NULL;
  lander_tensor *t = lander_tensor_new(lander_net_engine(net), info.dims + 1, size, NULL);
  if (t) lander_tensor_fill(t, 1, NULL);
  return t;
}

static void run_net(lander_net *net, lander_tensor **inputs, int count) {
  lander_error error;
  int data = lander_net_inputs(net);
  if (lander_net_forward(net, inputs, count, &error) != LANDER_OK)
    fuzz_refused(&error);
  else if (lander_net_has_loss(net) &&
           lander_net_backward(net, NULL, false, &error) != LANDER_OK)
    fuzz_refused(&error);
  lander_tensor *y = lander_net_predict_tensor(net, inputs, data, &error);
  if (!y) fuzz_refused(&error);
  lander_tensor_free(y);
}

void fuzz_use_net(lander_net *net) {
  lander_error error;
  int count = lander_net_inputs(net) + lander_net_labels(net), made = 0;
  lander_tensor *inputs[2 * LANDER_LIST_MAX];
  bool quick = is_quick(net) && count <= 2 * LANDER_LIST_MAX;
  for (; quick && made < count; made++) {
    inputs[made] = make_input(net, made);
    if (!inputs[made]) break;
  }
  if (quick && made == count) run_net(net, inputs, count);
  for (int i = 0; quick && i < made; i++) lander_tensor_free(inputs[i]);
  /* Its own text is one that builds; memory may end. */
  lander_net *again =
      lander_net_build(lander_net_engine(net), lander_net_text(net), 1, &error);
  FUZZ_REQUIRE(again || error.code == LANDER_ERROR_MEMORY);
  if (again) FUZZ_REQUIRE(!strcmp(lander_net_text(again), lander_net_text(net)));
  lander_net_free(again);
}
