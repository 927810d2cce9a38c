/* plan.c: where activations, their gradients and the layers' own memory lie.
 *
 * Everything is laid out for batches of up to `capacity` samples and only grows, so a
 * training step allocates nothing. */
#include "../base/memory.h"
#include "net.h"

#define ALIGNMENT ((int64_t)(64 / sizeof(real)))

static int64_t align_up(int64_t count) {
  return (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int64_t net_room(const blob *b, int64_t batch) {
  return align_up(b->batched ? b->count * batch : b->count);
}

/* The products and sums below fit when no single blob and no total passes this. */
#define MOST ((int64_t)1 << 46)

static lander_status check_room(const lander_net *net, int64_t batch,
                                lander_error *error) {
  double total = 0;
  for (int i = 0; i < net->blobs_count; i++)
    total += (double)net->blobs[i].count * (double)batch;
  for (int i = 0; i < net->nodes_count; i++)
    total += (double)net->nodes[i].layer.kept * (double)batch;
  if (total < (double)MOST) return LANDER_OK;
  return error_set(error, LANDER_ERROR_MEMORY,
                   "a batch of %lld needs %.0f numbers of memory; use a smaller batch",
                   (long long)batch, total);
}

static bool is_source(const lander_net *net, const blob *b) {
  return net->nodes[b->node].layer.type->flags & LAYER_SOURCE;
}

void net_plan_free(lander_net *net) {
  storage_free(net->activations);
  storage_free(net->gradients);
  memory_free(net->engine, net->kept);
  memory_free(net->engine, net->scratch);
  memory_free(net->engine, net->partial);
  memory_free(net->engine, net->workspace);
  memory_free(net->engine, net->second);
  for (int i = 0; i < LAYER_MAX_INPUTS; i++) {
    storage_free(net->held[i]);
    net->held[i] = NULL;
  }
  net->activations = net->gradients = NULL;
  net->kept = net->scratch = net->partial = net->workspace = net->second = NULL;
  net->capacity = net->second_count = 0;
  net->planned_threads = 0;
  net->ran = false;
}

/* Lays out the blobs; returns how many numbers they need. */
static int64_t place_activations(lander_net *net, int64_t batch) {
  int64_t total = 0;
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    b->data_offset = -1;
    if (is_source(net, b)) continue; /* the caller's memory */
    b->data_offset = total;
    total += net_room(b, batch);
  }
  return total;
}

static int64_t place_kept(lander_net *net, int64_t batch, real *kept) {
  int64_t total = 0;
  for (int i = 0; i < net->nodes_count; i++) {
    node *n = &net->nodes[i];
    n->kept = kept ? kept + total : NULL;
    total += align_up(n->layer.kept * batch);
  }
  return total;
}

lander_status net_plan_scratch(lander_net *net, lander_error *error) {
  int threads = lander_engine_threads(net->engine);
  if (threads <= net->planned_threads) return LANDER_OK;
  int64_t most = 1;
  for (int i = 0; i < net->nodes_count; i++) {
    int64_t count = align_up(net->nodes[i].layer.scratch);
    if (count > most) most = count;
  }
  real *scratch = memory_new(net->engine, (size_t)(most * threads), sizeof(real), error);
  if (!scratch) return LANDER_ERROR_MEMORY;
  memory_free(net->engine, net->scratch);
  net->scratch = scratch;
  net->planned_threads = threads;
  return LANDER_OK;
}

static lander_status plan_batch(lander_net *net, int64_t batch, lander_error *error) {
  lander_status status = check_room(net, batch, error);
  if (status != LANDER_OK) return status;
  int64_t partial = 1, workspace = 1;
  for (int i = 0; i < net->nodes_count; i++) {
    const layer *l = &net->nodes[i].layer;
    int64_t pieces = l->partial_pieces ? l->partial_pieces : PARALLEL_MAX_PIECES;
    if (l->partial * pieces > partial) partial = l->partial * pieces;
    if (l->workspace > workspace) workspace = l->workspace;
  }
  net_plan_free(net);
  net->activations = storage_new(net->engine, place_activations(net, batch), error);
  net->kept =
      memory_new(net->engine, (size_t)place_kept(net, batch, NULL), sizeof(real), error);
  net->partial = memory_new(net->engine, (size_t)partial, sizeof(real), error);
  net->workspace = memory_new(net->engine, (size_t)workspace, sizeof(real), error);
  if (!net->activations || !net->kept || !net->partial || !net->workspace) {
    net_plan_free(net);
    return LANDER_ERROR_MEMORY;
  }
  place_kept(net, batch, net->kept);
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    b->data = b->data_offset < 0 ? NULL : net->activations->data + b->data_offset;
    b->grad = NULL;
  }
  net->capacity = batch;
  return LANDER_OK;
}

lander_status net_plan(lander_net *net, int64_t batch, lander_error *error) {
  lander_status status = LANDER_OK;
  if (batch > net->capacity) status = plan_batch(net, batch, error);
  return status == LANDER_OK ? net_plan_scratch(net, error) : status;
}

/* How much of a layer's input gradients may have to be added to what other readers of its
 * inputs wrote. */
static int64_t second_room(const lander_net *net, const node *n) {
  int64_t total = 0;
  for (int i = 0; i < n->layer.inputs; i++) {
    const blob *b = &net->blobs[n->in[i]];
    if (b->needs_gradient && b->readers > 1) total += net_room(b, net->capacity);
  }
  return total;
}

lander_status net_plan_gradients(lander_net *net, lander_error *error) {
  int64_t total = 0, second = 0;
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    if (!b->needs_gradient) continue;
    b->grad_offset = total;
    total += net_room(b, net->capacity);
  }
  for (int i = 0; i < net->nodes_count; i++) {
    int64_t room = second_room(net, &net->nodes[i]);
    if (room > second) second = room;
  }
  if (net->gradients && net->gradients->count >= total && net->second_count >= second)
    return LANDER_OK;
  storage *gradients = storage_new(net->engine, total, error);
  real *other = memory_new(net->engine, (size_t)second, sizeof(real), error);
  if (!gradients || !other) {
    storage_free(gradients);
    memory_free(net->engine, other);
    return LANDER_ERROR_MEMORY;
  }
  storage_free(net->gradients);
  memory_free(net->engine, net->second);
  net->gradients = gradients;
  net->second = other;
  net->second_count = second;
  return LANDER_OK;
}
