/* test_parallel.c: loops over threads, and the thread for one job. Made for TSAN=1. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../../src/base/parallel.h"
#include "allocator.h"
#include "unit.h"

static const int thread_counts[] = {1, 2, 3, 5};

static lander_engine *new_engine(int threads) {
  return lander_engine_new(&(lander_config){.threads = threads}, NULL);
}

static void sleep_microseconds(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

/* ---- loops ------------------------------------------------------------------------- */

#define MOST_PIECES 1000

/* Plain memory: the sanitizer sees whether the pool orders the accesses. */
typedef struct loop {
  int threads;
  int done[MOST_PIECES];
  long scratch[8]; /* of each thread */
  atomic_bool busy[8];
  atomic_bool wrong;
  long microseconds; /* that a piece takes */
} loop;

static void do_piece(void *arg, int piece, int thread) {
  loop *l = arg;
  if (thread < 0 || thread >= l->threads || piece < 0 || piece >= MOST_PIECES) {
    atomic_store(&l->wrong, true);
    return;
  }
  if (atomic_exchange(&l->busy[thread], true)) atomic_store(&l->wrong, true);
  l->done[piece]++;
  l->scratch[thread]++;
  if (l->microseconds) sleep_microseconds(l->microseconds);
  atomic_store(&l->busy[thread], false);
}

/* Runs once and looks whether every piece was done once. */
static bool run_once(lander_engine *engine, loop *l, int pieces) {
  l->threads = lander_engine_threads(engine);
  memset(l->done, 0, sizeof l->done);
  memset(l->scratch, 0, sizeof l->scratch);
  parallel_run(engine, pieces, do_piece, l);
  long sum = 0;
  for (int i = 0; i < 8; i++) sum += l->scratch[i];
  for (int i = 0; i < MOST_PIECES; i++)
    if (l->done[i] != (i < pieces)) return false;
  return sum == pieces && !atomic_load(&l->wrong);
}

static void test_every_piece(void) {
  UNIT_TEST("every piece is done once, with any number of threads");
  static const int pieces[] = {0, 1, 2, 3, 7, PARALLEL_MAX_PIECES, MOST_PIECES};
  for (int t = 0; t < COUNT_OF(thread_counts); t++) {
    lander_engine *engine = new_engine(thread_counts[t]);
    static loop l;
    memset(&l, 0, sizeof l);
    for (int repeat = 0; repeat < 50; repeat++)
      for (int p = 0; p < COUNT_OF(pieces); p++)
        UNIT_CHECK(run_once(engine, &l, pieces[p]));
    lander_engine_free(engine);
  }
}

typedef struct tiny {
  int64_t sum[PARALLEL_MAX_PIECES];
} tiny;

static void add_piece(void *arg, int piece, int thread) {
  (void)thread;
  ((tiny *)arg)->sum[piece] += piece + 1;
}

static void test_many_tiny_loops(void) {
  UNIT_TEST("100000 tiny loops one after another");
  for (int t = 0; t < COUNT_OF(thread_counts); t++) {
    lander_engine *engine = new_engine(thread_counts[t]);
    static tiny x;
    int64_t expected[PARALLEL_MAX_PIECES] = {0};
    memset(&x, 0, sizeof x);
    for (int i = 0; i < 100000; i++) {
      int pieces = 1 + i % 9;
      parallel_run(engine, pieces, add_piece, &x);
      for (int p = 0; p < pieces; p++) expected[p] += p + 1;
    }
    UNIT_CHECK(!memcmp(x.sum, expected, sizeof expected));
    lander_engine_free(engine);
  }
}

static void test_sleepers(void) {
  UNIT_TEST("threads that sleep wake up, and so does the caller");
  for (int t = 1; t < COUNT_OF(thread_counts); t++) {
    lander_engine *engine = new_engine(thread_counts[t]);
    static loop l;
    memset(&l, 0, sizeof l);
    for (int i = 0; i < 200; i++) {
      l.microseconds = i % 3 == 0 ? 100 : 0; /* the caller waits longer than it spins */
      UNIT_CHECK(run_once(engine, &l, 2 + i % 5));
      sleep_microseconds(i % 4 * 40); /* around the time after which threads sleep */
    }
    lander_engine_free(engine);
  }
}

typedef struct shares {
  atomic_int began;
  bool other; /* a thread but the caller's took part */
} shares;

/* Waits for the other piece: both must run at once. */
static void meet(void *arg, int piece, int thread) {
  (void)piece;
  shares *s = arg;
  atomic_fetch_add(&s->began, 1);
  for (int i = 0; i < 20000 && atomic_load(&s->began) < 2; i++) sleep_microseconds(500);
  if (thread != 0) s->other = true;
}

static void test_at_once(void) {
  UNIT_TEST("pieces run at once");
  lander_engine *engine = new_engine(2);
  for (int i = 0; i < 20; i++) {
    shares s = {0};
    if (i % 2) sleep_microseconds(500);
    parallel_run(engine, 2, meet, &s);
    if (!UNIT_CHECK(atomic_load(&s.began) == 2 && s.other)) break;
  }
  lander_engine_free(engine);
}

typedef struct nested {
  lander_engine *engine;
  int64_t sums[4][4];
} nested;

static void inner(void *arg, int piece, int thread) {
  ((int64_t *)arg)[piece] += 1 + thread;
}

static void outer(void *arg, int piece, int thread) {
  (void)thread;
  nested *n = arg;
  parallel_run(n->engine, 4, inner, n->sums[piece]);
}

static void test_nested(void) {
  UNIT_TEST("a loop inside a loop is run by the thread that asks");
  lander_engine *engine = new_engine(3);
  nested n = {.engine = engine};
  for (int i = 0; i < 1000; i++) parallel_run(engine, 4, outer, &n);
  for (int i = 0; i < 16; i++) UNIT_CHECK(n.sums[i / 4][i % 4] == 1000);
  static loop l;
  UNIT_CHECK(run_once(engine, &l, 64)); /* and the pool is as before */
  lander_engine_free(engine);
}

static void test_pieces(void) {
  UNIT_TEST("pieces depend on the count and the grain");
  UNIT_CHECK(parallel_pieces(0, 10) == 0 && parallel_pieces(-5, 10) == 0);
  UNIT_CHECK(parallel_pieces(1, 10) == 1 && parallel_pieces(10, 10) == 1);
  UNIT_CHECK(parallel_pieces(11, 10) == 2 && parallel_pieces(7, 0) == 7);
  UNIT_CHECK(parallel_pieces(INT64_MAX, 1) == PARALLEL_MAX_PIECES);
  UNIT_CHECK(parallel_pieces(INT64_MAX, INT64_MAX) == 1);
  for (int64_t count = 0; count < 200; count++)
    for (int pieces = 1; pieces <= PARALLEL_MAX_PIECES; pieces++) {
      int64_t begin, end, last = 0;
      for (int i = 0; i < pieces; i++) {
        parallel_range(count, pieces, i, &begin, &end);
        UNIT_CHECK(begin == last && end >= begin && end - begin <= count / pieces + 1);
        last = end;
      }
      UNIT_CHECK(last == count);
    }
}

/* ---- the pool ---------------------------------------------------------------------- */

static void *use_engine(void *arg) {
  lander_engine *engine = new_engine(2);
  loop *l = arg;
  bool good = engine != NULL;
  for (int i = 0; good && i < 2000; i++) good = run_once(engine, l, 1 + i % 8);
  lander_engine_free(engine);
  return good ? arg : NULL;
}

static void test_two_engines(void) {
  UNIT_TEST("two engines in two threads do not meet");
  static loop loops[2];
  pthread_t ids[2];
  void *result;
  for (int i = 0; i < 2; i++) pthread_create(&ids[i], NULL, use_engine, &loops[i]);
  for (int i = 0; i < 2; i++) {
    pthread_join(ids[i], &result);
    UNIT_CHECK(result == &loops[i]);
  }
}

static void test_set_threads(void) {
  UNIT_TEST("the number of threads changes between loops");
  lander_engine *engine = new_engine(1);
  static loop l;
  for (int i = 0; i < 100; i++) {
    int threads = 1 + i * 7 % 5;
    UNIT_CHECK(lander_engine_set_threads(engine, threads, NULL) == LANDER_OK);
    UNIT_CHECK(lander_engine_threads(engine) == threads);
    UNIT_CHECK(run_once(engine, &l, 20));
  }
  lander_engine_free(engine);

  UNIT_TEST("when new threads can't be had, the old ones stay");
  test_allocator a = {.allowed = -1};
  lander_error e;
  engine = lander_engine_new(
      &(lander_config){.allocate = test_allocate, .allocate_userdata = &a, .threads = 2},
      &e);
  for (int n = 0; n < 2; n++) {
    a.allowed = a.requests + n;
    UNIT_CHECK(lander_engine_set_threads(engine, 4, &e) == LANDER_ERROR_MEMORY);
    UNIT_CHECK(lander_engine_threads(engine) == 2 && run_once(engine, &l, 20));
  }
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* and so in need of all addresses */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
static void test_refused_threads(void) {
  UNIT_TEST("a system that gives no more threads is an error");
  test_allocator a = {.allowed = -1};
  lander_error e = {0};
  lander_config config = {
      .allocate = test_allocate, .allocate_userdata = &a, .threads = 2};
  lander_engine *engine = lander_engine_new(&config, &e);
  struct rlimit old, little;
  getrlimit(RLIMIT_AS, &old);
  little = old;
  little.rlim_cur = (rlim_t)256 << 20; /* room for some 30 stacks of 8 MB */
  setrlimit(RLIMIT_AS, &little);
  lander_status status = lander_engine_set_threads(engine, 256, &e);
  setrlimit(RLIMIT_AS, &old);
  UNIT_CHECK(status == LANDER_ERROR_MEMORY && e.code == LANDER_ERROR_MEMORY);
  UNIT_CHECK(strstr(e.message, "of 256") != NULL);
  static loop l;
  UNIT_CHECK(lander_engine_threads(engine) == 2 && run_once(engine, &l, 20));
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}
#endif

typedef struct signals {
  atomic_int others, blocked;
} signals;

static void look_at_signals(void *arg, int piece, int thread) {
  (void)piece;
  signals *s = arg;
  sleep_microseconds(200);
  if (thread == 0) return;
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  atomic_fetch_add(&s->others, 1);
  atomic_fetch_add(&s->blocked,
                   sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM));
}

static void test_signals(void) {
  UNIT_TEST("signals go to the host's threads");
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  lander_engine *engine = new_engine(3);
  signals s = {0};
  for (int i = 0; i < 20; i++) parallel_run(engine, 6, look_at_signals, &s);
  UNIT_CHECK(atomic_load(&s.others) > 0);
  UNIT_CHECK(atomic_load(&s.others) == atomic_load(&s.blocked));
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  UNIT_CHECK(sigismember(&before, SIGINT) == sigismember(&after, SIGINT));
  lander_engine_free(engine);
}

/* ---- the thread for one job -------------------------------------------------------- */

typedef struct job {
  lander_engine *engine;
  int value, expected;
  bool wrong;
  loop l;
} job;

static void count_up(void *arg) {
  job *j = arg;
  if (j->value != j->expected) j->wrong = true;
  j->value++;
  j->expected++;
}

static void slow_job(void *arg) {
  sleep_microseconds(20000);
  ((job *)arg)->value = 7;
}

static void loop_job(void *arg) {
  job *j = arg;
  if (!run_once(j->engine, &j->l, 30)) j->wrong = true;
}

static void test_worker(void) {
  lander_engine *engine = new_engine(2);
  static job j;
  j.engine = engine;
  UNIT_TEST("jobs are done one after another, and waiting sees what they did");
  worker *w = worker_new(engine, NULL);
  worker_wait(w); /* there is nothing to wait for */
  for (int i = 0; i < 10000; i++) {
    worker_start(w, count_up, &j); /* waits for the last one */
    if (i % 3 == 0) {
      worker_wait(w);
      UNIT_CHECK(j.value == i + 1);
    }
  }
  worker_wait(w);
  UNIT_CHECK(j.value == 10000 && !j.wrong);

  UNIT_TEST("freeing a worker waits for its job");
  worker_start(w, slow_job, &j);
  worker_free(w);
  UNIT_CHECK(j.value == 7);
  worker_free(worker_new(engine, NULL));
  worker_free(NULL);

  UNIT_TEST("a job's loop is run inline, beside the loops of the engine's thread");
  w = worker_new(engine, NULL);
  static loop l;
  for (int i = 0; i < 500; i++) {
    worker_start(w, loop_job, &j);
    UNIT_CHECK(run_once(engine, &l, 30));
  }
  worker_wait(w);
  UNIT_CHECK(!j.wrong);

  UNIT_TEST("a worker keeps its engine");
  lander_engine_free(engine);
  worker_start(w, loop_job, &j);
  worker_free(w);
  UNIT_CHECK(!j.wrong);
}

int main(void) {
  test_every_piece();
  test_many_tiny_loops();
  test_sleepers();
  test_at_once();
  test_nested();
  test_pieces();
  test_two_engines();
  test_set_threads();
#ifndef SANITIZED
  test_refused_threads();
#endif
  test_signals();
  test_worker();
  return unit_finish();
}
