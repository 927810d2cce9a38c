/* cifar.c: CIFAR-10 in its binary version (https://www.cs.toronto.edu/~kriz/cifar.html):
 *
 *  1. a file is records of 3073 bytes, one after the other, and nothing else;
 *  2. a record is the label, 0 to 9, then 32 rows of 32 red pixels, then as many green
 *     and blue ones. */
#include "bytes.h"
#include "images.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS = 3, SIDE = 32, PIXELS = CHANNELS * SIDE * SIDE, RECORD = 1 + PIXELS };
#define CLASSES 10

typedef struct cifar_options {
  levels levels;
  int limit;
} cifar_options;

static const lander_option options[] = {
    LEVELS_OPTIONS(cifar_options, LEVELS_BYTES),
    OPTION_INT(cifar_options, limit, "0", 0, INT_MAX, 0,
               "read only that many samples from the beginning; 0: all"),
    OPTION_END};

/* The file, or the one with ".gz" behind its name; *path becomes the one that is there,
 * in a block of its own. */
static lander_status open_either(bytes_file *f, lander_engine *engine, const char *name,
                                 char **path, lander_error *error) {
  size_t size = strlen(name) + sizeof ".gz";
  *path = memory_new(engine, size, 1, error);
  if (!*path) return LANDER_ERROR_MEMORY;
  strcpy(*path, name);
  lander_status status = bytes_open(f, engine, *path, error);
  if (status != LANDER_ERROR_IO) return status;
  snprintf(*path, size, "%s.gz", name);
  lander_error second = {0};
  lander_status packed = bytes_open(f, engine, *path, &second);
  if (packed == LANDER_ERROR_IO) return status; /* the first message tells more */
  if (error) *error = second;
  return packed;
}

static lander_status check_length(const char *path, size_t length, lander_error *error) {
  if (length > 0 && length % RECORD == 0) return LANDER_OK;
  if (length == 0)
    return error_set(error, LANDER_ERROR_FORMAT, "%s: it has no samples: it is empty",
                     path);
  return error_set(
      error, LANDER_ERROR_FORMAT,
      "%s: has %zu bytes, which are no whole records of %d: it was cut short, "
      "or is not CIFAR-10's binary version",
      path, length, RECORD);
}

/* Appends the records of one file, of which `left` are wanted. */
static lander_status append(images *self, bytes_file *f, int64_t left, size_t *length,
                            lander_error *error) {
  int64_t possible = bytes_possible(f);
  if (left < possible / RECORD) possible = left * RECORD;
  size_t before = *length;
  lander_status status =
      bytes_append(f, &self->blocks[0], length, (size_t)possible, error);
  if (status == LANDER_OK) status = check_length(f->path, *length - before, error);
  if (status != LANDER_OK) return status;
  self->labels = self->blocks[0] + before;
  return images_check_labels(self, (int64_t)(*length - before) / RECORD, f->path, error);
}

static lander_status read_file(images *self, const char *name, int64_t left,
                               size_t *length, lander_error *error) {
  lander_engine *engine = self->base.engine;
  char *path = NULL;
  bytes_file f;
  lander_status status = open_either(&f, engine, name, &path, error);
  if (status == LANDER_OK) {
    status = append(self, &f, left, length, error);
    bytes_close(&f);
  }
  memory_free(engine, path);
  return status;
}

static lander_status read_files(images *self, const char *const *paths, int files,
                                const cifar_options *o, lander_error *error) {
  const int64_t size[3] = {CHANNELS, SIDE, SIDE};
  int64_t left = o->limit > 0 ? o->limit : INT64_MAX;
  size_t length = 0;
  self->pixels_step = self->labels_step = RECORD;
  lander_status status = LANDER_OK;
  for (int i = 0; i < files && left > 0 && status == LANDER_OK; i++) {
    size_t before = length;
    status = read_file(self, paths[i], left, &length, error);
    left -= (int64_t)((length - before) / RECORD);
  }
  if (status != LANDER_OK) return status;
  self->labels = self->blocks[0];
  self->pixels = self->blocks[0] + 1;
  status = dataset_set_shape(&self->base, DATASET_X, 3, size, error);
  if (status != LANDER_OK) return status;
  return images_finish(self, (int64_t)(length / RECORD), &o->levels, "cifar10", error);
}

lander_dataset *lander_data_cifar10(lander_engine *engine, const char *const *paths,
                                    int files, const char *given, lander_error *error) {
  cifar_options chosen;
  error_clear(error);
  if (options_read(options, given, "cifar10", &chosen, error) != LANDER_OK) return NULL;
  if (files < 1) {
    error_set(error, LANDER_ERROR_ARGUMENT, "cifar10: no file was given");
    return NULL;
  }
  images *self = images_new(engine, CLASSES, error);
  if (!self) return NULL;
  if (read_files(self, paths, files, &chosen, error) == LANDER_OK) return &self->base;
  lander_dataset_free(&self->base);
  return NULL;
}
