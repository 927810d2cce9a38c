/* solver.h: the solver from inside. */
#ifndef LANDER_SOLVER_SOLVER_H
#define LANDER_SOLVER_SOLVER_H

#include "../net/net.h"
#include "monitor.h"
#include "schedule.h"
#include "types.h"

#define SOLVER_MAX_OPTIONS 64
#define SOLVER_MAX_ARENAS  256 /* of history */

/* Of lbfgs: how far its history is filled. */
typedef struct curvature {
  int64_t pairs; /* that were made so far */
  bool moved;    /* the last iteration has left a step and a gradient for the next pair */
} curvature;

/* What changes from iteration to iteration, beside weights and history. */
typedef struct solver_state {
  int64_t iter;
  plateau plateau;
  monitor monitor;
  curvature curvature;
} solver_state;

/* A range of one parameter, small enough to stay in the cache while it is updated. The
 * arenas are cut in these, and they are shared out over the threads. */
typedef struct span_of_param {
  int param;
  int64_t begin, count; /* in the arenas */
} span_of_param;

typedef struct norms_of_param {
  double weight, gradient;
} norms_of_param;

struct lander_solver {
  lander_engine *engine;
  lander_net *net; /* outlives the solver */
  const solver_type *type;
  solver_settings *settings;        /* type->size bytes */
  bool changed[SOLVER_MAX_OPTIONS]; /* rows of type->options, by lander_solver_set */
  lander_schedule schedule;         /* the host's, or NULL */
  void *schedule_userdata;
  solver_state state;
  storage *start; /* the weights when the baseline was set, as long as R5 needs them;
                     never written to, so checkpoints share it */

  int64_t arena_count;
  /* Laid out like the net's parameters: history, and in types that look before they move
   * arenas to work in, which hold nothing from one iteration to the next. */
  int histories;
  real *history[SOLVER_MAX_ARENAS];
  real *work[SOLVER_MAX_WORK];
  int spans_count;
  span_of_param *spans;
  double *sums;          /* of each span, of the last pass over them */
  norms_of_param *norms; /* of each parameter, in types that want them; else NULL */

  char *note; /* of the snapshot that was restored, or NULL */
};

/* The name of history k: "velocity", or "step3" where there are several. */
#define HISTORY_NAME 32
const char *solver_history_name(const lander_solver *s, int k, char out[HISTORY_NAME]);

/* update.c: passes over the arenas. */

/* Calls body for all spans of parameters that are trained, on all threads; returns the
 * sum of what it returned, added in the order of the spans. */
typedef double (*span_body)(const void *arg, const span_of_param *at);
double solver_over_spans(lander_solver *s, span_body body, const void *arg);

/* What an update does to a parameter's gradient, and its rate. */
update_terms solver_terms(const lander_solver *s, int index, double scale, double rate);

/* The sum of squares of the gradient of all parameters
 * that are trained, in double. */
double solver_sum_squares(lander_solver *s);
/* The parameter whose gradient made that sum infinite or NaN. */
const char *solver_bad_gradient(const lander_solver *s);
/* Whether most of the parameters that are trained had a gradient of exactly zero, as when
 * no unit of a layer answers to any sample. */
bool solver_gradient_vanished(const lander_solver *s);
/* One update of all parameters that are trained; solver_sum_squares comes before. */
void solver_apply(lander_solver *s, double scale, double rate);

/* step.c: the passes of one iteration, with R1 and R2. Weights, history and iteration are
 * not changed; running statistics are when all is finite, and then net_restore_state puts
 * back what was there. `blame` NULL, or where what is not finite was made. */
lander_status solver_run(lander_solver *s, lander_tensor *const *inputs, int count,
                         lander_step *step, net_blame *blame, lander_error *error);

/* solver.c: norm(w - start) / norm(start) over all parameters that are trained; NaN when
 * they began at zero. */
double solver_distance(const lander_solver *s);

#endif
