/* allocator.h: a host's allocator that counts, checks the sizes that it is told, and says
 * no from the n-th request on.
 *
 *     for (int n = 0; n < 1000; n++) {
 *       test_allocator a = {.allowed = n};
 *       ... call with test_allocate and &a ...
 *       UNIT_CHECK(test_allocator_clean(&a));   // nothing leaked, every size was right
 *       if (it worked) break;
 *     }                                                                              */
#ifndef LANDER_TESTS_ALLOCATOR_H
#define LANDER_TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct test_allocator {
  int allowed; /* requests that are granted; negative: all of them */
  int requests;
  int64_t blocks, bytes; /* that are out now */
  int64_t peak;          /* the most bytes that were out at one time */
  bool lied_to;          /* an old size was wrong */
} test_allocator;

/* Keeps the size before the block, which is so aligned as malloc's and no better. */
#define TEST_ALLOCATOR_HEAD 16

static inline void *test_allocate(void *userdata, void *old, size_t old_size,
                                  size_t new_size) {
  test_allocator *a = userdata;
  char *raw = old ? (char *)old - TEST_ALLOCATOR_HEAD : NULL;
  if (raw) {
    size_t known;
    memcpy(&known, raw, sizeof known);
    if (known != old_size) a->lied_to = true;
  } else if (old_size != 0) {
    a->lied_to = true;
  }
  if (new_size == 0) {
    if (raw) {
      memset(raw, 0xdd, TEST_ALLOCATOR_HEAD + old_size); /* what is freed is gone */
      a->blocks--;
      a->bytes -= (int64_t)old_size;
      free(raw);
    }
    return NULL;
  }
  if (a->allowed >= 0 && a->requests >= a->allowed) return NULL;
  a->requests++;
  char *fresh = malloc(TEST_ALLOCATOR_HEAD + new_size);
  if (!fresh) return NULL;
  memset(fresh, 0xa5, TEST_ALLOCATOR_HEAD + new_size); /* nobody may count on zeros */
  memcpy(fresh, &new_size, sizeof new_size);
  if (raw)
    memcpy(fresh + TEST_ALLOCATOR_HEAD, old, old_size < new_size ? old_size : new_size);
  a->blocks += raw ? 0 : 1;
  a->bytes += (int64_t)new_size - (int64_t)old_size;
  if (a->bytes > a->peak) a->peak = a->bytes;
  free(raw);
  return fresh + TEST_ALLOCATOR_HEAD;
}

/* The same as a lua_Alloc. Lua's conventions differ in two things: a new block comes with
 * its kind as the old size, and to make one smaller must not fail. */
static inline void *test_allocate_lua(void *userdata, void *old, size_t old_size,
                                      size_t new_size) {
  test_allocator *a = userdata;
  if (!old) return test_allocate(a, NULL, 0, new_size);
  int allowed = a->allowed;
  if (new_size <= old_size) a->allowed = -1;
  void *block = test_allocate(a, old, old_size, new_size);
  a->allowed = allowed;
  return block;
}

static inline bool test_allocator_clean(const test_allocator *a) {
  return a->blocks == 0 && a->bytes == 0 && !a->lied_to;
}

#endif
