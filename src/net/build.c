/* build.c: from text to a graph of layers whose shapes fit. */
#include <stdio.h>
#include <string.h>

#include "../base/engine.h"
#include "../base/memory.h"
#include "net.h"

static const lander_option param_options[] = {
    {.name = "lr_mult",
     .kind = LANDER_OPTION_NUMBER,
     .offset = offsetof(lander_param, lr_mult),
     .fallback = "1",
     .min = 0,
     .max = 1e6,
     .help = "factor on the learning rate"},
    {.name = "decay_mult",
     .kind = LANDER_OPTION_NUMBER,
     .offset = offsetof(lander_param, decay_mult),
     .fallback = "1",
     .min = 0,
     .max = 1e6,
     .help = "factor on the weight decay"},
    {.name = "frozen",
     .kind = LANDER_OPTION_BOOL,
     .offset = offsetof(lander_param, frozen),
     .fallback = "false",
     .help = "whether it is left as it is"},
    OPTION_END};

static const char *node_name(const void *source, int index) {
  const lander_net *net = source;
  return index < net->nodes_count ? net->nodes[index].name : NULL;
}

static const char *param_name(const void *source, int index) {
  const lander_net *net = source;
  return index < net->params_count ? net->params[index].name : NULL;
}

static char *copy_piece(lander_engine *engine, const char *at, size_t length,
                        lander_error *error) {
  char *copy = memory_new(engine, length + 1, 1, error);
  if (copy) memcpy(copy, at, length);
  return copy;
}

/* ---- options: the layer's own, and those that all layers have ---- */

static bool is_common(const char *at, size_t length) {
  const char *equals = memchr(at, '=', length);
  size_t key = equals ? (size_t)(equals - at) : length;
  for (const lander_option *o = layer_common_options; o->name; o++)
    if (strlen(o->name) == key && !memcmp(o->name, at, key)) return true;
  return false;
}

static bool is_share(const char *at, size_t length) {
  return length > 6 && !memcmp(at, "share=", 6);
}

/* The words of `options`: the layer's own, the common ones, and share=name. */
typedef struct option_words {
  text own, common, share;
} option_words;

static option_words no_words(lander_engine *engine) {
  text empty = {.engine = engine};
  return (option_words){empty, empty, empty};
}

static void free_words(option_words *w) {
  text_free(&w->own);
  text_free(&w->common);
  text_free(&w->share);
}

static lander_status split_options(lander_engine *engine, const char *options,
                                   option_words *w, lander_error *error) {
  *w = no_words(engine);
  for (const char *at = options; *at;) {
    at += strspn(at, " \t\r\n");
    size_t length = strcspn(at, " \t\r\n");
    if (is_share(at, length)) {
      if (w->share.length > 0)
        return error_set(error, LANDER_ERROR_ARGUMENT, "option 'share' given twice");
      text_add_bytes(&w->share, at + 6, length - 6);
    } else if (length > 0) {
      text *to = is_common(at, length) ? &w->common : &w->own;
      if (to->length > 0) text_add_bytes(to, " ", 1);
      text_add_bytes(to, at, length);
    }
    at += length;
  }
  if (w->own.failed || w->common.failed || w->share.failed)
    return error_memory(error, strlen(options));
  return LANDER_OK;
}

/* Reads both kinds of options into their structures. */
static lander_status read_options(const layer_type *type, const option_words *w,
                                  void *self, layer_common *settings,
                                  lander_error *error) {
  lander_status status =
      options_read(type->options, w->own.data, type->name, self, error);
  if (status == LANDER_OK)
    status =
        options_read(layer_common_options, w->common.data, type->name, settings, error);
  if (status == LANDER_OK && settings->loss_weight != 1 && !(type->flags & LAYER_LOSS))
    status = error_set(error, LANDER_ERROR_ARGUMENT,
                       "%s: loss_weight is for losses, which %s is not", type->name,
                       type->name);
  return status;
}

lander_status lander_layer_check(lander_engine *engine, const char *type_name,
                                 const char *options, lander_error *error) {
  error_clear(error);
  const layer_type *type = layer_type_check(engine, type_name, error);
  if (!type) return LANDER_ERROR_ARGUMENT;
  void *self = memory_new(engine, 1, type->size, error);
  if (!self) return LANDER_ERROR_MEMORY;
  option_words words;
  layer_common settings;
  lander_status status = split_options(engine, options ? options : "", &words, error);
  if (status == LANDER_OK) status = read_options(type, &words, self, &settings, error);
  free_words(&words);
  memory_free(engine, self);
  return status;
}

/* ---- one layer ---- */

static void node_free(lander_net *net, node *n) {
  if (n->layer.type->release && n->layer.self) n->layer.type->release(&n->layer);
  memory_free(net->engine, n->name);
  memory_free(net->engine, n->options);
  memory_free(net->engine, n->share);
  memory_free(net->engine, n->layer.self);
}

/* The room that an array of `count` has: powers of two, so that it seldom moves. */
static size_t room_of(int count) {
  size_t room = count > 0;
  while (room < (size_t)count) room *= 2;
  return room;
}

/* Room for more of what `array` holds; the count is the caller's to raise. */
static lander_status grow(lander_net *net, void **array, int count, int more, size_t size,
                          lander_error *error) {
  size_t room = room_of(count + more);
  if (room == room_of(count)) return LANDER_OK;
  void *larger = memory_resize(net->engine, *array, room, size, error);
  if (!larger) return LANDER_ERROR_MEMORY;
  *array = larger;
  return LANDER_OK;
}

/* Connects the inputs of a line with the blobs that they name. */
static lander_status connect(lander_net *net, node *n, const parsed_line *line,
                             lander_error *error) {
  const layer_type *type = n->layer.type;
  if (line->inputs < type->min_inputs || line->inputs > type->max_inputs) {
    char most[16] = "";
    if (type->max_inputs != type->min_inputs)
      snprintf(most, sizeof most, " to %d", type->max_inputs);
    return error_set(error, LANDER_ERROR_ARGUMENT, "%s takes %d%s inputs, %d are given",
                     type->name, type->min_inputs, most, line->inputs);
  }
  for (int i = 0; i < line->inputs; i++) {
    span name = line->input[i];
    int from = net_find_node(net, name.at, name.length);
    if (from < 0) {
      char word[NET_NAME_MAX], hint[NET_NAME_MAX + 32];
      snprintf(word, sizeof word, "%.*s", (int)name.length, name.at);
      text_did_you_mean(hint, sizeof hint, text_nearest(word, node_name, net));
      return error_set(error, LANDER_ERROR_ARGUMENT, "there is no layer '%s' before it%s",
                       word, hint);
    }
    const node *source = &net->nodes[from];
    if (line->input_output[i] >= source->layer.outputs)
      return error_set(error, LANDER_ERROR_ARGUMENT, "'%s' has %d output%s, not %d",
                       source->name, source->layer.outputs,
                       source->layer.outputs == 1 ? "" : "s", line->input_output[i] + 1);
    n->in[i] = source->out + line->input_output[i];
    if (!net->blobs[n->in[i]].batched)
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "'%s' gives one number for the whole batch, which no layer takes",
                       source->name);
    n->layer.in[i] = net->blobs[n->in[i]].shape;
    n->needs_label |= source->needs_label;
  }
  n->layer.inputs = line->inputs;
  return LANDER_OK;
}

static lander_status add_blobs(lander_net *net, node *n, lander_error *error) {
  lander_status status = grow(net, (void **)&net->blobs, net->blobs_count,
                              n->layer.outputs, sizeof(blob), error);
  if (status != LANDER_OK) return status;
  n->out = net->blobs_count;
  for (int i = 0; i < n->layer.outputs; i++) {
    blob *b = &net->blobs[net->blobs_count];
    memset(b, 0, sizeof *b);
    b->shape = n->layer.out[i];
    b->node = net->nodes_count;
    b->batched = !n->layer.unbatched;
    status = tensor_count_of(b->shape.dims, b->shape.size, &b->count, error);
    if (status != LANDER_OK) return status;
    net->blobs_count++;
  }
  return LANDER_OK;
}

static double setting(const lander_numbers *numbers, int weight) {
  int last = numbers->count - 1;
  return numbers->at[weight < last ? weight : last];
}

/* One more parameter of the layer. */
static lander_status add_param(lander_net *net, node *n, const char *name, shape size,
                               lander_param public, lander_error *error) {
  if (net->data)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "only layers without parameters can be appended to a net");
  lander_status status =
      grow(net, (void **)&net->params, net->params_count, 1, sizeof(param), error);
  if (status != LANDER_OK) return status;
  param *p = &net->params[net->params_count];
  memset(p, 0, sizeof *p);
  status = tensor_count_of(size.dims, size.size, &p->count, error);
  if (status != LANDER_OK) return status;
  text full = {.engine = net->engine};
  text_add(&full, "%s.%s", n->name, name);
  if (full.failed) return error_memory(error, strlen(n->name));
  p->name = full.data;
  p->shape = size;
  p->public = public;
  p->public.name = p->name;
  p->public.layer = net->nodes_count;
  net->params_count++;
  return LANDER_OK;
}

/* The layer that `share` names. */
static lander_status find_lender(const lander_net *net, const node *n,
                                 const node **lender, lander_error *error) {
  int index = net_find_node(net, n->share, strlen(n->share));
  if (index >= 0) {
    *lender = &net->nodes[index];
    return LANDER_OK;
  }
  char hint[NET_NAME_MAX + 32];
  text_did_you_mean(hint, sizeof hint, text_nearest(n->share, node_name, net));
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "share: there is no layer '%s' before it%s", n->share, hint);
}

/* The lender's weight of the same name and shape, -1 if there is none. */
static int find_weight(const node *lender, const layer_weight *w) {
  for (int i = 0; i < lender->layer.weights; i++)
    if (!strcmp(lender->layer.weight[i].name, w->name) &&
        shape_same(&lender->layer.weight[i].shape, &w->shape))
      return i;
  return -1;
}

static lander_status add_params(lander_net *net, node *n, const layer_common *settings,
                                lander_error *error) {
  const layer *l = &n->layer;
  lander_status status = LANDER_OK;
  const node *lender = NULL;
  if (n->share) status = find_lender(net, n, &lender, error);
  int borrowed = 0;
  for (int i = 0; status == LANDER_OK && i < l->weights; i++) {
    const layer_weight *w = &l->weight[i];
    int other = lender ? find_weight(lender, w) : -1;
    if (other >= 0) {
      n->param[i] = lender->param[other];
      borrowed++;
      continue;
    }
    lander_param public = {.lr_mult = setting(&settings->lr_mult, i),
                           .decay_mult = setting(&settings->decay_mult, i)};
    n->param[i] = net->params_count;
    status = add_param(net, n, w->name, w->shape, public, error);
    if (status != LANDER_OK) break;
    param *p = &net->params[net->params_count - 1];
    p->filler = w->filler;
    p->fan_in = w->fan_in;
    p->fan_out = w->fan_out;
  }
  if (status == LANDER_OK && lender && borrowed == 0)
    status =
        error_set(error, LANDER_ERROR_ARGUMENT,
                  "'%s' has no weight of a name and shape that this layer could share",
                  lender->name);
  for (int i = 0; status == LANDER_OK && i < l->states; i++) {
    const layer_state *s = &l->state[i];
    lander_param public = {.lr_mult = 1, .decay_mult = 1, .frozen = true, .state = true};
    n->param[l->weights + i] = net->params_count;
    status = add_param(net, n, s->name, s->shape, public, error);
    if (status == LANDER_OK) net->params[net->params_count - 1].filler.value = s->value;
  }
  return status;
}

/* Reads the options and lets the layer infer its shapes. */
static lander_status set_up(lander_net *net, node *n, const parsed_line *line,
                            layer_common *settings, lander_error *error) {
  layer *l = &n->layer;
  option_words words = no_words(net->engine);
  char *options = copy_piece(net->engine, line->options.at, line->options.length, error);
  l->self = memory_new(net->engine, 1, l->type->size, error);
  lander_status status = options && l->self ? LANDER_OK : LANDER_ERROR_MEMORY;
  if (status == LANDER_OK) status = split_options(net->engine, options, &words, error);
  if (status == LANDER_OK)
    status = read_options(l->type, &words, l->self, settings, error);
  if (status == LANDER_OK) status = l->type->setup(l, error);
  memory_free(net->engine, options);
  text_free(&words.common);
  n->options = words.own.data; /* the node's now */
  n->share = words.share.data;
  if (status == LANDER_OK) n->loss_weight = settings->loss_weight;
  return status;
}

static bool has_dots(span name) {
  for (size_t i = 0; i + 1 < name.length; i++)
    if (name.at[i] == '.' && name.at[i + 1] == '.') return true;
  return false;
}

static lander_status add_node(lander_net *net, const parsed_line *line,
                              lander_error *error) {
  if (net_find_node(net, line->name.at, line->name.length) >= 0)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "there is a layer of that name already; names must differ");
  if (has_dots(line->name))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "a name has no '..': names become those of a file's members");
  if (net->nodes_count == NET_MOST_LAYERS)
    return error_set(error, LANDER_ERROR_ARGUMENT, "a net has at most %d layers",
                     NET_MOST_LAYERS);
  if (net_names_reserve(net, error) != LANDER_OK) return LANDER_ERROR_MEMORY;
  char type[NET_NAME_MAX];
  snprintf(type, sizeof type, "%.*s", (int)line->type.length, line->type.at);
  node n = {.layer.type = layer_type_check(net->engine, type, error)};
  if (!n.layer.type) return LANDER_ERROR_ARGUMENT;
  n.name = copy_piece(net->engine, line->name.at, line->name.length, error);
  if (!n.name) return LANDER_ERROR_MEMORY;
  n.layer.name = n.name;
  n.needs_label = n.layer.type->flags & LAYER_LABEL;

  int blobs = net->blobs_count, params = net->params_count;
  layer_common settings;
  lander_status status = connect(net, &n, line, error);
  if (status == LANDER_OK) status = set_up(net, &n, line, &settings, error);
  if (status == LANDER_OK) status = add_blobs(net, &n, error);
  if (status == LANDER_OK) status = add_params(net, &n, &settings, error);
  if (status == LANDER_OK)
    status = grow(net, (void **)&net->nodes, net->nodes_count, 1, sizeof(node), error);
  if (status != LANDER_OK) {
    while (net->params_count > params)
      memory_free(net->engine, net->params[--net->params_count].name);
    net->blobs_count = blobs;
    node_free(net, &n);
    return status;
  }
  net->nodes[net->nodes_count++] = n;
  net_names_add(net);
  return LANDER_OK;
}

/* The settings of a param line; what it does not name stays as the layer's line said. */
static lander_status read_settings(char *options, lander_param *settings,
                                   lander_error *error) {
  lander_param checked; /* each known, and given once */
  lander_status status = options_read(param_options, options, "param", &checked, error);
  for (char *at = options; status == LANDER_OK && *at;) {
    at += strspn(at, " \t\r\n");
    size_t length = strcspn(at, " \t\r\n");
    char *end = at + length, *next = *end ? end + 1 : end;
    *end = 0;
    char *equals = strchr(at, '=');
    if (equals) {
      *equals = 0;
      status = options_read_one(param_options, at, equals + 1, "param", settings, error);
    }
    at = next;
  }
  return status;
}

/* A line "param conv1.bias lr_mult=2". */
static lander_status apply_param(lander_net *net, const parsed_line *line,
                                 lander_error *error) {
  char name[2 * NET_NAME_MAX];
  snprintf(name, sizeof name, "%.*s", (int)line->name.length, line->name.at);
  int index = lander_net_find_param(net, name);
  if (index < 0) {
    char hint[2 * NET_NAME_MAX];
    text_did_you_mean(hint, sizeof hint, text_nearest(name, param_name, net));
    return error_set(error, LANDER_ERROR_ARGUMENT, "there is no such parameter%s", hint);
  }
  if (net->params[index].public.state) return error_state(error);
  char *options = copy_piece(net->engine, line->options.at, line->options.length, error);
  if (!options) return LANDER_ERROR_MEMORY;
  lander_param settings = net->params[index].public;
  lander_status status = read_settings(options, &settings, error);
  memory_free(net->engine, options);
  if (status == LANDER_OK) net->params[index].public = settings;
  return status;
}

/* Adds all lines; once a net has its memory, only layers without parameters may come. */
static lander_status add_lines(lander_net *net, const char *lines, lander_error *error) {
  int number = 0;
  for (;;) {
    parsed_line line;
    bool found;
    lander_status status = parse_next(&lines, &number, &line, &found, error);
    if (status != LANDER_OK || !found) return status;
    if (line.is_param && net->data)
      status = error_set(error, LANDER_ERROR_ARGUMENT,
                         "a param line can't be appended to a net");
    else
      status =
          line.is_param ? apply_param(net, &line, error) : add_node(net, &line, error);
    if (status != LANDER_OK) {
      error_prefix(error, "line %d: %.*s", number, (int)line.name.length, line.name.at);
      return status;
    }
  }
}

/* ---- the whole net ---- */

void net_trace_gradients(lander_net *net) {
  for (int i = 0; i < net->blobs_count; i++) net->blobs[i].readers = 0;
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    unsigned flags = n->layer.type->flags;
    bool needs = net->input_gradient && (flags & LAYER_SOURCE);
    for (int k = 0; k < n->layer.inputs; k++) {
      net->blobs[n->in[k]].readers++;
      needs |= net->blobs[n->in[k]].needs_gradient;
    }
    for (int k = 0; k < n->layer.weights; k++)
      needs |= !net->params[n->param[k]].public.frozen;
    if (flags & (LAYER_LABEL | LAYER_METRIC)) needs = false;
    for (int k = 0; k < n->layer.outputs; k++) {
      blob *b = &net->blobs[n->out + k];
      if (b->needs_gradient != needs) net->gradients_planned = false;
      b->needs_gradient = needs;
    }
  }
}

lander_status net_write_text(lander_net *net, lander_error *error) {
  text t = {.engine = net->engine};
  for (int i = 0; i < net->nodes_count; i++) {
    const node *n = &net->nodes[i];
    text_add(&t, "%s = %s (", n->name, n->layer.type->name);
    for (int k = 0; k < n->layer.inputs; k++) {
      int from = net->blobs[n->in[k]].node;
      text_add(&t, "%s%s", k ? ", " : "", net->nodes[from].name);
      int output = n->in[k] - net->nodes[from].out;
      if (output > 0) text_add(&t, ":%d", output + 1);
    }
    text_add(&t, ")%s%s", n->options && *n->options ? " " : "",
             n->options ? n->options : "");
    if (n->share) text_add(&t, " share=%s", n->share);
    char weight[32];
    if (n->loss_weight != 1)
      text_add(&t, " loss_weight=%s", text_number(weight, n->loss_weight));
    text_add(&t, "\n");
  }
  for (int i = 0; i < net->params_count; i++) {
    const lander_param *p = &net->params[i].public;
    if (p->state || (p->lr_mult == 1 && p->decay_mult == 1 && !p->frozen)) continue;
    text_add(&t, "param %s", p->name);
    options_write(param_options, p, &t);
    text_add(&t, "\n");
  }
  if (t.failed || !t.data) {
    text_free(&t);
    return error_memory(error, 0);
  }
  memory_free(net->engine, net->text);
  net->text = t.data;
  return LANDER_OK;
}

static void drop_nodes(lander_net *net, int keep_nodes, int keep_blobs, int keep_params) {
  while (net->nodes_count > keep_nodes) node_free(net, &net->nodes[--net->nodes_count]);
  while (net->params_count > keep_params)
    memory_free(net->engine, net->params[--net->params_count].name);
  net->blobs_count = keep_blobs;
  net_names_forget(net);
}

lander_net *net_graph(lander_engine *engine, const char *lines, lander_error *error) {
  error_clear(error);
  lander_net *net = memory_new(engine, 1, sizeof *net, error);
  if (!net) return NULL;
  net->engine = engine_keep(engine);
  lander_status status = add_lines(net, lines, error);
  if (status == LANDER_OK && lander_net_inputs(net) == 0)
    status =
        error_set(error, LANDER_ERROR_ARGUMENT,
                  "a net needs an input layer, as in: data = input () shape=1,28,28");
  if (status == LANDER_OK) return net;
  lander_net_free(net);
  return NULL;
}

lander_status net_complete(lander_net *net, lander_error *error) {
  lander_status status = net_make_params(net, error);
  if (status == LANDER_OK) status = net_write_text(net, error);
  net_trace_gradients(net);
  return status;
}

lander_net *lander_net_build(lander_engine *engine, const char *lines, uint64_t seed,
                             lander_error *error) {
  lander_net *net = net_graph(engine, lines, error);
  if (!net) return NULL;
  if (net_complete(net, error) != LANDER_OK) {
    lander_net_free(net);
    return NULL;
  }
  lander_net_reset(net, seed);
  return net;
}

lander_status lander_net_append(lander_net *net, const char *lines, lander_error *error) {
  error_clear(error);
  if (net->running) return net_check_idle(net, error);
  int nodes = net->nodes_count, blobs = net->blobs_count, params = net->params_count;
  lander_status status = add_lines(net, lines, error);
  if (status == LANDER_OK) status = net_write_text(net, error);
  if (status != LANDER_OK) {
    drop_nodes(net, nodes, blobs, params);
    return status;
  }
  net_trace_gradients(net);
  net_plan_free(net); /* the next pass makes room for the new layers too */
  return LANDER_OK;
}

void lander_net_free(lander_net *net) {
  if (!net) return;
  net_plan_free(net);
  net_params_free(net);
  drop_nodes(net, 0, 0, 0);
  lander_engine *engine = net->engine;
  memory_free(engine, net->places);
  memory_free(engine, net->nodes);
  memory_free(engine, net->blobs);
  memory_free(engine, net->params);
  memory_free(engine, net->text);
  memory_free(engine, net->note);
  memory_free(engine, net);
  lander_engine_free(engine);
}
