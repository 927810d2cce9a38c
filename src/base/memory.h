/* memory.h: blocks from the host's allocator. */
#ifndef LANDER_BASE_MEMORY_H
#define LANDER_BASE_MEMORY_H

#include "base.h"

/* count * size bytes of zeros, aligned to 64 bytes (a cache line, a vector of AVX-512).
 * NULL and an error when there is no memory or the product overflows.
 * A request for nothing gives a block that can be freed. */
void *memory_new(lander_engine *engine, size_t count, size_t size, lander_error *error);

/* A larger (or smaller) block with the old content; the old block is untouched on
 * failure. New bytes are zero. */
void *memory_resize(lander_engine *engine, void *block, size_t count, size_t size,
                    lander_error *error);
void memory_free(lander_engine *engine, void *block);

char *memory_copy_text(lander_engine *engine, const char *text, lander_error *error);

#endif
