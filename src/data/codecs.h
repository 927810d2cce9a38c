/* codecs.h: the readers behind picture_read. */
#ifndef LANDER_DATA_CODECS_H
#define LANDER_DATA_CODECS_H

#include "picture.h"

/* A file in memory. */
typedef struct encoded {
  lander_engine *engine;
  const char *path; /* begins messages */
  const uint8_t *bytes;
  size_t size;
} encoded;

typedef lander_status (*picture_decoder)(codecs *c, const encoded *file, int channels,
                                         picture *out, lander_error *error);
/* As picture_read. On failure out->bytes may be set: it is the caller's then too. */
lander_status png_decode(codecs *c, const encoded *file, int channels, picture *out,
                         lander_error *error);
lander_status jpeg_decode(codecs *c, const encoded *file, int channels, picture *out,
                          lander_error *error);

/* Opens the first of the libraries `names` (ended by NULL) that is there, unless *library
 * is open already, and looks up the functions `symbols` (ended by NULL) of it.
 * fails: state (none is there: the message says what to install; or one lacks a
 * function). */
lander_status codecs_open(void **library, const char *const *names,
                          const char *const *symbols, void (**functions)(void),
                          const char *package, const encoded *file, lander_error *error);

/* Makes room for a picture of the size that the file says it has. A byte of it makes at
 * most `ratio` pixels: what claims more is lying. fails: format, memory. */
lander_status codecs_allocate(const encoded *file, uint64_t ratio, picture *out,
                              lander_error *error);

#endif
