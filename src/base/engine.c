/* engine.c: what everything is made with: allocator, log, threads, stop flag. */
#include "engine.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "memory.h"
#include "parallel.h"

#define MAX_THREADS 256

struct lander_engine {
  lander_config config; /* its allocator is never NULL */
  atomic_int holds;
  atomic_bool stop;
  pool *pool;
  void **attached;
  int attached_count;
};

_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a signal handler may raise the stop flag");

const char *lander_version(void) {
  return LANDER_VERSION;
}

int lander_abi(void) {
  return LANDER_ABI;
}

size_t lander_real_size(void) {
  return sizeof(lander_real);
}

static void *default_allocator(void *userdata, void *old, size_t old_size,
                               size_t new_size) {
  (void)userdata;
  (void)old_size;
  if (new_size > 0) return realloc(old, new_size);
  free(old);
  return NULL;
}

static lander_status check_threads(int threads, int least, lander_error *error) {
  if (threads >= least && threads <= MAX_THREADS) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "the number of threads must be from %d to %d%s, got %d", least,
                   MAX_THREADS, least == 0 ? " (0: one for each processor)" : "",
                   threads);
}

static int default_threads(void) {
  int processors = parallel_processors();
  return processors < MAX_THREADS ? processors : MAX_THREADS;
}

lander_engine *lander_engine_new(const lander_config *config, lander_error *error) {
  error_clear(error);
  lander_config c = config ? *config : (lander_config){0};
  if (!c.allocate) c.allocate = default_allocator;
  if (check_threads(c.threads, 0, error) != LANDER_OK) return NULL;
  if (c.threads == 0) c.threads = default_threads();
  lander_engine *engine = c.allocate(c.allocate_userdata, NULL, 0, sizeof *engine);
  if (!engine) {
    error_memory(error, sizeof *engine);
    return NULL;
  }
  engine->config = c;
  engine->pool = NULL;
  engine->attached = NULL;
  engine->attached_count = 0;
  atomic_init(&engine->holds, 1);
  atomic_init(&engine->stop, false);
  engine->pool = pool_new(engine, c.threads, error);
  if (!engine->pool) {
    lander_engine_free(engine);
    return NULL;
  }
  return engine;
}

lander_engine *engine_keep(lander_engine *engine) {
  atomic_fetch_add_explicit(&engine->holds, 1, memory_order_relaxed);
  return engine;
}

void lander_engine_free(lander_engine *engine) {
  if (!engine) return;
  if (atomic_fetch_sub_explicit(&engine->holds, 1, memory_order_acq_rel) > 1) return;
  pool_free(engine, engine->pool);
  for (int i = 0; i < engine->attached_count; i++)
    memory_free(engine, engine->attached[i]);
  memory_free(engine, engine->attached);
  lander_config c = engine->config;
  c.allocate(c.allocate_userdata, engine, sizeof *engine, 0);
}

int lander_engine_threads(const lander_engine *engine) {
  return pool_threads(engine->pool);
}

lander_status lander_engine_set_threads(lander_engine *engine, int threads,
                                        lander_error *error) {
  error_clear(error);
  lander_status status = check_threads(threads, 1, error);
  if (status != LANDER_OK || threads == pool_threads(engine->pool)) return status;
  pool *fresh = pool_new(engine, threads, error);
  if (!fresh) return LANDER_ERROR_MEMORY;
  pool_free(engine, engine->pool);
  engine->pool = fresh;
  return LANDER_OK;
}

void lander_engine_stop(lander_engine *engine, bool stop) {
  atomic_store(&engine->stop, stop);
}

bool lander_engine_stopped(const lander_engine *engine) {
  return atomic_load(&((lander_engine *)engine)->stop); /* C11 loads take no const */
}

pool *engine_pool(const lander_engine *engine) {
  return engine->pool;
}

lander_status engine_attach(lander_engine *engine, void *block, lander_error *error) {
  size_t count = (size_t)engine->attached_count + 1;
  void **more =
      memory_resize(engine, engine->attached, count, sizeof *engine->attached, error);
  if (!more) return LANDER_ERROR_MEMORY;
  engine->attached = more;
  engine->attached[engine->attached_count++] = block;
  return LANDER_OK;
}

void *engine_attached(const lander_engine *engine, int index) {
  int at = engine->attached_count - 1 - index;
  return at >= 0 && at < engine->attached_count ? engine->attached[at] : NULL;
}

void *engine_allocate(lander_engine *engine, void *old, size_t old_size,
                      size_t new_size) {
  const lander_config *c = &engine->config;
  return c->allocate(c->allocate_userdata, old, old_size, new_size);
}

void lander_engine_log(lander_engine *engine, lander_log_level level,
                       const char *message) {
  const lander_config *c = &engine->config;
  if (c->log) c->log(c->log_userdata, level, message);
}

void engine_log(lander_engine *engine, lander_log_level level, const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (length >= 0) lander_engine_log(engine, level, message);
}

bool lander_engine_has_path_hook(const lander_engine *engine) {
  return engine->config.path != NULL;
}

bool engine_allows(lander_engine *engine, lander_use use, const char *path,
                   char actual[LANDER_PATH_LENGTH]) {
  const lander_config *c = &engine->config;
  return !c->path || c->path(c->path_userdata, use, path, actual);
}
