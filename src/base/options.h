/* options.h: options described by data (lander_option), read from key=value text. */
#ifndef LANDER_BASE_OPTIONS_H
#define LANDER_BASE_OPTIONS_H

#include "base.h"
#include "text.h"

/* Reads `given` ("kernel=5 pad=2,2") into the structure `target`, whose fields lie at the
 * options' offsets: defaults first, then what is given. NULL `given` means empty.
 * `owner` names whose options they are in messages ("conv").
 *
 * Integers may be written 5.0 or 1e2. A number is within its bounds, both included: NaN
 * never is, infinity only where it is a bound. A list may be empty only where its default
 * is the empty text. Words are true, false and the choices as they are written.
 * fails: argument: unknown (with the nearest name), twice, missing, wrong kind, out of
 * bounds. target is then not to be used. */
lander_status options_read(const lander_option *options, const char *given,
                           const char *owner, void *target, lander_error *error);

/* The field of a GROUP is a structure that begins with an int, the place of the chosen
 * word; its members' offsets count from that structure. Members have defaults.
 *
 * Reads one option into target; the same errors, and target is untouched on failure. */
lander_status options_read_one(const lander_option *options, const char *name,
                               const char *value, const char *owner, void *target,
                               lander_error *error);

/* Writes one option's value as text that options_read takes. */
lander_status options_write_one(const lander_option *options, const char *name,
                                const char *owner, const void *target, text *out,
                                lander_error *error);

/* Writes " key=value" for every option that differs from its default. */
void options_write(const lander_option *options, const void *target, text *out);

/* Rows of an option table. The option is called as the field is. `position`: 0 named
 * only, 1, 2 ... its place among the unnamed entries, -1 all unnamed entries make the
 * list. */
#define OPTION_INT(self, field, default, low, high, place, text)                         \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_INT, .offset = offsetof(self, field),          \
    .fallback = default, .min = low, .max = high, .position = place, .help = text        \
  }
#define OPTION_NUMBER(self, field, default, low, high, place, text)                      \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_NUMBER, .offset = offsetof(self, field),       \
    .fallback = default, .min = low, .max = high, .position = place, .help = text        \
  }
#define OPTION_BOOL(self, field, default, text)                                          \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_BOOL, .offset = offsetof(self, field),         \
    .fallback = default, .help = text                                                    \
  }
#define OPTION_CHOICE(self, field, default, words, text)                                 \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_CHOICE, .offset = offsetof(self, field),       \
    .fallback = default, .choices = words, .help = text                                  \
  }
#define OPTION_INTS(self, field, default, low, high, place, text)                        \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_INTS, .offset = offsetof(self, field),         \
    .fallback = default, .min = low, .max = high, .position = place, .help = text        \
  }
#define OPTION_NUMBERS(self, field, default, low, high, place, text)                     \
  {                                                                                      \
    .name = #field, .kind = LANDER_OPTION_NUMBERS, .offset = offsetof(self, field),      \
    .fallback = default, .min = low, .max = high, .position = place, .help = text        \
  }
#define OPTION_END                                                                       \
  { .name = NULL }

#endif
