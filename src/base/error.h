/* error.h: filling in the caller's error. */
#ifndef LANDER_BASE_ERROR_H
#define LANDER_BASE_ERROR_H

#include "base.h"

/* Writes code and text and returns the code, so that a function can end with
 * `return error_set(error, LANDER_ERROR_SHAPE, "...")`. error may be NULL. */
lander_status error_set(lander_error *error, lander_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before a message that is there already ("line 3: conv1: ..."). */
void error_prefix(lander_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void error_clear(lander_error *error);

lander_status error_memory(lander_error *error, size_t bytes);

#endif
