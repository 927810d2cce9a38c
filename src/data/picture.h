/* picture.h: pictures as bytes: read from PNG and JPEG files, written as PNG.
 *
 * PNG is written with zlib, which is there anyway. Reading is left to libpng and
 * libjpeg-turbo: formats with so many variants, whose files come from anywhere, want
 * readers that are well kept. They are opened when the first picture is read, so that the
 * library needs neither where no pictures are. */
#ifndef LANDER_DATA_PICTURE_H
#define LANDER_DATA_PICTURE_H

#include "../base/base.h"

typedef struct picture {
  int channels, rows, columns;
  uint8_t *bytes; /* (rows, columns, channels); owns: the caller (memory_free) */
} picture;

/* The libraries that read pictures, as far as they were needed. Begins as zeros; belongs
 * to one thread. Pictures that were read don't need it any more. */
typedef struct codecs {
  void *png, *jpeg; /* what dlopen gave; NULL: not yet */
} codecs;
void codecs_close(codecs *c);

/* Reads a file as 1 (grey) or 3 (RGB) channels; 0: as many of these as it has. What is
 * transparent lies on white, 16 bits become 8. On failure nothing is to be freed.
 * fails: io, format (neither of the two, damaged, cut short, larger than its file can be,
 * over 2^28 numbers), state (the library is not installed), memory. */
lander_status picture_read(lander_engine *engine, codecs *c, const char *path,
                           int channels, picture *out, lander_error *error);

/* The same picture in another size, in place: each new pixel is the mean of the area that
 * it covers. fails: memory. */
lander_status picture_resize(lander_engine *engine, picture *p, int rows, int columns,
                             lander_error *error);

/* As a PNG file. owns: the caller (memory_free). fails: memory. */
lander_status picture_encode(lander_engine *engine, const picture *p, uint8_t **png,
                             size_t *size, lander_error *error);

#endif
