/* jpeg_read.c: JPEG by libjpeg-turbo's TurboJPEG interface, plain functions. */
#include "codecs.h"

#include "../base/error.h"

typedef void *tj_handle;
typedef tj_handle (*tj_init)(void);
typedef int (*tj_header)(tj_handle h, const unsigned char *bytes, unsigned long size,
                         int *width, int *height, int *subsampling, int *colours);
typedef int (*tj_decompress)(tj_handle h, const unsigned char *bytes, unsigned long size,
                             unsigned char *out, int width, int pitch, int height,
                             int format, int flags);
typedef char *(*tj_message)(tj_handle h);
typedef int (*tj_destroy)(tj_handle h);

/* turbojpeg.h: TJCS_GRAY; TJPF_RGB, TJPF_GRAY; TJFLAG_ACCURATEDCT, LIMITSCANS (a small
 * file can ask for hours of work). */
enum { TJ_COLOURS_GREY = 2, TJ_RGB = 0, TJ_GREY = 6, TJ_FLAGS = 4096 | 32768 };

/* An 8 x 8 block takes a bit at least, in the first scan. */
#define JPEG_RATIO (8 * 64)

typedef struct jpeg {
  tj_init init;
  tj_header header;
  tj_decompress decompress;
  tj_message message;
  tj_destroy destroy;
} jpeg;

static lander_status open_library(codecs *c, const encoded *file, jpeg *j,
                                  lander_error *error) {
  static const char *const names[] = {"libturbojpeg.so.0", "libturbojpeg.so",
                                      "libturbojpeg.dylib", NULL};
  static const char *const symbols[] = {"tjInitDecompress", "tjDecompressHeader3",
                                        "tjDecompress2",    "tjGetErrorStr2",
                                        "tjDestroy",        NULL};
  void (*functions[5])(void);
  lander_status status =
      codecs_open(&c->jpeg, names, symbols, functions, "libturbojpeg0", file, error);
  if (status != LANDER_OK) return status;
  j->init = (tj_init)functions[0];
  j->header = (tj_header)functions[1];
  j->decompress = (tj_decompress)functions[2];
  j->message = (tj_message)functions[3];
  j->destroy = (tj_destroy)functions[4];
  return LANDER_OK;
}

static lander_status decode(const jpeg *j, tj_handle h, const encoded *file, int channels,
                            picture *out, lander_error *error) {
  int subsampling, colours;
  if (j->header(h, file->bytes, file->size, &out->columns, &out->rows, &subsampling,
                &colours))
    return error_set(error, LANDER_ERROR_FORMAT, "%s: libjpeg-turbo can't read it: %s",
                     file->path, j->message(h));
  if (channels == 0) channels = colours == TJ_COLOURS_GREY ? 1 : 3;
  out->channels = channels;
  lander_status status = codecs_allocate(file, JPEG_RATIO, out, error);
  if (status != LANDER_OK) return status;
  /* A warning, such as that the data end too early, is a failure as well. */
  if (j->decompress(h, file->bytes, file->size, out->bytes, out->columns, 0, out->rows,
                    channels == 3 ? TJ_RGB : TJ_GREY, TJ_FLAGS))
    return error_set(error, LANDER_ERROR_FORMAT, "%s: libjpeg-turbo can't read it: %s",
                     file->path, j->message(h));
  return LANDER_OK;
}

lander_status jpeg_decode(codecs *c, const encoded *file, int channels, picture *out,
                          lander_error *error) {
  jpeg j;
  lander_status status = open_library(c, file, &j, error);
  if (status != LANDER_OK) return status;
  tj_handle h = j.init();
  if (!h) return error_memory(error, file->size);
  status = decode(&j, h, file, channels, out, error);
  j.destroy(h);
  return status;
}
