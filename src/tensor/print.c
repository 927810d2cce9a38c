/* print.c: tensors as text, in NumPy's manner.
 *
 * All numbers that are shown share one format: either fixed, with up to DIGITS digits
 * after the point, or with an exponent when they are very large, very small, or differ
 * by more than a factor of 1000. No more digits are shown than tell a number from its
 * neighbours. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"

#define DIGITS     4    /* after the point, at most */
#define WIDTH      75   /* of a line */
#define MANY       1000 /* elements that are shown in full */
#define EDGE       3    /* first and last positions of a dimension that stay */
#define NUMBER_MAX 64   /* bytes of a number: below 1e8, or with an exponent */

/* ---- where the text goes ---- */

/* Counts what does not fit any more. Spaces wait for what follows them, so that none end
 * a line. */
typedef struct sink {
  char *text;
  size_t size, length;
  int column, spaces;
} sink;

static void put_byte(sink *s, char byte) {
  if (s->length + 1 < s->size) s->text[s->length] = byte;
  s->length++;
}

static void put(sink *s, const char *word) {
  for (; *word; word++) {
    s->column++;
    if (*word == ' ') {
      s->spaces++;
      continue;
    }
    for (; s->spaces > 0; s->spaces--) put_byte(s, ' ');
    put_byte(s, *word);
  }
}

static void put_spaces(sink *s, int count) {
  for (int i = 0; i < count; i++) put(s, " ");
}

static void new_lines(sink *s, int count, int indent) {
  s->spaces = 0;
  for (int i = 0; i < count; i++) put_byte(s, '\n');
  s->column = 0;
  put_spaces(s, indent);
}

/* ---- one number ---- */

typedef struct format {
  bool shortened, exponent;
  real largest, smallest; /* of the magnitudes that are neither 0 nor infinite */
  int before, after;      /* characters before and after the point */
  int exponent_digits;
  int special; /* the longest of "nan", "inf", "-inf" that occurs */
} format;

/* The host's locale may have another decimal point, of several bytes. */
static void use_point(char *text) {
  size_t same = strspn(text, "+-0123456789");
  size_t other = strcspn(text + same, "+-0123456789e");
  if (other == 0) return;
  text[same] = '.';
  memmove(text + same + 1, text + same + other, strlen(text + same + other) + 1);
}

/* `digits` after the point, which is always there. */
static void write_digits(char out[NUMBER_MAX], const format *f, int digits, real value) {
  snprintf(out, NUMBER_MAX, f->exponent ? "%#.*e" : "%#.*f", digits, (double)value);
}

/* The fewest digits that read back as this number, at most DIGITS. */
static void write_shortest(char out[NUMBER_MAX], const format *f, real value) {
  for (int digits = 0; digits <= DIGITS; digits++) {
    write_digits(out, f, digits, value);
    if ((real)strtod(out, NULL) == value) break;
  }
  use_point(out);
  if (f->exponent) return;
  char *end = out + strlen(out); /* not told apart: 0.30001 is "0.3000" */
  while (end[-1] == '0' && strchr(out, '.') < end - 1) *--end = '\0';
}

static int longest(int a, int b) {
  return a > b ? a : b;
}

/* "-1.5e-07": 2 characters before the point, 1 after it, 2 of the exponent. */
static void measure(format *f, real value) {
  char number[NUMBER_MAX];
  if (!isfinite(value)) {
    f->special = longest(f->special, isinf(value) && value < 0 ? 4 : 3);
    return;
  }
  write_shortest(number, f, value);
  int before = (int)strcspn(number, ".");
  int after = (int)strcspn(number + before + 1, "e");
  const char *e = strchr(number, 'e');
  f->before = longest(f->before, before);
  if (e) { /* the digits that are shown of a mantissa may end in zeros */
    while (after > 0 && number[before + after] == '0') after--;
    f->exponent_digits = longest(f->exponent_digits, (int)strlen(e + 2));
  }
  f->after = longest(f->after, after);
}

static void survey(format *f, real value) {
  if (!isfinite(value)) return;
  real magnitude = (real)fabs(value);
  if (magnitude == 0) return;
  if (f->largest == 0 || magnitude > f->largest) f->largest = magnitude;
  if (f->smallest == 0 || magnitude < f->smallest) f->smallest = magnitude;
}

static int number_width(const format *f) {
  int exponent = f->exponent ? 2 + f->exponent_digits : 0;
  return f->before + 1 + f->after + exponent;
}

/* The exponent with as many digits as the longest one has. */
static void pad_exponent(char out[NUMBER_MAX], const format *f) {
  char *digits = strchr(out, 'e') + 2;
  size_t length = strlen(digits), missing = (size_t)f->exponent_digits - length;
  memmove(digits + missing, digits, length + 1);
  memset(digits, '0', missing);
}

static void write_number(char out[NUMBER_MAX], const format *f, real value) {
  char number[NUMBER_MAX];
  int width = number_width(f);
  if (!isfinite(value)) {
    const char *word = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    snprintf(out, NUMBER_MAX, "%*s", width, word);
    return;
  }
  if (f->exponent) {
    write_digits(number, f, f->after, value);
    use_point(number);
    pad_exponent(number, f);
  } else {
    write_shortest(number, f, value);
  }
  size_t left = (size_t)f->before - strcspn(number, "."); /* the points line up */
  memset(out, ' ', (size_t)width);
  memcpy(out + left, number, strlen(number));
  out[width] = '\0';
}

/* ---- all numbers that are shown ---- */

/* The next position that is shown. */
static int64_t next_position(const format *f, int64_t i, int64_t size) {
  return f->shortened && size > 2 * EDGE && i == EDGE - 1 ? size - EDGE : i + 1;
}

static void visit(const lander_tensor *t, int dim, const real *at, format *f,
                  void (*look)(format *f, real value)) {
  if (dim == t->dims) {
    look(f, *at);
    return;
  }
  for (int64_t i = 0; i < t->size[dim]; i = next_position(f, i, t->size[dim]))
    visit(t, dim + 1, at + i * t->stride[dim], f, look);
}

static format choose_format(const lander_tensor *t) {
  format f = {.shortened = lander_tensor_count(t) > MANY};
  visit(t, 0, t->data, &f, survey);
  f.exponent =
      f.largest >= (real)1e8 ||
      (f.largest > 0 && (f.smallest < (real)1e-4 || f.largest / f.smallest > 1000));
  visit(t, 0, t->data, &f, measure);
  int missing = f.special - number_width(&f);
  if (missing > 0) f.before += missing;
  return f;
}

/* A word of the last dimension: on a new line when it would not fit on this one. */
static void put_word(sink *s, const char *word, int indent, int width) {
  if (s->column > indent && s->column + (int)strlen(word) > width)
    new_lines(s, 1, indent);
  put(s, word);
}

static void print_dim(sink *s, const lander_tensor *t, int dim, const real *at,
                      const format *f) {
  int indent = dim + 1;       /* the brackets before */
  int deeper = t->dims - dim; /* dimensions from this one on */
  int64_t size = t->size[dim];
  put(s, "[");
  for (int64_t i = 0, last = -1; i < size; i = next_position(f, i, size)) {
    if (i > 0 && deeper > 1) new_lines(s, deeper - 1, indent);
    if (i > 0 && deeper == 1) put(s, " ");
    if (i > last + 1) { /* positions are left out before this one */
      if (deeper > 1) {
        put(s, "...");
        new_lines(s, deeper - 1, indent);
      } else {
        put_word(s, "...", indent, WIDTH - indent);
        put(s, " ");
      }
    }
    last = i;
    if (deeper > 1) {
      print_dim(s, t, dim + 1, at + i * t->stride[dim], f);
    } else {
      char number[NUMBER_MAX];
      write_number(number, f, at[i * t->stride[dim]]);
      put_word(s, number, indent, WIDTH - indent);
    }
  }
  put(s, "]");
}

size_t lander_tensor_print(const lander_tensor *t, char *text, size_t size) {
  sink s = {.text = text, .size = size};
  if (lander_tensor_count(t) == 0) {
    put(&s, "[]");
  } else {
    format f = choose_format(t);
    if (t->dims > 0) {
      print_dim(&s, t, 0, t->data, &f);
    } else {
      char number[NUMBER_MAX];
      write_number(number, &f, t->data[0]);
      put(&s, number);
      if (number[strlen(number) - 1] == '.') put(&s, "0");
    }
  }
  if (size > 0) text[s.length < size ? s.length : size - 1] = '\0';
  return s.length;
}
