/* step.c: one iteration.
 *
 * Everything is looked at before the update, and all that an update changes is changed
 * together: a rejected iteration leaves weights, history and iteration as they were. */
#include "solver.h"

#include <math.h>

const char *lander_rule_name(lander_rule rule) {
  static const char *const names[] = {"none", "R1", "R2", "R3", "R4", "R4b", "R5"};
  return rule >= 0 && (int)rule < COUNT_OF(names) ? names[rule] : "unknown";
}

/* ---- before --------------------------------------------------------------------------
 */

/* What multiplies gradients and weights must be finite in their own precision. */
static lander_status check_factors(const lander_solver *s, double rate,
                                   lander_error *error) {
  if (!(rate >= 0 && isfinite((real)rate)))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "solver: the rate of iteration %lld is %g; it must be a finite "
                     "number from 0 on",
                     (long long)s->state.iter, rate);
  for (int i = 0; i < lander_net_params(s->net); i++) {
    const lander_param *p = lander_net_param(s->net, i);
    if (!isfinite((real)(rate * p->lr_mult)) ||
        !isfinite((real)(s->settings->weight_decay * p->decay_mult)))
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "solver: %s: the rate %g times lr_mult %g, or weight_decay %g "
                       "times decay_mult %g, is too large",
                       p->name, rate, p->lr_mult, s->settings->weight_decay,
                       p->decay_mult);
  }
  return LANDER_OK;
}

static lander_status check_inputs(const lander_solver *s, lander_tensor *const *inputs,
                                  int count, lander_error *error) {
  int wanted = lander_net_inputs(s->net) + lander_net_labels(s->net);
  int parts = s->settings->iter_size;
  if (count != wanted)
    return error_set(
        error, LANDER_ERROR_ARGUMENT,
        "solver: a step takes %d tensors, inputs and labels together; %d are "
        "given",
        wanted, count);
  if (count > LAYER_MAX_INPUTS)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "solver: a net with more than %d inputs", LAYER_MAX_INPUTS);
  if (parts == 1) return LANDER_OK;
  for (int i = 0; i < count; i++)
    if (inputs[i]->dims < 1 || inputs[i]->size[0] % parts)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "solver: a minibatch of %lld can't be cut in iter_size=%d equal "
                       "parts",
                       inputs[i]->dims < 1 ? 1ll : (long long)inputs[i]->size[0], parts);
  return LANDER_OK;
}

/* ---- forward and backward ------------------------------------------------------------
 */

/* Part number `part` of the minibatch. A view without a hold of its own: the inputs
 * outlive the step. */
static lander_tensor part_of(const lander_tensor *t, int part, int parts) {
  lander_tensor view = *t;
  if (parts == 1) return view;
  view.size[0] /= parts;
  view.data += part * view.size[0] * view.stride[0];
  return view;
}

static lander_status run_part(lander_solver *s, lander_tensor *const *inputs, int count,
                              int part, lander_step *step, net_blame *blame,
                              lander_error *error) {
  int parts = s->settings->iter_size;
  lander_tensor view[LAYER_MAX_INPUTS];
  lander_tensor *views[LAYER_MAX_INPUTS];
  for (int i = 0; i < count; i++) {
    view[i] = part_of(inputs[i], part, parts);
    views[i] = &view[i];
  }
  net_set_pass(s->net, (uint64_t)s->state.iter * (uint64_t)parts + (uint64_t)part);
  lander_status status = lander_net_forward(s->net, views, count, error);
  if (status != LANDER_OK) return status;
  if (blame) blame->first_sample = part * view[0].size[0];
  double loss = lander_net_loss(s->net);
  step->loss += loss / parts;
  if (rule_loss(loss, net_output_is_finite(s->net))) {
    step->loss = step->value = loss;
    step->rule = LANDER_RULE_LOSS;
    step->where = net_blame_forward(s->net, blame);
    return LANDER_OK;
  }
  return net_backward(s->net, part > 0, blame, error);
}

static lander_status run_parts(lander_solver *s, lander_tensor *const *inputs, int count,
                               lander_step *step, net_blame *blame, lander_error *error) {
  lander_phase phase = lander_net_phase(s->net);
  lander_status status = LANDER_OK;
  lander_net_set_phase(s->net, LANDER_TRAIN);
  for (int part = 0; status == LANDER_OK && step->rule == LANDER_RULE_NONE &&
                     part < s->settings->iter_size;
       part++)
    status = run_part(s, inputs, count, part, step, blame, error);
  lander_net_set_phase(s->net, phase);
  return status;
}

static void measure_gradient(lander_solver *s, lander_step *step) {
  double squares = solver_sum_squares(s);
  step->gradient_norm = sqrt(squares) / s->settings->iter_size;
  if (!rule_gradient(squares)) return;
  step->rule = LANDER_RULE_GRADIENT;
  step->value = step->gradient_norm;
  step->where = solver_bad_gradient(s);
}

static lander_step nothing_found(const lander_solver *s) {
  const double none = (double)NAN;
  return (lander_step){.rate = lander_solver_rate(s),
                       .gradient_norm = none,
                       .value = none,
                       .threshold = none,
                       .baseline = none,
                       .distance = none};
}

lander_status solver_run(lander_solver *s, lander_tensor *const *inputs, int count,
                         lander_step *step, net_blame *blame, lander_error *error) {
  *step = nothing_found(s);
  lander_status status = net_check_idle(s->net, error);
  if (status == LANDER_OK) status = check_factors(s, step->rate, error);
  if (status == LANDER_OK) status = check_inputs(s, inputs, count, error);
  if (status != LANDER_OK) return status;
  net_keep_state(s->net); /* forward changes running statistics */
  status = run_parts(s, inputs, count, step, blame, error);
  if (status == LANDER_OK && step->rule == LANDER_RULE_NONE) measure_gradient(s, step);
  if (status != LANDER_OK || step->rule != LANDER_RULE_NONE) net_restore_state(s->net);
  return status;
}

/* ---- looking, then the update
 * ---------------------------------------------------------- */

/* R5: the dead net is rejected; of what else keeps a loss at chance there is one warning.
 */
static lander_rule judge_stall(const lander_solver *s, lander_step *step,
                               finding *found) {
  const monitor *m = &s->state.monitor;
  if (!s->start || !rule_stall(m, s->settings, found)) return LANDER_RULE_NONE;
  double distance = solver_distance(s);
  /* From far above chance the loss passes it on the way down, and the weights go far:
   * then only what gets no gradient is dead, and not for a few samples alone. */
  if (m->baseline > 2 * m->chance && distance > s->settings->guard_slow &&
      m->vanished < MONITOR_WINDOW)
    return LANDER_RULE_NONE;
  if (rule_stall_is_dead(s->settings, distance, found)) return LANDER_RULE_STALL;
  if (!m->warned) step->warning = LANDER_RULE_STALL;
  return LANDER_RULE_NONE;
}

static lander_rule judge_loss(const lander_solver *s, lander_step *step, finding *found) {
  const monitor *m = &s->state.monitor;
  if (!s->settings->guard) return LANDER_RULE_NONE;
  if (rule_blowup(m, s->settings, step->loss, found)) return LANDER_RULE_BLOWUP;
  if (rule_rise(m, s->settings, step->loss, found)) return LANDER_RULE_RISE;
  if (rule_shift(m, s->settings, found)) return LANDER_RULE_SHIFT;
  return judge_stall(s, step, found);
}

static void judge(const lander_solver *s, lander_step *step) {
  finding found = {step->value, step->threshold, step->baseline, step->distance, NULL};
  step->rule = judge_loss(s, step, &found);
  if (step->rule == LANDER_RULE_NONE && step->warning == LANDER_RULE_NONE) return;
  step->value = found.value;
  step->threshold = found.threshold;
  step->baseline = found.baseline;
  step->distance = found.distance;
  step->reason = found.reason;
}

/* What makes the mean of the parts' summed gradients, no longer than clip_gradients. */
static double gradient_scale(const lander_solver *s, const lander_step *step) {
  double scale = 1.0 / s->settings->iter_size, most = s->settings->clip_gradients;
  return most > 0 && step->gradient_norm > most ? scale * most / step->gradient_norm
                                                : scale;
}

static lander_status update(lander_solver *s, lander_tensor *const *inputs, int count,
                            lander_step *step, lander_error *error) {
  if (s->type->move) return s->type->move(s, inputs, count, step, error);
  solver_apply(s, gradient_scale(s, step), step->rate);
  return LANDER_OK;
}

static void accept(lander_solver *s, const lander_step *step, bool vanished) {
  s->state.iter++;
  s->state.monitor.vanished = vanished ? s->state.monitor.vanished + 1 : 0;
  monitor_accept(&s->state.monitor, step->loss);
  if (step->warning != LANDER_RULE_NONE) s->state.monitor.warned = true;
  if (s->start && monitor_has_learnt(&s->state.monitor, s->settings)) {
    storage_free(s->start); /* from here on R4b takes the place of R5 */
    s->start = NULL;
  }
  const lr_schedule *policy = schedule_at(s->settings->lr_policy);
  if (policy->observe && !s->schedule)
    policy->observe(&s->state.plateau, s->settings, lander_solver_loss(s));
}

lander_status lander_solver_step(lander_solver *s, lander_tensor *const *inputs,
                                 int count, lander_step *step, lander_error *error) {
  error_clear(error);
  lander_status status = solver_run(s, inputs, count, step, NULL, error);
  if (status != LANDER_OK || step->rule != LANDER_RULE_NONE) return status;
  bool vanished = solver_gradient_vanished(s); /* before an update uses its sums */
  judge(s, step);
  if (step->rule == LANDER_RULE_NONE) status = update(s, inputs, count, step, error);
  if (status == LANDER_OK && step->rule == LANDER_RULE_NONE)
    accept(s, step, vanished);
  else
    net_restore_state(s->net);
  return status;
}
