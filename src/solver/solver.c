/* solver.c: making a solver, its options, and its rate. */
#include "solver.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"

/* Numbers in a span: their weights, gradients and history fit in a core's own cache. */
#define SPAN_COUNT 8192

/* ---- making
 * ---------------------------------------------------------------------------- */

static lander_status check_net(const lander_net *net, lander_error *error) {
  if (!lander_net_has_loss(net))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the net has no loss to be minimised; append one, such as "
                     "loss = softmax_loss (%s, label)",
                     net->nodes[lander_net_output(net)].name);
  if (lander_net_params(net) == 0)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the net has no parameters, so there is nothing to train");
  return LANDER_OK;
}

static int64_t spans_of(int64_t count) {
  return (count + SPAN_COUNT - 1) / SPAN_COUNT;
}

static lander_status make_spans(lander_solver *s, lander_error *error) {
  int64_t total = 0;
  for (int i = 0; i < lander_net_params(s->net); i++)
    total += spans_of(net_param_count(s->net, i));
  if (total > INT_MAX)
    return error_set(error, LANDER_ERROR_MEMORY, "the net has too many parameters");
  s->spans = memory_new(s->engine, (size_t)total, sizeof *s->spans, error);
  s->sums = memory_new(s->engine, (size_t)total, sizeof *s->sums, error);
  if (!s->spans || !s->sums) return LANDER_ERROR_MEMORY;
  for (int i = 0; i < lander_net_params(s->net); i++) {
    int64_t count = net_param_count(s->net, i), offset = net_param_offset(s->net, i);
    for (int64_t at = 0; at < count; at += SPAN_COUNT)
      s->spans[s->spans_count++] = (span_of_param){
          i, offset + at, count - at < SPAN_COUNT ? count - at : SPAN_COUNT};
  }
  return LANDER_OK;
}

static lander_status make_arenas(const lander_solver *s, int count, real **arenas,
                                 lander_error *error) {
  for (int i = 0; i < count; i++) {
    arenas[i] = memory_new(s->engine, (size_t)s->arena_count, sizeof(real), error);
    if (!arenas[i]) return LANDER_ERROR_MEMORY;
  }
  return LANDER_OK;
}

static int history_names(const solver_type *type) {
  int count = 0;
  while (type->history[count]) count++;
  return count;
}

const char *solver_history_name(const lander_solver *s, int k, char out[HISTORY_NAME]) {
  int names = history_names(s->type);
  snprintf(out, HISTORY_NAME, "%s", s->type->history[k % names]);
  if (s->type->copies)
    snprintf(out, HISTORY_NAME, "%s%d", s->type->history[k % names], 1 + k / names);
  return out;
}

static lander_status make_history(lander_solver *s, lander_error *error) {
  net_data_arena(s->net, &s->arena_count);
  s->histories = history_names(s->type) * settings_copies(s->type, s->settings);
  lander_status status = make_arenas(s, s->histories, s->history, error);
  return status == LANDER_OK ? make_arenas(s, s->type->work, s->work, error) : status;
}

static lander_status make_norms(lander_solver *s, lander_error *error) {
  if (!s->type->norms) return LANDER_OK;
  s->norms =
      memory_new(s->engine, (size_t)lander_net_params(s->net), sizeof *s->norms, error);
  return s->norms ? LANDER_OK : LANDER_ERROR_MEMORY;
}

lander_solver *lander_solver_new(lander_net *net, const char *options,
                                 lander_error *error) {
  error_clear(error);
  if (check_net(net, error) != LANDER_OK) return NULL;
  lander_engine *engine = lander_net_engine(net);
  lander_solver *s = memory_new(engine, 1, sizeof *s, error);
  if (!s) return NULL;
  s->engine = engine_keep(engine);
  s->net = net;
  s->settings = settings_read(engine, options, &s->type, error);
  if (s->settings && make_history(s, error) == LANDER_OK &&
      make_spans(s, error) == LANDER_OK && make_norms(s, error) == LANDER_OK) {
    net_set_trained(net);
    return s;
  }
  lander_solver_free(s);
  return NULL;
}

void lander_solver_free(lander_solver *s) {
  if (!s) return;
  lander_engine *engine = s->engine;
  for (int i = 0; i < s->histories; i++) memory_free(engine, s->history[i]);
  for (int i = 0; i < SOLVER_MAX_WORK; i++) memory_free(engine, s->work[i]);
  memory_free(engine, s->settings);
  memory_free(engine, s->spans);
  memory_free(engine, s->sums);
  memory_free(engine, s->norms);
  memory_free(engine, s->note);
  storage_free(s->start);
  memory_free(engine, s);
  lander_engine_free(engine);
}

/* ---- the rate
 * -------------------------------------------------------------------------- */

double lander_solver_rate_at(const lander_solver *s, int64_t t) {
  if (t < 0) t = 0;
  double of_host = s->schedule ? s->schedule(s->schedule_userdata, t) : 0;
  return schedule_rate(s->settings, &s->state.plateau, s->schedule ? &of_host : NULL, t);
}

double lander_solver_rate(const lander_solver *s) {
  return lander_solver_rate_at(s, s->state.iter);
}

void lander_solver_set_schedule(lander_solver *s, lander_schedule of_host,
                                void *userdata) {
  s->schedule = of_host;
  s->schedule_userdata = userdata;
  if (of_host) s->changed[settings_find(s->type, "lr_policy")] = false;
}

bool lander_solver_has_schedule(const lander_solver *s) {
  return s->schedule;
}

/* ---- looking and changing
 * -------------------------------------------------------------- */

int64_t lander_solver_iter(const lander_solver *s) {
  return s->state.iter;
}

double lander_solver_loss(const lander_solver *s) {
  return monitor_smoothed(&s->state.monitor, s->settings->average_loss);
}

int lander_solver_losses(const lander_solver *s, double *losses, int most) {
  int count = monitor_count(&s->state.monitor);
  if (count > most) count = most > 0 ? most : 0;
  for (int i = 0; i < count; i++)
    losses[i] = monitor_loss(&s->state.monitor, count - 1 - i);
  return count;
}

const char *lander_solver_note(const lander_solver *s) {
  return s->note;
}

/* ---- the baseline
 * ---------------------------------------------------------------------- */

lander_status lander_solver_baseline(lander_solver *s, const double *losses, int times,
                                     double chance, lander_error *error) {
  error_clear(error);
  if (!isnan(chance) && !(chance > 0 && isfinite(chance)))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "solver: the chance level is a loss above 0, got %g", chance);
  monitor m = s->state.monitor;
  monitor_set_baseline(&m, losses, times,
                       isnan(chance) ? lander_net_chance(s->net) : chance);
  storage *start = NULL;
  if (m.chance > 0) {
    start = storage_new(s->engine, s->arena_count, error);
    if (!start) return LANDER_ERROR_MEMORY;
    int64_t count;
    memcpy(start->data, net_data_arena(s->net, &count),
           (size_t)s->arena_count * sizeof(real));
  }
  storage_free(s->start);
  s->start = start;
  s->state.monitor = m;
  return LANDER_OK;
}

#define BLOCK 512 /* differences that fit comfortably on the stack */

static double sum_squared_differences(int64_t count, const real *a, const real *b) {
  double sum = 0;
  real difference[BLOCK];
  for (int64_t i = 0; i < count; i += BLOCK) {
    int64_t n = count - i < BLOCK ? count - i : BLOCK;
    kernels_table()->sub(n, a + i, b + i, difference);
    sum += kernels_table()->sum_squares(n, difference);
  }
  return sum;
}

double solver_distance(const lander_solver *s) {
  int64_t unused;
  const real *w = net_data_arena(s->net, &unused), *start = s->start->data;
  double gone = 0, began = 0;
  for (int i = 0; i < lander_net_params(s->net); i++) {
    int64_t at = net_param_offset(s->net, i), count = net_param_count(s->net, i);
    if (lander_net_param(s->net, i)->frozen) continue;
    gone += sum_squared_differences(count, w + at, start + at);
    began += kernels_table()->sum_squares(count, start + at);
  }
  return began > 0 ? sqrt(gone / began) : (double)NAN;
}

lander_status lander_solver_scale_history(lander_solver *s, double factor,
                                          lander_error *error) {
  error_clear(error);
  if (!(factor >= 0 && factor <= 1))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "solver: history is scaled by a factor from 0 to 1, got %g", factor);
  for (int k = 0; k < s->histories; k++)
    if (s->type->is_direction[k % history_names(s->type)])
      kernels_table()->scale(s->arena_count, (real)factor, s->history[k], s->history[k]);
  return LANDER_OK;
}

/* ---- options
 * --------------------------------------------------------------------------- */

lander_status lander_solver_set(lander_solver *s, const char *name, const char *value,
                                lander_error *error) {
  error_clear(error);
  solver_settings *changed =
      settings_change(s->engine, s->type, s->settings, name, value, error);
  if (!changed) return error ? error->code : LANDER_ERROR_ARGUMENT;
  memory_free(s->engine, s->settings);
  s->settings = changed;
  s->changed[settings_find(s->type, name)] = true;
  return LANDER_OK;
}

lander_status lander_solver_get(const lander_solver *s, const char *name, char *value,
                                size_t size, lander_error *error) {
  error_clear(error);
  text found = {.engine = s->engine};
  lander_status status =
      options_write_one(s->type->options, name, "solver", s->settings, &found, error);
  if (status == LANDER_OK && found.length >= size)
    status = error_set(error, LANDER_ERROR_ARGUMENT,
                       "solver: the value of '%s' needs %zu bytes, there are %zu", name,
                       found.length + 1, size);
  if (status == LANDER_OK) memcpy(value, found.data ? found.data : "", found.length + 1);
  text_free(&found);
  return status;
}
