/* words.h: the words of a column, each with a number in the order in which they came. */
#ifndef LANDER_DATA_WORDS_H
#define LANDER_DATA_WORDS_H

#include "../base/base.h"

#define WORDS_MOST (1 << 16) /* more are no classes */

typedef struct words {
  lander_engine *engine;
  struct word {
    char *text;
    int number; /* as it came */
  } * at;
  int count, room;
  int *slots; /* numbers by the words' hashes, -1: free; twice as many as there is room */
} words;

/* The number of a word, -1: it is not there. */
int words_find(const words *w, const char *text);
/* Adds a word that is not there. fails: data (WORDS_MOST are there), memory. */
lander_status words_add(words *w, const char *text, lander_error *error);
/* Puts them in the order of their bytes, for good: nothing is found or added after that.
 */
void words_sort(words *w);
void words_free(words *w);

#endif
