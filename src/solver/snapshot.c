/* snapshot.c: everything that training needs to go on, in one file.
 *
 * Members:
 *   1. net.txt, <parameter>.npy     the net, as lander_net_save writes it
 *   2. @<history>/<parameter>.npy   what the type remembers
 * ("@velocity/conv1.weight.npy"); no layer's name begins with @
 *   3. @start/<parameter>.npy       the weights at the baseline, while rule R5 needs them
 *   4. solver.txt                   a line each, numbers as text that reads back exactly:
 *        made <version>
 *        type <name>
 *        options <key=value ...>    those that are not the defaults
 *        changed <key=value ...>    those that were set after the solver was made
 *        state <key=value ...>      saved_state
 *        losses <number ...>        the last accepted ones, oldest first
 *   5. note.txt                     the caller's own */
#include "solver.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/memory.h"

#define SOLVER_MEMBER "solver.txt"
#define NOTE_MEMBER   "note.txt"
#define MEMBER_MAX    256

/* The state as numbers with names. A double holds all integers up to 2^53. */
typedef struct saved_state {
  double iter;
  double seed_high, seed_low; /* the net's: 32 bits each */
  bool has_baseline;
  double baseline, spread, accepted, vanished;
  double chance, best;
  bool warned, has_start;
  bool plateau_begun;
  double plateau_best;
  int plateau_waited, plateau_cooling, plateau_drops;
  double histories, pairs;
  bool moved;
} saved_state;

#define EXACT   9007199254740992.0 /* 2^53 */
#define BITS_32 4294967295.0

/* clang-format off */
static const lander_option state_options[] = {
    OPTION_NUMBER(saved_state, iter, NULL, 0, EXACT, 0, "iteration"),
    OPTION_NUMBER(saved_state, seed_high, NULL, 0, BITS_32, 0, "of dropout's draws"),
    OPTION_NUMBER(saved_state, seed_low, NULL, 0, BITS_32, 0, "of dropout's draws"),
    OPTION_BOOL(saved_state, has_baseline, NULL, "whether L0 is known"),
    OPTION_NUMBER(saved_state, baseline, NULL, -DBL_MAX, DBL_MAX, 0, "L0"),
    OPTION_NUMBER(saved_state, spread, NULL, 0, DBL_MAX, 0, "s0"),
    OPTION_NUMBER(saved_state, accepted, NULL, 0, EXACT, 0, "iterations"),
    OPTION_NUMBER(saved_state, chance, "0", 0, DBL_MAX, 0, "level; 0: not known"),
    OPTION_NUMBER(saved_state, best, "1.7976931348623157e308", -DBL_MAX, DBL_MAX, 0, "mean of many losses"),
    OPTION_NUMBER(saved_state, vanished, "0", 0, EXACT, 0,
                  "iterations on end without most of the gradients"),
    OPTION_BOOL(saved_state, warned, "false", "whether R5 has said its warning"),
    OPTION_BOOL(saved_state, has_start, "false", "whether @start is there"),
    OPTION_BOOL(saved_state, plateau_begun, NULL, "whether there is a best loss"),
    OPTION_NUMBER(saved_state, plateau_best, NULL, -DBL_MAX, DBL_MAX, 0, "that loss"),
    OPTION_INT(saved_state, plateau_waited, NULL, 0, INT_MAX, 0, "since the best loss"),
    OPTION_INT(saved_state, plateau_cooling, NULL, 0, INT_MAX, 0, "still not to count"),
    OPTION_INT(saved_state, plateau_drops, NULL, 0, INT_MAX, 0, "of the rate"),
    OPTION_NUMBER(saved_state, histories, "0", 0, SOLVER_MAX_ARENAS, 0, "of lbfgs"),
    OPTION_NUMBER(saved_state, pairs, "0", 0, EXACT, 0, "of lbfgs, that were made"),
    OPTION_BOOL(saved_state, moved, "false", "lbfgs: there is a step for a pair"),
    OPTION_END};
/* clang-format on */

static saved_state pack(const lander_solver *s) {
  const solver_state *now = &s->state;
  return (saved_state){.iter = (double)now->iter,
                       .seed_high = (double)(s->net->seed >> 32),
                       .seed_low = (double)(s->net->seed & 0xffffffffu),
                       .has_baseline = now->monitor.has_baseline,
                       .baseline = now->monitor.baseline,
                       .spread = now->monitor.spread,
                       .accepted = (double)now->monitor.accepted,
                       .chance = now->monitor.chance,
                       .best = now->monitor.best,
                       .vanished = (double)now->monitor.vanished,
                       .warned = now->monitor.warned,
                       .has_start = s->start,
                       .plateau_begun = now->plateau.begun,
                       .plateau_best = now->plateau.best,
                       .plateau_waited = now->plateau.waited,
                       .plateau_cooling = now->plateau.cooling,
                       .plateau_drops = now->plateau.drops,
                       .histories = s->type->copies ? s->histories : 0,
                       .pairs = (double)now->curvature.pairs,
                       .moved = now->curvature.moved};
}

/* All but the losses. */
static void unpack(const saved_state *from, solver_state *to, uint64_t *seed) {
  to->iter = (int64_t)from->iter;
  to->plateau = (plateau){from->plateau_begun, from->plateau_best, from->plateau_waited,
                          from->plateau_cooling, from->plateau_drops};
  to->monitor.has_baseline = from->has_baseline;
  to->monitor.baseline = from->baseline;
  to->monitor.spread = from->spread;
  to->monitor.accepted = (int64_t)from->accepted;
  to->monitor.chance = from->chance;
  to->monitor.best = from->best;
  to->monitor.vanished = (int64_t)from->vanished;
  to->monitor.warned = from->warned;
  to->curvature = (curvature){(int64_t)from->pairs, from->moved};
  *seed = (uint64_t)from->seed_high << 32 | (uint64_t)from->seed_low;
}

/* "@velocity/conv1.weight" */
static const char *member_of(char out[MEMBER_MAX], const lander_solver *s,
                             const char *what, int index) {
  snprintf(out, MEMBER_MAX, "@%s/%s", what, lander_net_param(s->net, index)->name);
  return out;
}

#define START "start"

/* ---- writing
 * ----------------------------------------------------------------------------- */

static void write_changed(const lander_solver *s, text *out) {
  text_add(out, "changed");
  for (int i = 0; s->type->options[i].name; i++) {
    if (!s->changed[i]) continue;
    text_add(out, " %s=", s->type->options[i].name);
    options_write_one(s->type->options, s->type->options[i].name, "solver", s->settings,
                      out, NULL);
  }
  text_add(out, "\n");
}

static void write_state(const lander_solver *s, text *out) {
  const monitor *m = &s->state.monitor;
  saved_state state = pack(s);
  char number[32];
  text_add(out, "state");
  options_write(state_options, &state, out);
  text_add(out, "\nlosses");
  for (int back = monitor_count(m) - 1; back >= 0; back--)
    text_add(out, " %s", text_number(number, monitor_loss(m, back)));
  text_add(out, "\n");
}

static lander_status write_solver(const lander_solver *s, npz_writer *z,
                                  lander_error *error) {
  text out = {.engine = s->engine};
  text_add(&out, "made %s\ntype %s\noptions", lander_version(), s->type->name);
  options_write(s->type->options, s->settings, &out);
  text_add(&out, "\n");
  write_changed(s, &out);
  write_state(s, &out);
  lander_status status =
      out.failed ? error_memory(error, out.length)
                 : npz_add_text(z, SOLVER_MEMBER, out.data, out.length, error);
  text_free(&out);
  return status;
}

/* An arena, a member for each parameter. */
static lander_status write_arena(const lander_solver *s, npz_writer *z, const char *what,
                                 const real *arena, lander_error *error) {
  char name[MEMBER_MAX];
  lander_status status = LANDER_OK;
  for (int i = 0; status == LANDER_OK && i < lander_net_params(s->net); i++) {
    const lander_tensor *like = lander_net_param(s->net, i)->data;
    status = npz_add_array(z, member_of(name, s, what, i), like->dims, like->size,
                           arena + net_param_offset(s->net, i), error);
  }
  return status;
}

static lander_status write_history(const lander_solver *s, npz_writer *z,
                                   lander_error *error) {
  lander_status status = LANDER_OK;
  char name[HISTORY_NAME];
  for (int k = 0; status == LANDER_OK && k < s->histories; k++)
    status = write_arena(s, z, solver_history_name(s, k, name), s->history[k], error);
  if (status == LANDER_OK && s->start)
    status = write_arena(s, z, START, s->start->data, error);
  return status;
}

/* Rule R7: what is not finite is never saved. */
lander_status lander_solver_check(const lander_solver *s, const char **where,
                                  lander_error *error) {
  error_clear(error);
  int64_t unused;
  if (where) *where = NULL;
  for (int i = 0; i < lander_net_params(s->net); i++) {
    int64_t count = net_param_count(s->net, i), at = net_param_offset(s->net, i);
    bool finite = kernels_table()->is_finite(count, net_data_arena(s->net, &unused) + at);
    for (int k = 0; finite && k < s->histories; k++)
      finite = kernels_table()->is_finite(count, s->history[k] + at);
    if (finite) continue;
    if (where) *where = lander_net_param(s->net, i)->name;
    return error_set(error, LANDER_ERROR_STATE,
                     "solver: %s, or its history, is not finite, so there is nothing "
                     "worth a snapshot; restore an older one",
                     lander_net_param(s->net, i)->name);
  }
  return LANDER_OK;
}

lander_status lander_solver_snapshot(const lander_solver *s, const char *path,
                                     const char *note, lander_error *error) {
  error_clear(error);
  lander_status status = lander_solver_check(s, NULL, error);
  if (status != LANDER_OK) return status;
  npz_writer *z = npz_create(s->engine, path, error);
  if (!z) return error ? error->code : LANDER_ERROR_IO;
  status = net_write(s->net, z, error);
  if (status == LANDER_OK) status = write_history(s, z, error);
  if (status == LANDER_OK) status = write_solver(s, z, error);
  if (status == LANDER_OK && note)
    status = npz_add_text(z, NOTE_MEMBER, note, strlen(note), error);
  if (status == LANDER_OK) return npz_commit(z, error);
  npz_abandon(z);
  return status;
}

/* ---- reading
 * ----------------------------------------------------------------------------- */

lander_status lander_file_is_snapshot(lander_engine *engine, const char *path, bool *is,
                                      lander_error *error) {
  error_clear(error);
  npz_reader *z = npz_open(engine, path, error);
  if (!z) return error ? error->code : LANDER_ERROR_IO;
  *is = npz_has(z, SOLVER_MEMBER);
  npz_close(z);
  return LANDER_OK;
}

/* All that a snapshot holds, checked, before anything is changed. */
typedef struct loaded {
  lander_net *net;
  real *history[SOLVER_MAX_ARENAS];
  bool has_start;
  storage *start;
  solver_settings *settings;
  bool changed[SOLVER_MAX_OPTIONS];
  solver_state state;
  uint64_t seed;
  char *note;
} loaded;

static void loaded_free(lander_engine *engine, loaded *l) {
  lander_net_free(l->net);
  for (int i = 0; i < SOLVER_MAX_ARENAS; i++) memory_free(engine, l->history[i]);
  storage_free(l->start);
  memory_free(engine, l->settings);
  memory_free(engine, l->note);
}

static bool same_text(const char *a, const char *b) {
  return !strcmp(a ? a : "", b ? b : "");
}

static bool same_node(const node *a, const node *b) {
  return !strcmp(a->name, b->name) && a->layer.type == b->layer.type &&
         same_text(a->options, b->options) && same_text(a->share, b->share) &&
         a->loss_weight == b->loss_weight && a->layer.inputs == b->layer.inputs &&
         !memcmp(a->in, b->in, (size_t)a->layer.inputs * sizeof a->in[0]);
}

/* The line of a layer in a net's text: they come in the order of the nodes. */
static int node_line(char out[96], const lander_net *net, int index) {
  const char *at = net->text;
  for (; index > 0; index--) at += strcspn(at, "\n") + 1;
  return snprintf(out, 96, "%.*s", (int)strcspn(at, "\n"), at);
}

static lander_status check_same_net(const lander_net *found, const lander_net *wanted,
                                    lander_error *error) {
  char ours[96], theirs[96];
  for (int i = 0; i < found->nodes_count && i < wanted->nodes_count; i++)
    if (!same_node(&found->nodes[i], &wanted->nodes[i])) {
      node_line(theirs, found, i);
      node_line(ours, wanted, i);
      return error_set(error, LANDER_ERROR_ARGUMENT,
                       "this is a snapshot of another net: its layer %d is '%s', here it "
                       "is '%s'",
                       i + 1, theirs, ours);
    }
  if (found->nodes_count != wanted->nodes_count)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "this is a snapshot of another net: it has %d layers, here are %d",
                     found->nodes_count, wanted->nodes_count);
  return LANDER_OK;
}

static lander_status format_fault(const char *what, lander_error *error) {
  return error_set(error, LANDER_ERROR_FORMAT, SOLVER_MEMBER ": %s", what);
}

/* The line that begins with `word`, without it, as a text that ends there. */
static char *take_line(char **at, const char *word) {
  size_t length = strlen(word);
  char *line = *at, *end = line + strcspn(line, "\n");
  if (!*end || strncmp(line, word, length)) return NULL;
  if (line[length] != ' ' && line[length] != '\n') return NULL;
  *end = 0;
  *at = end + 1;
  return line + length;
}

static lander_status read_losses(const char *at, monitor *m, lander_error *error) {
  int count = monitor_count(m);
  for (int back = count - 1; back >= 0; back--) {
    at += strspn(at, " ");
    size_t length = strcspn(at, " ");
    double value;
    if (!text_read_number(at, length, &value) || !isfinite(value))
      return format_fault("a loss is missing or not finite", error);
    m->loss[(m->accepted - 1 - back) % SETTING_LOSSES] = value;
    at += length;
  }
  return *at ? format_fault("there are more losses than iterations", error) : LANDER_OK;
}

/* The options keep what the solver was made with, but for those that were changed while
 * the other one ran. */
static lander_status read_changed(const lander_solver *s, char *at, loaded *l,
                                  lander_error *error) {
  l->settings = memory_new(s->engine, 1, s->type->size, error);
  if (!l->settings) return LANDER_ERROR_MEMORY;
  memcpy(l->settings, s->settings, s->type->size);
  memcpy(l->changed, s->changed, sizeof l->changed);
  for (char *pair = at + strspn(at, " "); *pair;) {
    char *end = pair + strcspn(pair, " "), *equals = pair + strcspn(pair, "=");
    if (equals >= end) return format_fault("a changed option has no value", error);
    char *next = end + strspn(end, " ");
    *equals = *end = 0;
    int index = settings_find(s->type, pair);
    if (index < 0 || !strcmp(pair, "type"))
      return format_fault("an unknown option was changed", error);
    lander_error fault;
    if (options_read_one(s->type->options, pair, equals + 1, "changed", l->settings,
                         &fault) != LANDER_OK)
      return format_fault(fault.message, error);
    l->changed[index] = true;
    pair = next;
  }
  return settings_check(s->engine, s->type, s->settings, l->settings, error);
}

static lander_status check_type(const lander_solver *s, const char *found,
                                lander_error *error) {
  found += strspn(found, " ");
  if (!strcmp(found, s->type->name)) return LANDER_OK;
  return error_set(error, LANDER_ERROR_ARGUMENT,
                   "this is a snapshot of a solver of type '%.32s', here it is '%s'",
                   found, s->type->name);
}

static lander_status parse_solver(const lander_solver *s, char *at, loaded *l,
                                  lander_error *error) {
  char *made = take_line(&at, "made"), *type = take_line(&at, "type");
  char *options = take_line(&at, "options"), *changed = take_line(&at, "changed");
  char *state = take_line(&at, "state"), *losses = take_line(&at, "losses");
  if (!made || !type || !options || !changed || !state || !losses || *at)
    return format_fault("its lines are not made, type, options, changed, state, losses",
                        error);
  saved_state saved;
  lander_status status = check_type(s, type, error);
  if (status != LANDER_OK) return status;
  lander_error fault;
  if (options_read(state_options, state, "state", &saved, &fault) != LANDER_OK)
    return format_fault(fault.message, error);
  if (s->type->copies && saved.histories != s->histories)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "this is a snapshot of a solver with %g arrays of history, here "
                     "are %d: it had another history_size",
                     saved.histories, s->histories);
  unpack(&saved, &l->state, &l->seed);
  l->has_start = saved.has_start;
  status = read_losses(losses, &l->state.monitor, error);
  if (status == LANDER_OK) status = read_changed(s, changed, l, error);
  return status;
}

static lander_status read_solver(const lander_solver *s, npz_reader *z, loaded *l,
                                 lander_error *error) {
  char *content = npz_read_text(z, SOLVER_MEMBER, NULL, error);
  if (!content) return error ? error->code : LANDER_ERROR_FORMAT;
  lander_status status = parse_solver(s, content, l, error);
  memory_free(s->engine, content);
  return status;
}

static lander_status read_arena(const lander_solver *s, npz_reader *z, const char *what,
                                real *arena, lander_error *error) {
  char name[MEMBER_MAX];
  lander_status status = LANDER_OK;
  for (int i = 0; status == LANDER_OK && i < lander_net_params(s->net); i++) {
    const lander_tensor *like = lander_net_param(s->net, i)->data;
    status = npz_read_into(z, member_of(name, s, what, i), like->dims, like->size,
                           arena + net_param_offset(s->net, i), error);
  }
  return status;
}

static lander_status read_start(const lander_solver *s, npz_reader *z, loaded *l,
                                lander_error *error) {
  if (!l->has_start) return LANDER_OK;
  l->start = storage_new(s->engine, s->arena_count, error);
  if (!l->start) return LANDER_ERROR_MEMORY;
  return read_arena(s, z, START, l->start->data, error);
}

static lander_status read_history(const lander_solver *s, npz_reader *z, loaded *l,
                                  lander_error *error) {
  lander_status status = LANDER_OK;
  char name[HISTORY_NAME];
  for (int k = 0; status == LANDER_OK && k < s->histories; k++) {
    l->history[k] = memory_new(s->engine, (size_t)s->arena_count, sizeof(real), error);
    if (!l->history[k]) return LANDER_ERROR_MEMORY;
    status = read_arena(s, z, solver_history_name(s, k, name), l->history[k], error);
  }
  return status == LANDER_OK ? read_start(s, z, l, error) : status;
}

static lander_status read_note(npz_reader *z, loaded *l, lander_error *error) {
  if (!npz_has(z, NOTE_MEMBER)) return LANDER_OK;
  l->note = npz_read_text(z, NOTE_MEMBER, NULL, error);
  if (l->note) return LANDER_OK;
  return error ? error->code : LANDER_ERROR_FORMAT;
}

static lander_status load(const lander_solver *s, npz_reader *z, const char *path,
                          loaded *l, lander_error *error) {
  if (!npz_has(z, SOLVER_MEMBER))
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s: this is a saved net without a solver's state: load it with "
                     "lander.load",
                     path);
  l->net = lander_net_open(s->engine, path, error);
  if (!l->net) return error ? error->code : LANDER_ERROR_FORMAT;
  lander_status status = check_same_net(l->net, s->net, error);
  if (status == LANDER_OK) status = read_solver(s, z, l, error);
  if (status != LANDER_OK) {
    error_prefix(error, "%s", path);
    return status;
  }
  status = read_history(s, z, l, error);
  if (status == LANDER_OK) status = read_note(z, l, error);
  return status;
}

/* ---- taking over
 * ----------------------------------------------------------------------- */

static void swap_multipliers(lander_net *a, lander_net *b) {
  for (int i = 0; i < a->params_count; i++) {
    lander_param *p = &a->params[i].public, *q = &b->params[i].public, old = *p;
    p->lr_mult = q->lr_mult;
    p->decay_mult = q->decay_mult;
    p->frozen = q->frozen;
    q->lr_mult = old.lr_mult;
    q->decay_mult = old.decay_mult;
    q->frozen = old.frozen;
  }
}

/* The net's own part; its text holds the multipliers and is what can fail. */
static lander_status take_net(lander_solver *s, loaded *l, lander_error *error) {
  int64_t count;
  swap_multipliers(s->net, l->net);
  lander_status status = net_write_text(s->net, error);
  if (status != LANDER_OK) {
    swap_multipliers(s->net, l->net);
    return status;
  }
  net_trace_gradients(s->net);
  memcpy(net_data_arena(s->net, &count), net_data_arena(l->net, &count),
         (size_t)s->arena_count * sizeof(real));
  s->net->seed = l->seed;
  return LANDER_OK;
}

/* Swaps, so that the old ones are freed with `l`. */
static void take_rest(lander_solver *s, loaded *l) {
  loaded old = {.start = s->start, .settings = s->settings, .note = s->note};
  memcpy(old.history, s->history, sizeof old.history);
  memcpy(s->history, l->history, sizeof old.history);
  memcpy(l->history, old.history, sizeof old.history);
  memcpy(s->changed, l->changed, sizeof s->changed);
  if (s->changed[settings_find(s->type, "lr_policy")])
    lander_solver_set_schedule(s, NULL, NULL);
  s->start = l->start;
  s->settings = l->settings;
  s->note = l->note;
  s->state = l->state;
  l->start = old.start;
  l->settings = old.settings;
  l->note = old.note;
}

lander_status lander_solver_restore(lander_solver *s, const char *path,
                                    lander_error *error) {
  error_clear(error);
  npz_reader *z = npz_open(s->engine, path, error);
  if (!z) return error ? error->code : LANDER_ERROR_IO;
  loaded *l = memory_new(s->engine, 1, sizeof *l, error); /* large: the losses */
  lander_status status = l ? load(s, z, path, l, error) : LANDER_ERROR_MEMORY;
  if (status == LANDER_OK) status = take_net(s, l, error);
  if (status == LANDER_OK) take_rest(s, l);
  if (l) loaded_free(s->engine, l);
  memory_free(s->engine, l);
  npz_close(z);
  return status;
}
