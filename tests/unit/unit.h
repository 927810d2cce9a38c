/* unit.h: the smallest test harness, for programs that look inside the library.
 *
 *     int main(void) {
 *       UNIT_TEST("halves");             // begins a test; the one before it has ended
 *       UNIT_CHECK(4 / 2 == 2);          // a failed check is printed, the test goes on
 *       UNIT_TEST("thirds");
 *       UNIT_CHECK(9 / 3 == 3);
 *       return unit_finish();            // prints "2 passed, 0 failed"
 *     }
 *
 * Tests are counted, not checks: a test has failed when one of its checks has. Checks are
 * made on the main thread. */
#ifndef LANDER_TESTS_UNIT_H
#define LANDER_TESTS_UNIT_H

#include <stdbool.h>
#include <stdio.h>

static struct {
  const char *name; /* of the running test, NULL before the first */
  int failed_checks;
  int passed, failed;
} unit;

static inline void unit_end_test(void) {
  if (!unit.name) return;
  if (unit.failed_checks == 0)
    unit.passed++;
  else
    unit.failed++;
  unit.name = NULL;
}

static inline void unit_begin_test(const char *name) {
  unit_end_test();
  unit.name = name;
  unit.failed_checks = 0;
}

static inline bool unit_check(bool ok, const char *condition, const char *file,
                              int line) {
  if (ok) return true;
  /* A check that is wrong a million times is as wrong as one that is wrong ten times. */
  if (unit.failed_checks++ < 10)
    printf("%s:%d: %s: failed: %s\n", file, line, unit.name ? unit.name : "?", condition);
  return false;
}

static inline int unit_finish(void) {
  unit_end_test();
  printf("%d passed, %d failed\n", unit.passed, unit.failed);
  return unit.passed > 0 && unit.failed == 0 ? 0 : 1;
}

#define UNIT_TEST(name) unit_begin_test(name)
#define UNIT_CHECK(condition)                                                            \
  unit_check((condition) ? true : false, #condition, __FILE__, __LINE__)

#endif
