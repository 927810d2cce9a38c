/* params.c: the parameters, in two arenas: one of values, one of gradients. */
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "net.h"

/* Each parameter begins on a cache line, so that threads don't write to one together. */
#define ALIGNMENT ((int64_t)(64 / sizeof(real)))

static int64_t align_up(int64_t count) {
  return (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static lander_status make_kept_state(lander_net *net, lander_error *error) {
  int64_t count = 0;
  for (int i = 0; i < net->params_count; i++)
    if (net->params[i].public.state) count += net->params[i].count;
  net->kept_state = memory_new(net->engine, (size_t)count, sizeof(real), error);
  return net->kept_state ? LANDER_OK : LANDER_ERROR_MEMORY;
}

lander_status net_make_params(lander_net *net, lander_error *error) {
  for (int i = 0; i < net->params_count; i++) {
    param *p = &net->params[i];
    p->offset = net->arena_count;
    net->arena_count += align_up(p->count);
  }
  net->data = storage_new(net->engine, net->arena_count, error);
  if (!net->data) return LANDER_ERROR_MEMORY;
  net->grad = storage_new(net->engine, net->arena_count, error);
  if (!net->grad) return LANDER_ERROR_MEMORY;
  for (int i = 0; i < net->params_count; i++) {
    param *p = &net->params[i];
    p->public.data = tensor_on(net->data, p->offset, p->shape.dims, p->shape.size, error);
    if (!p->public.data) return LANDER_ERROR_MEMORY;
    p->public.grad = tensor_on(net->grad, p->offset, p->shape.dims, p->shape.size, error);
    if (!p->public.grad) return LANDER_ERROR_MEMORY;
  }
  return make_kept_state(net, error);
}

static void copy_state(lander_net *net, bool back) {
  real *at = net->kept_state;
  for (int i = 0; i < net->params_count; i++) {
    const param *p = &net->params[i];
    if (!p->public.state) continue;
    real *live = net->data->data + p->offset;
    memcpy(back ? live : at, back ? at : live, (size_t)p->count * sizeof(real));
    at += p->count;
  }
}

void net_keep_state(lander_net *net) {
  copy_state(net, false);
}

void net_restore_state(lander_net *net) {
  copy_state(net, true);
}

lander_status error_state(lander_error *error) {
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "it is what a layer remembers, not a weight: it has no lr_mult or "
                   "decay_mult, and is always frozen");
}

void net_params_free(lander_net *net) {
  memory_free(net->engine, net->kept_state);
  for (int i = 0; i < net->params_count; i++) {
    lander_tensor_free(net->params[i].public.data);
    lander_tensor_free(net->params[i].public.grad);
  }
  storage_free(net->data);
  storage_free(net->grad);
}

void lander_net_reset(lander_net *net, uint64_t seed) {
  net->seed = seed;
  net->pass = 0;
  for (int i = 0; i < net->params_count; i++) {
    const param *p = &net->params[i];
    filler_fill(&p->filler, p->shape.dims, p->shape.size, p->fan_in, p->fan_out,
                (random_key){seed, RANDOM_FILLER(i)}, net->data->data + p->offset);
  }
}

real *net_data_arena(lander_net *net, int64_t *count) {
  *count = net->arena_count;
  return net->data->data;
}

real *net_grad_arena(lander_net *net, int64_t *count) {
  *count = net->arena_count;
  return net->grad->data;
}

int64_t net_param_offset(const lander_net *net, int index) {
  return net->params[index].offset;
}

int64_t net_param_count(const lander_net *net, int index) {
  return net->params[index].count;
}

int lander_net_params(const lander_net *net) {
  return net->params_count;
}

const lander_param *lander_net_param(const lander_net *net, int index) {
  return index >= 0 && index < net->params_count ? &net->params[index].public : NULL;
}

static lander_status check_multiplier(const char *what, double value,
                                      lander_error *error) {
  if (value >= 0 && isfinite(value)) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "%s must be a finite number from 0 on, got %g", what, value);
}

lander_status lander_net_set_param(lander_net *net, int index, double lr_mult,
                                   double decay_mult, bool frozen, lander_error *error) {
  error_clear(error);
  if (index < 0 || index >= net->params_count)
    return error_set(error, LANDER_ERROR_ARGUMENT, "the net has %d parameters, not %d",
                     net->params_count, index + 1);
  if (net->params[index].public.state) return error_state(error);
  if (net->running) return net_check_idle(net, error); /* gradients have their places */
  lander_status status = check_multiplier("lr_mult", lr_mult, error);
  if (status == LANDER_OK) status = check_multiplier("decay_mult", decay_mult, error);
  if (status != LANDER_OK) return status;
  lander_param *p = &net->params[index].public, old = *p;
  p->lr_mult = lr_mult;
  p->decay_mult = decay_mult;
  p->frozen = frozen;
  status = net_write_text(net, error);
  if (status != LANDER_OK) *p = old;
  net_trace_gradients(net);
  return status;
}
