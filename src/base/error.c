/* error.c: filling in the caller's error. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {"ok",      "argument", "shape", "memory",
                                           "io",      "format",   "data",  "state",
                                           "stopped", "diverged"};

const char *lander_status_name(lander_status status) {
  int place = (int)status;
  if (place < 0 || place >= COUNT_OF(status_names)) return "unknown";
  return status_names[place];
}

/* What a message quotes may come from a hostile file: no escape sequence of it reaches a
 * terminal, and a text that had to be cut is not cut inside a character of UTF-8. */
static void make_printable(char *message, bool cut) {
  char *end = message + strlen(message);
  if (cut) {
    char *last = end;
    while (last > message && ((unsigned char)last[-1] & 0xc0) == 0x80) last--;
    if (last > message && (unsigned char)last[-1] >= 0xc0) last[-1] = '\0';
  }
  for (char *c = message; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) *c = '?';
  }
}

lander_status error_set(lander_error *error, lander_status code, const char *format,
                        ...) {
  if (!error) return code;
  char message[LANDER_ERROR_LENGTH]; /* an argument may be the old message itself */
  va_list args;
  va_start(args, format);
  int length = vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (length < 0) message[0] = '\0';
  make_printable(message, length >= (int)sizeof message);
  memcpy(error->message, message, sizeof message);
  error->code = code;
  return code;
}

void error_prefix(lander_error *error, const char *format, ...) {
  if (!error || error->code == LANDER_OK) return;
  char prefix[LANDER_ERROR_LENGTH];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  if (length < 0) return;
  error_set(error, error->code, "%s: %s", prefix, error->message);
}

void error_clear(lander_error *error) {
  if (!error) return;
  error->code = LANDER_OK;
  error->message[0] = '\0';
}

lander_status error_memory(lander_error *error, size_t bytes) {
  return error_set(error, LANDER_ERROR_MEMORY,
                   "not enough memory: %zu more bytes were asked for", bytes);
}
