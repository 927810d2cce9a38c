/* plan.c: where activations, their gradients and the layers' own memory lie.
 *
 * Everything is laid out for batches of up to `capacity` samples and only grows, so a
 * training step allocates nothing.
 *
 * A pass that only predicts needs an output until its last reader has run, and nothing of
 * what layers keep for backward: those that live at different times share memory. A net
 * that is trained or looked at besides has the memory already, and predicts in that.
 *
 * A net that a solver has saves memory. Where its last reader allows it and backward does
 * not need it, an output is written over by that reader's (a ReLU's, over the sum before
 * it); and gradients, which live from the first reader that writes them, on the way back,
 * to the layer that they are of, share memory with those that live at other times.
 *
 * A ReLU that is written over its input, which nobody else reads, can be done by the
 * layer before it, if that layer says it may: its output then passes through memory once
 * less. Both have one place for their outputs, and one for their gradients. */
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
  for (int i = 0; i < LAYER_MAX_INPUTS; i++) {
    storage_free(net->held[i]);
    net->held[i] = NULL;
  }
  net->activations = net->gradients = NULL;
  net->kept = net->scratch = net->partial = net->workspace = NULL;
  net->planned = PLAN_NONE;
  net->capacity = 0;
  net->planned_threads = 0;
  net->gradients_planned = false;
  net->ran = false;
}

bool net_saves_memory(const lander_net *net) {
  return net->trained && !net->keep;
}

static void change(lander_net *net, bool *setting, bool value) {
  bool before = net_saves_memory(net);
  *setting = value;
  if (net_saves_memory(net) != before) net_plan_free(net);
}

void net_set_trained(lander_net *net) {
  change(net, &net->trained, true);
}

lander_status lander_net_keep(lander_net *net, bool keep, lander_error *error) {
  error_clear(error);
  if (net->running) return net_check_idle(net, error);
  change(net, &net->keep, keep);
  return LANDER_OK;
}

static bool same_room(const blob *a, const blob *b) {
  return a->batched == b->batched && a->count == b->count;
}

/* Whether another layer needs what a blob holds: later in the pass forward, or in the one
 * backward. */
static bool is_needed(const lander_net *net, int blob_index, int by_other_than) {
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    for (int k = 0; k < n->layer.inputs; k++)
      if (n->in[k] == blob_index && (i == by_other_than ? k > 0 : true) &&
          (i >= by_other_than || !n->layer.x_unread))
        return true;
  }
  return false;
}

/* Whether a layer's first output is written over its first input. */
static bool goes_over_input(const lander_net *net, int index) {
  const node *n = &net->nodes[index];
  const layer *l = &n->layer;
  if (!net_saves_memory(net) || !l->over_x || !l->x_unread) return false;
  const blob *x = &net->blobs[n->in[0]], *y = &net->blobs[n->out];
  return !is_source(net, x) && x->node != lander_net_output(net) && same_room(x, y) &&
         net->nodes[x->node].layer.y_unread && !is_needed(net, n->in[0], index);
}

static int last_reader(const lander_net *net, int blob_index) {
  int last = -1;
  for (int i = net->blobs[blob_index].node + 1; i < net->nodes_count; i++)
    for (int k = 0; k < net->nodes[i].layer.inputs; k++)
      if (net->nodes[i].in[k] == blob_index) last = i;
  return last;
}

/* ---- a ReLU in the layer before it ---- */

static void forget_relus(lander_net *net) {
  for (int i = 0; i < net->nodes_count; i++)
    net->nodes[i].does_relu = net->nodes[i].done_before = false;
}

/* For a layer whose output is written over its input. */
static void join_relu(lander_net *net, node *n) {
  const blob *x = &net->blobs[n->in[0]];
  node *before = &net->nodes[x->node];
  if (!n->layer.is_relu || !before->layer.may_relu || n->in[0] != before->out ||
      x->readers != 1)
    return;
  before->does_relu = n->done_before = true;
}

/* Whose place a blob's gradient has: its own, or that of the ReLU's output. */
static int gradient_place(const lander_net *net, int blob_index) {
  const node *n = &net->nodes[net->blobs[blob_index].node];
  if (!n->does_relu || blob_index != n->out) return blob_index;
  return net->nodes[last_reader(net, blob_index)].out;
}

/* Lays out the blobs; returns how many numbers they need. */
static int64_t place_activations(lander_net *net, net_plan_kind kind, int64_t batch) {
  int64_t total = 0;
  forget_relus(net);
  for (int i = 0; i < net->blobs_count; i++) net->blobs[i].overwritten = false;
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    const node *n = &net->nodes[b->node];
    b->data_offset = -1;
    if (is_source(net, b)) continue; /* the caller's memory */
    if (kind == PLAN_TRAIN && i == n->out && goes_over_input(net, b->node)) {
      b->data_offset = net->blobs[n->in[0]].data_offset;
      net->blobs[n->in[0]].overwritten = true;
      join_relu(net, &net->nodes[b->node]);
      continue;
    }
    b->data_offset = total;
    total += net_room(b, batch);
  }
  return total;
}

/* What layers keep; for a prediction, all in the same place. */
static int64_t place_kept(lander_net *net, net_plan_kind kind, int64_t batch,
                          real *kept) {
  int64_t total = 0;
  for (int i = 0; i < net->nodes_count; i++) {
    node *n = &net->nodes[i];
    int64_t room = align_up(n->layer.kept * batch);
    if (kind == PLAN_PREDICT) {
      n->kept = kept;
      total = room > total ? room : total;
    } else {
      n->kept = kept ? kept + total : NULL;
      total += room;
    }
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

/* ---- memory that is shared by what lives at different times ---- */

/* What has memory for some time: from node `from` on the way back to node `to` <= from.
 */
typedef struct tenant {
  int from, to;
  int64_t room, at;
  bool placed;
  int next; /* the one with the next higher place, of those that have one; -1: none */
} tenant;

/* Those that have a place, as a list in the order of their places. */
typedef struct tenants {
  tenant *all;
  int first; /* -1: none */
} tenants;

static bool meet(const tenant *a, const tenant *b) {
  return a->from >= b->to && a->to <= b->from;
}

/* Whether this place is free for t; `but` is not looked at. */
static bool is_free(const tenants *s, const tenant *t, int but, int64_t at) {
  for (int i = s->first; i >= 0 && s->all[i].at < at + t->room; i = s->all[i].next)
    if (i != but && meet(&s->all[i], t) && at < s->all[i].at + s->all[i].room)
      return false;
  return true;
}

/* The lowest place for t: in a gap between those that live when it does, or behind them.
 */
static int64_t lowest(const tenants *s, const tenant *t) {
  int64_t at = 0;
  for (int i = s->first; i >= 0 && s->all[i].at < at + t->room; i = s->all[i].next) {
    int64_t end = s->all[i].at + s->all[i].room;
    if (meet(&s->all[i], t) && end > at) at = end;
  }
  return at;
}

/* Puts a tenant where the one is that it may be written over, if that place stays free,
 * else at the lowest place. */
static void place(tenants *s, int index, int over) {
  tenant *t = &s->all[index];
  bool may = over >= 0 && s->all[over].placed && is_free(s, t, over, s->all[over].at);
  t->at = may ? s->all[over].at : lowest(s, t);
  t->placed = true;
  int *link = &s->first;
  while (*link >= 0 && s->all[*link].at < t->at) link = &s->all[*link].next;
  t->next = *link;
  *link = index;
}

/* The largest that has no place yet; the first or the last one of several. -1: all have
 * one. */
static int next_tenant(const tenant *all, int count, bool first) {
  int next = -1;
  for (int i = 0; i < count; i++) {
    if (all[i].placed || all[i].room == 0) continue;
    int64_t most = next < 0 ? 0 : all[next].room;
    if (all[i].room > most || (!first && all[i].room == most)) next = i;
  }
  return next;
}

/* ---- a plan ---- */

/* Of a prediction: written by its layer, read by the last reader. The net's output stays,
 * and so do losses and metrics, which are a number each. */
static tenant make_activation(const lander_net *net, int index, int64_t batch) {
  const blob *b = &net->blobs[index];
  unsigned flags = net->nodes[b->node].layer.type->flags;
  bool stays = b->node == lander_net_output(net) || flags & (LAYER_LOSS | LAYER_METRIC);
  int last = last_reader(net, index);
  return (tenant){.from = stays      ? net->nodes_count
                          : last < 0 ? b->node
                                     : last,
                  .to = b->node,
                  .room = is_source(net, b) ? 0 : net_room(b, batch)};
}

/* The input over which a blob is written in a prediction, since nobody reads that one
 * later; -1: none. */
static int over_input(const lander_net *net, int index) {
  int at = net->blobs[index].node;
  const node *n = &net->nodes[at];
  if (index != n->out || !n->layer.over_x) return -1;
  const blob *x = &net->blobs[n->in[0]];
  for (int k = 1; k < n->layer.inputs; k++)
    if (n->in[k] == n->in[0]) return -1;
  bool may = !is_source(net, x) && x->node != lander_net_output(net) &&
             same_room(x, &net->blobs[index]) && last_reader(net, n->in[0]) == at;
  return may ? n->in[0] : -1;
}

/* What is written over another is part of the first such one, the `root`, which lives on;
 * `next` has it until there are places. */
static void join_activations(const lander_net *net, int64_t batch, tenant *all) {
  for (int i = 0; i < net->blobs_count; i++) {
    all[i] = make_activation(net, i, batch);
    int over = over_input(net, i), root = over >= 0 ? all[over].next : -1;
    all[i].next = root >= 0 ? root : over;
    if (over < 0) continue;
    all[all[i].next].from = all[i].from;
    all[i].room = 0;
  }
}

static int64_t place_prediction(lander_net *net, int64_t batch, tenant *all) {
  int64_t total = 0;
  int count = net->blobs_count, next;
  forget_relus(net);
  join_activations(net, batch, all);
  tenants placed = {all, -1};
  while ((next = next_tenant(all, count, true)) >= 0) { /* in the order of their times */
    place(&placed, next, -1);
    if (all[next].at + all[next].room > total) total = all[next].at + all[next].room;
  }
  for (int i = 0; i < count; i++) {
    blob *b = &net->blobs[i];
    int over = over_input(net, i);
    b->data_offset = is_source(net, b) ? -1 : all[over < 0 ? i : all[i].next].at;
    b->overwritten = !is_source(net, b) && all[i].from < net->nodes_count;
    if (over < 0) continue;
    net->blobs[over].overwritten = true;
    join_relu(net, &net->nodes[b->node]);
  }
  return total;
}

/* How many numbers the activations need, -1: no memory to find out. */
static int64_t plan_activations(lander_net *net, net_plan_kind kind, int64_t batch,
                                lander_error *error) {
  if (kind != PLAN_PREDICT) return place_activations(net, kind, batch);
  tenant *all = memory_new(net->engine, (size_t)net->blobs_count, sizeof *all, error);
  if (!all) return -1;
  int64_t total = place_prediction(net, batch, all);
  memory_free(net->engine, all);
  return total;
}

static lander_status plan_batch(lander_net *net, net_plan_kind kind, int64_t batch,
                                lander_error *error) {
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
  int64_t count = plan_activations(net, kind, batch, error);
  if (count < 0) return LANDER_ERROR_MEMORY;
  net->activations = storage_new(net->engine, count, error);
  net->kept = memory_new(net->engine, (size_t)place_kept(net, kind, batch, NULL),
                         sizeof(real), error);
  net->partial = memory_new(net->engine, (size_t)partial, sizeof(real), error);
  net->workspace = memory_new(net->engine, (size_t)workspace, sizeof(real), error);
  if (!net->activations || !net->kept || !net->partial || !net->workspace) {
    net_plan_free(net);
    return LANDER_ERROR_MEMORY;
  }
  place_kept(net, kind, batch, net->kept);
  for (int i = 0; i < net->blobs_count; i++) {
    blob *b = &net->blobs[i];
    b->data = b->data_offset < 0 ? NULL : net->activations->data + b->data_offset;
    b->grad = NULL;
  }
  net->planned = kind;
  net->capacity = batch;
  return LANDER_OK;
}

/* What this pass wants: in what there is already, if that does. A prediction of a larger
 * batch has a plan of its own, which takes a part of the memory. */
static net_plan_kind choose_kind(const lander_net *net, int64_t batch) {
  net_plan_kind kind = net->wanted;
  if (kind == PLAN_NONE) kind = net_saves_memory(net) ? PLAN_TRAIN : PLAN_ALL;
  if (kind == PLAN_PREDICT && net->keep) kind = PLAN_ALL;
  bool there = net->planned != PLAN_NONE && batch <= net->capacity;
  return kind == PLAN_PREDICT && there ? net->planned : kind;
}

lander_status net_plan(lander_net *net, int64_t batch, lander_error *error) {
  lander_status status = LANDER_OK;
  net_plan_kind kind = choose_kind(net, batch);
  if (batch > net->capacity || kind != net->planned)
    status = plan_batch(net, kind, batch, error);
  return status == LANDER_OK ? net_plan_scratch(net, error) : status;
}

/* ---- gradients ---- */

/* How much of a layer's input gradients may have to be added to what other readers of its
 * inputs wrote: those behind it, or itself where it reads one twice. */
static int64_t second_room(const lander_net *net, int index) {
  const node *n = &net->nodes[index];
  int64_t total = 0;
  for (int i = 0; i < n->layer.inputs; i++) {
    bool twice = false;
    for (int k = 0; k < i; k++) twice |= n->in[k] == n->in[i];
    const blob *b = &net->blobs[n->in[i]];
    if (b->needs_gradient && (twice || last_reader(net, n->in[i]) > index))
      total += net_room(b, net->capacity);
  }
  return total;
}

/* A gradient: written by the blob's last reader, read by its layer. Where backward starts
 * it is there before the first node; that of an input stays. */
static tenant make_tenant(const lander_net *net, int index) {
  const blob *b = &net->blobs[index];
  bool saves = net_saves_memory(net),
       loss = net->nodes[b->node].layer.type->flags & LAYER_LOSS;
  int last = last_reader(net, index);
  const node *n = &net->nodes[b->node];
  int until = n->done_before ? net->blobs[n->in[0]].node : b->node;
  bool has_place = b->needs_gradient && gradient_place(net, index) == index;
  tenant t = {.from = last < 0 ? b->node : last,
              .to = saves && !is_source(net, b) ? until : -1,
              .room = has_place ? net_room(b, net->capacity) : 0};
  if (!saves || loss || b->node == lander_net_output(net)) t.from = net->nodes_count;
  return t;
}

/* The output whose gradient this one may be written over, -1: none. */
static int over_gradient(const lander_net *net, int index) {
  const blob *b = &net->blobs[index];
  int reader = last_reader(net, index);
  if (!net_saves_memory(net) || b->readers != 1 || is_source(net, b) ||
      b->node == lander_net_output(net))
    return -1;
  const node *n = &net->nodes[reader];
  bool may = n->in[0] == index && n->layer.over_dy && net->blobs[n->out].needs_gradient &&
             same_room(b, &net->blobs[n->out]);
  return may ? gradient_place(net, n->out) : -1;
}

/* What nodes have to add, then blobs; the largest first, which leaves the fewest gaps.
 * Returns how many numbers they need. */
static int64_t place_gradients(lander_net *net, tenant *all) {
  int64_t total = 0;
  int nodes = net->nodes_count, count = nodes + net->blobs_count, next;
  for (int i = 0; i < nodes; i++)
    all[i] = (tenant){.from = i, .to = i, .room = second_room(net, i)};
  for (int i = 0; i < net->blobs_count; i++) all[nodes + i] = make_tenant(net, i);
  tenants placed = {all, -1};
  /* What is written over another comes behind it. */
  while ((next = next_tenant(all, count, false)) >= 0) {
    int over = next < nodes ? -1 : over_gradient(net, next - nodes);
    place(&placed, next, over < 0 ? -1 : nodes + over);
    if (all[next].at + all[next].room > total) total = all[next].at + all[next].room;
  }
  for (int i = 0; i < nodes; i++) net->nodes[i].second_offset = all[i].at;
  for (int i = 0; i < net->blobs_count; i++)
    net->blobs[i].grad_offset = all[nodes + gradient_place(net, i)].at;
  return total;
}

lander_status net_plan_gradients(lander_net *net, lander_error *error) {
  if (net->gradients_planned) return LANDER_OK;
  size_t most = (size_t)(net->blobs_count + net->nodes_count);
  tenant *all = memory_new(net->engine, most, sizeof *all, error);
  if (!all) return LANDER_ERROR_MEMORY;
  int64_t total = place_gradients(net, all);
  memory_free(net->engine, all);
  storage *gradients = storage_new(net->engine, total, error);
  if (!gradients) return LANDER_ERROR_MEMORY;
  storage_free(net->gradients);
  net->gradients = gradients;
  net->gradients_planned = true;
  return LANDER_OK;
}
