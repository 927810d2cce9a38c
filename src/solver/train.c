/* train.c: iterations on minibatches, for a host in C. What is done about a divergence is
 * the host's affair (in Lua, lander.train has a policy). */
#include "solver.h"

#include <math.h>

#include "../base/engine.h"
#include "../base/error.h"

#define START_LOSSES 5 /* as lander.train looks at */

/* The loss of a minibatch, without an update; what layers remember is put back. */
static lander_status measure(lander_solver *s, lander_tensor *const *inputs, double *loss,
                             lander_error *error) {
  net_keep_state(s->net);
  lander_status status = lander_net_forward(s->net, inputs, 2, error);
  *loss = lander_net_loss(s->net);
  net_restore_state(s->net);
  return status;
}

/* What the rules compare with: the losses of a few minibatches before the first update.
 */
static lander_status set_baseline(lander_solver *s, lander_batches *batches,
                                  lander_error *error) {
  double losses[START_LOSSES];
  int times = 0;
  int64_t position = lander_batches_position(batches);
  lander_phase phase = lander_net_phase(s->net);
  lander_status status = net_check_idle(s->net, error);
  if (status != LANDER_OK) return status;
  lander_net_set_phase(s->net, LANDER_TRAIN);
  while (status == LANDER_OK && times < START_LOSSES) {
    lander_tensor *inputs[2];
    status = lander_batches_next(batches, &inputs[0], &inputs[1], error);
    if (status != LANDER_OK || !inputs[0]) break;
    status = measure(s, inputs, &losses[times], error);
    times++;
  }
  lander_net_set_phase(s->net, phase);
  lander_batches_seek(batches, position);
  if (status != LANDER_OK || times == 0) return status;
  return lander_solver_baseline(s, losses, times, (double)NAN, error);
}

static lander_status refused(const lander_solver *s, const lander_step *step,
                             lander_error *error) {
  return error_set(error, LANDER_DIVERGED,
                   "diverged at iteration %lld: loss %g, rule %s%s%s; nothing was "
                   "changed: go on with a lower base_lr, from a good snapshot",
                   (long long)s->state.iter, step->loss, lander_rule_name(step->rule),
                   step->where ? ", first seen in " : "", step->where ? step->where : "");
}

/* What is worth a line in the log. */
static void tell(const lander_solver *s, const lander_step *step) {
  if (step->warning != LANDER_RULE_NONE)
    engine_log(s->engine, LANDER_LOG_WARNING,
               "iteration %lld: the loss stays at chance level: %s",
               (long long)s->state.iter, step->reason ? step->reason : "?");
}

static lander_status stopped(const lander_solver *s, lander_error *error) {
  return error_set(error, LANDER_STOPPED, "stopped after iteration %lld",
                   (long long)s->state.iter);
}

lander_status lander_solver_train(lander_solver *s, lander_batches *batches,
                                  int64_t until, lander_progress progress, void *userdata,
                                  lander_error *error) {
  error_clear(error);
  lander_status status = LANDER_OK;
  if (s->settings->guard && s->state.iter == 0 && !s->state.monitor.has_baseline)
    status = set_baseline(s, batches, error);
  while (status == LANDER_OK && s->state.iter < until) {
    if (lander_engine_stopped(s->engine)) return stopped(s, error);
    lander_tensor *inputs[2];
    lander_step step;
    status = lander_batches_next(batches, &inputs[0], &inputs[1], error);
    if (status != LANDER_OK || !inputs[0]) break;
    status = lander_solver_step(s, inputs, 2, &step, error);
    if (status != LANDER_OK) break;
    if (step.rule != LANDER_RULE_NONE) status = refused(s, &step, error);
    tell(s, &step);
    if (progress && !progress(userdata, s, &step) && status == LANDER_OK)
      return stopped(s, error);
  }
  return status;
}
