/* numbers.c: fields of a table as numbers. */
#include "numbers.h"

#include "../base/text.h"
#include <string.h>
#include <strings.h>

/* Plain decimals of up to 15 digits: the digits are a whole number that a double holds,
 * and so is the power of ten, so the quotient is the nearest double (Clinger, "How to
 * read floating point numbers accurately", PLDI 1990). That is most of what tables hold;
 * false for the rest. */
static bool read_short(const char *word, size_t length, char mark, double *value) {
  static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  size_t at = length > 0 && word[0] == '-' ? 1 : 0, point = length, first = at;
  int64_t number = 0;
  if (length - at > 16 || length == at) return false;
  for (; at < length; at++) {
    if (word[at] == mark && point == length)
      point = at;
    else if (word[at] >= '0' && word[at] <= '9')
      number = number * 10 + (word[at] - '0');
    else
      return false;
  }
  size_t digits = length - first - (point < length ? 1 : 0);
  if (digits == 0 || digits > 15) return false;
  double magnitude = (double)number / tens[point < length ? length - point - 1 : 0];
  *value = first > 0 ? -magnitude : magnitude;
  return true;
}

#define LONGEST 400 /* letters of a number with a comma; a double has fewer */

bool numbers_read(const char *word, size_t length, char point, double *value) {
  char copy[LONGEST];
  if (read_short(word, length, point, value)) return true;
  if (point == '.') return text_read_number(word, length, value);
  if (length >= LONGEST || memchr(word, '.', length)) return false;
  memcpy(copy, word, length);
  char *comma = memchr(copy, point, length);
  if (comma) *comma = '.';
  return text_read_number(copy, length, value);
}

/* ---- What it may have been meant as ---------------------------------------------------
 */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static size_t count_digits(const char *at, const char *end) {
  const char *from = at;
  while (at < end && is_digit(*at)) at++;
  return (size_t)(at - from);
}

/* "1,234" or "1,234,567.5", with the marks that are given: how many groups there are
 * behind the first one; 0: it is none. */
static int count_groups(const char *at, const char *end, char group, char point) {
  size_t digits = count_digits(at, end);
  int groups = 0;
  if (digits < 1 || digits > 3) return 0;
  for (at += digits; at < end && *at == group; at += 4, groups++)
    if (count_digits(at + 1, end) != 3) return 0;
  if (at < end && *at == point) at += 1 + count_digits(at + 1, end);
  return at == end ? groups : 0;
}

/* Digits with the other mark before the decimals. */
static bool is_other_mark(const char *at, const char *end, char mark) {
  at += count_digits(at, end);
  return at < end && *at == mark && at + 1 + count_digits(at + 1, end) == end;
}

/* Three numbers with the same mark between them, and a time behind them or not. */
static bool is_date(const char *at, const char *end) {
  char mark = 0;
  for (int i = 0; i < 3; i++) {
    size_t digits = count_digits(at, end);
    if (digits < 1 || digits > 4) return false;
    at += digits;
    if (i == 2) return at == end || *at == ' ' || *at == 'T';
    if (at == end || !strchr("-/.", *at) || (mark && *at != mark)) return false;
    mark = *at++;
  }
  return false;
}

static bool is_one_of(const char *word, size_t length, const char *const *words) {
  for (; *words; words++)
    if (strlen(*words) == length && !strncasecmp(word, *words, length)) return true;
  return false;
}

/* A currency before it, or letters or a percent sign behind it. */
static bool has_unit(const char *at, const char *end) {
  static const char *const currencies[] = {"$", "\xe2\x82\xac", "\xc2\xa3", NULL};
  for (int i = 0; currencies[i]; i++) {
    size_t length = strlen(currencies[i]);
    if ((size_t)(end - at) > length && !memcmp(at, currencies[i], length))
      return is_digit(at[length]) || at[length] == ' ' || at[length] == '-';
  }
  const char *from = at;
  while (at < end && (is_digit(*at) || *at == '.' || *at == ',')) at++;
  if (at == from || at == end) return false;
  while (at < end && *at == ' ') at++;
  for (; at < end; at++)
    if (is_digit(*at) || strchr("-/:", *at)) return false;
  return true;
}

number_like numbers_like(const char *word, size_t length, char point) {
  static const char *const missing[] = {"na", "n/a", "#n/a", "null",    "none",    "nil",
                                        "?",  "-",   ".",    "unknown", "missing", NULL};
  static const char *const truths[] = {"true", "false", "yes", "no", NULL};
  const char *at = word, *end = word + length;
  const char other = point == '.' ? ',' : '.';
  if (is_one_of(word, length, missing)) return NUMBER_MISSING;
  if (is_one_of(word, length, truths)) return NUMBER_TRUTH;
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (count_groups(at, end, other, point) > 1 ||
      (count_groups(at, end, other, point) == 1 && memchr(at, point, (size_t)(end - at))))
    return NUMBER_THOUSANDS;
  if (is_other_mark(at, end, other)) return NUMBER_COMMA;
  if (count_groups(at, end, ' ', point) > 0 || count_groups(at, end, '\'', point) > 0)
    return NUMBER_THOUSANDS;
  if (is_date(at, end)) return NUMBER_DATE;
  return has_unit(at, end) ? NUMBER_UNIT : NUMBER_UNLIKE;
}

const char *numbers_advice(number_like like, char point) {
  switch (like) {
  case NUMBER_COMMA:
    return point == '.' ? "; numbers are written with a point (decimal=comma reads those "
                          "with a comma), and without separators of thousands"
                        : "; with decimal=comma numbers are written with a comma, and "
                          "without separators of thousands";
  case NUMBER_THOUSANDS: return "; numbers are written without separators of thousands";
  case NUMBER_UNIT: return "; numbers are written without units";
  case NUMBER_DATE: return "; a date becomes a number as the days since some day, say";
  case NUMBER_MISSING:
    return "; where a value is missing, fill one in or leave the line out";
  case NUMBER_TRUTH: return "; yes and no are written 1 and 0";
  default: return "";
  }
}
