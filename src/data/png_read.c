/* png_read.c: PNG by libpng's simplified interface (png.h of 1.6, section "simplified
 * API"), which is a structure with a version number in it and three functions. */
#include "codecs.h"

#include "../base/error.h"
#include <string.h>

/* png_image, PNG_IMAGE_VERSION 1: libpng refuses another version. */
typedef struct png_picture {
  void *opaque;
  uint32_t version, width, height, format, flags, colours;
  uint32_t warning_or_error;
  char message[64];
} png_picture;

/* The flag: 16 bits are shades like 8 bits, where the file does not say otherwise. */
enum { PNG_VERSION = 1, PNG_GREY = 0, PNG_COLOUR = 2, PNG_16_BITS_AS_8 = 4 };

typedef struct png_rgb {
  uint8_t red, green, blue;
} png_rgb;

typedef int (*png_begin)(png_picture *p, const void *bytes, size_t size);
typedef int (*png_finish)(png_picture *p, const png_rgb *ground, void *out,
                          int32_t stride, void *colours);
typedef void (*png_free)(png_picture *p);

/* Deflate makes at most 1032 bytes of one, and a byte holds at most 8 pixels. */
#define PNG_RATIO (1032 * 8)

static lander_status damaged(const encoded *file, png_picture *p, lander_error *error) {
  p->message[sizeof p->message - 1] = 0;
  return error_set(error, LANDER_ERROR_FORMAT, "%s: libpng can't read it: %s", file->path,
                   p->message);
}

/* The shade of a colour as JPEG has it (ITU-R BT.601), rounded: libpng's own comes from
 * amounts of light, and the same picture would be another one in the other format. */
static uint8_t shade(const uint8_t *rgb) {
  return (uint8_t)((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
}

static void turn_grey(picture *p) {
  size_t pixels = (size_t)p->rows * (size_t)p->columns;
  for (size_t i = 0; i < pixels; i++) p->bytes[i] = shade(p->bytes + 3 * i);
  p->channels = 1;
}

lander_status png_decode(codecs *c, const encoded *file, int channels, picture *out,
                         lander_error *error) {
  static const char *const names[] = {"libpng16.so.16", "libpng16.so", "libpng16.dylib",
                                      NULL};
  static const char *const symbols[] = {"png_image_begin_read_from_memory",
                                        "png_image_finish_read", "png_image_free", NULL};
  void (*functions[3])(void);
  lander_status status =
      codecs_open(&c->png, names, symbols, functions, "libpng16-16", file, error);
  if (status != LANDER_OK) return status;
  png_begin begin = (png_begin)functions[0];
  png_finish finish = (png_finish)functions[1];
  png_free done = (png_free)functions[2];
  png_picture p = {.version = PNG_VERSION};
  static const png_rgb white = {255, 255, 255};
  if (!begin(&p, file->bytes, file->size)) return damaged(file, &p, error);
  bool coloured = p.format & PNG_COLOUR, to_grey = coloured && channels == 1;
  out->channels = coloured || channels == 3 ? 3 : 1;
  p.flags |= PNG_16_BITS_AS_8;
  p.format = out->channels == 3 ? PNG_COLOUR : PNG_GREY;
  out->rows = p.height > INT32_MAX ? 0 : (int)p.height;
  out->columns = p.width > INT32_MAX ? 0 : (int)p.width;
  status = codecs_allocate(file, PNG_RATIO, out, error);
  if (status == LANDER_OK && !finish(&p, &white, out->bytes, 0, NULL))
    status = damaged(file, &p, error);
  else if (status == LANDER_OK && to_grey)
    turn_grey(out);
  done(&p);
  return status;
}
