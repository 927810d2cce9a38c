/* run.c: forward and backward. */
#include <math.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/engine.h"
#include "../base/memory.h"
#include "net.h"

static bool is_label(const node *n) {
  return n->layer.type->flags & LAYER_LABEL;
}

static bool is_source(const node *n) {
  return n->layer.type->flags & LAYER_SOURCE;
}

static bool has_flag(const node *n, unsigned flag) {
  return n->layer.type->flags & flag;
}

/* The node of the input number `index`: data inputs first, then labels. */
static int input_node(const lander_net *net, int index) {
  for (int labels = 0; labels < 2; labels++)
    for (int i = 0; i < net->nodes_count; i++)
      if (is_source(&net->nodes[i]) && is_label(&net->nodes[i]) == labels && index-- == 0)
        return i;
  return -1;
}

const char *lander_net_input(const lander_net *net, int index) {
  int i = index < 0 ? -1 : input_node(net, index);
  return i < 0 ? NULL : net->nodes[i].name;
}

static int count_sources(const lander_net *net, bool labels) {
  int count = 0;
  for (int i = 0; i < net->nodes_count; i++)
    count += is_source(&net->nodes[i]) && is_label(&net->nodes[i]) == labels;
  return count;
}

int lander_net_inputs(const lander_net *net) {
  return count_sources(net, false);
}

int lander_net_labels(const lander_net *net) {
  return count_sources(net, true);
}

int lander_net_output(const lander_net *net) {
  int output = 0;
  for (int i = 0; i < net->nodes_count; i++)
    if (!net->nodes[i].needs_label &&
        !has_flag(&net->nodes[i], LAYER_LOSS | LAYER_METRIC))
      output = i;
  return output;
}

bool lander_net_has_loss(const lander_net *net) {
  for (int i = 0; i < net->nodes_count; i++)
    if (has_flag(&net->nodes[i], LAYER_LOSS)) return true;
  return false;
}

lander_engine *lander_net_engine(const lander_net *net) {
  return net->engine;
}

lander_phase lander_net_phase(const lander_net *net) {
  return net->phase;
}

void lander_net_set_phase(lander_net *net, lander_phase phase) {
  net->phase = phase;
}

void lander_net_want_input_gradient(lander_net *net, bool want) {
  net->input_gradient = want;
  net_trace_gradients(net);
}

void net_set_pass(lander_net *net, uint64_t pass) {
  net->pass = pass;
}

uint64_t net_pass(const lander_net *net) {
  return net->pass;
}

static layer_call make_call(lander_net *net, const node *n, lander_error *error) {
  layer_call c = {.engine = net->engine,
                  .kernels = kernels_table(),
                  .batch = net->batch,
                  .phase = net->ran_phase,
                  .kept = n->kept,
                  .scratch = net->scratch,
                  .partial = net->partial,
                  .workspace = net->workspace,
                  .random = {net->seed, RANDOM_DROPOUT(n - net->nodes, net->ran_pass)},
                  .relu = n->does_relu,
                  .error = error};
  for (int i = 0; i < n->layer.inputs; i++) c.x[i] = net->blobs[n->in[i]].data;
  for (int i = 0; i < n->layer.outputs; i++) c.y[i] = net->blobs[n->out + i].data;
  for (int i = 0; i < n->layer.weights; i++)
    c.w[i] = net->data->data + net->params[n->param[i]].offset;
  for (int i = 0; i < n->layer.states; i++)
    c.state[i] = net->data->data + net->params[n->param[n->layer.weights + i]].offset;
  return c;
}

/* A host's layer may call anything while it runs, but not for a pass of the same net. */
static void run_layer(lander_net *net, void (*run)(const layer *, const layer_call *),
                      const layer *l, const layer_call *c, int64_t *time) {
  int64_t start = net->timed ? clock_now() : 0;
  net->running = true;
  run(l, c);
  net->running = false;
  if (net->timed) *time += clock_now() - start;
}

void lander_net_time(lander_net *net, bool on) {
  net->timed = on;
  for (int i = 0; on && i < net->nodes_count; i++)
    net->nodes[i].forward_time = net->nodes[i].backward_time = 0;
}

bool lander_net_running(const lander_net *net) {
  return net->running;
}

lander_status net_check_idle(const lander_net *net, lander_error *error) {
  if (!net->running) return LANDER_OK;
  return error_set(error, LANDER_ERROR_STATE,
                   "the net is in the middle of a pass; a layer's function can't use it");
}

/* ---- forward ---- */

/* What a layer found wrong ends the pass. */
static lander_status pass_fails(const node *n, const lander_error *fault,
                                lander_error *error) {
  if (error) *error = *fault;
  error_prefix(error, "%s", n->name);
  return fault->code;
}

lander_status net_run(lander_net *net, const real *const *inputs, bool labels,
                      int64_t batch, lander_error *error) {
  lander_status status = net_plan(net, batch, error);
  if (status != LANDER_OK) return status;
  int data_inputs = lander_net_inputs(net), data = 0, label = data_inputs;
  net->ran = net->predicted = false;
  net->batch = batch;
  net->ran_phase = net->phase;
  net->ran_pass = net->pass;
  if (net->phase == LANDER_TRAIN) net->pass++; /* testing draws nothing */
  for (int i = 0; i < net->blobs_count; i++) net->blobs[i].has_gradient = false;
  lander_error fault = {.code = LANDER_OK};
  for (int i = 0; i < net->nodes_count; i++) {
    node *n = &net->nodes[i];
    if ((n->needs_label && !labels) || n->done_before) continue;
    if (is_source(n)) {
      net->blobs[n->out].data = (real *)inputs[is_label(n) ? label++ : data++];
      continue;
    }
    status = net_plan_scratch(net, error); /* a host's layer may have set the threads */
    if (status != LANDER_OK) return status;
    layer_call c = make_call(net, n, &fault);
    run_layer(net, n->layer.type->forward, &n->layer, &c, &n->forward_time);
    if (fault.code != LANDER_OK) return pass_fails(n, &fault, error);
  }
  net->ran = true;
  net->ran_labels = labels;
  return LANDER_OK;
}

/* A tensor's shape against what a source declares; the batch comes first. */
static lander_status check_input(const lander_net *net, int node_index,
                                 const lander_tensor *t, int64_t *batch,
                                 lander_error *error) {
  const node *n = &net->nodes[node_index];
  const shape *want = &n->layer.out[0];
  bool fits = t->dims == want->dims + 1;
  for (int d = 0; fits && d < want->dims; d++) fits = t->size[d + 1] == want->size[d];
  /* One number a sample may come as (batch) or as (batch, 1). */
  if (t->dims >= 1 && t->size[0] > 0 && shape_count(want) == 1 &&
      lander_tensor_count(t) == t->size[0])
    fits = true;
  char found[SHAPE_TEXT], sizes[SHAPE_TEXT];
  shape_text(found, t->dims, t->size);
  if (!fits) {
    shape_text(sizes, want->dims, want->size);
    sizes[strlen(sizes) - 1] = 0; /* its ")" */
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: expected a tensor of shape (batch%s%s), got %s", n->name,
                     want->dims ? ", " : "", sizes + 1, found);
  }
  if (t->size[0] < 1)
    return error_set(error, LANDER_ERROR_SHAPE, "%s: the batch is empty: %s", n->name,
                     found);
  if (*batch >= 0 && t->size[0] != *batch)
    return error_set(error, LANDER_ERROR_SHAPE,
                     "%s: a batch of %lld, but the first input has %lld", n->name,
                     (long long)t->size[0], (long long)*batch);
  *batch = t->size[0];
  return LANDER_OK;
}

/* The inputs' memory, held until the next pass since backward reads it again. */
static lander_status hold_inputs(lander_net *net, lander_tensor *const *inputs, int count,
                                 const real **pointers, lander_error *error) {
  storage *held[LAYER_MAX_INPUTS] = {NULL};
  for (int i = 0; i < count; i++) {
    lander_tensor *copy = NULL;
    pointers[i] = tensor_contiguous(inputs[i], &copy, error);
    if (!pointers[i]) {
      for (int k = 0; k < i; k++) storage_free(held[k]);
      return LANDER_ERROR_MEMORY;
    }
    held[i] = storage_keep(copy ? copy->storage : inputs[i]->storage);
    lander_tensor_free(copy);
  }
  for (int i = 0; i < LAYER_MAX_INPUTS; i++) {
    storage_free(net->held[i]);
    net->held[i] = held[i];
  }
  return LANDER_OK;
}

lander_status lander_net_forward(lander_net *net, lander_tensor *const *inputs, int count,
                                 lander_error *error) {
  error_clear(error);
  lander_status status = net_check_idle(net, error);
  if (status != LANDER_OK) return status;
  int data = lander_net_inputs(net), labels = lander_net_labels(net);
  if (count != data && count != data + labels)
    return error_set(
        error, LANDER_ERROR_ARGUMENT, "the net takes %d input%s%s, %d are given", data,
        data == 1 ? "" : "s", labels ? ", and labels when it has a loss" : "", count);
  if (count > LAYER_MAX_INPUTS)
    return error_set(error, LANDER_ERROR_ARGUMENT, "more than %d inputs",
                     LAYER_MAX_INPUTS);
  int64_t batch = -1;
  for (int i = 0; i < count; i++) {
    status = check_input(net, input_node(net, i), inputs[i], &batch, error);
    if (status != LANDER_OK) return status;
  }
  status = net_plan(net, batch, error);
  if (status != LANDER_OK) return status;
  const real *pointers[LAYER_MAX_INPUTS];
  status = hold_inputs(net, inputs, count, pointers, error);
  if (status != LANDER_OK) return status;
  return net_run(net, pointers, count > data || labels == 0, batch, error);
}

double lander_net_loss(const lander_net *net) {
  if (!net->ran) return NAN;
  double loss = 0;
  bool any = false;
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    if (!has_flag(n, LAYER_LOSS) || (n->needs_label && !net->ran_labels)) continue;
    loss += n->loss_weight * net->blobs[n->out].data[0];
    any = true;
  }
  return any ? loss : (double)NAN;
}

double lander_net_chance(const lander_net *net) {
  double sum = 0;
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    if (!has_flag(n, LAYER_LOSS) || n->loss_weight == 0) continue;
    double chance = n->layer.type->chance ? n->layer.type->chance(&n->layer) : 0;
    if (!(chance > 0)) return NAN;
    sum += n->loss_weight * chance;
  }
  return sum > 0 ? sum : (double)NAN;
}

/* ---- backward ---- */

/* Adds a gradient to the one that another reader of the blob has written. */
typedef struct add_job {
  const kernels *kernels;
  int64_t count;
  int pieces;
  const real *from;
  real *to;
} add_job;

static void add_piece(void *arg, int piece, int thread) {
  (void)thread;
  const add_job *j = arg;
  int64_t begin, end;
  parallel_range(j->count, j->pieces, piece, &begin, &end);
  j->kernels->add(end - begin, j->to + begin, j->from + begin, j->to + begin);
}

static int64_t blob_numbers(const lander_net *net, const blob *b) {
  return b->batched ? b->count * net->batch : b->count;
}

/* Where the gradients of the weights go. A weight that another layer shares may have been
 * written: then this layer adds to it, and to all its others, which begin with zeros. */
static bool want_weights(lander_net *net, const node *n, layer_call *c) {
  bool wanted = false;
  for (int i = 0; i < n->layer.weights; i++)
    if (net->params[n->param[i]].has_gradient) c->beta = 1;
  for (int i = 0; i < n->layer.weights; i++) {
    param *p = &net->params[n->param[i]];
    if (p->public.frozen) continue;
    c->dw[i] = net->grad->data + p->offset;
    if (c->beta == 1 && !p->has_gradient)
      memset(c->dw[i], 0, (size_t)p->count * sizeof(real));
    p->has_gradient = true;
    wanted = true;
  }
  return wanted;
}

static void backward_node(lander_net *net, node *n, net_blame *blame,
                          lander_error *fault) {
  layer_call c = make_call(net, n, fault);
  blob *added[LAYER_MAX_INPUTS] = {NULL};
  bool wanted = false;
  int64_t room = 0;
  for (int i = 0; i < n->layer.outputs; i++) c.dy[i] = net->blobs[n->out + i].grad;
  for (int i = 0; i < n->layer.inputs; i++) {
    blob *b = &net->blobs[n->in[i]];
    if (!b->needs_gradient) continue;
    wanted = true;
    c.dx[i] = b->grad;
    if (b->has_gradient) { /* each has a place of its own */
      added[i] = b;
      c.dx[i] = net->gradients->data + n->second_offset + room;
      room += net_room(b, net->capacity);
    }
    b->has_gradient = true;
  }
  wanted |= want_weights(net, n, &c);
  if (!wanted || n->done_before) return;
  if (blame) net_blame_gradients(net, n, &c, blame);
  run_layer(net, n->layer.type->backward, &n->layer, &c, &n->backward_time);
  if (blame) net_blame_backward(net, n, &c, blame);
  for (int i = 0; i < n->layer.inputs; i++) {
    if (!added[i]) continue;
    int64_t count = blob_numbers(net, added[i]);
    add_job j = {c.kernels, count, parallel_pieces(count, 16384), c.dx[i],
                 added[i]->grad};
    parallel_run(net->engine, j.pieces, add_piece, &j);
  }
}

/* Puts the gradient where backward starts from: the weight of every loss, or dy at the
 * output. */
static lander_status seed_gradients(lander_net *net, const lander_tensor *dy,
                                    lander_error *error) {
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    b->has_gradient = false;
    b->grad = b->needs_gradient ? net->gradients->data + b->grad_offset : NULL;
  }
  if (dy) {
    lander_tensor *copy = NULL;
    const real *from = tensor_contiguous(dy, &copy, error);
    if (!from) return LANDER_ERROR_MEMORY;
    blob *b = &net->blobs[net->nodes[lander_net_output(net)].out];
    if (b->grad) {
      memcpy(b->grad, from, (size_t)blob_numbers(net, b) * sizeof(real));
      b->has_gradient = true;
    }
    lander_tensor_free(copy);
    return LANDER_OK;
  }
  for (int i = 0; i < net->nodes_count; i++) {
    blob *b = &net->blobs[net->nodes[i].out];
    if (!has_flag(&net->nodes[i], LAYER_LOSS) || !b->grad) continue;
    b->grad[0] = (real)net->nodes[i].loss_weight;
    b->has_gradient = true;
  }
  return LANDER_OK;
}

static lander_status check_backward(const lander_net *net, const lander_tensor *dy,
                                    lander_error *error) {
  if (!net->ran)
    return error_set(error, LANDER_ERROR_STATE,
                     "backward needs a forward pass before it");
  if (net->predicted)
    return error_set(error, LANDER_ERROR_STATE,
                     "the last pass was a prediction, and backward needs a forward pass "
                     "before it");
  if (!dy && !lander_net_has_loss(net))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the net has no loss layer; give the gradient of its output");
  if (!dy && lander_net_labels(net) > 0 && !net->ran_labels)
    return error_set(error, LANDER_ERROR_STATE,
                     "the last forward pass had no labels, so there is no loss");
  if (!dy) return LANDER_OK;
  const blob *b = &net->blobs[net->nodes[lander_net_output(net)].out];
  if (lander_tensor_count(dy) == blob_numbers(net, b)) return LANDER_OK;
  char found[SHAPE_TEXT], sizes[SHAPE_TEXT];
  return error_set(error, LANDER_ERROR_SHAPE,
                   "the gradient of the output must have the output's shape: a batch of "
                   "%lld with %s each, got %s",
                   (long long)net->batch, shape_text(sizes, b->shape.dims, b->shape.size),
                   shape_text(found, dy->dims, dy->size));
}

/* Which gradients of parameters hold something already: all of them when this pass adds
 * to another, else none. */
static void mark_params(lander_net *net, bool has_gradient) {
  for (int i = 0; i < net->params_count; i++) net->params[i].has_gradient = has_gradient;
}

/* Gradients that nothing flowed into are zero, not what an earlier pass left. */
static void clear_unwritten(lander_net *net) {
  for (int i = 0; i < net->params_count; i++) {
    const param *p = &net->params[i];
    if (!p->has_gradient && !p->public.frozen)
      memset(net->grad->data + p->offset, 0, (size_t)p->count * sizeof(real));
  }
}

static lander_status run_backward(lander_net *net, const lander_tensor *dy,
                                  bool accumulate, net_blame *blame,
                                  lander_error *error) {
  error_clear(error);
  lander_status status = net_check_idle(net, error);
  if (status == LANDER_OK) status = check_backward(net, dy, error);
  if (status == LANDER_OK) status = net_plan_scratch(net, error);
  if (status == LANDER_OK) status = net_plan_gradients(net, error);
  if (status == LANDER_OK) status = seed_gradients(net, dy, error);
  if (status != LANDER_OK) return status;
  lander_error fault = {.code = LANDER_OK};
  mark_params(net, accumulate);
  for (int i = net->nodes_count - 1; i >= 0; i--) {
    node *n = &net->nodes[i];
    if (is_source(n)) continue;
    bool flows = false;
    for (int k = 0; k < n->layer.outputs; k++) {
      blob *b = &net->blobs[n->out + k];
      flows |= b->has_gradient;
    }
    for (int k = 0; flows && k < n->layer.outputs; k++) {
      blob *b = &net->blobs[n->out + k];
      if (b->has_gradient || !b->grad) continue;
      memset(b->grad, 0, (size_t)blob_numbers(net, b) * sizeof(real));
    }
    status = net_plan_scratch(net, error); /* as in net_run */
    if (status != LANDER_OK) return status;
    if (flows) backward_node(net, n, blame, &fault);
    if (fault.code != LANDER_OK) return pass_fails(n, &fault, error);
  }
  clear_unwritten(net);
  return LANDER_OK;
}

lander_status lander_net_backward(lander_net *net, const lander_tensor *dy,
                                  bool accumulate, lander_error *error) {
  return run_backward(net, dy, accumulate, NULL, error);
}

lander_status net_backward(lander_net *net, bool accumulate, net_blame *blame,
                           lander_error *error) {
  return run_backward(net, NULL, accumulate, blame, error);
}
