/* words.c: the words of a column: an open hash table of their numbers. */
#include "words.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <stdlib.h>
#include <string.h>

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t hash(const char *text) {
  uint32_t h = 2166136261u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619u;
  return h;
}

/* The slot that a word has, or would have. There is always a free one. */
static int *find_slot(const words *w, const char *text) {
  uint32_t mask = (uint32_t)(2 * w->room) - 1, at = hash(text) & mask;
  while (w->slots[at] >= 0 && strcmp(w->at[w->slots[at]].text, text) != 0)
    at = (at + 1) & mask;
  return &w->slots[at];
}

int words_find(const words *w, const char *text) {
  return w->count > 0 ? *find_slot(w, text) : -1;
}

static lander_status grow(words *w, lander_error *error) {
  int room = w->room > 0 ? 2 * w->room : 16; /* a power of two */
  struct word *at = memory_resize(w->engine, w->at, (size_t)room, sizeof *at, error);
  if (!at) return LANDER_ERROR_MEMORY;
  w->at = at;
  int *slots = memory_resize(w->engine, w->slots, 2 * (size_t)room, sizeof *slots, error);
  if (!slots) return LANDER_ERROR_MEMORY;
  w->slots = slots;
  w->room = room;
  for (int i = 0; i < 2 * room; i++) slots[i] = -1;
  for (int k = 0; k < w->count; k++) *find_slot(w, at[k].text) = k;
  return LANDER_OK;
}

lander_status words_add(words *w, const char *text, lander_error *error) {
  if (w->count == WORDS_MOST)
    return error_set(error, LANDER_ERROR_DATA, "there are more than %d different words",
                     WORDS_MOST);
  if (w->count == w->room) {
    lander_status status = grow(w, error);
    if (status != LANDER_OK) return status;
  }
  char *copy = memory_copy_text(w->engine, text, error);
  if (!copy) return LANDER_ERROR_MEMORY;
  *find_slot(w, copy) = w->count;
  w->at[w->count] = (struct word){copy, w->count};
  w->count++;
  return LANDER_OK;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

void words_sort(words *w) {
  if (w->count > 0) qsort(w->at, (size_t)w->count, sizeof *w->at, by_bytes);
}

void words_free(words *w) {
  for (int k = 0; k < w->count; k++) memory_free(w->engine, w->at[k].text);
  memory_free(w->engine, w->at);
  memory_free(w->engine, w->slots);
}
