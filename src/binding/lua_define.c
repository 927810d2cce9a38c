/* lua_define.c: layers that a script computes (nn.define).
 *
 * The core calls back in the middle of a pass. Everything that can raise a Lua error runs
 * inside lua_pcall, and an error goes back as the pass's own: no frame of the core is
 * left by a longjmp. The script's functions get tensors of their own, copies of the net's
 * memory, so it may keep them. */
#include <string.h>

#include "binding.h"

#define MOST_OPTIONS 16

/* The definition of one type: a userdata that the registry holds for as long as the
 * state, with the table of functions in its user value. */
typedef struct lua_layer {
  lander_layer_definition definition;
  lua_State *main;
  const char *name; /* its table's string */
  lander_option options[MOST_OPTIONS + 1];
} lua_layer;

/* Key of the registry: `self` of each layer in a net, by the address of its setup. */
static const char selves_key = 's';

/* ---- tensors of a pass ---- */

static int64_t count_of(const lander_layer_shape *s) {
  int64_t count = 1;
  for (int d = 0; d < s->dims; d++) count *= s->size[d];
  return count;
}

/* Pushes a copy of a block as a tensor; batch 0: a weight, without the batch. */
static void push_block(lua_State *L, const lander_real *from, int64_t batch,
                       const lander_layer_shape *s) {
  lander_error error;
  int dims = 0;
  int64_t size[LANDER_MAX_DIMS];
  if (batch > 0) size[dims++] = batch;
  for (int d = 0; d < s->dims; d++) size[dims++] = s->size[d];
  lander_tensor *t = lander_tensor_new(binding_engine(L), dims, size, &error);
  if (t)
    memcpy(lander_tensor_data(t), from,
           (size_t)lander_tensor_count(t) * sizeof(lander_real));
  binding_push_tensor(L, t, &error);
}

/* Copies (or adds) the tensor at `index` to a block of `count` numbers. */
static void take_block(lua_State *L, int index, const char *what, int64_t count, bool add,
                       lander_real *to) {
  lander_error error;
  lander_tensor *t = binding_test_tensor(L, index);
  if (!t) luaL_error(L, "%s must be a tensor, found a %s", what, luaL_typename(L, index));
  if (lander_tensor_count(t) != count)
    luaL_error(L, "%s must have %I numbers, found %I", what, (LUAI_UACINT)count,
               (LUAI_UACINT)lander_tensor_count(t));
  lander_tensor *flat = lander_tensor_contiguous(t, &error);
  if (!flat) luaL_error(L, "%s", error.message);
  const lander_real *from = lander_tensor_data(flat);
  for (int64_t i = 0; i < count; i++) to[i] = add ? to[i] + from[i] : from[i];
  lander_tensor_free(flat);
}

/* ---- self ---- */

static void push_selves(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &selves_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &selves_key);
}

static void push_self(lua_State *L, const lander_layer_setup *setup) {
  push_selves(L);
  lua_rawgetp(L, -1, setup);
  lua_remove(L, -2);
}

/* A new self: name, and the options by name. */
static void make_self(lua_State *L, const lua_layer *def,
                      const lander_layer_setup *setup) {
  push_selves(L);
  lua_newtable(L);
  lua_pushstring(L, setup->layer);
  lua_setfield(L, -2, "name");
  for (const lander_option *o = def->options; o->name; o++) {
    double value;
    memcpy(&value, (const char *)setup->self + o->offset, sizeof value);
    lua_pushnumber(L, value);
    lua_setfield(L, -2, o->name);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, -3, setup);
  lua_remove(L, -2);
}

static void push_function(lua_State *L, const lua_layer *def, const char *name) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, def);
  lua_getiuservalue(L, -1, 1);
  lua_getfield(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* ---- setup ---- */

typedef struct setup_job {
  const lua_layer *def;
  lander_layer_setup *setup;
} setup_job;

static void push_shape(lua_State *L, const lander_layer_shape *s) {
  lua_createtable(L, s->dims, 0);
  for (int d = 0; d < s->dims; d++) {
    lua_pushinteger(L, (lua_Integer)s->size[d]);
    lua_rawseti(L, -2, d + 1);
  }
}

/* A table of sizes at the top, which is popped. */
static void take_shape(lua_State *L, const char *what, lander_layer_shape *s) {
  if (!lua_istable(L, -1))
    luaL_error(L, "%s must be a table of sizes, found a %s", what, luaL_typename(L, -1));
  lua_Unsigned dims = lua_rawlen(L, -1);
  if (dims > LANDER_MAX_DIMS - 1) luaL_error(L, "%s has too many sizes", what);
  s->dims = (int)dims;
  for (int d = 0; d < s->dims; d++) {
    lua_rawgeti(L, -1, d + 1);
    int whole;
    s->size[d] = lua_tointegerx(L, -1, &whole);
    if (!whole) luaL_error(L, "%s: size %d is no whole number", what, d + 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void take_text(lua_State *L, const char *what, char *to, size_t size) {
  const char *found = lua_tostring(L, -1);
  if (found && strlen(found) >= size) luaL_error(L, "%s is too long", what);
  if (found) memcpy(to, found, strlen(found) + 1);
  lua_pop(L, 1);
}

/* weights: a list of { name =, size =, filler = the core's text }. */
static void take_weights(lua_State *L, lander_layer_setup *setup) {
  lua_Unsigned count = lua_rawlen(L, -1);
  if (count > LANDER_LAYER_WEIGHTS)
    luaL_error(L, "at most %d parameters can be", LANDER_LAYER_WEIGHTS);
  for (int i = 0; i < (int)count; i++) {
    lander_layer_weight *w = &setup->weight[i];
    lua_rawgeti(L, -1, i + 1);
    lua_getfield(L, -1, "name");
    take_text(L, "a parameter's name", w->name, sizeof w->name);
    lua_getfield(L, -1, "filler");
    take_text(L, "a parameter's filler", w->filler, sizeof w->filler);
    lua_getfield(L, -1, "size");
    take_shape(L, w->name, &w->shape);
    lua_pop(L, 1);
  }
  setup->weights = (int)count;
}

/* def.setup(self, shape, ...) -> the output's shape, the list of parameters */
static int protected_setup(lua_State *L) {
  const setup_job *job = lua_touserdata(L, 1);
  lander_layer_setup *setup = job->setup;
  luaL_checkstack(L, LANDER_LIST_MAX + 8, "inputs");
  push_function(L, job->def, "setup");
  make_self(L, job->def, setup);
  for (int i = 0; i < setup->inputs; i++) push_shape(L, &setup->in[i]);
  lua_call(L, 1 + setup->inputs, 2);
  take_weights(L, setup);
  lua_pop(L, 1);
  take_shape(L, "the output's shape", &setup->out);
  return 0;
}

/* ---- passes ---- */

typedef struct pass_job {
  const lua_layer *def;
  const lander_layer_pass *pass;
} pass_job;

static void set_phase_and_weights(lua_State *L, int self, const lander_layer_pass *p) {
  lua_pushstring(L, p->phase == LANDER_TRAIN ? "train" : "test");
  lua_setfield(L, self, "phase");
  lua_newtable(L);
  for (int i = 0; i < p->setup->weights; i++) {
    push_block(L, p->w[i], 0, &p->setup->weight[i].shape);
    lua_setfield(L, -2, p->setup->weight[i].name);
  }
  lua_setfield(L, self, "params");
}

/* A loss is one number for the batch, and reads best as a number. */
static int64_t count_of_output(const lua_layer *def, const lander_layer_pass *p) {
  return def->definition.loss ? 1 : p->batch * count_of(&p->setup->out);
}

static void push_output(lua_State *L, const lua_layer *def, const lander_real *y,
                        const lander_layer_pass *p) {
  if (def->definition.loss)
    lua_pushnumber(L, (lua_Number)y[0]);
  else
    push_block(L, y, p->batch, &p->setup->out);
}

/* def.forward(self, x, ...) -> y */
static int protected_forward(lua_State *L) {
  const pass_job *job = lua_touserdata(L, 1);
  const lander_layer_pass *p = job->pass;
  const lander_layer_setup *setup = p->setup;
  luaL_checkstack(L, LANDER_LIST_MAX + 8, "inputs");
  push_function(L, job->def, "forward");
  push_self(L, setup);
  set_phase_and_weights(L, lua_gettop(L), p);
  for (int i = 0; i < setup->inputs; i++) push_block(L, p->x[i], p->batch, &setup->in[i]);
  lua_call(L, 1 + setup->inputs, 1);
  if (job->def->definition.loss && lua_type(L, -1) == LUA_TNUMBER)
    p->y[0] = (lander_real)lua_tonumber(L, -1);
  else
    take_block(L, -1, "what forward returns", count_of_output(job->def, p), false, p->y);
  return 0;
}

/* The gradients of the weights, by name, in the table at the top. */
static void take_weight_gradients(lua_State *L, const lander_layer_pass *p) {
  const lander_layer_setup *setup = p->setup;
  for (int i = 0; i < setup->weights; i++) {
    if (!p->dw[i]) continue;
    if (!lua_istable(L, -1))
      luaL_error(L, "backward must return the gradients of the parameters too, as a "
                    "table behind those of the inputs");
    lua_getfield(L, -1, setup->weight[i].name);
    take_block(L, -1, setup->weight[i].name, count_of(&setup->weight[i].shape), true,
               p->dw[i]);
    lua_pop(L, 1);
  }
}

/* def.backward(self, x, ..., y, dy) -> dx, ..., { weight = dw } */
static int protected_backward(lua_State *L) {
  const pass_job *job = lua_touserdata(L, 1);
  const lander_layer_pass *p = job->pass;
  const lander_layer_setup *setup = p->setup;
  luaL_checkstack(L, LANDER_LIST_MAX + 8, "inputs");
  push_function(L, job->def, "backward");
  push_self(L, setup);
  set_phase_and_weights(L, lua_gettop(L), p);
  for (int i = 0; i < setup->inputs; i++) push_block(L, p->x[i], p->batch, &setup->in[i]);
  push_output(L, job->def, p->y, p);
  push_output(L, job->def, p->dy, p);
  int base = lua_gettop(L) - (setup->inputs + 3); /* below the function and its self */
  lua_call(L, setup->inputs + 3, setup->inputs + 1);
  for (int i = 0; i < setup->inputs; i++)
    if (p->dx[i])
      take_block(L, base + i, "the gradient that backward returns",
                 p->batch * count_of(&setup->in[i]), false, p->dx[i]);
  take_weight_gradients(L, p);
  return 0;
}

/* ---- the core's callbacks ---- */

static lander_status run_protected(const lua_layer *def, lua_CFunction function,
                                   void *job, lander_error *error) {
  lua_State *L = binding_calling(def->main);
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 8)) {
    error->code = LANDER_ERROR_MEMORY;
    strcpy(error->message, "Lua's stack is full");
    return error->code;
  }
  binding_set_inside(L, +1);
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, job);
  int failed = lua_pcall(L, 1, 0, 0);
  binding_set_inside(L, -1);
  binding_enter(L); /* the script may have called from a coroutine that is gone by now */
  if (failed) {
    const char *message = lua_tostring(L, -1);
    if (!message) message = "(an error that is no text)";
    size_t length = strlen(message);
    if (length >= LANDER_ERROR_LENGTH) length = LANDER_ERROR_LENGTH - 1;
    memcpy(error->message, message, length);
    error->message[length] = 0;
    error->code = failed == LUA_ERRMEM ? LANDER_ERROR_MEMORY : LANDER_ERROR_ARGUMENT;
  }
  lua_settop(L, top);
  return failed ? error->code : LANDER_OK;
}

static lander_status setup(void *userdata, lander_layer_setup *s, lander_error *error) {
  setup_job job = {userdata, s};
  return run_protected(userdata, protected_setup, &job, error);
}

static lander_status forward(void *userdata, const lander_layer_pass *p,
                             lander_error *error) {
  pass_job job = {userdata, p};
  return run_protected(userdata, protected_forward, &job, error);
}

static lander_status backward(void *userdata, const lander_layer_pass *p,
                              lander_error *error) {
  pass_job job = {userdata, p};
  return run_protected(userdata, protected_backward, &job, error);
}

static int protected_release(lua_State *L) {
  push_selves(L);
  lua_pushnil(L);
  lua_rawsetp(L, -2, lua_touserdata(L, 1));
  return 0;
}

static void release(void *userdata, lander_layer_setup *s) {
  lander_error ignored;
  run_protected(userdata, protected_release, s, &ignored);
}

/* ---- core.define(name, { inputs =, help =, options = { { name, default } ... },
 *                          setup =, forward =, backward = }) ---- */

static void read_definition_options(lua_State *L, lua_layer *def) {
  lua_getfield(L, 2, "options");
  lua_Unsigned count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
  if (count > MOST_OPTIONS) luaL_error(L, "at most %d options can be", MOST_OPTIONS);
  for (int i = 0; i < (int)count; i++) {
    lua_rawgeti(L, -1, i + 1);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    def->options[i] = (lander_option){.name = lua_tostring(L, -2),
                                      .kind = LANDER_OPTION_NUMBER,
                                      .offset = (size_t)i * sizeof(double),
                                      .fallback = lua_tostring(L, -1),
                                      .min = -1e300,
                                      .max = 1e300,
                                      .help = "a number"};
    lua_pop(L, 3); /* the table holds the strings */
  }
  lua_pop(L, 1);
  def->definition.size = count * sizeof(double);
}

int binding_define(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_layer *def = lua_newuserdatauv(L, sizeof *def, 1);
  memset(def, 0, sizeof *def);
  lua_pushvalue(L, 1); /* the table holds the name too */
  lua_setfield(L, 2, "name");
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  def->main = lua_tothread(L, -1);
  lua_pop(L, 1);
  lua_getfield(L, 2, "inputs");
  lua_Integer inputs = luaL_optinteger(L, -1, 1);
  int most = 1 << 30; /* the core knows its bounds */
  def->definition.inputs = inputs > most ? most : (int)inputs;
  lua_getfield(L, 2, "loss");
  def->definition.loss = lua_toboolean(L, -1);
  lua_pop(L, 1);
  lua_getfield(L, 2, "help");
  def->definition.help = lua_tostring(L, -1);
  lua_pop(L, 2);
  read_definition_options(L, def);
  def->definition.name = name;
  def->definition.options = def->options;
  def->definition.userdata = def;
  def->definition.setup = setup;
  def->definition.forward = forward;
  def->definition.backward = backward;
  def->definition.release = release;
  lua_pushvalue(L, 3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, def);
  lander_error error;
  binding_check(L, lander_engine_define(binding_engine(L), &def->definition, &error),
                &error);
  return 0;
}
