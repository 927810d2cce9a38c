/* solver.h: the solver from inside. */
#ifndef LANDER_SOLVER_SOLVER_H
#define LANDER_SOLVER_SOLVER_H

#include "../net/net.h"
#include "monitor.h"
#include "schedule.h"
#include "types.h"

#define SOLVER_MAX_OPTIONS 64

/* What changes from iteration to iteration, beside weights and history. */
typedef struct solver_state {
  int64_t iter;
  plateau plateau;
  monitor monitor;
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
  real *history[SOLVER_MAX_HISTORY]; /* laid out like the net's parameters */
  int spans_count;
  span_of_param *spans;
  double *squares; /* of each span: the sum of squares of the gradient */
  /* for types that want norms, else NULL */
  double *weight_squares; /* of each span */
  norms_of_param *norms;  /* of each parameter */

  char *note; /* of the snapshot that was restored, or NULL */
};

/* update.c: passes over the arenas. The sum of squares of the gradient of all parameters
 * that are trained, in double, in the order of the spans. */
double solver_sum_squares(lander_solver *s);
/* The parameter whose gradient made that sum infinite or NaN. */
const char *solver_bad_gradient(const lander_solver *s);
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
