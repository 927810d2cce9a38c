/* host.c: layers that the host computes. A definition becomes a layer_type whose
 * functions hand on to the host's. */
#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"
#include "../tensor/tensor.h"
#include "layer.h"

typedef struct host_type {
  layer_type type; /* first: a layer's type is a host_type */
  lander_layer_definition definition;
} host_type;

/* What a layer of such a type remembers, behind the host's own options. */
typedef struct host_layer {
  lander_layer_setup setup;
} host_layer;

static const lander_option no_options[] = {OPTION_END};

/* A weight's filler, as an option of a structure of its own. */
typedef struct filler_holder {
  filler filler;
} filler_holder;

static const lander_option filler_option[] = {
    OPTION_FILLER(filler_holder, filler, "xavier", "initial values"), OPTION_END};

static size_t align_up(size_t size) {
  size_t most = _Alignof(max_align_t);
  return (size + most - 1) / most * most;
}

static const host_type *host_of(const layer *l) {
  return (const host_type *)l->type;
}

static host_layer *layer_of(const layer *l) {
  return (host_layer *)((char *)l->self + align_up(host_of(l)->definition.size));
}

static lander_layer_shape to_public(const shape *s) {
  lander_layer_shape p = {.dims = s->dims};
  memcpy(p.size, s->size, sizeof p.size);
  return p;
}

static lander_status to_shape(const lander_layer_shape *p, const char *what, shape *s,
                              lander_error *error) {
  if (p->dims < 0 || p->dims > LANDER_MAX_DIMS - 1)
    return error_set(error, LANDER_ERROR_SHAPE, "%s has %d dimensions, at most %d can be",
                     what, p->dims, LANDER_MAX_DIMS - 1);
  *s = (shape){.dims = p->dims};
  for (int d = 0; d < p->dims; d++) {
    if (p->size[d] < 1)
      return error_set(error, LANDER_ERROR_SHAPE, "%s has a size of %lld", what,
                       (long long)p->size[d]);
    s->size[d] = p->size[d];
  }
  return LANDER_OK;
}

static lander_status add_weight(layer *l, lander_layer_weight *w, lander_error *error) {
  w->name[sizeof w->name - 1] = w->filler[sizeof w->filler - 1] = 0;
  layer_weight *to = &l->weight[l->weights++];
  filler_holder holder;
  lander_status status = options_read(filler_option, w->filler, w->name, &holder, error);
  if (status == LANDER_OK) status = to_shape(&w->shape, w->name, &to->shape, error);
  int64_t count;
  if (status == LANDER_OK)
    status = tensor_count_of(to->shape.dims, to->shape.size, &count, error);
  if (status != LANDER_OK) return status;
  to->name = w->name;
  to->filler = holder.filler;
  to->fan_out = to->shape.dims > 0 ? to->shape.size[0] : 1;
  to->fan_in = count / to->fan_out;
  return LANDER_OK;
}

static lander_status setup(layer *l, lander_error *error) {
  const lander_layer_definition *d = &host_of(l)->definition;
  lander_layer_setup *s = &layer_of(l)->setup;
  *s = (lander_layer_setup){.layer = l->name, .self = l->self, .inputs = l->inputs};
  for (int i = 0; i < l->inputs; i++) s->in[i] = to_public(&l->in[i]);
  s->out = s->in[0];
  lander_status status = d->setup ? d->setup(d->userdata, s, error) : LANDER_OK;
  if (status == LANDER_OK) status = to_shape(&s->out, "the output", &l->out[0], error);
  if (status == LANDER_OK && (s->weights < 0 || s->weights > LANDER_LAYER_WEIGHTS))
    status = error_set(error, LANDER_ERROR_ARGUMENT, "%d weights, at most %d can be",
                       s->weights, LANDER_LAYER_WEIGHTS);
  if (status == LANDER_OK && d->loss) {
    l->out[0] = (shape){.dims = 0};
    l->unbatched = true;
    s->out = to_public(&l->out[0]);
  }
  l->outputs = 1;
  for (int i = 0; status == LANDER_OK && i < s->weights; i++)
    status = add_weight(l, &s->weight[i], error);
  return status;
}

static lander_layer_pass make_pass(const layer *l, const layer_call *c) {
  lander_layer_pass p = {
      .setup = &layer_of(l)->setup, .phase = c->phase, .batch = c->batch, .y = c->y[0]};
  for (int i = 0; i < l->inputs; i++) p.x[i] = c->x[i];
  for (int i = 0; i < l->weights; i++) p.w[i] = c->w[i];
  return p;
}

/* The first error of a pass is kept. */
static void keep_error(const layer_call *c, lander_status status,
                       const lander_error *found) {
  if (status == LANDER_OK || c->error->code != LANDER_OK) return;
  *c->error = *found;
  c->error->code = status;
}

static void forward(const layer *l, const layer_call *c) {
  const lander_layer_definition *d = &host_of(l)->definition;
  lander_layer_pass p = make_pass(l, c);
  lander_error error = {.code = LANDER_OK};
  keep_error(c, d->forward(d->userdata, &p, &error), &error);
}

static void backward(const layer *l, const layer_call *c) {
  const lander_layer_definition *d = &host_of(l)->definition;
  lander_layer_pass p = make_pass(l, c);
  p.dy = c->dy[0];
  for (int i = 0; i < l->inputs; i++) p.dx[i] = c->dx[i];
  for (int i = 0; i < l->weights; i++) {
    p.dw[i] = c->dw[i];
    if (c->beta == 0 && c->dw[i])
      c->kernels->fill(shape_count(&l->weight[i].shape), 0, c->dw[i]);
  }
  lander_error error = {.code = LANDER_OK};
  keep_error(c, d->backward(d->userdata, &p, &error), &error);
}

static void release(layer *l) {
  const lander_layer_definition *d = &host_of(l)->definition;
  if (d->release) d->release(d->userdata, &layer_of(l)->setup);
}

const layer_type *layer_types_of_host(const lander_engine *engine, int index) {
  const host_type *h = engine_attached(engine, index);
  return h ? &h->type : NULL;
}

lander_status lander_engine_define(lander_engine *engine,
                                   const lander_layer_definition *d,
                                   lander_error *error) {
  error_clear(error);
  if (!d->name || !*d->name || !d->forward || !d->backward)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "a layer's definition needs a name, forward and backward");
  if (d->inputs < 1 || d->inputs > LAYER_MAX_INPUTS)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "layer '%s' is to have %d inputs; from 1 to %d can be", d->name,
                     d->inputs, LAYER_MAX_INPUTS);
  if (d->loss && d->inputs < 2)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "loss '%s' needs at least 2 inputs: scores and target", d->name);
  if (layer_type_find(d->name))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "'%s' is a layer of the library; choose another name", d->name);
  host_type *h = memory_new(engine, 1, sizeof *h, error);
  if (!h) return LANDER_ERROR_MEMORY;
  h->definition = *d;
  h->type = (layer_type){.name = d->name,
                         .help = d->help ? d->help : "a layer of the host's own",
                         .options = d->options ? d->options : no_options,
                         .size = align_up(d->size) + sizeof(host_layer),
                         .flags = d->loss ? LAYER_LOSS : 0,
                         .min_inputs = d->inputs,
                         .max_inputs = d->inputs,
                         .setup = setup,
                         .forward = forward,
                         .backward = backward,
                         .release = release};
  lander_status status = engine_attach(engine, h, error);
  if (status != LANDER_OK) memory_free(engine, h);
  return status;
}
