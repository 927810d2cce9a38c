/* test_base.c: errors, memory, the engine, text and numbers. */
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "../../src/base/cpu.h"
#include "../../src/base/engine.h"
#include "../../src/base/error.h"
#include "../../src/base/memory.h"
#include "../../src/base/parallel.h"
#include "../../src/base/random.h"
#include "../../src/base/text.h"
#include "allocator.h"
#include "unit.h"

static lander_engine *new_engine(test_allocator *a, int threads, lander_error *error) {
  lander_config config = {
      .allocate = test_allocate, .allocate_userdata = a, .threads = threads};
  return lander_engine_new(&config, error);
}

/* ---- errors ------------------------------------------------------------------------ */

static void test_errors(void) {
  lander_error e;
  UNIT_TEST("an error has a code and a message");
  UNIT_CHECK(error_set(&e, LANDER_ERROR_SHAPE, "got %d, not %s", 3, "4") ==
             LANDER_ERROR_SHAPE);
  UNIT_CHECK(e.code == LANDER_ERROR_SHAPE);
  UNIT_CHECK(!strcmp(e.message, "got 3, not 4"));
  UNIT_CHECK(error_set(NULL, LANDER_ERROR_IO, "%s", "x") == LANDER_ERROR_IO);

  UNIT_TEST("prefixes pile up, and an argument may be the message itself");
  error_prefix(&e, "conv%d", 1);
  error_prefix(&e, "line %d", 3);
  UNIT_CHECK(!strcmp(e.message, "line 3: conv1: got 3, not 4"));
  error_set(&e, LANDER_ERROR_DATA, "again %s", e.message);
  UNIT_CHECK(!strcmp(e.message, "again line 3: conv1: got 3, not 4"));
  error_clear(&e);
  UNIT_CHECK(e.code == LANDER_OK && e.message[0] == '\0');
  error_prefix(&e, "nothing to prefix");
  UNIT_CHECK(e.message[0] == '\0');
  error_clear(NULL);
  error_prefix(NULL, "x");

  UNIT_TEST("a long message is cut, not inside a character");
  char snowmen[3 * 300 + 1];
  for (int i = 0; i < 300; i++) memcpy(snowmen + 3 * i, "\xe2\x98\x83", 4);
  error_set(&e, LANDER_ERROR_ARGUMENT, "%s", snowmen);
  UNIT_CHECK(strlen(e.message) == (LANDER_ERROR_LENGTH - 1) / 3 * 3);
  UNIT_CHECK(strlen(e.message) % 3 == 0);

  UNIT_TEST("no control character reaches a terminal");
  error_set(&e, LANDER_ERROR_ARGUMENT, "%s", "a\x1b[31mb\x7f\r\xc3\xa9\n");
  UNIT_CHECK(!strcmp(e.message, "a?[31mb??\xc3\xa9\n"));

  UNIT_TEST("a status has a name");
  UNIT_CHECK(!strcmp(lander_status_name(LANDER_OK), "ok"));
  UNIT_CHECK(!strcmp(lander_status_name(LANDER_ERROR_ARGUMENT), "argument"));
  UNIT_CHECK(!strcmp(lander_status_name(LANDER_ERROR_STATE), "state"));
  UNIT_CHECK(!strcmp(lander_status_name(LANDER_STOPPED), "stopped"));
  UNIT_CHECK(!strcmp(lander_status_name((lander_status)99), "unknown"));
}

/* ---- memory ------------------------------------------------------------------------ */

static bool all_bytes(const void *block, size_t size, int byte) {
  const unsigned char *at = block;
  for (size_t i = 0; i < size; i++)
    if (at[i] != byte) return false;
  return true;
}

static void test_memory(void) {
  test_allocator a = {.allowed = -1};
  lander_error e;
  lander_engine *engine = new_engine(&a, 1, &e);
  int64_t blocks = a.blocks;

  UNIT_TEST("blocks are zero, aligned, and freed with their size");
  for (size_t size = 0; size < 300; size++) {
    char *block = memory_new(engine, size, 1, &e);
    UNIT_CHECK(block && (uintptr_t)block % 64 == 0 && all_bytes(block, size, 0));
    memset(block, 0xff, size);
    memory_free(engine, block);
  }
  memory_free(engine, NULL);
  UNIT_CHECK(a.blocks == blocks && !a.lied_to);

  UNIT_TEST("resizing keeps the content and adds zeros");
  char *block = memory_new(engine, 100, 1, &e);
  memset(block, 7, 100);
  block = memory_resize(engine, block, 1000, 3, &e);
  UNIT_CHECK((uintptr_t)block % 64 == 0);
  UNIT_CHECK(all_bytes(block, 100, 7) && all_bytes(block + 100, 2900, 0));
  block = memory_resize(engine, block, 50, 1, &e);
  block = memory_resize(engine, block, 200, 1, &e);
  UNIT_CHECK(all_bytes(block, 50, 7) && all_bytes(block + 50, 150, 0));

  UNIT_TEST("a failed resize leaves the block");
  a.allowed = a.requests;
  UNIT_CHECK(!memory_resize(engine, block, 400, 1, &e));
  UNIT_CHECK(e.code == LANDER_ERROR_MEMORY && e.message[0]);
  UNIT_CHECK(all_bytes(block, 50, 7));
  a.allowed = -1;
  UNIT_CHECK(!memory_resize(engine, block, SIZE_MAX, 2, &e));
  UNIT_CHECK(all_bytes(block, 50, 7));
  memory_free(engine, block);
  block = memory_resize(engine, NULL, 3, 4, &e);
  UNIT_CHECK(block && all_bytes(block, 12, 0));
  memory_free(engine, block);

  UNIT_TEST("products that overflow are refused");
  const size_t half = (size_t)1 << (sizeof(size_t) * 4);
  int requests = a.requests;
  UNIT_CHECK(!memory_new(engine, half, half, &e) && e.code == LANDER_ERROR_MEMORY);
  UNIT_CHECK(!memory_new(engine, SIZE_MAX, 1, &e));
  UNIT_CHECK(!memory_new(engine, SIZE_MAX - 100, 1, NULL));
  UNIT_CHECK(!memory_new(engine, SIZE_MAX / 2 + 2, 2, &e));
  UNIT_CHECK(!memory_new(engine, (size_t)PTRDIFF_MAX, 1, &e));
  UNIT_CHECK(a.requests == requests);

  UNIT_TEST("copies of text");
  char *copy = memory_copy_text(engine, "moon", &e);
  UNIT_CHECK(copy && !strcmp(copy, "moon"));
  memory_free(engine, copy);
  UNIT_CHECK(a.blocks == blocks);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* ---- the engine -------------------------------------------------------------------- */

static lander_engine *stopped_by_signal;

static void on_signal(int number) {
  (void)number;
  lander_engine_stop(stopped_by_signal, true);
}

static char logged[2048];
static lander_log_level logged_level;

static void log_sink(void *userdata, lander_log_level level, const char *message) {
  ++*(int *)userdata;
  logged_level = level;
  strcpy(logged, message);
}

static void test_engine(void) {
  lander_error e;
  UNIT_TEST("an engine with all defaults");
  lander_engine *engine = lander_engine_new(NULL, &e);
  UNIT_CHECK(engine && e.code == LANDER_OK && e.message[0] == '\0');
  int processors = parallel_processors();
  UNIT_CHECK(processors >= 1);
  UNIT_CHECK(lander_engine_threads(engine) == (processors < 256 ? processors : 256));
  engine_log(engine, LANDER_LOG_WARNING, "into the void %d", 1);

  UNIT_TEST("the number of threads is checked");
  const int wrong[] = {0, -1, 257, INT_MAX, INT_MIN};
  for (int i = 0; i < COUNT_OF(wrong); i++) {
    int before = lander_engine_threads(engine);
    UNIT_CHECK(lander_engine_set_threads(engine, wrong[i], &e) == LANDER_ERROR_ARGUMENT);
    UNIT_CHECK(strstr(e.message, "from 1 to 256") != NULL);
    UNIT_CHECK(lander_engine_threads(engine) == before);
    lander_config config = {.threads = wrong[i]};
    if (wrong[i] != 0)
      UNIT_CHECK(!lander_engine_new(&config, &e) && e.code == LANDER_ERROR_ARGUMENT);
  }
  UNIT_CHECK(lander_engine_set_threads(engine, 3, &e) == LANDER_OK);
  UNIT_CHECK(lander_engine_threads(engine) == 3);
  UNIT_CHECK(lander_engine_set_threads(engine, 1, NULL) == LANDER_OK);

  UNIT_TEST("the stop flag, from a signal handler too");
  UNIT_CHECK(!lander_engine_stopped(engine));
  stopped_by_signal = engine;
  struct sigaction action = {.sa_handler = on_signal}, old;
  sigaction(SIGUSR1, &action, &old);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &old, NULL);
  UNIT_CHECK(lander_engine_stopped(engine));
  lander_engine_stop(engine, false);
  UNIT_CHECK(!lander_engine_stopped(engine));
  lander_engine_free(engine);
  lander_engine_free(NULL);

  UNIT_TEST("the log goes to the host");
  int calls = 0;
  lander_config config = {.log = log_sink, .log_userdata = &calls, .threads = 1};
  engine = lander_engine_new(&config, &e);
  engine_log(engine, LANDER_LOG_WARNING, "%s %d", "iteration", 5);
  UNIT_CHECK(calls == 1 && logged_level == LANDER_LOG_WARNING);
  UNIT_CHECK(!strcmp(logged, "iteration 5"));
  engine_log(engine, LANDER_LOG_INFO, "%2000d", 5);
  UNIT_CHECK(calls == 2 && strlen(logged) > 500);

  UNIT_TEST("what was made with an engine keeps it alive");
  test_allocator a = {.allowed = -1};
  lander_engine *kept = new_engine(&a, 2, &e);
  UNIT_CHECK(engine_keep(kept) == kept);
  lander_engine_free(kept);
  UNIT_CHECK(a.blocks > 0 && lander_engine_threads(kept) == 2);
  lander_engine_free(kept);
  UNIT_CHECK(test_allocator_clean(&a));
  lander_engine_free(engine);

  UNIT_TEST("version and size of an element");
  UNIT_CHECK(!strcmp(lander_version(), LANDER_VERSION));
  UNIT_CHECK(lander_real_size() == sizeof(lander_real));

  UNIT_TEST("the processor's level stays the same");
  UNIT_CHECK(cpu_detect() == cpu_detect());
}

static void no_job(void *arg) {
  ++*(int *)arg;
}

/* Everything that base allocates; false and an error when something was refused. */
static bool use_everything(test_allocator *a, lander_error *error) {
  error_clear(error);
  lander_engine *engine = new_engine(a, 2, error);
  if (!engine) return false;
  bool good = lander_engine_set_threads(engine, 3, error) == LANDER_OK;
  if (!good && lander_engine_threads(engine) != 2) error_clear(error); /* half-changed */
  worker *w = NULL;
  if (good) good = (w = worker_new(engine, error)) != NULL;
  int jobs = 0;
  if (w) worker_start(w, no_job, &jobs);
  worker_free(w);
  if (w && jobs != 1) error_clear(error);
  text t = {.engine = engine};
  for (int i = 0; good && i < 100; i++) text_add(&t, "%d and ", i);
  if (good && t.failed) good = error_memory(error, t.length) == LANDER_OK;
  text_free(&t);
  char *copy = good ? memory_copy_text(engine, "copy", error) : NULL;
  if (good && !copy) good = false;
  memory_free(engine, copy);
  lander_engine_free(engine);
  return good;
}

static void test_out_of_memory(void) {
  UNIT_TEST("the n-th allocation fails, for every n");
  int n = 0;
  for (; n < 1000; n++) {
    test_allocator a = {.allowed = n};
    lander_error e;
    bool good = use_everything(&a, &e);
    UNIT_CHECK(test_allocator_clean(&a));
    if (good) break;
    UNIT_CHECK(e.code == LANDER_ERROR_MEMORY && e.message[0]);
  }
  UNIT_CHECK(n > 8 && n < 1000);
}

/* ---- text -------------------------------------------------------------------------- */

static void test_text(void) {
  test_allocator a = {.allowed = -1};
  lander_engine *engine = new_engine(&a, 1, NULL);
  UNIT_TEST("text grows");
  text t = {.engine = engine};
  size_t length = 0;
  for (int i = 0; i < 1000; i++) {
    text_add(&t, "%d,", i % 10);
    text_add_bytes(&t, "ab\0c", 4);
    length += 6;
    UNIT_CHECK(t.length == length && t.data[length] == '\0' && !t.failed);
  }
  UNIT_CHECK(!memcmp(t.data, "0,ab\0c1,ab\0c2,", 14));
  text_add_bytes(&t, NULL, 0);
  UNIT_CHECK(t.length == length);
  text_free(&t);
  UNIT_CHECK(!t.data && t.length == 0 && t.engine == engine);

  UNIT_TEST("after a failed append, appends do nothing");
  a.allowed = a.requests + 1;
  text_add(&t, "short");
  for (int i = 0; i < 100; i++) text_add(&t, "long enough for another block ");
  UNIT_CHECK(t.failed);
  length = t.length;
  a.allowed = -1;
  text_add(&t, "x");
  UNIT_CHECK(t.failed && t.length == length && strlen(t.data) == length);
  text_free(&t);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

static const char *at(const void *source, int index) {
  return ((const char *const *)source)[index];
}

static bool nearest_is(const char *word, const char *expected) {
  static const char *const words[] = {
      "conv",   "linear",  "max_pool",     "avg_pool", "relu",         "sigmoid",
      "tanh",   "dropout", "softmax_loss", "kernel",   "outputs",      "pad",
      "stride", "lr",      "type",         "base_lr",  "weight_decay", NULL};
  const char *found = text_nearest(word, at, words);
  return expected ? found && !strcmp(found, expected) : !found;
}

static void test_nearest(void) {
  UNIT_TEST("the nearest word is the one that was meant");
  UNIT_CHECK(nearest_is("kernal", "kernel"));
  UNIT_CHECK(nearest_is("kernle", "kernel"));
  UNIT_CHECK(nearest_is("kerne", "kernel"));
  UNIT_CHECK(nearest_is("kernell", "kernel"));
  UNIT_CHECK(nearest_is("covn", "conv"));
  UNIT_CHECK(nearest_is("Conv", "conv"));
  UNIT_CHECK(nearest_is("ReLU", "relu"));
  UNIT_CHECK(nearest_is("MaxPool", "max_pool"));
  UNIT_CHECK(nearest_is("softmaxloss", "softmax_loss"));
  UNIT_CHECK(nearest_is("bse_lr", "base_lr"));
  UNIT_CHECK(nearest_is("pda", "pad"));
  UNIT_CHECK(nearest_is("wieght_dacay", "weight_decay"));

  UNIT_TEST("no word is near when none is meant");
  UNIT_CHECK(nearest_is("transformer", NULL));
  UNIT_CHECK(nearest_is("", NULL));
  UNIT_CHECK(nearest_is("x", NULL));
  UNIT_CHECK(nearest_is("cnov3d", NULL));
  char endless[5000];
  memset(endless, 'k', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  UNIT_CHECK(nearest_is(endless, NULL));
  const char *const none[] = {NULL}, *const large[] = {endless, NULL};
  UNIT_CHECK(!text_nearest("conv", at, none));
  UNIT_CHECK(!text_nearest("conv", at, large));

  UNIT_TEST("did you mean");
  char out[40];
  UNIT_CHECK(
      !strcmp(text_did_you_mean(out, sizeof out, "conv"), ", did you mean 'conv'?"));
  UNIT_CHECK(!strcmp(text_did_you_mean(out, sizeof out, NULL), ""));
  UNIT_CHECK(strlen(text_did_you_mean(out, 10, "conv")) == 9);
}

/* ---- numbers as text --------------------------------------------------------------- */

static bool writes(double value, const char *expected) {
  char out[32];
  return !strcmp(text_number(out, value), expected);
}

static bool reads(const char *word, double expected) {
  double value;
  return text_read_number(word, strlen(word), &value) && value == expected &&
         signbit(value) == signbit(expected);
}

static bool refuses(const char *word) {
  double value = 42;
  return !text_read_number(word, strlen(word), &value) && value == 42;
}

static bool round_trip(double value) {
  char out[32];
  text_number(out, value);
  return strlen(out) < 32 && reads(out, value);
}

static void check_numbers(void) {
  UNIT_CHECK(writes(0.01, "0.01") && writes(0.1, "0.1") && writes(1e-5, "1e-05"));
  UNIT_CHECK(writes(0, "0") && writes(-0.0, "-0") && writes(3500, "3500"));
  UNIT_CHECK(writes(1e9, "1000000000") && writes(65536, "65536") && writes(-7, "-7"));
  UNIT_CHECK(writes(1.0 / 3, "0.3333333333333333") && writes(1e300, "1e+300"));
  UNIT_CHECK(writes((double)NAN, "nan") && writes((double)INFINITY, "inf"));
  UNIT_CHECK(writes(-(double)INFINITY, "-inf") &&
             writes(0.30000000000000004, "0.30000000000000004"));
  UNIT_CHECK(reads("0.5", 0.5) && reads("-.5", -0.5) && reads("5.", 5) &&
             reads("+1e2", 100));
  UNIT_CHECK(reads("1E-2", 0.01) && reads("-0", -0.0) && reads("007", 7));
  UNIT_CHECK(reads("inf", (double)INFINITY) && reads("-Infinity", -(double)INFINITY));
  UNIT_CHECK(reads("1e-999", 0) &&
             reads("1.7976931348623157e308", 1.7976931348623157e308));
  double value;
  UNIT_CHECK(text_read_number("nan", 3, &value) && isnan(value));
  UNIT_CHECK(text_read_number("12,5", 2, &value) && value == 12);
  UNIT_CHECK(refuses("") && refuses(".") && refuses("-") && refuses("e5") &&
             refuses("1e"));
  UNIT_CHECK(refuses("1e+") && refuses("0x10") && refuses("1 ") && refuses(" 1"));
  UNIT_CHECK(refuses("1,5") && refuses("5abc") && refuses("1.2.3") && refuses("--1"));
  UNIT_CHECK(refuses("1e999") && refuses("-1e999") && refuses("nan(1)") &&
             refuses("infin"));
  const random_key key = {7, RANDOM_TENSOR};
  for (uint64_t i = 0; i < 3000; i++) {
    uint64_t bits = (uint64_t)random_bits(key, 2 * i) << 32 | random_bits(key, 2 * i + 1);
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value)) UNIT_CHECK(round_trip(value));
    UNIT_CHECK(round_trip((double)(bits >> 40) * 1e-4));
  }
  UNIT_CHECK(round_trip(5e-324) && round_trip(2.2250738585072014e-308));
  UNIT_CHECK(round_trip(1.7976931348623157e308) && round_trip(-1e15) &&
             round_trip(1e15 - 1));
}

static void test_numbers(void) {
  UNIT_TEST("numbers as text and back");
  check_numbers();
  char many[1000];
  memset(many, '9', sizeof many - 1);
  many[sizeof many - 1] = '\0';
  UNIT_CHECK(refuses(many));

  /* A host that speaks German writes 0,5; Lander's files don't. */
  static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",
                                       "fr_FR.UTF-8"};
  for (int i = 0; i < COUNT_OF(commas); i++) {
    if (!setlocale(LC_ALL, commas[i])) continue;
    UNIT_TEST("numbers as text in a locale with a decimal comma");
    check_numbers();
    break;
  }
  setlocale(LC_ALL, "C");
}

int main(void) {
  test_errors();
  test_memory();
  test_engine();
  test_out_of_memory();
  test_text();
  test_nearest();
  test_numbers();
  return unit_finish();
}
