/* text.h: building text, and finding the word that was meant. */
#ifndef LANDER_BASE_TEXT_H
#define LANDER_BASE_TEXT_H

#include "base.h"

/* Text that grows. After a failed append, `failed` stays set and appends do nothing, so a
 * builder checks once, at the end. Numbers with a point go through text_number: %g would
 * follow the host's locale. */
typedef struct text {
  lander_engine *engine;
  char *data; /* ends with a zero; NULL while empty */
  size_t length, capacity;
  bool failed;
} text;
void text_add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(text *t, const char *bytes, size_t count);
void text_free(text *t);

/* The candidate nearest to `word` (edits and swaps of neighbours, whatever the case),
 * NULL when none is near enough to be meant: a third of the letters may be wrong, or one.
 */
typedef const char *(*text_candidate)(const void *source, int index); /* NULL: the end */
const char *text_nearest(const char *word, text_candidate candidate, const void *source);

/* Writes ", did you mean 'x'?" or nothing. Returns `out`. */
const char *text_did_you_mean(char *out, size_t size, const char *nearest);

/* Shortest text that reads back as the same double: 0.01, 1e-05, nan, inf. */
const char *text_number(char out[32], double value);
/* The whole of `word` as a decimal number, inf or nan, in the C locale whatever the
 * host's is. false: it is none, or too large for a double; *value is then as it was. */
bool text_read_number(const char *word, size_t length, double *value);

#endif
