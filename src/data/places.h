/* places.h: where the samples of a dataset were read: lines of a table, or pictures. */
#ifndef LANDER_DATA_PLACES_H
#define LANDER_DATA_PLACES_H

#include "../base/base.h"

typedef struct places {
  lander_engine *engine;
  int holds;
  int64_t count, room;
  char *path;     /* of the table; NULL: there are files */
  int64_t *lines; /* (count) */
  char **files;   /* (count) */
} places;

/* With one hold, of no samples yet. path NULL: of pictures. fails: memory. */
places *places_new(lander_engine *engine, const char *path, lander_error *error);
/* The next sample's line, or its file, which is copied. fails: memory. */
lander_status places_add(places *p, int64_t line, const char *file, lander_error *error);
places *places_keep(places *p);
void places_free(places *p);

#endif
