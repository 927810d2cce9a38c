/* text.c: building text, numbers as text, and finding the word that was meant. */
#include "text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* ---- text that grows --------------------------------------------------------------- */

/* Makes room for `count` more bytes and the zero. */
static bool reserve(text *t, size_t count) {
  if (t->failed) return false;
  size_t needed = t->length + count + 1;
  if (needed <= count) { /* the sum wrapped around */
    t->failed = true;
    return false;
  }
  if (needed <= t->capacity) return true;
  size_t capacity = t->capacity < 32 ? 64 : t->capacity;
  while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
  char *data = memory_resize(t->engine, t->data, capacity, 1, NULL);
  if (!data) {
    t->failed = true;
    return false;
  }
  t->data = data;
  t->capacity = capacity;
  return true;
}

void text_add(text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (length < 0) t->failed = true;
  if (length < 0 || !reserve(t, (size_t)length)) return;
  va_start(args, format);
  vsnprintf(t->data + t->length, (size_t)length + 1, format, args);
  va_end(args);
  t->length += (size_t)length;
}

void text_add_bytes(text *t, const char *bytes, size_t count) {
  if (!reserve(t, count)) return;
  if (count > 0) memcpy(t->data + t->length, bytes, count);
  t->length += count;
  t->data[t->length] = '\0';
}

void text_free(text *t) {
  memory_free(t->engine, t->data);
  *t = (text){.engine = t->engine};
}

/* ---- the word that was meant ------------------------------------------------------- */

#define WORD_MAX 63 /* nobody mistypes a longer one */

/* In lower case: Conv is meant to be conv. Returns the length, 0 if it is too long. */
static int fold(char out[WORD_MAX + 1], const char *word) {
  size_t length = strlen(word);
  if (length > WORD_MAX) length = 0;
  for (size_t i = 0; i < length; i++) {
    char c = word[i];
    out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  out[length] = '\0';
  return (int)length;
}

static int least(int a, int b) {
  return a < b ? a : b;
}

/* Edits that turn a into b: letters added, dropped or replaced, neighbours swapped
 * (optimal string alignment: Damerau 1964, Levenshtein 1966). */
static int distance(const char *a, int a_length, const char *b, int b_length) {
  int rows[3][WORD_MAX + 1];
  int *before = rows[0], *last = rows[1], *row = rows[2]; /* of i-2, i-1 and i letters */
  for (int j = 0; j <= b_length; j++) row[j] = j;
  for (int i = 1; i <= a_length; i++) {
    int *reused = before;
    before = last;
    last = row;
    row = reused;
    row[0] = i;
    for (int j = 1; j <= b_length; j++) {
      int edits = least(last[j], row[j - 1]) + 1;
      edits = least(edits, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        edits = least(edits, before[j - 2] + 1);
      row[j] = edits;
    }
  }
  return row[b_length];
}

const char *text_nearest(const char *word, text_candidate candidate, const void *source) {
  char folded[WORD_MAX + 1], other[WORD_MAX + 1];
  int length = fold(folded, word);
  if (length == 0) return NULL;
  int best = length / 3 > 1 ? length / 3 : 1;
  const char *nearest = NULL;
  const char *name;
  for (int i = 0; (name = candidate(source, i)) != NULL; i++) {
    int other_length = fold(other, name);
    if (other_length == 0) continue;
    int edits = distance(folded, length, other, other_length);
    bool nothing_kept = edits >= length && edits >= other_length;
    if (nothing_kept || edits > best || (edits == best && nearest)) continue;
    best = edits;
    nearest = name;
  }
  return nearest;
}

const char *text_did_you_mean(char *out, size_t size, const char *nearest) {
  if (size == 0) return out;
  if (nearest)
    snprintf(out, size, ", did you mean '%s'?", nearest);
  else
    out[0] = '\0';
  return out;
}

/* ---- numbers ----------------------------------------------------------------------- */

/* printf and strtod speak the host's locale, which may write 0,5. Whatever the decimal
 * point is there, it is what stands between these two digits. */
static int host_point(char out[16]) {
  char half[16];
  int length = snprintf(half, sizeof half, "%.1f", 0.5);
  if (length < 3 || length >= (int)sizeof half) {
    strcpy(out, ".");
    return 1;
  }
  memcpy(out, half + 1, (size_t)length - 2);
  out[length - 2] = '\0';
  return length - 2;
}

/* Digits with a point of the host's to digits with a '.', in place. */
static void to_c_locale(char *number) {
  char point[16];
  int length = host_point(point);
  char *found = strstr(number, point);
  if (!found) return;
  *found = '.';
  memmove(found + 1, found + length, strlen(found + length) + 1);
}

const char *text_number(char out[32], double value) {
  if (isnan(value)) return strcpy(out, "nan");
  if (isinf(value)) return strcpy(out, value > 0 ? "inf" : "-inf");
  if (value == floor(value) && fabs(value) < 1e15) { /* 1000000000, not 1e+09 */
    snprintf(out, 32, "%.0f", value);
    return out;
  }
  for (int digits = 9; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  to_c_locale(out);
  return out;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The length of the digits at the start of word. */
static size_t digits(const char *word, size_t length) {
  size_t n = 0;
  while (n < length && is_digit(word[n])) n++;
  return n;
}

/* [digits][.digits][e[sign]digits] as a whole; *point is where the '.' is, or length. */
static bool is_decimal(const char *word, size_t length, size_t *point) {
  size_t at = digits(word, length), mantissa = at;
  *point = length;
  if (at < length && word[at] == '.') {
    *point = at++;
    size_t fraction = digits(word + at, length - at);
    mantissa += fraction;
    at += fraction;
  }
  if (mantissa == 0) return false;
  if (at < length && (word[at] == 'e' || word[at] == 'E')) {
    at++;
    if (at < length && (word[at] == '+' || word[at] == '-')) at++;
    size_t exponent = digits(word + at, length - at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == length;
}

static bool same_word(const char *word, size_t length, const char *name) {
  if (strlen(name) != length) return false;
  for (size_t i = 0; i < length; i++)
    if (tolower((unsigned char)word[i]) != name[i]) return false;
  return true;
}

#define NUMBER_MAX 400 /* letters of a number: the longest sensible one has about 330 */

bool text_read_number(const char *word, size_t length, double *value) {
  bool negative = length > 0 && word[0] == '-';
  if (length > 0 && (word[0] == '-' || word[0] == '+')) {
    word++;
    length--;
  }
  double sign = negative ? -1 : 1;
  if (same_word(word, length, "inf") || same_word(word, length, "infinity")) {
    *value = sign * (double)INFINITY;
    return true;
  }
  if (same_word(word, length, "nan")) {
    *value = (double)NAN;
    return true;
  }
  size_t point;
  if (length > NUMBER_MAX || !is_decimal(word, length, &point)) return false;
  char mark[16], copy[NUMBER_MAX + 16];
  host_point(mark);
  int rest = point < length ? (int)(length - point - 1) : 0;
  snprintf(copy, sizeof copy, "%.*s%s%.*s", (int)point, word, point < length ? mark : "",
           rest, point < length ? word + point + 1 : "");
  double magnitude = strtod(copy, NULL);
  if (isinf(magnitude)) return false; /* 1e999 is no number that can be meant */
  *value = sign * magnitude;
  return true;
}
