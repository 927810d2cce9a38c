/* check.h: checks in hosts, which see lander.h alone. finish() prints "N passed, N
 * failed" and gives the exit status. */
#ifndef LANDER_TESTS_CHECK_H
#define LANDER_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int passed, failed;

static inline void check(bool ok, const char *what) {
  if (ok)
    passed++;
  else
    printf("FAIL %s\n", what), failed++;
}

static inline int finish(void) {
  printf("%d passed, %d failed\n", passed, failed);
  return passed == 0 || failed > 0;
}

#endif
