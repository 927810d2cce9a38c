/* engine.h: the engine from inside: holds on it, and its log. */
#ifndef LANDER_BASE_ENGINE_H
#define LANDER_BASE_ENGINE_H

#include "base.h"

/* One more hold; lander_engine_free gives one up. */
lander_engine *engine_keep(lander_engine *engine);

void engine_log(lander_engine *engine, lander_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Things of higher floors that live as long as the engine, which frees them with
 * memory_free. engine_attached gives them from the newest on; NULL past the last. */
lander_status engine_attach(lander_engine *engine, void *block, lander_error *error);
void *engine_attached(const lander_engine *engine, int index);

/* Asks the host's path hook; `actual` holds a copy of `path`. For file.c alone. */
bool engine_allows(lander_engine *engine, lander_use use, const char *path,
                   char actual[LANDER_PATH_LENGTH]);

/* Raw allocation for memory.c alone. */
void *engine_allocate(lander_engine *engine, void *old, size_t old_size, size_t new_size);

/* The threads, for parallel.c alone. */
struct pool *engine_pool(const lander_engine *engine);

#endif
