/* memory.c: blocks from the host's allocator. */
#include "memory.h"

#include <string.h>

#include "engine.h"
#include "error.h"

#define ALIGNMENT 64

/* Lies just before each block, so that the host's allocator is told old sizes. */
typedef struct header {
  void *raw; /* as the allocator gave it */
  size_t raw_size;
  size_t size; /* as it was asked for */
} header;

/* The header, and the most that aligning the block can skip. */
#define OVERHEAD (sizeof(header) + ALIGNMENT)

/* What lies behind a block, to the end of what the allocator gave, nobody may touch: a
 * sanitizer is told so. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WATCHED
#endif

#ifdef WATCHED
#include <sanitizer/asan_interface.h>

static void guard_end(const header *h, const char *block) {
  const char *raw = h->raw, *end = block + h->size;
  ASAN_POISON_MEMORY_REGION(end, (size_t)(raw + h->raw_size - end));
}

static void open_end(const header *h) {
  ASAN_UNPOISON_MEMORY_REGION(h->raw, h->raw_size);
}
#else
static void guard_end(const header *h, const char *block) {
  (void)h;
  (void)block;
}

static void open_end(const header *h) {
  (void)h;
}
#endif

static header *header_of(void *block) {
  return (header *)((char *)block - sizeof(header));
}

/* count * size into *bytes; false when that, with the overhead, is no size_t. */
static bool product(size_t count, size_t size, size_t *bytes) {
  if (size != 0 && count > (PTRDIFF_MAX - OVERHEAD) / size) return false;
  *bytes = count * size;
  return true;
}

static void *block_new(lander_engine *engine, size_t bytes, lander_error *error) {
  size_t raw_size = bytes + OVERHEAD;
  char *raw = engine_allocate(engine, NULL, 0, raw_size);
  if (!raw) {
    error_memory(error, raw_size);
    return NULL;
  }
  uintptr_t lowest = (uintptr_t)raw + sizeof(header);
  uintptr_t skip = (ALIGNMENT - lowest % ALIGNMENT) % ALIGNMENT;
  char *block = raw + sizeof(header) + skip;
  *header_of(block) = (header){raw, raw_size, bytes};
  guard_end(header_of(block), block);
  return block;
}

static void *refuse(size_t count, size_t size, lander_error *error) {
  error_set(error, LANDER_ERROR_MEMORY,
            "not enough memory: %zu times %zu bytes are more than a computer can address",
            count, size);
  return NULL;
}

void *memory_new(lander_engine *engine, size_t count, size_t size, lander_error *error) {
  size_t bytes;
  if (!product(count, size, &bytes)) return refuse(count, size, error);
  void *block = block_new(engine, bytes, error);
  if (block) memset(block, 0, bytes);
  return block;
}

void *memory_resize(lander_engine *engine, void *block, size_t count, size_t size,
                    lander_error *error) {
  if (!block) return memory_new(engine, count, size, error);
  size_t bytes;
  if (!product(count, size, &bytes)) return refuse(count, size, error);
  char *wider = block_new(engine, bytes, error);
  if (!wider) return NULL;
  size_t old = header_of(block)->size;
  size_t keep = old < bytes ? old : bytes;
  memcpy(wider, block, keep);
  memset(wider + keep, 0, bytes - keep);
  memory_free(engine, block);
  return wider;
}

void memory_free(lander_engine *engine, void *block) {
  if (!block) return;
  header h = *header_of(block);
  open_end(&h);
  engine_allocate(engine, h.raw, h.raw_size, 0);
}

char *memory_copy_text(lander_engine *engine, const char *text, lander_error *error) {
  size_t size = strlen(text) + 1;
  char *copy = memory_new(engine, size, 1, error);
  if (copy) memcpy(copy, text, size);
  return copy;
}
