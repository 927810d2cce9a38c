/* test_readers.c: CIFAR-10, tables of text, NumPy's arrays as datasets: what they read,
 * damage of every kind, lies about sizes, no memory. */
#include "unit.h"

#include "allocator.h"
#include "files.h"
#include "lander.h"
#include <math.h>
#include <zlib.h>

static lander_engine *engine;
static lander_error error;

static bool says(const char *part) {
  if (strstr(error.message, part)) return true;
  printf("message without \"%s\": %s\n", part, error.message);
  return false;
}

static void write_gzip(const char *path, const void *bytes, size_t size) {
  gzFile f = gzopen(path, "wb");
  if (!f || gzwrite(f, bytes, (unsigned)size) != (int)size || gzclose(f) != Z_OK) exit(2);
}

static uint32_t random_state = 1;
static uint32_t next_random(void) { /* Numerical Recipes' generator */
  return (random_state = random_state * 1664525u + 1013904223u) >> 8;
}

/* All numbers of sample `at`; y's first one is returned. */
static lander_real read_sample(const lander_dataset *d, int64_t at, lander_real *x) {
  static lander_real y[64];
  UNIT_CHECK(lander_dataset_read(d, &at, 1, x, y, &error) == LANDER_OK);
  return y[0];
}

/* ---- CIFAR-10 -----------------------------------------------------------------------
 */

enum { PIXELS = 3072, RECORD = 1 + PIXELS };

static unsigned char cifar[5 * RECORD]; /* labels 0, 2, 4, 6, 8 */

static unsigned char cifar_pixel(int record, int i) {
  return (unsigned char)(record * 31 + i * 7 + i / 256);
}

static void make_cifar(void) {
  for (int record = 0; record < 5; record++) {
    cifar[record * RECORD] = (unsigned char)(2 * record);
    for (int i = 0; i < PIXELS; i++)
      cifar[record * RECORD + 1 + i] = cifar_pixel(record, i);
  }
}

static lander_dataset *open_cifar(lander_engine *on, const char *first,
                                  const char *second, const char *options) {
  const char *paths[2] = {files_path(first), second ? files_path(second) : NULL};
  return lander_data_cifar10(on, paths, second ? 2 : 1, options, &error);
}

static void check_cifar(const char *first, const char *second, int first_count) {
  lander_dataset *d = open_cifar(engine, first, second, "scale=0.5 mean=1,2,3 std=2,4,8");
  if (!UNIT_CHECK(d != NULL)) {
    printf("%s\n", error.message);
    return;
  }
  int64_t size[LANDER_MAX_DIMS];
  UNIT_CHECK(lander_dataset_count(d) == first_count + 2);
  UNIT_CHECK(lander_dataset_classes(d) == 10 && lander_dataset_shape(d, 0, size) == 3);
  UNIT_CHECK(size[0] == 3 && size[1] == 32 && size[2] == 32);
  UNIT_CHECK(lander_dataset_shape(d, 1, size) == 0);
  static lander_real x[PIXELS];
  for (int at = 0; at < first_count + 2; at++) {
    int record = at < first_count ? at : at - first_count;
    UNIT_CHECK(read_sample(d, at, x) == 2 * record + 1);
    bool same = true;
    for (int i = 0; i < PIXELS; i++) {
      int c = i / 1024;
      double value = (cifar_pixel(record, i) * 0.5 - (1 + c)) / (2 << c);
      same = same && x[i] == (lander_real)value;
    }
    UNIT_CHECK(same);
  }
  lander_dataset_free(d);
}

static void refuse_cifar(lander_status code, const char *message) {
  lander_dataset *d = open_cifar(engine, "bad", NULL, NULL);
  UNIT_CHECK(!d && error.code == code && says(message) && says("bad"));
  lander_dataset_free(d);
}

static void test_cifar(void) {
  UNIT_TEST("CIFAR-10: records of several files, plain and gzipped");
  files_write(files_path("five"), cifar, sizeof cifar);
  files_write(files_path("two"), cifar, 2 * RECORD);
  write_gzip(files_path("packed.gz"), cifar, 2 * RECORD);
  check_cifar("five", "two", 5);
  check_cifar("two", "two", 2);
  check_cifar("five", "packed.gz", 5);
  UNIT_TEST("CIFAR-10: a file that is there with .gz behind its name");
  check_cifar("packed", "packed", 2);
  UNIT_TEST("CIFAR-10: a limit, across files too");
  const int64_t limits[] = {1, 2, 3, 6, 100}, counts[] = {1, 2, 3, 6, 7};
  for (int i = 0; i < 5; i++) {
    char options[32];
    snprintf(options, sizeof options, "limit=%d", (int)limits[i]);
    lander_dataset *d = open_cifar(engine, "packed", "five", options);
    UNIT_CHECK(d && lander_dataset_count(d) == counts[i]);
    lander_dataset_free(d);
  }
  UNIT_TEST("CIFAR-10: no whole records, nothing, another label, no file");
  const size_t cuts[] = {1, RECORD - 1, RECORD + 1, 2 * RECORD - 1};
  for (int i = 0; i < 4; i++) {
    files_write(files_path("bad"), cifar, cuts[i]);
    refuse_cifar(LANDER_ERROR_FORMAT, "no whole records of 3073");
    write_gzip(files_path("bad"), cifar, cuts[i]);
    refuse_cifar(LANDER_ERROR_FORMAT, "no whole records of 3073");
  }
  files_write(files_path("bad"), cifar, 0);
  refuse_cifar(LANDER_ERROR_FORMAT, "empty");
  files_write(files_path("bad"), cifar, 3 * RECORD);
  files_poke(files_path("bad"), 2 * RECORD, 10);
  refuse_cifar(LANDER_ERROR_DATA, "the label of sample 3 is 10, expected 0 to 9");
  UNIT_CHECK(!open_cifar(engine, "missing", NULL, NULL) && says("missing'") &&
             error.code == LANDER_ERROR_IO);
  UNIT_CHECK(!open_cifar(engine, "five", "missing", NULL));
  UNIT_CHECK(!lander_data_cifar10(engine, NULL, 0, NULL, &error) && says("no file"));
  UNIT_TEST("CIFAR-10: options");
  UNIT_CHECK(!open_cifar(engine, "five", NULL, "mean=1,2") &&
             says("mean has 2 numbers, expected one for all, or one for each of the 3"));
  UNIT_CHECK(!open_cifar(engine, "five", NULL, "std=1,0,1") && says("std"));
  UNIT_CHECK(!open_cifar(engine, "five", NULL, "classes=10") && says("cifar10"));
  UNIT_TEST("CIFAR-10: gzip cut at any byte");
  size_t size;
  unsigned char *whole = files_read(files_path("packed.gz"), &size);
  for (size_t cut = 0; cut < size; cut++) {
    files_write(files_path("bad"), whole, cut);
    refuse_cifar(LANDER_ERROR_FORMAT, "bad");
  }
  free(whole);
}

/* ---- Tables ---------------------------------------------------------------------------
 */

static lander_dataset *open_csv(const char *content, const char *x, const char *y,
                                const char *options) {
  files_write(files_path("table"), content, strlen(content));
  return lander_data_csv(engine, files_path("table"), x, y, options, &error);
}

/* The table's numbers, sample by sample, x then y; "2: 1 2 > 3; 4 5 > 6" for two samples.
 */
static void check_csv(const char *content, const char *x, const char *y,
                      const char *options, const char *expected) {
  static lander_real xs[64], ys[64];
  char found[1024];
  lander_dataset *d = open_csv(content, x, y, options);
  if (!UNIT_CHECK(d != NULL)) {
    printf("%s\n%s\n", content, error.message);
    return;
  }
  int64_t size[LANDER_MAX_DIMS];
  int dims = lander_dataset_shape(d, 0, size);
  int64_t nx = 1, ny = 1;
  for (int i = 0; i < dims; i++) nx *= size[i];
  if (lander_dataset_shape(d, 1, size) == 1) ny = size[0];
  int used = snprintf(found, sizeof found, "%d:", (int)lander_dataset_count(d));
  for (int64_t at = 0; at < lander_dataset_count(d); at++) {
    UNIT_CHECK(lander_dataset_read(d, &at, 1, xs, ys, &error) == LANDER_OK);
    if (at > 0) used += snprintf(found + used, sizeof found - (size_t)used, ";");
    for (int64_t i = 0; i < nx; i++)
      used += snprintf(found + used, sizeof found - (size_t)used, " %g", (double)xs[i]);
    used += snprintf(found + used, sizeof found - (size_t)used, " >");
    for (int64_t i = 0; i < ny; i++)
      used += snprintf(found + used, sizeof found - (size_t)used, " %g", (double)ys[i]);
  }
  if (!UNIT_CHECK(strcmp(found, expected) == 0))
    printf("found    %s\nexpected %s\n", found, expected);
  lander_dataset_free(d);
}

static void refuse_csv(const char *content, const char *x, const char *y,
                       const char *options, const char *message) {
  lander_dataset *d = open_csv(content, x, y, options);
  bool good =
      !d && (error.code == LANDER_ERROR_FORMAT || error.code == LANDER_ERROR_DATA ||
             error.code == LANDER_ERROR_ARGUMENT || error.code == LANDER_ERROR_SHAPE);
  if (!UNIT_CHECK(good && says(message))) printf("%s\n", content);
  lander_dataset_free(d);
}

static void test_tables(void) {
  UNIT_TEST("tables: columns, by number, from the end, in ranges, by name");
  const char *abc = "a,b c,d\n1,2,3\n4,5,6\n";
  check_csv(abc, NULL, "-1", NULL, "2: 1 2 > 3; 4 5 > 6");
  check_csv(abc, NULL, "1", NULL, "2: 2 3 > 1; 5 6 > 4");
  check_csv(abc, "d,a", "b c", NULL, "2: 3 1 > 2; 6 4 > 5");
  check_csv(abc, "a", "d", NULL, "2: 1 > 3; 4 > 6");
  check_csv(abc, " 1 ", "2:-1", NULL, "2: 1 > 2 3; 4 > 5 6");
  check_csv(abc, "2", "3,1", NULL, "2: 2 > 3 1; 5 > 6 4");
  check_csv("1,2,3\n4,5,6", "1:2", "3", NULL, "2: 1 2 > 3; 4 5 > 6");

  UNIT_TEST("tables: headers");
  check_csv("1,2\n3,4\n", NULL, "2", NULL, "2: 1 > 2; 3 > 4");
  check_csv("1,2\n3,4\n", NULL, "2", "header=true", "1: 3 > 4");
  check_csv("1,2\n3,4\n", "1", "2", "header=false", "2: 1 > 2; 3 > 4");
  check_csv("\"x, \"\"the\"\"\nfirst\",y\n3,4\n", NULL, "y", NULL, "1: 3 > 4");
  refuse_csv("x,y\n3,4\n", NULL, "2", "header=false",
             "line 1, column 1: 'x' is no number; "
             "if it is a header, say header=true");
  refuse_csv(
      "1,y\n3,4\n", NULL, "2", NULL,
      "line 2, column 2: '4' is a number, but the first sample has a word there; if "
      "that line is a header, say header=true");
  refuse_csv("y,1\n3,4\n", NULL, "2", NULL, "line 1, column 1: 'y' is no number");
  refuse_csv("1,2\n", NULL, "2", "header=true", "no samples, only a header");

  UNIT_TEST("tables: line ends, spaces, quotes, empty lines, a byte-order mark");
  const char *expected = "2: 1 2 > 3; 4 5 > 6";
  check_csv("1,2,3\r\n4,5,6\r\n", NULL, "3", NULL, expected);
  check_csv("1,2,3\r4,5,6\r", NULL, "3", NULL, expected);
  check_csv("\n\r\n1,2,3\n   \n\n4,5,6\n\n", NULL, "3", NULL, expected);
  check_csv("\xef\xbb\xbf"
            "1, 2 ,\t3\n 4,5,6  ",
            NULL, "3", NULL, expected);
  check_csv("\"1\",\"2\" ,3\n4, \"5\",\"6\"", NULL, "3", NULL, expected);
  check_csv("1;2;3\n4;5;6\n", NULL, "3", "separator=;", expected);
  check_csv("1|2|3\n4|5|6\n", NULL, "3", "separator=|", expected);
  check_csv("1\t2\t 3\n4\t5\t6\n", NULL, "3", "separator=tab", expected);
  check_csv("  1 2\t  3\n4 \t5 6 \n \n", NULL, "3", "separator=space", expected);
  check_csv("\"1\" 2 \"3\"\n\"4\" 5 6", NULL, "3", "separator=space", expected);
  check_csv("1;2;3\n4;5;6\n", NULL, "3", "separator=semicolon", expected);
  check_csv("1|2|3\n4|5|6\n", NULL, "3", "separator=bar", expected);
  refuse_csv("1;2;3\n", NULL, "1", NULL,
             "is the separator another one?): separator=semicolon makes 3 fields of it");
  refuse_csv("1\t2\n", NULL, "1", "header=false", "separator=tab makes 2 fields of it");
  refuse_csv("a|b\n1|2\n", NULL, "b", NULL,
             "which is one field (is the separator "
             "another one?): separator=bar makes 2 fields of it");

  UNIT_TEST("tables: text in columns that are not used");
  check_csv("ann,1,2\n\"b, \"\"ob\",3,4\n", "2", "3", NULL, "2: 1 > 2; 3 > 4");
  check_csv(",1,2\n,3,4\n", "2", "3", NULL, "2: 1 > 2; 3 > 4");

  UNIT_TEST("tables: labels count from one, whatever the first one is");
  check_csv("7,0\n8,2\n", NULL, "2", "classes=3", "2: 7 > 1; 8 > 3");
  check_csv("7,1\n8,3\n", NULL, "2", "classes=3 first=1", "2: 7 > 1; 8 > 3");
  check_csv("7,-1\n8,0\n", NULL, "2", "classes=2 first=-1", "2: 7 > 1; 8 > 2");
  refuse_csv("7,0\n\n8,3\n", NULL, "2", "classes=3",
             "line 3, column 2: the label is 3, expected a whole number from 0 to 2 "
             "(classes=3 first=0); labels that count from 1 are read with first=1");
  refuse_csv("a,b\n7,-1\n", NULL, "2", "classes=3",
             "line 2, column 2 (b): the label is -1, expected a whole number from 0 to 2 "
             "(classes=3 first=0)");
  UNIT_CHECK(!strstr(error.message, "first=1"));
  refuse_csv("7,0.5\n", NULL, "2", "classes=3", "the label is 0.5");
  refuse_csv("7,nan\n", NULL, "2", "classes=3", "the label is nan");
  refuse_csv("7,inf\n", NULL, "2", "classes=3", "the label is inf");
  refuse_csv("7,8,1\n", NULL, "2,3", "classes=3", "y has 2 columns, but labels");

  UNIT_TEST("tables: nan and inf are numbers");
  check_csv("nan,1\nInf,2\n-inf,nan\n", NULL, "2", NULL,
            "3: nan > 1; inf > 2; -inf > nan");

  UNIT_TEST("tables: scale, mean and std, of x alone, with a shape by channel");
  check_csv("1,2,3\n", NULL, "3", "scale=10 mean=2 std=4", "1: 2 4.5 > 3");
  check_csv("1,2,3,4,9\n", NULL, "5", "shape=2,1,2 mean=1,2 std=1,2", "1: 0 1 0.5 1 > 9");
  refuse_csv("1,2,3\n", NULL, "3", "shape=3", "the shape (3) has 3 numbers, but x has 2");
  refuse_csv("1,2,3\n", NULL, "3", "mean=1,2", "mean has 2 numbers");
  refuse_csv("1,2,3\n", NULL, "3", "shape=99999999,99999999,99999999",
             "more elements than a computer can address");
}

/* What people write for numbers: read, or refused with what is to be done. */
static void test_nearly_numbers(void) {
  UNIT_TEST("tables: numbers with a comma");
  check_csv("a;b\n1,5;-2,25e1\n,5;1\n", NULL, "2", "separator=; decimal=comma",
            "2: 1.5 > -22.5; 0.5 > 1");
  check_csv("1,5;nan\n", NULL, "2", "separator=; decimal=comma", "1: 1.5 > nan");
  refuse_csv("1.5;2\n", NULL, "2", "separator=; decimal=comma",
             "'1.5' is no number; with decimal=comma numbers are written with a comma");
  refuse_csv("1,5;2,5\n", NULL, "2", "separator=;",
             "line 1, column 1: '1,5' is no number; numbers are written with a point "
             "(decimal=comma reads those with a comma)");
  refuse_csv("a;b\n1;2,5\n", NULL, "2", "separator=;", "line 2, column 2 (b): '2,5' is");
  UNIT_TEST("tables: what was meant as a number, and what to do");
  refuse_csv(
      "a,b\n1,\"1,234,567\"\n", NULL, "2", NULL,
      "line 2, column 2 (b): '1,234,567' is no number; numbers are written without "
      "separators of thousands");
  refuse_csv("a,b\n1,\"-1,234.5\"\n", NULL, "2", NULL, "without separators of thousands");
  refuse_csv("1;1.234,5\n", "1", "2", "separator=; decimal=comma", "of thousands");
  refuse_csv("1,1'234'567\n", NULL, "2", NULL, "separators of thousands");
  refuse_csv("1,2\n$40,2\n", "1", "2", NULL,
             "'$40' is no number; numbers are written "
             "without units");
  refuse_csv("1,2\n50%,2\n", "1", "2", NULL, "without units");
  refuse_csv("1,2\n12 km,2\n", "1", "2", NULL, "without units");
  refuse_csv("1,2\nNA,2\n", "1", "2", NULL,
             "'NA' is no number; where a value is missing, "
             "fill one in or leave the line out");
  refuse_csv("1,2\n,2\n", "1", "2", NULL, "empty, expected a number; where a value is");
  refuse_csv("1,2\nTrue,2\n", "1", "2", NULL, "'True' is no number; yes and no are");
  refuse_csv("1,2\n2024-03-01 12:00,2\n", "1", "2", NULL, "; a date becomes a number");
  refuse_csv("1,2\n1.3.24,2\n", "1", "2", NULL, "; a date becomes a number");
  refuse_csv("1,2\n1.2.3.4,2\n", "1", "2", NULL, "'1.2.3.4' is no number");
  UNIT_CHECK(!strstr(error.message, ";"));
  UNIT_TEST("tables: columns of text among those of x");
  refuse_csv(
      "id,area,\xc3\xa4,price\nn1,5,6,7\n", NULL, "price", NULL,
      "line 2, column 1 (id): 'n1' is no number; x=area+\xc3\xa4 uses those that are "
      "numbers here; words become numbers as a column of 0 and 1 for each");
  refuse_csv("d,a+b,price\n1.3.24,5,6\n", NULL, "3", NULL,
             "; x=2 uses those that are numbers here; a date becomes");
  refuse_csv("id,a\nn1,5\n", NULL, "2", NULL, "'n1' is no number");
  UNIT_CHECK(!strstr(error.message, "x="));
  UNIT_TEST("tables: a first line with a number that is a header");
  refuse_csv("1999,b\n3,4\n", "1", "1", "header=false", "in x and in y");
  refuse_csv("a,1999\n3,4\n", NULL, "2", NULL,
             "'a' is no number; if it is a header, say header=true");
  UNIT_TEST("tables: files that are no tables");
  refuse_csv("\xff\xfe"
             "a",
             NULL, "1", NULL, "it is text in UTF-16, expected UTF-8");
  refuse_csv("PK\3\4", NULL, "1", NULL, "a zip archive, perhaps a spreadsheet");
  UNIT_TEST("tables: columns of the same name");
  refuse_csv("a,b,b\n1,2,3\n", NULL, "b", NULL,
             "columns 2 and 3 are both called 'b': use their numbers");
  check_csv("a,b,b\n1,2,3\n", NULL, "a", NULL, "1: 2 3 > 1");
}

static void check_place(const lander_dataset *d, int64_t position, const char *expected) {
  char place[64] = "", tail[64];
  bool known = lander_dataset_place(d, position, place, sizeof place);
  if (!expected) {
    UNIT_CHECK(!known);
    return;
  }
  snprintf(tail, sizeof tail, "%s",
           known && strrchr(place, '/') ? strrchr(place, '/') : "");
  if (!UNIT_CHECK(strcmp(tail, expected) == 0)) printf("found %s\n", place);
}

static void test_places(void) {
  UNIT_TEST("tables: lines of samples, also of parts and of what was made of them");
  lander_dataset *d = open_csv("a,t,b\n\n1,\"\nx\",2\n3,,4\n5,,6\n", "a", "b", NULL);
  UNIT_CHECK(d && !strcmp(lander_dataset_target(d, 0), "b") &&
             !lander_dataset_target(d, 1));
  check_place(d, 0, "/table, line 3");
  check_place(d, 2, "/table, line 6");
  check_place(d, 3, NULL);
  check_place(d, -1, NULL);
  lander_dataset *shuffled = lander_dataset_shuffle(d, 1, &error);
  lander_dataset *part = lander_dataset_subset(shuffled, 1, 2, &error);
  static const int64_t size[] = {2, 1};
  lander_tensor *x = lander_tensor_new(engine, 2, size, &error);
  lander_tensor *y = lander_tensor_new(engine, 1, size, &error);
  lander_dataset *made = lander_data_tensors(x, y, NULL, &error);
  check_place(made, 0, NULL);
  UNIT_CHECK(lander_dataset_take_places(made, d, false, &error) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(lander_dataset_take_places(made, part, true, &error) == LANDER_OK);
  UNIT_CHECK(lander_dataset_take_places(made, part, true, &error) ==
             LANDER_ERROR_ARGUMENT);
  lander_dataset_free(d); /* the others know all the same */
  UNIT_CHECK(!strcmp(lander_dataset_column(made, 0), "a") &&
             !strcmp(lander_dataset_target(made, 0), "b"));
  for (int64_t i = 0; i < 2; i++) {
    lander_real sample[2];
    char line[32];
    UNIT_CHECK(lander_dataset_read(part, &i, 1, sample, sample + 1, &error) == LANDER_OK);
    snprintf(line, sizeof line, "/table, line %d",
             sample[0] == 1   ? 3
             : sample[0] == 3 ? 5
                              : 6);
    check_place(part, i, line);
    check_place(made, i, line);
  }
  lander_dataset_free(made);
  lander_dataset_free(part);
  lander_dataset_free(shuffled);
  lander_tensor_free(x);
  lander_tensor_free(y);
}

/* A table whose second line begins with so many of a letter behind what is before. */
static void refuse_long(const char *before, char letter, size_t count, const char *part) {
  const char *first = "a,b\n1,2\n";
  size_t begins = strlen(first) + strlen(before);
  char *text = malloc(begins + count + 4);
  if (!text) exit(2);
  sprintf(text, "%s%s", first, before);
  memset(text + begins, letter, count);
  strcpy(text + begins + count, ",2\n");
  refuse_csv(text, NULL, "2", NULL, part);
  free(text);
}

static void test_long_fields(void) {
  const size_t most = 1 << 20;
  UNIT_TEST("tables: fields without an end");
  refuse_long("", '1', most, "line 3, column 1 (a): '111111111111111111111111...' is ");
  refuse_long("", '1', most + 1,
              "line 3, column 1 (a): the field has more than 1 MiB: is the separator");
  refuse_long(
      "5,\"", 'x', most + 1,
      "line 3, column 2 (b): the field has more than 1 MiB: it begins with a quote");
  refuse_long("", ',', 1 << 22,
              "line 3, column 4194305: expected at most 4194304 columns");
}

static void test_bad_tables(void) {
  UNIT_TEST("tables: bad fields, with their place");
  refuse_csv("1,2\n3,x\n", NULL, "2", NULL, "line 2, column 2: 'x' is no number");
  refuse_csv("1,2\n3,\n", NULL, "2", NULL, "line 2, column 2: the field is empty");
  refuse_csv("1,2\n,4\n", NULL, "2", NULL, "line 2, column 1: the field is empty");
  refuse_csv("1,2\n3\n", NULL, "2", NULL,
             "line 2, column 1: the line ends after 1 fields");
  refuse_csv("1,2\n3,4,5\n", NULL, "2", NULL, "ends after 3 fields, expected 2");
  refuse_csv("1,2\n3,\"4\n\n", NULL, "2", NULL,
             "line 2, column 2: the field begins with a "
             "quote that has no other");
  refuse_csv("1,2\n\"3\"x,4\n", NULL, "2", NULL, "line 2, column 1: something follows");
  refuse_csv("1,2\n\"3\n\n\",4\nx,1\n", NULL, "2", NULL,
             "line 2, column 1: '3?"
             "?' is no");
  UNIT_TEST("tables: lines within quotes are counted, however they end");
  for (int i = 0; i < 3; i++) {
    char text[64];
    sprintf(text, "a,1,2\n\"x%sy\",3,4\nb,5,z\n",
            (const char *[]){"\n", "\r\n", "\r"}[i]);
    refuse_csv(text, "2", "3", NULL, "line 4, column 3: 'z' is no number");
  }
  refuse_csv("1,2\n3,1e999\n", NULL, "2", NULL, "line 2, column 2: '1e999' is no number");
  if (sizeof(lander_real) == sizeof(float))
    refuse_csv("1,2\n1e39,1\n", NULL, "2", NULL, "line 2, column 1: '1e39' is too large");
  refuse_csv("1,2\n0x10,1\n", NULL, "2", NULL, "'0x10' is no number");
  refuse_csv("1,2\n1 2,1\n", NULL, "2", NULL, "'1 2' is no number");
  refuse_csv("1,2\n\x1b[31m\xff,1\n", NULL, "2", NULL, "'?[31m?' is no number");
  refuse_csv("1,2\n123456789012345678901234567890x,1\n", NULL, "2", NULL,
             "'123456789012345678901234...' is no number");
  refuse_csv("", NULL, "2", NULL, "it is empty");
  refuse_csv(" \n\n", NULL, "2", NULL, "it is empty");
  UNIT_TEST("tables: columns that are not there");
  const char *abc = "alpha,beta\n1,2\n";
  refuse_csv(abc, NULL, "3", NULL, "there is no column 3: it has 2, the first is 1");
  refuse_csv(abc, NULL, "0", NULL, "there is no column 0");
  refuse_csv(abc, NULL, "-3", NULL, "there is no column -3");
  refuse_csv(abc, NULL, "99999999999999999999", NULL, "column");
  refuse_csv(abc, NULL, "bata", NULL,
             "no column 'bata' in its header, did you mean 'beta'?");
  refuse_csv(abc, NULL, "", NULL, "no column ''");
  refuse_csv(abc, "1,", "2", NULL, "no column ''");
  refuse_csv(abc, "1:", "2", NULL, "no column '1:'");
  refuse_csv(abc, "2:1", "1", NULL, "column 1 comes before column 2");
  refuse_csv(abc, "1:2", "2", NULL, "column 2 is asked for in x and in y");
  refuse_csv(abc, NULL, "1:2", NULL, "no column is left for x");
  refuse_csv("1,2\n", NULL, "beta", NULL,
             "'beta' is no number, and the file has no header");
  UNIT_TEST("tables: a zero byte is no text");
  files_write(files_path("table"), "1,2\n3,\0004\n", 9);
  UNIT_CHECK(!lander_data_csv(engine, files_path("table"), NULL, "2", NULL, &error));
  UNIT_CHECK(says("line 2, column 2: a zero byte"));
  files_write(files_path("table"), "1,2\n3,\"\0004\"\n", 11);
  UNIT_CHECK(!lander_data_csv(engine, files_path("table"), NULL, "2", NULL, &error));
  UNIT_CHECK(says("line 2, column 2: a zero byte"));
  UNIT_TEST("tables: options");
  refuse_csv(abc, NULL, "2", "separater=;", "did you mean 'separator'?");
  refuse_csv(abc, NULL, "2", "separator=x", "separator");
  refuse_csv(abc, NULL, "2", "header=yes", "header");
  UNIT_CHECK(!lander_data_csv(engine, files_path("missing"), NULL, "1", NULL, &error));
  UNIT_CHECK(error.code == LANDER_ERROR_IO && says("missing"));
}

/* Numbers as text, of every kind, are what the C library reads (in its own locale). */
static void test_numbers(void) {
  UNIT_TEST("tables: numbers are the nearest there are");
  enum { COUNT = 20000 };
  static char content[1 << 20];
  static double expected[COUNT];
  const char *forms[] = {"%.0f",  "%.3f", "%.6f",  "%.15g",
                         "%.17g", "%e",   "%.14f", "%+.2e"};
  const char *odd[] = {"-0",
                       ".5",
                       "5.",
                       "-.25",
                       "000000000000001",
                       "0.000000000000001",
                       "999999999999999",
                       "9999999999999999",
                       "-123456789.012345"};
  size_t used = 0;
  for (int i = 0; i < COUNT; i++) {
    double value =
        ((double)next_random() - 8388608) * pow(10, (int)(next_random() % 24) - 16);
    char word[64];
    if (i < 9)
      strcpy(word, odd[i]);
    else
      snprintf(word, sizeof word, forms[next_random() % 8], value);
    expected[i] = strtod(word, NULL);
    used += (size_t)snprintf(content + used, sizeof content - used, "%s,0\n", word);
  }
  lander_dataset *d = open_csv(content, NULL, "2", NULL);
  if (!UNIT_CHECK(d && lander_dataset_count(d) == COUNT)) printf("%s\n", error.message);
  for (int i = 0; d && i < COUNT; i++) {
    lander_real x;
    read_sample(d, i, &x);
    if (!UNIT_CHECK(x == (lander_real)expected[i]))
      printf("%d: %.17g, expected %.17g\n", i, (double)x, expected[i]);
  }
  lander_dataset_free(d);
}

/* A table that is cut or altered anywhere is read or refused, with its name. */
static void test_damaged_tables(void) {
  UNIT_TEST("tables: cut at any byte");
  const char *content = "\"a\",b,c\r\n1.5,\"2\",0\n\n-3e2, 4 ,1\n";
  size_t size = strlen(content);
  const int64_t complete = (int64_t)size - 1;
  for (size_t cut = 0; cut <= size; cut++) {
    files_write(files_path("table"), content, cut);
    lander_dataset *d =
        lander_data_csv(engine, files_path("table"), NULL, "-1", "classes=2", &error);
    if (!d) UNIT_CHECK(error.code != LANDER_OK && says("table: "));
    if ((int64_t)cut >= complete) UNIT_CHECK(d && lander_dataset_count(d) == 2);
    lander_dataset_free(d);
  }
  UNIT_TEST("tables: with any byte another one");
  char altered[64];
  for (size_t at = 0; at < size; at++)
    for (int byte = 0; byte < 256; byte += 1 + at % 3) {
      memcpy(altered, content, size);
      altered[at] = (char)byte;
      files_write(files_path("table"), altered, size);
      lander_dataset *d =
          lander_data_csv(engine, files_path("table"), NULL, "-1", NULL, &error);
      UNIT_CHECK(d || strstr(error.message, "table: "));
      lander_dataset_free(d);
    }
  UNIT_TEST("tables: gzipped, and cut at any byte");
  write_gzip(files_path("table.gz"), content, size);
  unsigned char *whole = files_read(files_path("table.gz"), &size);
  for (size_t cut = 0; cut <= size; cut++) {
    files_write(files_path("bad"), whole, cut);
    lander_dataset *d =
        lander_data_csv(engine, files_path("bad"), NULL, "c", NULL, &error);
    UNIT_CHECK(cut == size ? d != NULL : !d && says("bad"));
    lander_dataset_free(d);
  }
  free(whole);
  UNIT_TEST("tables: records longer than what is read at once");
  static char wide[300000];
  size_t used = 0;
  for (int row = 0; row < 2; row++)
    for (int i = 0; i < 60000; i++)
      used += (size_t)snprintf(wide + used, sizeof wide - used, "%d%c", i % 10,
                               i == 59999 ? '\n' : ',');
  lander_dataset *d = open_csv(wide, NULL, "1", NULL);
  int64_t shape[LANDER_MAX_DIMS];
  UNIT_CHECK(d && lander_dataset_count(d) == 2 && lander_dataset_shape(d, 0, shape) == 1);
  UNIT_CHECK(d && shape[0] == 59999);
  static lander_real x[60000];
  if (d) read_sample(d, 1, x);
  for (int i = 0; i < 59999; i++) UNIT_CHECK(x[i] == (i + 1) % 10);
  lander_dataset_free(d);
}

/* ---- NumPy's arrays -------------------------------------------------------------------
 */

/* A .npy file of version 1.0. */
static size_t make_npy(unsigned char *out, const char *type, const char *shape,
                       const void *data, size_t size) {
  char header[118];
  snprintf(header, sizeof header,
           "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
  memcpy(out, "\x93NUMPY\1\0\x76\0", 10);
  memset(out + 10, ' ', 118);
  memcpy(out + 10, header, strlen(header));
  out[127] = '\n';
  memcpy(out + 128, data, size);
  return 128 + size;
}

static void write_npy(const char *name, const char *type, const char *shape,
                      const void *data, size_t size) {
  unsigned char bytes[512];
  files_write(files_path(name), bytes, make_npy(bytes, type, shape, data, size));
}

static const unsigned char twelve[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const unsigned char labels[4] = {0, 2, 1, 2};

static lander_dataset *open_npy(const char *options) {
  return lander_data_npy(engine, files_path("x.npy"), files_path("y.npy"), options,
                         &error);
}

static void refuse_npy(const char *options, lander_status code, const char *message) {
  lander_dataset *d = open_npy(options);
  UNIT_CHECK(!d && error.code == code && says(message));
  lander_dataset_free(d);
}

static void test_npy(void) {
  UNIT_TEST("npy: arrays of bytes, scaled; labels become classes");
  write_npy("x.npy", "|u1", "(4, 3)", twelve, 12);
  write_npy("y.npy", "|u1", "(4,)", labels, 4);
  lander_dataset *d = open_npy("classes=3 scale=2 mean=1");
  lander_real x[12];
  UNIT_CHECK(d && lander_dataset_count(d) == 4 && lander_dataset_classes(d) == 3);
  UNIT_CHECK(d && read_sample(d, 1, x) == 3 && x[0] == 5 && x[2] == 9);
  lander_dataset_free(d);
  UNIT_TEST("npy: a column of labels; labels from one; y as numbers");
  write_npy("y.npy", "|u1", "(4, 1)", labels, 4);
  d = open_npy("classes=3");
  UNIT_CHECK(d && read_sample(d, 0, x) == 1 && x[1] == 1);
  lander_dataset_free(d);
  d = open_npy(NULL);
  int64_t size[LANDER_MAX_DIMS];
  UNIT_CHECK(d && lander_dataset_shape(d, 1, size) == 1 &&
             lander_dataset_classes(d) == 0);
  UNIT_CHECK(d && read_sample(d, 1, x) == 2);
  lander_dataset_free(d);
  const unsigned char from_one[4] = {1, 3, 2, 3};
  write_npy("y.npy", "|u1", "(4,)", from_one, 4);
  d = open_npy("classes=3 first=1");
  UNIT_CHECK(d && read_sample(d, 1, x) == 3);
  lander_dataset_free(d);
  UNIT_TEST("npy: labels out of range, other sizes");
  refuse_npy("classes=3", LANDER_ERROR_DATA,
             "the label of sample 2 is 3, expected a whole number from 0 to 2");
  UNIT_CHECK(says("y.npy"));
  refuse_npy("classes=2 first=1", LANDER_ERROR_DATA, "sample 2 is 3");
  refuse_npy("clases=2", LANDER_ERROR_ARGUMENT, "did you mean 'classes'?");
  write_npy("y.npy", "|u1", "(2, 2)", labels, 4);
  refuse_npy(NULL, LANDER_ERROR_SHAPE, "(2, 2)");
  refuse_npy("classes=3", LANDER_ERROR_SHAPE, "labels are one number a sample");
  write_npy("y.npy", "|u1", "()", labels, 1);
  refuse_npy("classes=3", LANDER_ERROR_SHAPE, "first size");
  write_npy("y.npy", "|u1", "(4, 2)", labels, 4);
  refuse_npy(NULL, LANDER_ERROR_FORMAT, "y.npy: its shape needs 8 bytes");
  UNIT_TEST("npy: levels by channel, and black for the padding");
  write_npy("x.npy", "|u1", "(2, 2, 1, 3)", twelve, 12);
  write_npy("y.npy", "|u1", "(2,)", labels, 2);
  d = open_npy("mean=1,4 std=1,2");
  UNIT_CHECK(d && read_sample(d, 1, x) == 2 && x[0] == 5 && x[2] == 7 && x[3] == 2.5);
  lander_batches *b =
      d ? lander_batches_new(d, "size=2 augment.pad=1,0 phase=test", &error) : NULL;
  lander_tensor *bx, *by;
  UNIT_CHECK(b && lander_batches_next(b, &bx, &by, &error) == LANDER_OK);
  const lander_real first[18] = {-1, -1, -1, -1,  0, 1,  -1, -1, -1,
                                 -2, -2, -2, -.5, 0, .5, -2, -2, -2};
  for (int i = 0; b && i < 18; i++) UNIT_CHECK(lander_tensor_data(bx)[i] == first[i]);
  lander_batches_free(b);
  lander_dataset_free(d);
  refuse_npy("mean=1,2,3", LANDER_ERROR_ARGUMENT, "each of the 2 channels");
}

/* A zip file with two stored members, by hand. */
static void put(unsigned char *out, size_t *at, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out[(*at)++] = (unsigned char)(value >> 8 * i);
}

static void put_entry(unsigned char *out, size_t *at, const char *name, uint32_t crc,
                      size_t size, bool central, size_t offset) {
  put(out, at, central ? 0x02014b50 : 0x04034b50, 4);
  if (central) put(out, at, 20, 2);
  put(out, at, 20, 2);
  put(out, at, 0, 2); /* flags */
  put(out, at, 0, 2); /* stored */
  put(out, at, 0x00210000, 4);
  put(out, at, crc, 4);
  put(out, at, (uint32_t)size, 4);
  put(out, at, (uint32_t)size, 4);
  put(out, at, (uint32_t)strlen(name), 2);
  put(out, at, 0, 2);
  if (central) {
    put(out, at, 0, 4); /* comment, disk */
    put(out, at, 0, 2);
    put(out, at, 0, 4);
    put(out, at, (uint32_t)offset, 4);
  }
  memcpy(out + *at, name, strlen(name));
  *at += strlen(name);
}

static size_t make_npz(unsigned char *out) {
  const char *names[2] = {"images.npy", "y.npy"};
  unsigned char members[2][256];
  size_t sizes[2] = {make_npy(members[0], "|u1", "(4, 3)", twelve, 12),
                     make_npy(members[1], "|u1", "(4,)", labels, 4)};
  size_t at = 0, offsets[2];
  uint32_t crc[2];
  for (int i = 0; i < 2; i++) {
    offsets[i] = at;
    crc[i] = (uint32_t)crc32(0, members[i], (unsigned)sizes[i]);
    put_entry(out, &at, names[i], crc[i], sizes[i], false, 0);
    memcpy(out + at, members[i], sizes[i]);
    at += sizes[i];
  }
  size_t directory = at;
  for (int i = 0; i < 2; i++)
    put_entry(out, &at, names[i], crc[i], sizes[i], true, offsets[i]);
  size_t length = at - directory;
  put(out, &at, 0x06054b50, 4);
  put(out, &at, 0, 4);
  put(out, &at, 2, 2);
  put(out, &at, 2, 2);
  put(out, &at, (uint32_t)length, 4);
  put(out, &at, (uint32_t)directory, 4);
  put(out, &at, 0, 2);
  return at;
}

static lander_dataset *open_npz(const char *name, const char *x, const char *y) {
  return lander_data_npz(engine, files_path(name), x, y, "classes=3", &error);
}

static void test_npz(void) {
  unsigned char bytes[2048];
  size_t size = make_npz(bytes);
  files_write(files_path("both.npz"), bytes, size);
  UNIT_TEST("npz: members by name");
  lander_dataset *d = open_npz("both.npz", "images", "y");
  lander_real x[3];
  UNIT_CHECK(d && lander_dataset_count(d) == 4 && read_sample(d, 3, x) == 3 && x[0] == 9);
  lander_dataset_free(d);
  UNIT_CHECK(!open_npz("both.npz", "image", "y") && says("both.npz") &&
             says("image.npy"));
  UNIT_CHECK(!open_npz("both.npz", "images", "labels") && says("labels.npy"));
  UNIT_CHECK(!open_npz("missing", "images", "y") && error.code == LANDER_ERROR_IO);
  UNIT_TEST("npz: cut at any byte");
  for (size_t cut = 0; cut < size; cut++) {
    files_write(files_path("bad"), bytes, cut);
    d = open_npz("bad", "images", "y");
    UNIT_CHECK(!d && error.code == LANDER_ERROR_FORMAT && says("bad"));
    lander_dataset_free(d);
  }
  UNIT_TEST("npz: with any byte another one it is refused, or is the same");
  for (size_t at = 0; at < size; at++) {
    unsigned char old = bytes[at];
    bytes[at] ^= (unsigned char)(1 + next_random() % 255);
    files_write(files_path("bad"), bytes, size);
    d = open_npz("bad", "images", "y");
    if (!d) UNIT_CHECK(says("bad"));
    if (d) UNIT_CHECK(read_sample(d, 3, x) == 3 && x[0] == 9 && x[2] == 11);
    lander_dataset_free(d);
    bytes[at] = old;
  }
}

/* ---- No memory ------------------------------------------------------------------------
 */

static lander_dataset *use_cifar(lander_engine *on) {
  return open_cifar(on, "five", "packed", NULL);
}
static lander_dataset *use_csv(lander_engine *on) {
  return lander_data_csv(on, files_path("good"), NULL, "c", "classes=2", &error);
}
static lander_dataset *use_npz(lander_engine *on) {
  return lander_data_npz(on, files_path("both.npz"), "images", "y", "classes=3", &error);
}

static void starve(lander_dataset *(*act)(lander_engine *on)) {
  for (int n = 0; n < 1000; n++) {
    test_allocator a = {.allowed = n};
    lander_config config = {
        .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
    lander_engine *poor = lander_engine_new(&config, &error);
    lander_dataset *d = poor ? act(poor) : NULL;
    bool done = d != NULL;
    if (!done && !UNIT_CHECK(error.code == LANDER_ERROR_MEMORY))
      printf("%d: %s\n", n, error.message);
    lander_dataset_free(d);
    lander_engine_free(poor);
    UNIT_CHECK(test_allocator_clean(&a));
    if (done) return;
  }
  UNIT_CHECK(!"1000 requests are enough");
}

/* Says no to whoever asks for more than a million bytes at once. */
static void *allocate_little(void *userdata, void *old, size_t old_size,
                             size_t new_size) {
  return new_size > 1000000 ? NULL : test_allocate(userdata, old, old_size, new_size);
}

static void test_memory(void) {
  UNIT_TEST("no memory");
  const char *content = "a,b,c\n1,2,0\n3,4,1\n";
  files_write(files_path("good"), content, strlen(content));
  starve(use_cifar);
  starve(use_csv);
  starve(use_npz);
  UNIT_TEST("memory follows the bytes that come, not those that could");
  static unsigned char noise[40 * RECORD + 1];
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = i % RECORD == 0 ? 3 : (unsigned char)next_random();
  write_gzip(files_path("bad"), noise, sizeof noise);
  test_allocator a = {.allowed = -1};
  lander_config config = {
      .allocate = allocate_little, .allocate_userdata = &a, .threads = 1};
  lander_engine *poor = lander_engine_new(&config, &error);
  UNIT_CHECK(!open_cifar(poor, "bad", NULL, NULL));
  UNIT_CHECK(error.code == LANDER_ERROR_FORMAT && says("has 122921 bytes"));
  lander_engine_free(poor);
  UNIT_CHECK(test_allocator_clean(&a));
}

int main(void) {
  files_begin();
  engine = lander_engine_new(NULL, &error);
  make_cifar();
  test_cifar();
  test_tables();
  test_nearly_numbers();
  test_places();
  test_bad_tables();
  test_long_fields();
  test_numbers();
  test_damaged_tables();
  test_npy();
  test_npz();
  test_memory();
  lander_engine_free(engine);
  UNIT_TEST("nothing is left behind");
  const char *names[] = {"five",  "two",   "packed.gz", "bad",  "table", "table.gz",
                         "x.npy", "y.npy", "both.npz",  "good", NULL};
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
