/* probe.c: a close look at one minibatch: what the triage of a divergence is made of. */
#include "solver.h"

#include <string.h>

static void tell(const lander_step *step, const net_blame *blame, lander_probe *probe) {
  *probe = (lander_probe){.loss = step->loss,
                          .gradient_norm = step->gradient_norm,
                          .rule = step->rule,
                          .where = step->where,
                          .sample = -1,
                          .output = {.first = -1}};
  if (!blame->where) return; /* all is finite, or a sum over all has become too large */
  probe->where = blame->where;
  probe->is_input = blame->is_source;
  probe->sample = blame->sample;
  probe->inputs = blame->inputs;
  memcpy(probe->input, blame->input, sizeof probe->input);
  probe->output = blame->output;
}

lander_status lander_solver_probe(lander_solver *s, lander_tensor *const *inputs,
                                  int count, lander_probe *probe, lander_error *error) {
  error_clear(error);
  lander_step step;
  net_blame blame = {.where = NULL};
  uint64_t pass = net_pass(s->net);
  lander_status status = solver_run(s, inputs, count, &step, &blame, error);
  if (status == LANDER_OK && step.rule == LANDER_RULE_NONE) net_restore_state(s->net);
  if (!lander_net_running(s->net)) net_set_pass(s->net, pass);
  if (status == LANDER_OK) tell(&step, &blame, probe);
  return status;
}
