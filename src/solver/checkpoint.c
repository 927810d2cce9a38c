/* checkpoint.c: the solver and its net in memory, to go back to. */
#include "solver.h"

#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"

/* What a parameter's owner may have changed. */
typedef struct multipliers {
  double lr_mult, decay_mult;
  bool frozen;
} multipliers;

struct lander_checkpoint {
  lander_engine *engine;
  const lander_net *net; /* only to be compared: it may be gone */
  const solver_type *type;
  int64_t arena_count;
  int params;
  real *data;
  int histories;
  real *history[SOLVER_MAX_ARENAS];
  multipliers *multipliers; /* of each parameter */
  solver_settings *settings;
  bool changed[SOLVER_MAX_OPTIONS];
  solver_state state;
  storage *start; /* shared with the solver */
  uint64_t seed, pass;
};

void lander_checkpoint_free(lander_checkpoint *c) {
  if (!c) return;
  lander_engine *engine = c->engine;
  memory_free(engine, c->data);
  for (int k = 0; k < c->histories; k++) memory_free(engine, c->history[k]);
  memory_free(engine, c->multipliers);
  memory_free(engine, c->settings);
  storage_free(c->start);
  memory_free(engine, c);
  lander_engine_free(engine);
}

int64_t lander_checkpoint_iter(const lander_checkpoint *c) {
  return c->state.iter;
}

size_t lander_checkpoint_bytes(const lander_checkpoint *c) {
  return sizeof *c + (size_t)(1 + c->histories) * (size_t)c->arena_count * sizeof(real) +
         (size_t)c->params * sizeof *c->multipliers + c->type->size;
}

static bool fill_with_memory(lander_checkpoint *c, lander_error *error) {
  size_t count = (size_t)c->arena_count;
  c->data = memory_new(c->engine, count, sizeof(real), error);
  c->multipliers =
      memory_new(c->engine, (size_t)c->params, sizeof *c->multipliers, error);
  c->settings = memory_new(c->engine, 1, c->type->size, error);
  bool all = c->data && c->multipliers && c->settings;
  for (int k = 0; all && k < c->histories; k++) {
    c->history[k] = memory_new(c->engine, count, sizeof(real), error);
    all = c->history[k];
  }
  return all;
}

static lander_checkpoint *make(const lander_solver *s, lander_error *error) {
  lander_checkpoint *c = memory_new(s->engine, 1, sizeof *c, error);
  if (!c) return NULL;
  c->engine = engine_keep(s->engine);
  c->net = s->net;
  c->type = s->type;
  c->arena_count = s->arena_count;
  c->histories = s->histories;
  c->params = lander_net_params(s->net);
  if (fill_with_memory(c, error)) return c;
  lander_checkpoint_free(c);
  return NULL;
}

static lander_status check_fits(const lander_solver *s, const lander_checkpoint *c,
                                lander_error *error) {
  lander_status status = net_check_idle(s->net, error);
  if (status != LANDER_OK) return status;
  if (c && (c->net != s->net || c->type != s->type || c->arena_count != s->arena_count ||
            c->histories != s->histories || c->params != lander_net_params(s->net)))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "solver: this is a checkpoint of another net, or of a solver that "
                     "remembers other things (%s, here it is %s)",
                     c->type->name, s->type->name);
  return LANDER_OK;
}

static multipliers multipliers_of(const lander_net *net, int index) {
  const lander_param *p = lander_net_param(net, index);
  return (multipliers){p->lr_mult, p->decay_mult, p->frozen};
}

lander_checkpoint *lander_solver_checkpoint(const lander_solver *s,
                                            lander_checkpoint *reuse,
                                            lander_error *error) {
  error_clear(error);
  if (check_fits(s, reuse, error) != LANDER_OK) return NULL;
  if (lander_solver_check(s, NULL, error) != LANDER_OK) return NULL;
  lander_checkpoint *c = reuse ? reuse : make(s, error);
  if (!c) return NULL;
  int64_t unused;
  size_t bytes = (size_t)s->arena_count * sizeof(real);
  memcpy(c->data, net_data_arena(s->net, &unused), bytes);
  for (int k = 0; k < s->histories; k++) memcpy(c->history[k], s->history[k], bytes);
  for (int i = 0; i < c->params; i++) c->multipliers[i] = multipliers_of(s->net, i);
  memcpy(c->settings, s->settings, s->type->size);
  memcpy(c->changed, s->changed, sizeof c->changed);
  c->state = s->state;
  storage *start = s->start ? storage_keep(s->start) : NULL;
  storage_free(c->start);
  c->start = start;
  c->seed = s->net->seed;
  c->pass = net_pass(s->net);
  return c;
}

/* ---- going back
 * ------------------------------------------------------------------------ */

static void set_multipliers(lander_net *net, const multipliers *from) {
  for (int i = 0; i < net->params_count; i++) {
    lander_param *p = &net->params[i].public;
    p->lr_mult = from[i].lr_mult;
    p->decay_mult = from[i].decay_mult;
    p->frozen = from[i].frozen;
  }
}

static bool multipliers_differ(const lander_net *net, const multipliers *from) {
  for (int i = 0; i < net->params_count; i++) {
    multipliers now = multipliers_of(net, i);
    if (now.lr_mult != from[i].lr_mult || now.decay_mult != from[i].decay_mult ||
        now.frozen != from[i].frozen)
      return true;
  }
  return false;
}

/* The net's text holds them, and needs memory to be written anew. */
static lander_status take_multipliers(lander_net *net, const lander_checkpoint *c,
                                      lander_error *error) {
  if (!multipliers_differ(net, c->multipliers)) return LANDER_OK;
  multipliers *old = memory_new(net->engine, (size_t)c->params, sizeof *old, error);
  if (!old) return LANDER_ERROR_MEMORY;
  for (int i = 0; i < c->params; i++) old[i] = multipliers_of(net, i);
  set_multipliers(net, c->multipliers);
  lander_status status = net_write_text(net, error);
  if (status == LANDER_OK)
    net_trace_gradients(net);
  else
    set_multipliers(net, old);
  memory_free(net->engine, old);
  return status;
}

lander_status lander_solver_return(lander_solver *s, const lander_checkpoint *c,
                                   lander_error *error) {
  error_clear(error);
  lander_status status = check_fits(s, c, error);
  if (status == LANDER_OK) status = take_multipliers(s->net, c, error);
  if (status != LANDER_OK) return status;
  int64_t unused;
  size_t bytes = (size_t)s->arena_count * sizeof(real);
  memcpy(net_data_arena(s->net, &unused), c->data, bytes);
  for (int k = 0; k < s->histories; k++) memcpy(s->history[k], c->history[k], bytes);
  memcpy(s->settings, c->settings, s->type->size);
  memcpy(s->changed, c->changed, sizeof s->changed);
  s->state = c->state;
  storage *start = c->start ? storage_keep(c->start) : NULL;
  storage_free(s->start);
  s->start = start;
  s->net->seed = c->seed;
  net_set_pass(s->net, c->pass);
  return LANDER_OK;
}
