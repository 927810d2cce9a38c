/* look.c: looking at a net from outside: its layers, their outputs, predictions. */
#include <string.h>

#include "../base/memory.h"
#include "net.h"

int lander_net_layers(const lander_net *net) {
  return net->nodes_count;
}

const char *lander_net_text(const lander_net *net) {
  return net->text;
}

const char *lander_net_note(const lander_net *net) {
  return net->note;
}

lander_status lander_net_set_note(lander_net *net, const char *note,
                                  lander_error *error) {
  error_clear(error);
  char *copy = note ? memory_copy_text(net->engine, note, error) : NULL;
  if (note && !copy) return LANDER_ERROR_MEMORY;
  memory_free(net->engine, net->note);
  net->note = copy;
  return LANDER_OK;
}

int lander_net_find(const lander_net *net, const char *name) {
  return net_find_node(net, name, strlen(name));
}

static const char *blob_source(const lander_net *net, int blob_index) {
  return net->nodes[net->blobs[blob_index].node].name;
}

bool lander_net_layer(const lander_net *net, int index, lander_layer_info *info) {
  if (index < 0 || index >= net->nodes_count) return false;
  const node *n = &net->nodes[index];
  const layer *l = &n->layer;
  *info = (lander_layer_info){.name = n->name,
                              .type = l->type->name,
                              .inputs = l->inputs,
                              .outputs = l->outputs,
                              .dims = l->out[0].dims,
                              .batched = !l->unbatched,
                              .multiply_adds = l->multiply_adds,
                              .forward_time = (double)n->forward_time * 1e-9,
                              .backward_time = (double)n->backward_time * 1e-9};
  for (int i = 0; i < l->inputs; i++) info->input[i] = blob_source(net, n->in[i]);
  memcpy(info->size, l->out[0].size, sizeof info->size);
  for (int i = 0; i < l->weights; i++)
    if (net->params[n->param[i]].public.layer == index)
      info->parameters += net->params[n->param[i]].count;
  return true;
}

/* ---- outputs and gradients as views ---- */

static const blob *find_blob(const lander_net *net, int index, int output,
                             lander_error *error) {
  if (index >= 0 && index < net->nodes_count && output >= 0 &&
      output < net->nodes[index].layer.outputs)
    return &net->blobs[net->nodes[index].out + output];
  error_set(error, LANDER_ERROR_ARGUMENT, "the net has no output %d of layer %d",
            output + 1, index + 1);
  return NULL;
}

static lander_tensor *view(const lander_net *net, const blob *b, storage *s,
                           const real *at, lander_error *error) {
  int dims = 0;
  int64_t size[LANDER_MAX_DIMS];
  if (b->batched) size[dims++] = net->batch;
  for (int d = 0; d < b->shape.dims && dims < LANDER_MAX_DIMS; d++)
    size[dims++] = b->shape.size[d];
  return tensor_on(s, at - s->data, dims, size, error);
}

/* Runs a prediction once more, with the inputs as they are now, so that all outputs can
 * be looked at. */
static lander_status show_prediction(lander_net *net, lander_error *error) {
  lander_status status = net_check_idle(net, error);
  if (status != LANDER_OK) return status;
  const real *inputs[LAYER_MAX_INPUTS];
  storage *held[LAYER_MAX_INPUTS];
  bool labels = net->ran_labels;
  int count = lander_net_inputs(net) + (labels ? lander_net_labels(net) : 0);
  for (int i = 0; i < count; i++)
    inputs[i] =
        net->blobs[net->nodes[lander_net_find(net, lander_net_input(net, i))].out].data;
  memcpy(held, net->held, sizeof held);
  memset(net->held, 0, sizeof held); /* a plan lets go of them */
  int64_t batch = net->batch;
  lander_phase phase = net->phase;
  net->phase = LANDER_TEST;
  net->wanted = PLAN_ALL;
  status = net_run(net, inputs, labels, batch, error);
  net->wanted = PLAN_NONE;
  net->phase = phase;
  net->predicted = true;
  memcpy(net->held, held, sizeof held);
  return status;
}

lander_tensor *lander_net_value(lander_net *net, int index, int output,
                                lander_error *error) {
  error_clear(error);
  const blob *b = find_blob(net, index, output, error);
  if (!b) return NULL;
  const node *n = &net->nodes[index];
  if (!net->ran || (n->needs_label && !net->ran_labels) || !b->data) {
    error_set(error, LANDER_ERROR_STATE,
              "%s has no output yet: it was not part of the last forward pass", n->name);
    return NULL;
  }
  if (b->overwritten && net->predicted && show_prediction(net, error) != LANDER_OK)
    return NULL;
  if (b->overwritten) {
    error_set(
        error, LANDER_ERROR_STATE,
        "%s: its output was written over by the next layer, as a solver's net saves "
        "memory; net:keep(true) before the pass keeps all",
        n->name);
    return NULL;
  }
  if (b->data_offset >= 0) return view(net, b, net->activations, b->data, error);
  for (int i = 0; i < LAYER_MAX_INPUTS; i++) {
    storage *s = net->held[i];
    if (s && b->data >= s->data && b->data < s->data + s->count)
      return view(net, b, s, b->data, error);
  }
  error_set(error, LANDER_ERROR_STATE, "%s: its input is gone", n->name);
  return NULL;
}

lander_tensor *lander_net_gradient(lander_net *net, int index, int output,
                                   lander_error *error) {
  error_clear(error);
  const blob *b = find_blob(net, index, output, error);
  if (!b) return NULL;
  bool is_input = net->nodes[index].layer.type->flags & LAYER_SOURCE;
  if (b->has_gradient && !is_input && net_saves_memory(net)) {
    error_set(error, LANDER_ERROR_STATE,
              "%s: its gradient is gone, as a solver's net saves memory; net:keep(true) "
              "before the pass keeps all",
              net->nodes[index].name);
    return NULL;
  }
  if (net->ran && b->has_gradient && b->grad)
    return view(net, b, net->gradients, b->grad, error);
  error_set(error, LANDER_ERROR_STATE,
            "%s has no gradient: no backward pass went through it",
            net->nodes[index].name);
  return NULL;
}

/* ---- predicting ---- */

static const node *first_input(const lander_net *net) {
  return &net->nodes[lander_net_find(net, lander_net_input(net, 0))];
}

int64_t lander_net_input_size(const lander_net *net) {
  return shape_count(&first_input(net)->layer.out[0]);
}

int64_t lander_net_output_size(const lander_net *net) {
  return net->blobs[net->nodes[lander_net_output(net)].out].count;
}

/* The loss that says how the output's scores are to be seen, if there is one. */
static const node *predictor(const lander_net *net) {
  int output = net->nodes[lander_net_output(net)].out;
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    if (n->layer.type->predict && n->in[0] == output) return n;
  }
  return NULL;
}

/* Copies the output of the last pass, scores that feed a loss as it wants them seen. */
static void write_prediction(lander_net *net, real *y) {
  const blob *b = &net->blobs[net->nodes[lander_net_output(net)].out];
  const node *loss = predictor(net);
  if (!loss) {
    memcpy(y, b->data, (size_t)(b->count * (b->batched ? net->batch : 1)) * sizeof(real));
    return;
  }
  layer_call c = {.engine = net->engine, .kernels = kernels_table(), .batch = net->batch};
  loss->layer.type->predict(&loss->layer, &c, b->data, y);
}

lander_status lander_net_predict(lander_net *net, const lander_real *x, int64_t batch,
                                 lander_real *y, lander_error *error) {
  error_clear(error);
  if (net->running) return net_check_idle(net, error);
  if (lander_net_inputs(net) != 1)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "predict takes nets with one input, this one has %d",
                     lander_net_inputs(net));
  if (batch < 1)
    return error_set(error, LANDER_ERROR_ARGUMENT, "a batch of %lld samples",
                     (long long)batch);
  lander_phase phase = net->phase;
  net->phase = LANDER_TEST;
  net->wanted = PLAN_PREDICT;
  lander_status status = net_run(net, &x, lander_net_labels(net) == 0, batch, error);
  net->wanted = PLAN_NONE;
  net->phase = phase;
  if (status == LANDER_OK) write_prediction(net, y);
  net->ran = false; /* x is the caller's, and may be gone when backward comes */
  return status;
}

/* A pass in test phase. */
static lander_status run_test(lander_net *net, net_plan_kind wanted,
                              lander_tensor *const *inputs, int count,
                              lander_error *error) {
  if (net->running) return net_check_idle(net, error);
  lander_phase phase = net->phase;
  net->phase = LANDER_TEST;
  net->wanted = wanted;
  lander_status status = lander_net_forward(net, inputs, count, error);
  net->wanted = PLAN_NONE;
  net->phase = phase;
  return status;
}

lander_tensor *lander_net_features(lander_net *net, int index, int output,
                                   lander_tensor *const *inputs, int count,
                                   lander_error *error) {
  error_clear(error);
  if (!find_blob(net, index, output, error) ||
      run_test(net, PLAN_ALL, inputs, count, error) != LANDER_OK)
    return NULL;
  return lander_net_value(net, index, output, error);
}

lander_tensor *lander_net_predict_tensor(lander_net *net, lander_tensor *const *inputs,
                                         int count, lander_error *error) {
  error_clear(error);
  if (run_test(net, PLAN_PREDICT, inputs, count, error) != LANDER_OK) return NULL;
  net->predicted = true;
  lander_tensor *output = lander_net_value(net, lander_net_output(net), 0, error);
  if (!output) return NULL;
  lander_tensor *y = lander_tensor_new(net->engine, output->dims, output->size, error);
  lander_tensor_free(output);
  if (y) write_prediction(net, y->data);
  return y;
}
