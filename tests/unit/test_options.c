/* test_options.c: options read from text, and written back. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/error.h"
#include "../../src/base/options.h"
#include "../../src/base/random.h"
#include "allocator.h"
#include "unit.h"

/* ---- a layer's worth of options ---------------------------------------------------- */

typedef struct filler {
  int type;
  double value, std;
  int norm;
} filler;

typedef struct conv {
  int outputs;
  lander_ints kernel, pad, steps;
  double slope, rate, free;
  bool bias;
  int rounding;
  filler weight_filler, bias_filler;
  lander_numbers scale;
  int any;
} conv;

static const char *const fillers[] = {"constant", "gaussian", "xavier", NULL};
static const char *const norms[] = {"fan_in", "fan_out", NULL};
static const char *const roundings[] = {"ceil", "floor", NULL};

static const lander_option filler_members[] = {
    OPTION_NUMBER(filler, value, "0", -1e6, 1e6, 0, "of a constant"),
    OPTION_NUMBER(filler, std, "0.01", 0, 1e6, 0, "standard deviation"),
    OPTION_CHOICE(filler, norm, "fan_in", norms, "what n is"), OPTION_END};

#define GROUP(field, default)                                                            \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_GROUP, .offset = offsetof(conv, field),        \
    .fallback = default, .choices = fillers, .members = filler_members, .help = "values" \
  }

static const lander_option options[] = {
    OPTION_INT(conv, outputs, NULL, 1, 65536, 1, "how many come out"),
    OPTION_INTS(conv, kernel, "3", 1, 1000, -1, "height and width"),
    OPTION_INTS(conv, pad, "0,0", 0, 1000, 0, "zeros around"),
    OPTION_INTS(conv, steps, "", 0, INT_MAX, 0, "may be none"),
    OPTION_NUMBER(conv, slope, "0", -1e6, 1e6, 0, "below zero"),
    OPTION_NUMBER(conv, rate, "0.01", 0, INFINITY, 0, "no more than enough"),
    OPTION_NUMBER(conv, free, "0", -INFINITY, INFINITY, 0, "anything"),
    OPTION_BOOL(conv, bias, "true", "whether there is one"),
    OPTION_CHOICE(conv, rounding, "ceil", roundings, "up or down"),
    GROUP(weight_filler, "xavier"),
    GROUP(bias_filler, "constant"),
    OPTION_NUMBERS(conv, scale, "1,0.5", 0, 10, 0, "factors"),
    OPTION_INT(conv, any, "-1", INT_MIN, INT_MAX, 0, "any integer"),
    OPTION_END};

static conv c;
static lander_error e;

static bool reads(const char *given) {
  memset(&c, 0x5a, sizeof c); /* every field must be written */
  return options_read(options, given, "conv", &c, &e) == LANDER_OK;
}

/* Whether reading fails with exactly this message. */
static bool says(const char *given, const char *message) {
  error_clear(&e);
  bool as_said = !reads(given) && e.code == LANDER_ERROR_ARGUMENT;
  if (as_said && !strcmp(e.message, message)) return true;
  printf("got: %s\n", e.message);
  return false;
}

static bool mentions(const char *given, const char *part) {
  error_clear(&e);
  if (!reads(given) && strstr(e.message, part)) return true;
  printf("got: %s\n", e.message);
  return false;
}

/* ---- reading ----------------------------------------------------------------------- */

static void test_values(void) {
  UNIT_TEST("defaults");
  UNIT_CHECK(reads("outputs=20"));
  UNIT_CHECK(c.outputs == 20 && c.kernel.count == 1 && c.kernel.at[0] == 3);
  UNIT_CHECK(c.pad.count == 2 && c.pad.at[1] == 0 && c.steps.count == 0);
  UNIT_CHECK(c.rate == 0.01 && c.free == 0 && c.bias && c.rounding == 0 && c.any == -1);
  UNIT_CHECK(c.weight_filler.type == 2 && c.weight_filler.std == 0.01);
  UNIT_CHECK(c.bias_filler.type == 0 && c.bias_filler.norm == 0);
  UNIT_CHECK(c.scale.count == 2 && c.scale.at[1] == 0.5);

  UNIT_TEST("values of every kind");
  UNIT_CHECK(reads(" outputs=5.0\tkernel=5,3 \n pad=1e2 slope=-.5 bias=false "
                   "rounding=floor rate=inf steps=1,2,3 any=-2147483648 scale=0,2.5,10 "
                   "free=-inf"));
  UNIT_CHECK(c.outputs == 5 && c.kernel.count == 2 && c.kernel.at[1] == 3);
  UNIT_CHECK(c.pad.count == 1 && c.pad.at[0] == 100 && c.slope == -0.5 && !c.bias);
  UNIT_CHECK(c.rounding == 1 && isinf(c.rate) && isinf(c.free) && c.any == INT_MIN);
  UNIT_CHECK(c.steps.count == 3 && c.scale.count == 3 && c.scale.at[1] == 2.5);
  UNIT_CHECK(reads("outputs=1 steps="));
  UNIT_CHECK(reads("outputs=1 kernel=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"));
  UNIT_CHECK(c.kernel.count == LANDER_LIST_MAX && c.kernel.at[15] == 16);

  UNIT_TEST("groups");
  UNIT_CHECK(reads("outputs=1 weight_filler=gaussian weight_filler.std=0.5 "
                   "bias_filler.value=0.1 bias_filler.norm=fan_out"));
  UNIT_CHECK(c.weight_filler.type == 1 && c.weight_filler.std == 0.5);
  UNIT_CHECK(c.bias_filler.type == 0 && c.bias_filler.value == 0.1);
  UNIT_CHECK(c.bias_filler.norm == 1 && c.weight_filler.norm == 0);
  UNIT_CHECK(c.bias_filler.std == 0.01);

  UNIT_TEST("a table without required options takes NULL for nothing");
  filler f;
  UNIT_CHECK(options_read(filler_members, NULL, "filler", &f, &e) == LANDER_OK);
  UNIT_CHECK(f.std == 0.01);
  UNIT_CHECK(options_read(&options[COUNT_OF(options) - 1], " \n", "relu", &f, &e) ==
             LANDER_OK);
}

static void test_messages(void) {
  UNIT_TEST("unknown options, with the one that was meant");
  UNIT_CHECK(says("outputs=1 kernal=5",
                  "conv: unknown option 'kernal', did you mean 'kernel'?"));
  UNIT_CHECK(says("Bias=true", "conv: unknown option 'Bias', did you mean 'bias'?"));
  UNIT_CHECK(says("weight_filler.sdt=1", "conv: unknown option 'weight_filler.sdt', did "
                                         "you mean 'weight_filler.std'?"));
  UNIT_CHECK(says("wieght_filler.std=1", "conv: unknown option 'wieght_filler.std', did "
                                         "you mean 'weight_filler.std'?"));
  UNIT_CHECK(says("weight_filler.zzzzzz=1",
                  "conv: unknown option 'weight_filler.zzzzzz'; its options are value, "
                  "std, norm"));
  UNIT_CHECK(mentions("zzzzzz=1", "unknown option 'zzzzzz'; its options are outputs, "
                                  "kernel, pad, steps, slope"));
  UNIT_CHECK(mentions("zzzzzz.std=1", "; its options are outputs"));
  UNIT_CHECK(mentions("kernel.std=1", "unknown option 'kernel.std'"));
  UNIT_CHECK(mentions(".=1", "unknown option '.'"));
  UNIT_CHECK(mentions("weight_filler.=1", "unknown option 'weight_filler.'"));
  const lander_option none[] = {OPTION_END};
  UNIT_CHECK(options_read(none, "a=1", "flatten", &c, &e) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!strcmp(e.message, "flatten: unknown option 'a'; it has none"));

  UNIT_TEST("missing, given twice, not a pair");
  UNIT_CHECK(says("", "conv: option 'outputs' is required (how many come out)"));
  UNIT_CHECK(says("kernel=5", "conv: option 'outputs' is required (how many come out)"));
  UNIT_CHECK(says("outputs=1 pad=1 pad=1", "conv: option 'pad' given twice"));
  UNIT_CHECK(says("weight_filler.std=1 weight_filler.std=2",
                  "conv: option 'weight_filler.std' given twice"));
  UNIT_CHECK(says("outputs=1 kernel", "conv: expected option=value, got 'kernel'"));
  UNIT_CHECK(says("outputs=1 =5", "conv: expected option=value, got '=5'"));
  UNIT_CHECK(says("=", "conv: expected option=value, got '='"));

  UNIT_TEST("values of the wrong kind, or out of bounds");
  UNIT_CHECK(says("outputs=abc", "conv: option 'outputs' must be an integer from 1 to "
                                 "65536, got 'abc'"));
  const char *const wrong[] = {"outputs=0",
                               "outputs=65537",
                               "outputs=1.5",
                               "outputs=",
                               "outputs=nan",
                               "outputs=inf",
                               "outputs=1e999",
                               "outputs=-1e99",
                               "outputs=0x10",
                               "outputs=1,2",
                               "outputs=2147483648",
                               "outputs=1=2",
                               "any=2147483648",
                               "any=-2147483649",
                               "any=1e300",
                               "any=inf",
                               "slope=1e7",
                               "slope=nan",
                               "rate=nan",
                               "rate=-0.1",
                               "free=nan",
                               "bias=1",
                               "bias=True",
                               "bias=",
                               "rounding=0",
                               "rounding=",
                               "kernel=",
                               "kernel=,",
                               "kernel=5,",
                               "kernel=,5",
                               "kernel=5,,5",
                               "kernel=5,0",
                               "kernel=1001",
                               "kernel=5;5",
                               "scale=1,nan",
                               "scale=11",
                               "scale=",
                               "steps=,",
                               "steps=1.5",
                               "weight_filler=",
                               "weight_filler=0",
                               "weight_filler.std=-1",
                               "weight_filler.std=nan",
                               "weight_filler.norm=x",
                               "kernel=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
  for (int i = 0; i < COUNT_OF(wrong); i++)
    if (!UNIT_CHECK(mentions(wrong[i], " must be "))) printf("for: %s\n", wrong[i]);
  UNIT_CHECK(says("rate=-1", "conv: option 'rate' must be a number of at least 0, got "
                             "'-1'"));
  UNIT_CHECK(says("free=x", "conv: option 'free' must be a number, got 'x'"));
  UNIT_CHECK(says("any=x", "conv: option 'any' must be an integer, got 'x'"));
  UNIT_CHECK(says("bias=yes", "conv: option 'bias' must be true or false, got 'yes'"));
  UNIT_CHECK(says("rounding=flor", "conv: option 'rounding' must be one of 'ceil', "
                                   "'floor', got 'flor', did you mean 'floor'?"));
  UNIT_CHECK(says("weight_filler=gausian",
                  "conv: option 'weight_filler' must be one of 'constant', 'gaussian', "
                  "'xavier', got 'gausian', did you mean 'gaussian'?"));
  UNIT_CHECK(says("kernel=0",
                  "conv: option 'kernel' must be one to 16 integers from 1 to "
                  "1000, separated by commas, got '0'"));
  UNIT_CHECK(says("weight_filler.std=-1", "conv: option 'weight_filler.std' must be a "
                                          "number from 0 to 1000000, got '-1'"));
}

static void test_hostile(void) {
  UNIT_TEST("hostile text gets words");
  enum { LENGTH = 1 << 20 };
  char *endless = malloc(LENGTH + 1);
  if (!UNIT_CHECK(endless != NULL)) return;
  endless[LENGTH] = '\0';
  const char fills[] = {'a', '=', '.', ',', '9', '-', '\x80', '\x01'};
  const char *const starts[] = {"",         "outputs=",  "kernel=", "weight_filler.",
                                "scale=1,", "rounding=", "=",       "a="};
  for (int f = 0; f < COUNT_OF(fills); f++)
    for (int s = 0; s < COUNT_OF(starts); s++) {
      memset(endless, fills[f], LENGTH);
      memcpy(endless, starts[s], strlen(starts[s]));
      UNIT_CHECK(!reads(endless) && e.message[0]);
    }
  memset(endless, ' ', LENGTH);
  UNIT_CHECK(mentions(endless, "'outputs' is required"));
  for (int i = 0; i + 4 <= LENGTH; i += 4) memcpy(endless + i, "a=b ", 4);
  UNIT_CHECK(mentions(endless, "unknown option 'a'"));
  free(endless);

  UNIT_TEST("random text gets words or is read, and what is read is in bounds");
  const char *const pieces[] = {
      "outputs", "kernel",        "=",    "=",   " ",        " ",     "5",   "1e3",
      ",",       "weight_filler", ".",    "std", "gaussian", "-",     "nan", "inf",
      "bias",    "true",          "rate", "0",   "\xff",     "scale", "1"};
  const random_key key = {1, RANDOM_TENSOR};
  uint64_t index = 0;
  int good = 0;
  for (int i = 0; i < 200000; i++) {
    char given[200] = "outputs=5 ";
    int count = (int)random_below(key, index++, 9);
    for (int p = 0; p < count; p++)
      strcat(given, pieces[random_below(key, index++, COUNT_OF(pieces))]);
    error_clear(&e);
    bool ok = reads(given);
    good += ok;
    if (!ok) UNIT_CHECK(e.code == LANDER_ERROR_ARGUMENT && e.message[0]);
    if (ok) UNIT_CHECK(c.outputs == 5 && c.rate >= 0 && c.kernel.at[0] >= 1);
  }
  UNIT_CHECK(good > 1000);
}

/* ---- one option -------------------------------------------------------------------- */

static void test_one(void) {
  test_allocator a = {.allowed = -1};
  lander_engine *engine = lander_engine_new(
      &(lander_config){.allocate = test_allocate, .allocate_userdata = &a, .threads = 1},
      NULL);
  UNIT_TEST("one option is read into what is there");
  UNIT_CHECK(reads("outputs=20 kernel=5,4"));
  UNIT_CHECK(options_read_one(options, "rate", "0.5", "conv", &c, &e) == LANDER_OK);
  UNIT_CHECK(options_read_one(options, "kernel", "7", "conv", &c, &e) == LANDER_OK);
  UNIT_CHECK(options_read_one(options, "weight_filler.std", "2", "conv", &c, &e) ==
             LANDER_OK);
  UNIT_CHECK(c.rate == 0.5 && c.kernel.count == 1 && c.kernel.at[0] == 7);
  UNIT_CHECK(c.weight_filler.std == 2 && c.weight_filler.type == 2 && c.outputs == 20);

  UNIT_TEST("and left alone when it can't be");
  conv before = c;
  const char *const wrong[][2] = {{"rate", "x"},  {"rate", ""},     {"kernel", "1,2,x"},
                                  {"rote", "1"},  {"", "1"},        {"scale", "1,2,nan"},
                                  {"rate", " 1"}, {"bias", "maybe"}};
  for (int i = 0; i < COUNT_OF(wrong); i++) {
    UNIT_CHECK(options_read_one(options, wrong[i][0], wrong[i][1], "conv", &c, &e) ==
               LANDER_ERROR_ARGUMENT);
    UNIT_CHECK(!memcmp(&c, &before, sizeof c));
  }

  UNIT_TEST("one option is written as it is read");
  const char *const pairs[][2] = {{"rate", "0.5"},
                                  {"kernel", "7"},
                                  {"bias", "true"},
                                  {"pad", "0,0"},
                                  {"steps", ""},
                                  {"scale", "1,0.5"},
                                  {"weight_filler", "xavier"},
                                  {"weight_filler.std", "2"},
                                  {"rounding", "ceil"},
                                  {"any", "-1"}};
  for (int i = 0; i < COUNT_OF(pairs); i++) {
    text out = {.engine = engine};
    text_add(&out, "%s", ">");
    UNIT_CHECK(options_write_one(options, pairs[i][0], "conv", &c, &out, &e) ==
               LANDER_OK);
    UNIT_CHECK(!strcmp(out.data + 1, pairs[i][1]));
    text_free(&out);
  }
  text out = {.engine = engine};
  UNIT_CHECK(options_write_one(options, "rote", "conv", &c, &out, &e) ==
             LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!strcmp(e.message, "conv: unknown option 'rote', did you mean 'rate'?"));
  a.allowed = a.requests;
  UNIT_CHECK(options_write_one(options, "rate", "conv", &c, &out, &e) ==
             LANDER_ERROR_MEMORY);
  text_free(&out);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* ---- writing ----------------------------------------------------------------------- */

static bool same_numbers(const lander_numbers *a, const lander_numbers *b) {
  if (a->count != b->count) return false;
  for (int i = 0; i < a->count; i++)
    if (a->at[i] != b->at[i]) return false;
  return true;
}

static bool same_ints(const lander_ints *a, const lander_ints *b) {
  return a->count == b->count &&
         !memcmp(a->at, b->at, (size_t)a->count * sizeof a->at[0]);
}

static bool same_filler(const filler *a, const filler *b) {
  return a->type == b->type && a->value == b->value && a->std == b->std &&
         a->norm == b->norm;
}

static bool same(const conv *a, const conv *b) {
  return a->outputs == b->outputs && same_ints(&a->kernel, &b->kernel) &&
         same_ints(&a->pad, &b->pad) && same_ints(&a->steps, &b->steps) &&
         a->slope == b->slope && a->rate == b->rate && a->free == b->free &&
         a->bias == b->bias && a->rounding == b->rounding &&
         same_filler(&a->weight_filler, &b->weight_filler) &&
         same_filler(&a->bias_filler, &b->bias_filler) &&
         same_numbers(&a->scale, &b->scale) && a->any == b->any;
}

/* Reads, writes, reads again; the written text must be this one, unless it is NULL. */
static bool round_trip(lander_engine *engine, const char *given, const char *expected) {
  if (!reads(given)) return false;
  conv first = c;
  text out = {.engine = engine};
  text_add(&out, "%s", "");
  options_write(options, &first, &out);
  bool good = !out.failed && (!expected || !strcmp(out.data, expected));
  good = good && reads(out.data) && same(&first, &c);
  if (!good) printf("%s -> %s\n", given, out.data);
  text_free(&out);
  return good;
}

static void test_writing(void) {
  lander_engine *engine = lander_engine_new(&(lander_config){.threads = 1}, NULL);
  UNIT_TEST("only what differs from the default is written");
  UNIT_CHECK(round_trip(engine, "outputs=5", " outputs=5"));
  UNIT_CHECK(round_trip(engine, "pad=0,0 kernel=3 outputs=5 bias=true scale=1,.50",
                        " outputs=5"));
  UNIT_CHECK(round_trip(engine, "outputs=5 bias=false rate=1e-3 kernel=5,5 pad=0",
                        " outputs=5 kernel=5,5 pad=0 rate=0.001 bias=false"));
  UNIT_CHECK(round_trip(engine, "outputs=1 weight_filler.std=0.5 bias_filler=gaussian",
                        " outputs=1 weight_filler.std=0.5 bias_filler=gaussian"));
  UNIT_CHECK(round_trip(engine, "outputs=1 rounding=floor rate=inf steps=4,5",
                        " outputs=1 steps=4,5 rate=inf rounding=floor"));

  UNIT_TEST("what is written is read back as the same values");
  const random_key key = {2, RANDOM_TENSOR};
  for (uint64_t i = 0; i < 20000; i += 8) {
    char given[400], number[3][32];
    double part = (double)random_below(key, i, (uint64_t)1 << 53) * 0x1p-53;
    text_number(number[0], part * pow(10, (double)random_below(key, i + 1, 60) - 30));
    text_number(number[1], part * 10);
    text_number(number[2], part * -1e6);
    snprintf(given, sizeof given,
             "outputs=%d kernel=%d,%d rate=%s scale=%s,2 slope=%s any=%d "
             "weight_filler=%s weight_filler.value=%s bias_filler.norm=%s free=%s",
             (int)random_below(key, i + 2, 65536) + 1,
             (int)random_below(key, i + 3, 1000) + 1,
             (int)random_below(key, i + 4, 1000) + 1, number[0], number[1], number[2],
             (int)random_bits(key, i + 5), fillers[random_below(key, i + 6, 3)],
             number[1], norms[random_below(key, i + 7, 2)], number[0]);
    UNIT_CHECK(round_trip(engine, given, NULL));
  }
  lander_engine_free(engine);
}

int main(void) {
  test_values();
  test_messages();
  test_hostile();
  test_one();
  test_writing();
  return unit_finish();
}
