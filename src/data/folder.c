/* folder.c: a folder of pictures, with a folder for each class, as a dataset. */
#define _FILE_OFFSET_BITS 64
#include "images.h"
#include "picture.h"

#include "../base/engine.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/options.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MOST_CLASSES 65535

typedef struct folder_options {
  levels levels;
  int channels;
  lander_ints size;
} folder_options;

static const lander_option options[] = {
    LEVELS_OPTIONS(folder_options, LEVELS_BYTES),
    OPTION_INT(folder_options, channels, "3", 1, 3, 0, "3: RGB; 1: grey"),
    OPTION_INTS(folder_options, size, "", 1, 1 << 14, 0,
                "rows and columns that all pictures are brought to; one number for both"),
    OPTION_END};

/* ---- lists of names ---------------------------------------------------------------- */

typedef struct names {
  lander_engine *engine;
  char **at;
  size_t count, room;
} names;

static void names_free(names *n) {
  for (size_t i = 0; i < n->count; i++) memory_free(n->engine, n->at[i]);
  memory_free(n->engine, n->at);
}

/* Takes `name`, which may be NULL where there was no memory for it. */
static lander_status names_add(names *n, char *name, lander_error *error) {
  if (!name) return LANDER_ERROR_MEMORY;
  if (n->count == n->room) {
    size_t room = n->room ? 2 * n->room : 64;
    char **at = memory_resize(n->engine, n->at, room, sizeof *at, error);
    if (!at) {
      memory_free(n->engine, name);
      return LANDER_ERROR_MEMORY;
    }
    n->at = at;
    n->room = room;
  }
  n->at[n->count++] = name;
  return LANDER_OK;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(lander_engine *engine, const char *folder, const char *name,
                  lander_error *error) {
  size_t room = strlen(folder) + strlen(name) + 2;
  char *path = memory_new(engine, room, 1, error);
  if (path) snprintf(path, room, "%s/%s", folder, name);
  return path;
}

/* ---- what is in a folder ----------------------------------------------------------- */

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool ends_in(const char *name, const char *const *endings) {
  size_t length = strlen(name);
  for (; *endings; endings++) {
    size_t ending = strlen(*endings);
    if (length > ending && !strcasecmp(name + length - ending, *endings)) return true;
  }
  return false;
}

static bool is_picture(const char *name) {
  static const char *const endings[] = {".png", ".jpg", ".jpeg", NULL};
  return ends_in(name, endings);
}

/* A picture that can't be read here. */
static bool is_other_picture(const char *name) {
  static const char *const endings[] = {".gif",  ".webp", ".bmp",  ".tif", ".tiff",
                                        ".heic", ".heif", ".avif", ".ppm", NULL};
  return ends_in(name, endings);
}

static lander_status failed(const char *folder, lander_error *error) {
  char why[128];
  int number = errno;
  if (strerror_r(number, why, sizeof why) != 0) snprintf(why, sizeof why, "error");
  return error_set(error, LANDER_ERROR_IO, "can't read the folder '%s': %s", folder, why);
}

/* What is in a folder, by name. */
typedef struct content {
  names folders, files, others; /* pictures; pictures of other kinds */
} content;

static content content_of(lander_engine *engine) {
  names none = {.engine = engine};
  return (content){none, none, none};
}

static void content_free(content *c) {
  names_free(&c->folders);
  names_free(&c->files);
  names_free(&c->others);
}

static lander_status sort_in(content *c, const char *folder, const char *name,
                             lander_error *error) {
  lander_engine *engine = c->folders.engine;
  char *path = join(engine, folder, name, error);
  if (!path) return LANDER_ERROR_MEMORY;
  names *to = is_folder(path)          ? &c->folders
              : is_picture(name)       ? &c->files
              : is_other_picture(name) ? &c->others
                                       : NULL;
  memory_free(engine, path);
  return to ? names_add(to, memory_copy_text(engine, name, error), error) : LANDER_OK;
}

static void sort(names *n) {
  if (n->count > 0) qsort(n->at, n->count, sizeof(char *), by_bytes);
}

static lander_status list(const char *folder, content *c, lander_error *error) {
  char actual[LANDER_PATH_LENGTH];
  lander_status allowed =
      lander_engine_path(c->folders.engine, LANDER_USE_LIST, folder, actual, error);
  if (allowed != LANDER_OK) return allowed;
  DIR *dir = opendir(actual);
  if (!dir) return failed(folder, error);
  lander_status status = LANDER_OK;
  while (status == LANDER_OK) {
    errno = 0;
    struct dirent *entry = readdir(dir);
    if (!entry) {
      if (errno) status = failed(folder, error);
      break;
    }
    if (entry->d_name[0] != '.') status = sort_in(c, actual, entry->d_name, error);
  }
  closedir(dir);
  sort(&c->folders);
  sort(&c->files);
  sort(&c->others);
  return status;
}

/* ---- reading ----------------------------------------------------------------------- */

typedef struct reading {
  images *out;
  const folder_options *options;
  const char *folder;
  codecs codecs;
  uint16_t *labels;
  size_t count, room; /* of samples */
  char *first;        /* the path of the first picture, whose size all others have */
  size_t left_out;    /* pictures of other kinds, and folders within classes */
  char *left;         /* the path of the first of them */
} reading;

static lander_status wrong_size(const reading *r, const char *path, const picture *p,
                                lander_error *error) {
  const int64_t *size = r->out->base.shape[DATASET_X].size;
  return error_set(
      error, LANDER_ERROR_SHAPE,
      "%s has %d rows and %d columns, the first picture (%s) %lld and %lld; "
      "size = { %lld, %lld } (on the command line size=%lldx%lld) brings all to "
      "the same",
      path, p->rows, p->columns, r->first, (long long)size[1], (long long)size[2],
      (long long)size[1], (long long)size[2], (long long)size[1], (long long)size[2]);
}

/* The first picture says what size all have, unless that is given. */
static lander_status fit(reading *r, const char *path, picture *p, lander_error *error) {
  lander_engine *engine = r->out->base.engine;
  const lander_ints *wanted = &r->options->size;
  if (wanted->count > 0) {
    int rows = wanted->at[0], columns = wanted->at[wanted->count - 1];
    lander_status status = picture_resize(engine, p, rows, columns, error);
    if (status != LANDER_OK) return status;
  }
  const int64_t size[3] = {p->channels, p->rows, p->columns};
  if (r->first) {
    if (!memcmp(size, r->out->base.shape[DATASET_X].size, sizeof size)) return LANDER_OK;
    return wrong_size(r, path, p, error);
  }
  r->first = memory_copy_text(engine, path, error);
  if (!r->first) return LANDER_ERROR_MEMORY;
  return dataset_set_shape(&r->out->base, DATASET_X, 3, size, error);
}

/* Room for one sample more. */
static lander_status grow(reading *r, lander_error *error) {
  lander_engine *engine = r->out->base.engine;
  if (r->count < r->room) return LANDER_OK;
  size_t room = r->room ? r->room + r->room / 2 : 64;
  size_t numbers = (size_t)r->out->base.shape[DATASET_X].numbers;
  uint8_t *pixels = memory_resize(engine, r->out->blocks[0], room, numbers, error);
  if (!pixels) return LANDER_ERROR_MEMORY;
  r->out->blocks[0] = pixels;
  uint16_t *labels = memory_resize(engine, r->labels, room, sizeof *labels, error);
  if (!labels) return LANDER_ERROR_MEMORY;
  r->labels = labels;
  r->out->blocks[1] = (uint8_t *)labels;
  r->room = room;
  return LANDER_OK;
}

/* (rows, columns, channels) to (channels, rows, columns). */
static void store(reading *r, const picture *p, int label) {
  size_t plane = (size_t)p->rows * (size_t)p->columns, c = (size_t)p->channels;
  uint8_t *to = r->out->blocks[0] + r->count * plane * c;
  for (size_t k = 0; k < c; k++)
    for (size_t i = 0; i < plane; i++) to[k * plane + i] = p->bytes[i * c + k];
  r->labels[r->count++] = (uint16_t)label;
}

static lander_status read_picture(reading *r, const char *path, int label,
                                  lander_error *error) {
  lander_engine *engine = r->out->base.engine;
  picture p;
  lander_error why;
  lander_status status =
      picture_read(engine, &r->codecs, path, r->options->channels, &p, &why);
  if (status != LANDER_OK)
    return error_set(error, status, "%s%s", why.message,
                     status == LANDER_ERROR_FORMAT ? "; mend the file, or take it away"
                                                   : "");
  status = fit(r, path, &p, error);
  if (status == LANDER_OK) status = grow(r, error);
  if (status == LANDER_OK) status = places_add(r->out->base.places, 0, path, error);
  if (status == LANDER_OK) store(r, &p, label);
  memory_free(engine, p.bytes);
  return status;
}

static lander_status read_files(reading *r, const char *folder, const names *files,
                                int label, lander_error *error) {
  for (size_t i = 0; i < files->count; i++) {
    if (lander_engine_stopped(r->out->base.engine))
      return error_set(error, LANDER_STOPPED, "reading '%s' was stopped", r->folder);
    char *path = join(r->out->base.engine, folder, files->at[i], error);
    if (!path) return LANDER_ERROR_MEMORY;
    lander_status status = read_picture(r, path, label, error);
    memory_free(r->out->base.engine, path);
    if (status != LANDER_OK) return status;
  }
  return LANDER_OK;
}

/* A class without pictures of its own. */
static lander_status no_pictures(const char *folder, const content *c,
                                 lander_error *error) {
  char has_none[LANDER_ERROR_LENGTH];
  snprintf(has_none, sizeof has_none, "'%s' has no pictures (.png, .jpg, .jpeg)", folder);
  if (c->others.count > 0)
    return error_set(error, LANDER_ERROR_DATA,
                     "%s, but others, such as %s: make PNG of them", has_none,
                     c->others.at[0]);
  if (c->folders.count > 0)
    return error_set(
        error, LANDER_ERROR_DATA,
        "%s, but folders, such as %s: if those are the classes, name the folder "
        "that they are in, '%s'",
        has_none, c->folders.at[0], folder);
  return error_set(error, LANDER_ERROR_DATA,
                   "%s: a folder here is a class; put some in, or take it away",
                   has_none);
}

/* What a class has that is not read; it is told of once, at the end. */
static lander_status leave_out(reading *r, const char *folder, const content *c,
                               lander_error *error) {
  const names *n = c->others.count > 0 ? &c->others : &c->folders;
  r->left_out += c->others.count + c->folders.count;
  if (n->count == 0 || r->left) return LANDER_OK;
  r->left = join(r->out->base.engine, folder, n->at[0], error);
  return r->left ? LANDER_OK : LANDER_ERROR_MEMORY;
}

static lander_status read_class(reading *r, const char *name, int label,
                                bool may_be_empty, lander_error *error) {
  lander_engine *engine = r->out->base.engine;
  char *folder = join(engine, r->folder, name, error);
  content c = content_of(engine);
  lander_status status = folder ? list(folder, &c, error) : LANDER_ERROR_MEMORY;
  if (status == LANDER_OK && c.files.count == 0 && !may_be_empty)
    status = no_pictures(folder, &c, error);
  if (status == LANDER_OK) status = leave_out(r, folder, &c, error);
  if (status == LANDER_OK) status = read_files(r, folder, &c.files, label, error);
  content_free(&c);
  memory_free(engine, folder);
  return status;
}

static int find(const char *name, const char *const *among, int count) {
  for (int k = 0; k < count; k++)
    if (!strcmp(name, among[k])) return k;
  return -1;
}

/* The folders that are there, which must be classes; with given names some may be missing
 * and some empty. */
static lander_status read_classes(reading *r, const content *c, const char *const *wanted,
                                  int count, lander_error *error) {
  const names *found = &c->folders;
  for (size_t i = 0; i < found->count; i++) {
    int label = wanted ? find(found->at[i], wanted, count) : (int)i;
    if (label < 0)
      return error_set(error, LANDER_ERROR_DATA,
                       "'%s/%s' is none of the %d classes in class_names", r->folder,
                       found->at[i], count);
    lander_status status = read_class(r, found->at[i], label, wanted != NULL, error);
    if (status != LANDER_OK) return status;
  }
  if (r->count > 0) return LANDER_OK;
  if (c->files.count > 0)
    return error_set(
        error, LANDER_ERROR_DATA,
        "'%s' has no folders with pictures in them, one for each class, but "
        "pictures of its own: put each into a folder that is called as its class "
        "is (%s/CLASS/%s)",
        r->folder, r->folder, c->files.at[0]);
  return error_set(error, LANDER_ERROR_DATA,
                   "'%s' has no folders with pictures in them, one for each class",
                   r->folder);
}

static lander_status read_all(reading *r, const char *const *wanted, int count,
                              lander_error *error) {
  content c = content_of(r->out->base.engine);
  lander_status status = list(r->folder, &c, error);
  const names folders = c.folders;
  const char *const *known = wanted ? wanted : (const char *const *)folders.at;
  if (!wanted)
    count = folders.count > MOST_CLASSES ? MOST_CLASSES + 1 : (int)folders.count;
  if (status == LANDER_OK && count > MOST_CLASSES)
    status = error_set(error, LANDER_ERROR_DATA, "'%s' has more than %d classes",
                       r->folder, MOST_CLASSES);
  if (status == LANDER_OK) status = read_classes(r, &c, wanted, count, error);
  if (status == LANDER_OK) {
    images *out = r->out;
    out->base.classes = count;
    out->pixels = out->blocks[0];
    out->pixels_step = out->base.shape[DATASET_X].numbers;
    out->many = r->labels;
    status = images_finish(out, (int64_t)r->count, &r->options->levels, "images", error);
  }
  if (status == LANDER_OK)
    status = lander_dataset_name_classes(&r->out->base, known, count, error);
  if (status == LANDER_OK && r->left_out > 0)
    engine_log(
        r->out->base.engine, LANDER_LOG_WARNING,
        "images: %zu thing%s in '%s' %s left out, such as %s: only .png, .jpg and .jpeg "
        "right in a class's folder are read",
        r->left_out, r->left_out == 1 ? "" : "s", r->folder,
        r->left_out == 1 ? "is" : "are", r->left);
  content_free(&c);
  return status;
}

static lander_status check_options(const folder_options *o, lander_error *error) {
  if (o->channels == 2)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "images: channels must be 3 (RGB) or 1 (grey), found 2");
  if (o->size.count > 2)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "images: size is rows and columns, found %d numbers", o->size.count);
  return LANDER_OK;
}

lander_dataset *lander_data_images(lander_engine *engine, const char *folder,
                                   const char *const *class_names, int count,
                                   const char *given, lander_error *error) {
  folder_options chosen;
  error_clear(error);
  if (options_read(options, given, "images", &chosen, error) != LANDER_OK ||
      check_options(&chosen, error) != LANDER_OK)
    return NULL;
  reading r = {.out = images_new(engine, 0, error), .options = &chosen, .folder = folder};
  if (!r.out) return NULL;
  r.out->base.places = places_new(engine, NULL, error);
  lander_status status =
      r.out->base.places ? read_all(&r, class_names, count, error) : LANDER_ERROR_MEMORY;
  codecs_close(&r.codecs);
  memory_free(engine, r.first);
  memory_free(engine, r.left);
  if (status == LANDER_OK) return &r.out->base;
  lander_dataset_free(&r.out->base);
  return NULL;
}
