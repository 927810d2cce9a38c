/* codecs.c: opening the libraries that read pictures, and what both readers check. */
#include "codecs.h"

#include "../base/error.h"
#include "../base/memory.h"
#include <dlfcn.h>
#include <string.h>

#define MOST_NUMBERS (1 << 28)

static void *open_first(const char *const *names) {
  for (int i = 0; names[i]; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  return NULL;
}

lander_status codecs_open(void **library, const char *const *names,
                          const char *const *symbols, void (**functions)(void),
                          const char *package, const encoded *file, lander_error *error) {
  if (!*library) *library = open_first(names);
  if (!*library)
    return error_set(error, LANDER_ERROR_STATE,
                     "%s: %s, which reads such pictures, is not installed (on Debian: "
                     "the package %s)",
                     file->path, names[0], package);
  for (int i = 0; symbols[i]; i++) {
    void *symbol = dlsym(*library, symbols[i]);
    if (!symbol)
      return error_set(error, LANDER_ERROR_STATE,
                       "%s: %s on this machine has no function %s: it is too old",
                       file->path, names[0], symbols[i]);
    memcpy(&functions[i], &symbol, sizeof symbol); /* as POSIX has it */
  }
  return LANDER_OK;
}

void codecs_close(codecs *c) {
  if (c->png) dlclose(c->png);
  if (c->jpeg) dlclose(c->jpeg);
  *c = (codecs){0};
}

lander_status codecs_allocate(const encoded *file, uint64_t ratio, picture *out,
                              lander_error *error) {
  uint64_t pixels = (uint64_t)out->rows * (uint64_t)out->columns;
  if (out->rows < 1 || out->columns < 1)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: says that it has %d rows and %d columns: it is damaged",
                     file->path, out->rows, out->columns);
  if (pixels > MOST_NUMBERS / 3)
    return error_set(
        error, LANDER_ERROR_FORMAT,
        "%s: says that it has %d rows and %d columns; there may be %d pixels", file->path,
        out->rows, out->columns, MOST_NUMBERS / 3);
  if (pixels / ratio > file->size)
    return error_set(error, LANDER_ERROR_FORMAT,
                     "%s: has %zu bytes, too few for the %d rows and %d columns that it "
                     "says it has: it was cut short or altered",
                     file->path, file->size, out->rows, out->columns);
  size_t count = (size_t)pixels * (size_t)out->channels;
  out->bytes = memory_new(file->engine, count, 1, error);
  return out->bytes ? LANDER_OK : LANDER_ERROR_MEMORY;
}
