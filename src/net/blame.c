/* blame.c: which layer made what is not finite, and from what.
 *
 * A value that is not finite goes from layer to layer until the loss shows it. Going back
 * from there to where all inputs are finite finds the one that made it, and is not misled
 * by infinities that are meant to be, such as a mask before a softmax. */
#include <math.h>

#include "net.h"

/* ---- the last forward pass -----------------------------------------------------------
 */

static int64_t numbers(const lander_net *net, const blob *b) {
  return b->batched ? b->count * net->batch : b->count;
}

static bool is_finite(const lander_net *net, const blob *b) {
  return kernels_table()->is_finite(numbers(net, b), b->data);
}

static bool was_run(const lander_net *net, const node *n) {
  return net->ran && (net->ran_labels || !n->needs_label);
}

/* Of the losses and the net's output, the first that is not finite; -1: all are. */
static int first_bad_result(const lander_net *net) {
  int output = lander_net_output(net);
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    bool seen = i == output || (n->layer.type->flags & LAYER_LOSS);
    if (seen && was_run(net, n) && !is_finite(net, &net->blobs[n->out])) return n->out;
  }
  return -1;
}

bool net_output_is_finite(const lander_net *net) {
  return first_bad_result(net) < 0;
}

/* The first of a layer's inputs that is not finite; -1: all are. One that the layer has
 * written over has its output now, and is believed only where all others are finite:
 * where such a layer (relu, dropout, add) makes infinities of what was finite, the one
 * before it is named. */
static int bad_input(const lander_net *net, const node *n) {
  for (int lost = 0; lost < 2; lost++)
    for (int i = 0; i < n->layer.inputs; i++) {
      const blob *b = &net->blobs[n->in[i]];
      if (b->overwritten == lost && !is_finite(net, b)) return n->in[i];
    }
  return -1;
}

/* ---- what is told about it -----------------------------------------------------------
 */

static lander_range range_of(int64_t count, const real *x) {
  lander_range r = {.count = count, .first = -1, .min = (double)NAN, .max = (double)NAN};
  for (int64_t i = 0; i < count; i++) {
    double value = x[i];
    if (!isfinite(value)) {
      if (r.not_finite++ == 0) r.first = i;
      continue;
    }
    if (!(r.min <= value)) r.min = value; /* true the first time */
    if (!(r.max >= value)) r.max = value;
  }
  return r;
}

static int64_t sample_of(const net_blame *to, const blob *b, int64_t at) {
  return b->batched ? to->first_sample + at / b->count : -1;
}

const char *net_blame_forward(const lander_net *net, net_blame *to) {
  int at = first_bad_result(net);
  if (at < 0) return NULL; /* the weighted sum of losses has become too large */
  const node *n = &net->nodes[net->blobs[at].node];
  for (int before = bad_input(net, n); before >= 0; before = bad_input(net, n)) {
    at = before;
    n = &net->nodes[net->blobs[at].node];
  }
  if (!to) return n->name;
  to->where = n->name;
  to->is_source = n->layer.type->flags & LAYER_SOURCE;
  to->inputs = n->layer.inputs;
  for (int i = 0; i < n->layer.inputs; i++) {
    const blob *b = &net->blobs[n->in[i]];
    to->input[i] = range_of(numbers(net, b), b->data);
  }
  to->output = range_of(numbers(net, &net->blobs[at]), net->blobs[at].data);
  to->sample = sample_of(to, &net->blobs[at], to->output.first);
  return to->where;
}

/* ---- a backward pass -----------------------------------------------------------------
 */

static bool look_at_inputs(const lander_net *net, const node *n, const layer_call *c,
                           net_blame *to) {
  for (int i = 0; i < n->layer.inputs; i++) {
    const blob *b = &net->blobs[n->in[i]];
    if (!c->dx[i] || c->kernels->is_finite(numbers(net, b), c->dx[i])) continue;
    to->where = n->name;
    to->output = range_of(numbers(net, b), c->dx[i]);
    to->sample = sample_of(to, b, to->output.first);
    return true;
  }
  return false;
}

static bool look_at_weights(const lander_net *net, const node *n, const layer_call *c,
                            net_blame *to) {
  for (int i = 0; i < n->layer.weights; i++) {
    const param *p = &net->params[n->param[i]];
    if (!c->dw[i] || c->kernels->is_finite(p->count, c->dw[i])) continue;
    to->where = p->name;
    to->output = range_of(p->count, c->dw[i]);
    to->sample = -1;
    return true;
  }
  return false;
}

void net_blame_gradients(const lander_net *net, const node *n, const layer_call *c,
                         net_blame *to) {
  if (to->where) return; /* those that come later have it from there */
  to->inputs = n->layer.outputs;
  for (int i = 0; i < n->layer.outputs; i++)
    to->input[i] = range_of(numbers(net, &net->blobs[n->out + i]), c->dy[i]);
}

void net_blame_backward(const lander_net *net, const node *n, const layer_call *c,
                        net_blame *to) {
  if (to->where) return;
  if (!look_at_inputs(net, n, c, to)) look_at_weights(net, n, c, to);
}
