/* places.c: where the samples of a dataset were read. */
#include "places.h"

#include "../base/memory.h"

places *places_new(lander_engine *engine, const char *path, lander_error *error) {
  places *p = memory_new(engine, 1, sizeof *p, error);
  if (!p) return NULL;
  *p = (places){.engine = engine, .holds = 1};
  if (!path) return p;
  p->path = memory_copy_text(engine, path, error);
  if (p->path) return p;
  places_free(p);
  return NULL;
}

/* Room for one more. */
static lander_status grow(places *p, lander_error *error) {
  if (p->count < p->room) return LANDER_OK;
  int64_t room = p->room ? p->room + p->room / 2 : 64;
  if (p->path) {
    int64_t *lines =
        memory_resize(p->engine, p->lines, (size_t)room, sizeof *lines, error);
    if (!lines) return LANDER_ERROR_MEMORY;
    p->lines = lines;
  } else {
    char **files = memory_resize(p->engine, p->files, (size_t)room, sizeof *files, error);
    if (!files) return LANDER_ERROR_MEMORY;
    p->files = files;
  }
  p->room = room;
  return LANDER_OK;
}

lander_status places_add(places *p, int64_t line, const char *file, lander_error *error) {
  lander_status status = grow(p, error);
  if (status != LANDER_OK) return status;
  if (p->path) {
    p->lines[p->count] = line;
  } else {
    p->files[p->count] = memory_copy_text(p->engine, file, error);
    if (!p->files[p->count]) return LANDER_ERROR_MEMORY;
  }
  p->count++;
  return LANDER_OK;
}

places *places_keep(places *p) {
  p->holds++;
  return p;
}

void places_free(places *p) {
  if (!p || --p->holds > 0) return;
  for (int64_t i = 0; p->files && i < p->count; i++) memory_free(p->engine, p->files[i]);
  memory_free(p->engine, p->files);
  memory_free(p->engine, p->lines);
  memory_free(p->engine, p->path);
  memory_free(p->engine, p);
}
