/* parts.c: copies between a whole and its parts. */
#include "parts.h"

#define GRAIN 16384 /* numbers a piece */

typedef struct job {
  const parts *parts;
  const layer_call *call;
  const real *const *from; /* the parts, when they are joined */
  real *to;
  const real *cut; /* the whole, when it is cut */
  real *const *into;
  int64_t rows;
  int pieces;
} job;

static void join_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const parts *p = j->parts;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int i = 0; i < p->count; i++)
    j->call->kernels->copy_2d(end - begin, p->size[i], j->from[i] + begin * p->size[i],
                              p->size[i], j->to + begin * p->whole + p->begin[i],
                              p->whole);
}

static void cut_piece(void *arg, int piece, int thread) {
  (void)thread;
  const job *j = arg;
  const parts *p = j->parts;
  int64_t begin, end;
  parallel_range(j->rows, j->pieces, piece, &begin, &end);
  for (int i = 0; i < p->count; i++)
    if (j->into[i])
      j->call->kernels->copy_2d(end - begin, p->size[i],
                                j->cut + begin * p->whole + p->begin[i], p->whole,
                                j->into[i] + begin * p->size[i], p->size[i]);
}

static void run(job *j, parallel_body body) {
  j->rows = j->call->batch * j->parts->outer;
  j->pieces = parallel_pieces(j->rows, GRAIN / j->parts->whole);
  parallel_run(j->call->engine, j->pieces, body, j);
}

void parts_join(const parts *p, const layer_call *c, const real *const *part,
                real *whole) {
  run(&(job){.parts = p, .call = c, .from = part, .to = whole}, join_piece);
}

void parts_cut(const parts *p, const layer_call *c, const real *whole,
               real *const *part) {
  run(&(job){.parts = p, .call = c, .cut = whole, .into = part}, cut_piece);
}
