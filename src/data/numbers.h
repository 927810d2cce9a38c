/* numbers.h: fields of a table as numbers, and what one may have been meant as that is
 * none. */
#ifndef LANDER_DATA_NUMBERS_H
#define LANDER_DATA_NUMBERS_H

#include "../base/base.h"

/* The whole of a word as a number, with `point` ('.' or ',') before its decimals; nan and
 * inf are some. false: it is none, or too large for a double. */
bool numbers_read(const char *word, size_t length, char point, double *value);

/* What people write for a number, and what it is not. */
typedef enum number_like {
  NUMBER_UNLIKE,
  NUMBER_COMMA,     /* 1,5 where a point is expected; 1.5 where a comma is */
  NUMBER_THOUSANDS, /* 1,234,567.5 */
  NUMBER_UNIT,      /* $40, 50%, 12 km */
  NUMBER_DATE,      /* 2024-03-01, 1.3.2024, 3/1/24 12:30 */
  NUMBER_MISSING,   /* NA, null, ?, - */
  NUMBER_TRUTH,     /* true, no */
} number_like;

number_like numbers_like(const char *word, size_t length, char point);

/* What is to be done about it, to be put behind "'1,5' is no number"; "" where nobody
 * knows. */
const char *numbers_advice(number_like like, char point);

#endif
