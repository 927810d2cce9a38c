/* parallel.c: the only file that knows how threads are made.
 *
 * A pool is the calling thread and threads-1 others. A loop is published by storing its
 * number of pieces in `unclaimed`; whoever is free takes the next piece from there, the
 * caller too, and the loop is over when `finished` has reached the number of pieces.
 *
 * A training step runs dozens of short loops, so a thread that has nothing to do looks
 * for work for some microseconds before it goes to sleep: to be woken takes longer than
 * many a loop. With fewer processors than threads that would keep others from working,
 * and threads sleep at once. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "error.h"
#include "memory.h"

/* How long a thread looks for work before it sleeps. */
#define SPIN_NANOSECONDS 50000

typedef struct pool_thread {
  pool *pool;
  int index; /* the caller is thread 0 */
  pthread_t id;
} pool_thread;

struct pool {
  int threads;
  bool spin;
  int started; /* entries of `others` that run */
  pool_thread *others;

  /* The loop. Written by the caller when no piece is left, read by a thread after it has
   * claimed a piece: so never both at a time. */
  parallel_body body;
  void *arg;
  int pieces;

  /* Each on a cache line of its own. */
  _Alignas(64) atomic_int unclaimed; /* pieces that nobody has begun */
  _Alignas(64) atomic_int finished;  /* pieces that are done */

  /* A thread announces that it goes to sleep, then looks once more for what it waits for;
   * the other side changes that, then looks for sleepers. Both in sequentially consistent
   * order: one of them sees the other, and no wake-up is lost. */
  _Alignas(64) atomic_int sleepers; /* threads that wait for a loop */
  atomic_bool caller_sleeps;        /* the caller waits for the last pieces */
  atomic_bool quit;
  pthread_mutex_t mutex;
  pthread_cond_t work, done;
};

/* Set while this thread is part of a loop or is a worker: what it runs is run inline. */
static _Thread_local bool inside;

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* ---- the loop ---------------------------------------------------------------------- */

/* Takes a piece of the loop that is running; false when none is left. */
static bool claim(pool *p, int *piece) {
  int left = atomic_load(&p->unclaimed);
  while (left > 0)
    if (atomic_compare_exchange_weak(&p->unclaimed, &left, left - 1)) {
      *piece = p->pieces - left;
      return true;
    }
  return false;
}

static void wake_caller(pool *p) {
  if (!atomic_load(&p->caller_sleeps)) return;
  pthread_mutex_lock(&p->mutex);
  pthread_cond_signal(&p->done);
  pthread_mutex_unlock(&p->mutex);
}

static void work_on_pieces(pool *p, int thread) {
  int piece;
  while (claim(p, &piece)) {
    int pieces = p->pieces; /* after the last piece is done it may be the next loop's */
    p->body(p->arg, piece, thread);
    if (atomic_fetch_add(&p->finished, 1) + 1 == pieces && thread != 0) wake_caller(p);
  }
}

static bool all_finished(pool *p) {
  return atomic_load(&p->finished) == p->pieces;
}

static bool work_waits(pool *p) {
  return atomic_load(&p->unclaimed) > 0 || atomic_load(&p->quit);
}

/* Looks for a short while whether `condition` holds. */
static bool spin_until(pool *p, bool (*condition)(pool *)) {
  if (condition(p)) return true;
  if (!p->spin) return false;
  int64_t end = clock_now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 16; i++) {
      if (condition(p)) return true;
      pause_briefly();
    }
  } while (clock_now() < end);
  return false;
}

static void wake_sleepers(pool *p) {
  if (atomic_load(&p->sleepers) == 0) return;
  pthread_mutex_lock(&p->mutex);
  pthread_cond_broadcast(&p->work);
  pthread_mutex_unlock(&p->mutex);
}

static void wait_for_pieces(pool *p) {
  if (spin_until(p, all_finished)) return;
  pthread_mutex_lock(&p->mutex);
  atomic_store(&p->caller_sleeps, true);
  while (!all_finished(p)) pthread_cond_wait(&p->done, &p->mutex);
  atomic_store(&p->caller_sleeps, false);
  pthread_mutex_unlock(&p->mutex);
}

static void wait_for_work(pool *p) {
  if (spin_until(p, work_waits)) return;
  pthread_mutex_lock(&p->mutex);
  atomic_fetch_add(&p->sleepers, 1);
  /* One wake-up, not a loop: whoever comes too late for a piece looks again for a while,
   * since after one loop the next is likely to be near. */
  if (!work_waits(p)) pthread_cond_wait(&p->work, &p->mutex);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->mutex);
}

static void *pool_main(void *arg) {
  const pool_thread *self = arg;
  pool *p = self->pool;
  inside = true;
  while (!atomic_load(&p->quit)) {
    work_on_pieces(p, self->index);
    wait_for_work(p);
  }
  return NULL;
}

void parallel_run(lander_engine *engine, int pieces, parallel_body body, void *arg) {
  pool *p = engine_pool(engine);
  if (p->threads == 1 || pieces <= 1 || inside) {
    for (int piece = 0; piece < pieces; piece++) body(arg, piece, 0);
    return;
  }
  p->body = body;
  p->arg = arg;
  p->pieces = pieces;
  atomic_store(&p->finished, 0);
  atomic_store(&p->unclaimed, pieces); /* from here on it runs */
  wake_sleepers(p);
  inside = true;
  work_on_pieces(p, 0);
  inside = false;
  wait_for_pieces(p);
}

int parallel_pieces(int64_t count, int64_t grain) {
  if (count <= 0) return 0;
  if (grain < 1) grain = 1;
  int64_t pieces = count / grain + (count % grain != 0);
  return pieces < PARALLEL_MAX_PIECES ? (int)pieces : PARALLEL_MAX_PIECES;
}

int parallel_processors(void) {
#ifdef CPU_COUNT
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
    return CPU_COUNT(&allowed);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

/* ---- making threads ---------------------------------------------------------------- */

/* Starts a thread that takes no signals: those are for the host's own threads. */
static int start_thread(pthread_t *id, void *(*main)(void *), void *arg) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int failed = pthread_create(id, NULL, main, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return failed;
}

static void error_thread(lander_error *error, int number, int of, int reason) {
  error_set(error, LANDER_ERROR_MEMORY,
            "can't start thread %d of %d: there is no memory for it, or this process may "
            "have no more threads (error %d); try fewer",
            number, of, reason);
}

pool *pool_new(lander_engine *engine, int threads, lander_error *error) {
  pool *p = memory_new(engine, 1, sizeof *p, error);
  if (!p) return NULL;
  p->others = memory_new(engine, (size_t)threads, sizeof *p->others, error);
  if (!p->others) {
    memory_free(engine, p);
    return NULL;
  }
  p->threads = threads;
  p->spin = threads <= parallel_processors();
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->work, NULL);
  pthread_cond_init(&p->done, NULL);
  for (int i = 1; i < threads; i++) {
    pool_thread *t = &p->others[p->started];
    *t = (pool_thread){.pool = p, .index = i};
    int failed = start_thread(&t->id, pool_main, t);
    if (failed) {
      error_thread(error, i + 1, threads, failed);
      pool_free(engine, p);
      return NULL;
    }
    p->started++;
  }
  return p;
}

void pool_free(lander_engine *engine, pool *p) {
  if (!p) return;
  atomic_store(&p->quit, true);
  wake_sleepers(p);
  for (int i = 0; i < p->started; i++) pthread_join(p->others[i].id, NULL);
  pthread_cond_destroy(&p->work);
  pthread_cond_destroy(&p->done);
  pthread_mutex_destroy(&p->mutex);
  memory_free(engine, p->others);
  memory_free(engine, p);
}

int pool_threads(const pool *p) {
  return p->threads;
}

/* ---- a thread for one job at a time ------------------------------------------------ */

struct worker {
  lander_engine *engine;
  pthread_t id;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  worker_job job; /* NULL: none is waiting or running */
  void *arg;
  bool quit;
};

static void *worker_main(void *arg) {
  worker *w = arg;
  inside = true;
  pthread_mutex_lock(&w->mutex);
  for (;;) {
    while (!w->job && !w->quit) pthread_cond_wait(&w->changed, &w->mutex);
    if (!w->job) break;
    worker_job job = w->job;
    pthread_mutex_unlock(&w->mutex);
    job(w->arg);
    pthread_mutex_lock(&w->mutex);
    w->job = NULL;
    pthread_cond_broadcast(&w->changed);
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

worker *worker_new(lander_engine *engine, lander_error *error) {
  worker *w = memory_new(engine, 1, sizeof *w, error);
  if (!w) return NULL;
  w->engine = engine_keep(engine);
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->changed, NULL);
  int failed = start_thread(&w->id, worker_main, w);
  if (!failed) return w;
  error_thread(error, 1, 1, failed);
  pthread_cond_destroy(&w->changed);
  pthread_mutex_destroy(&w->mutex);
  memory_free(engine, w);
  lander_engine_free(engine);
  return NULL;
}

void worker_start(worker *w, worker_job job, void *arg) {
  pthread_mutex_lock(&w->mutex);
  while (w->job) pthread_cond_wait(&w->changed, &w->mutex);
  w->job = job;
  w->arg = arg;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->mutex);
}

void worker_wait(worker *w) {
  pthread_mutex_lock(&w->mutex);
  while (w->job) pthread_cond_wait(&w->changed, &w->mutex);
  pthread_mutex_unlock(&w->mutex);
}

void worker_free(worker *w) {
  if (!w) return;
  pthread_mutex_lock(&w->mutex);
  w->quit = true;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->mutex);
  pthread_join(w->id, NULL);
  pthread_cond_destroy(&w->changed);
  pthread_mutex_destroy(&w->mutex);
  lander_engine *engine = w->engine;
  memory_free(engine, w);
  lander_engine_free(engine);
}
