/* parallel.h: loops over the engine's threads. parallel.c is the only file that knows how
 * threads are made.
 *
 * Work is cut in a number of pieces that does not depend on the number of threads, and
 * sums over pieces are taken in the order of the pieces: so results have the same bits
 * with any number of threads. */
#ifndef LANDER_BASE_PARALLEL_H
#define LANDER_BASE_PARALLEL_H

#include "base.h"

/* No loop has more pieces than this. Enough for 16 threads to share evenly. */
#define PARALLEL_MAX_PIECES 64

/* Does one piece. `thread` (0 .. threads-1) tells whose scratch may be used; results must
 * not depend on it. A body calls no parallel_run, nor does a worker's job: it would be
 * run inline, as thread 0, whose scratch may be in use. */
typedef void (*parallel_body)(void *arg, int piece, int thread);

/* Runs all pieces and returns when they are done. fails: never. */
void parallel_run(lander_engine *engine, int pieces, parallel_body body, void *arg);

/* How many pieces `count` items make when a piece should have `grain` of them. */
int parallel_pieces(int64_t count, int64_t grain);

/* The items of a piece: [begin, end). */
static inline void parallel_range(int64_t count, int pieces, int piece, int64_t *begin,
                                  int64_t *end) {
  *begin = count * piece / pieces;
  *end = count * (piece + 1) / pieces;
}

/* A thread of its own for one job at a time (the prefetch of data). */
typedef struct worker worker;
typedef void (*worker_job)(void *arg);
worker *worker_new(lander_engine *engine, lander_error *error);
void worker_start(worker *w, worker_job job,
                  void *arg); /* waits for the last job first */
void worker_wait(worker *w); /* until the job is done; returns at once if there is none */
void worker_free(worker *w); /* waits, then ends the thread */

/* The pool of an engine; engine.c alone calls these. */
typedef struct pool pool;
pool *pool_new(lander_engine *engine, int threads, lander_error *error);
void pool_free(lander_engine *engine, pool *p);
int pool_threads(const pool *p);
int parallel_processors(void); /* that this process may use */

#endif
