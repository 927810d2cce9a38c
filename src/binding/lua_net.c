/* lua_net.c: nets, their layers and their parameters, seen from Lua. */
#include <string.h>

#include "binding.h"

#define LAYER  "lander.layer"
#define PARAMS "lander.params"
#define PARAM  "lander.param"

typedef struct net_box {
  lander_net *net;
} net_box;

/* A layer or a parameter of a net, which its user value keeps alive. */
typedef struct place {
  int index;
} place;

lander_net *binding_test_net(lua_State *L, int index) {
  net_box *box = luaL_testudata(L, index, BINDING_NET);
  return box ? box->net : NULL;
}

lander_net *binding_check_net(lua_State *L, int index) {
  luaL_checkudata(L, index, BINDING_NET);
  lander_net *net = binding_test_net(L, index);
  luaL_argcheck(L, net, index, "this net was closed");
  binding_enter(L);
  return net;
}

/* The box comes first, so that nothing is lost when there is no memory for it. */
static net_box *new_net_box(lua_State *L) {
  net_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->net = NULL;
  luaL_setmetatable(L, BINDING_NET);
  return box;
}

static int net_gc(lua_State *L) {
  binding_enter(L);
  net_box *box = luaL_checkudata(L, 1, BINDING_NET);
  if (box->net && lander_net_running(box->net)) /* called by a script */
    return luaL_error(L, "a net can't be closed inside a layer's function");
  lander_net_free(box->net);
  box->net = NULL;
  return 0;
}

static int net_close(lua_State *L) {
  if (binding_is_inside(L))
    return luaL_error(L, "a net can't be closed inside a layer's function");
  return net_gc(L);
}

/* ---- making nets ---- */

/* core.net_build(text, seed) -> net */
static int net_build(lua_State *L) {
  lander_error error;
  const char *text = luaL_checkstring(L, 1);
  uint64_t seed = (uint64_t)luaL_optinteger(L, 2, 1);
  net_box *box = new_net_box(L);
  box->net = lander_net_build(binding_engine(L), text, seed, &error);
  if (!box->net) binding_check(L, error.code, &error);
  return 1;
}

/* core.net_append(net, text) */
static int net_append(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  binding_check(L, lander_net_append(net, luaL_checkstring(L, 2), &error), &error);
  return 0;
}

/* lander.load(path) -> net */
static int net_load(lua_State *L) {
  lander_error error;
  const char *path = luaL_checkstring(L, 1);
  net_box *box = new_net_box(L);
  box->net = lander_net_open(binding_engine(L), path, &error);
  if (!box->net) binding_check(L, error.code, &error);
  return 1;
}

/* net:save(path) */
static int net_save(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  binding_check(L, lander_net_save(net, luaL_checkstring(L, 2), &error), &error);
  return 0;
}

/* ---- passes ---- */

static void collect_tensor(lua_State *L, lander_tensor **inputs, int *count) {
  if (*count == BINDING_MOST_INPUTS)
    luaL_error(L, "a net takes at most %d inputs, found more", BINDING_MOST_INPUTS);
  inputs[(*count)++] = binding_check_tensor(L, -1);
}

int binding_collect_inputs(lua_State *L, int first,
                           lander_tensor *inputs[BINDING_MOST_INPUTS]) {
  int count = 0, last = lua_gettop(L);
  luaL_checkstack(L, BINDING_MOST_INPUTS + 8, "inputs");
  for (int index = first; index <= last; index++) {
    lua_Unsigned length = lua_istable(L, index) ? lua_rawlen(L, index) : 0;
    for (lua_Unsigned i = 1; i <= length; i++) {
      lua_rawgeti(L, index, (lua_Integer)i);
      collect_tensor(L, inputs, &count);
    }
    if (lua_istable(L, index)) continue;
    lua_pushvalue(L, index);
    collect_tensor(L, inputs, &count);
  }
  return count;
}

static void forward(lua_State *L, lander_net *net, int first) {
  lander_error error;
  lander_tensor *inputs[BINDING_MOST_INPUTS];
  int count = binding_collect_inputs(L, first, inputs);
  binding_check(L, lander_net_forward(net, inputs, count, &error), &error);
}

/* net:forward(x, ...) -> the output */
static int net_forward(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  forward(L, net, 2);
  lander_tensor *y = lander_net_value(net, lander_net_output(net), 0, &error);
  binding_push_tensor(L, y, &error);
  return 1;
}

/* net:loss(x, target) -> the loss */
static int net_loss(lua_State *L) {
  lander_net *net = binding_check_net(L, 1);
  if (!lander_net_has_loss(net)) return luaL_error(L, "the net has no loss layer");
  forward(L, net, 2);
  lua_pushnumber(L, lander_net_loss(net));
  return 1;
}

/* net:backward([dy]) -> the net */
static int net_backward(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  lander_tensor *dy = lua_isnoneornil(L, 2) ? NULL : binding_check_tensor(L, 2);
  binding_check(L, lander_net_backward(net, dy, false, &error), &error);
  lua_settop(L, 1);
  return 1;
}

/* net:predict(x, ...) -> the output in test phase, scores as probabilities */
static int net_predict(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  lander_tensor *inputs[BINDING_MOST_INPUTS];
  int count = binding_collect_inputs(L, 2, inputs);
  binding_push_tensor(L, lander_net_predict_tensor(net, inputs, count, &error), &error);
  return 1;
}

/* core.net_features(net, layer's name, x, ...) -> its output in test phase, as a view */
static int net_features(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  int index = lander_net_find(net, luaL_checkstring(L, 2));
  lander_tensor *inputs[BINDING_MOST_INPUTS];
  int count = binding_collect_inputs(L, 3, inputs);
  binding_push_tensor(L, lander_net_features(net, index, 0, inputs, count, &error),
                      &error);
  return 1;
}

static int net_train_phase(lua_State *L) {
  lander_net_set_phase(binding_check_net(L, 1), LANDER_TRAIN);
  lua_settop(L, 1);
  return 1;
}

static int net_test_phase(lua_State *L) {
  lander_net_set_phase(binding_check_net(L, 1), LANDER_TEST);
  lua_settop(L, 1);
  return 1;
}

/* net:phase() -> "train" or "test" */
static int net_phase(lua_State *L) {
  lua_pushstring(L, lander_net_phase(binding_check_net(L, 1)) == LANDER_TRAIN ? "train"
                                                                              : "test");
  return 1;
}

/* net:reset(seed) -> the net with its parameters filled anew */
static int net_reset(lua_State *L) {
  lander_net_reset(binding_check_net(L, 1), (uint64_t)luaL_optinteger(L, 2, 1));
  lua_settop(L, 1);
  return 1;
}

/* net:want_input_gradient(bool) -> the net */
static int net_want_input_gradient(lua_State *L) {
  lander_net *net = binding_check_net(L, 1);
  if (lander_net_running(net)) return luaL_error(L, "the net is in the middle of a pass");
  lander_net_want_input_gradient(net, lua_isnone(L, 2) || lua_toboolean(L, 2));
  lua_settop(L, 1);
  return 1;
}

/* net:keep(on) -> the net: no output or gradient is written over to save memory */
static int net_keep(lua_State *L) {
  lander_error error;
  lander_net *net = binding_check_net(L, 1);
  bool keep = lua_isnone(L, 2) || lua_toboolean(L, 2);
  binding_check(L, lander_net_keep(net, keep, &error), &error);
  lua_settop(L, 1);
  return 1;
}

/* ---- looking ---- */

/* net:time(on) -> the net; the times stand in net:layers() */
static int net_time(lua_State *L) {
  lander_net_time(binding_check_net(L, 1), lua_toboolean(L, 2));
  lua_settop(L, 1);
  return 1;
}

static int net_text(lua_State *L) {
  lua_pushstring(L, lander_net_text(binding_check_net(L, 1)));
  return 1;
}

/* net:note() -> the text that is saved with the net, or nil; net:note(text) sets it, nil:
 * none -> the net */
static int net_note(lua_State *L) {
  lander_error error;
  size_t length = 0;
  lander_net *net = binding_check_net(L, 1);
  if (lua_gettop(L) == 1) {
    lua_pushstring(L, lander_net_note(net));
    return 1;
  }
  const char *note = luaL_optlstring(L, 2, NULL, &length);
  luaL_argcheck(L, !note || strlen(note) == length, 2, "a note is text without zeros");
  binding_check(L, lander_net_set_note(net, note, &error), &error);
  lua_settop(L, 1);
  return 1;
}

/* net:chance() -> the loss of a net that knows nothing; nil when that is not known */
static int net_chance(lua_State *L) {
  double chance = lander_net_chance(binding_check_net(L, 1));
  if (chance > 0)
    lua_pushnumber(L, chance);
  else
    lua_pushnil(L);
  return 1;
}

static int net_has_loss(lua_State *L) {
  lua_pushboolean(L, lander_net_has_loss(binding_check_net(L, 1)));
  return 1;
}

static int net_labels(lua_State *L) {
  lua_pushinteger(L, lander_net_labels(binding_check_net(L, 1)));
  return 1;
}

static void push_layer_name(lua_State *L, const lander_net *net, int index) {
  lander_layer_info info;
  lander_net_layer(net, index, &info);
  lua_pushstring(L, info.name);
}

static int net_output_name(lua_State *L) {
  const lander_net *net = binding_check_net(L, 1);
  push_layer_name(L, net, lander_net_output(net));
  return 1;
}

static void set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, key);
}

static void set_string(lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

static void push_info(lua_State *L, const lander_layer_info *info) {
  lua_newtable(L);
  set_string(L, "name", info->name);
  set_string(L, "type", info->type);
  set_integer(L, "parameters", info->parameters);
  set_integer(L, "multiply_adds", info->multiply_adds);
  lua_pushnumber(L, info->forward_time);
  lua_setfield(L, -2, "forward_time");
  lua_pushnumber(L, info->backward_time);
  lua_setfield(L, -2, "backward_time");
  lua_pushboolean(L, info->batched);
  lua_setfield(L, -2, "batched");
  lua_newtable(L);
  for (int i = 0; i < info->inputs; i++) {
    lua_pushstring(L, info->input[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "inputs");
  lua_newtable(L);
  for (int i = 0; i < info->dims; i++) {
    lua_pushinteger(L, (lua_Integer)info->size[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "size");
}

/* net:layers() -> { { name =, type =, inputs =, size =, batched =, ... }, ... } */
static int net_layers(lua_State *L) {
  const lander_net *net = binding_check_net(L, 1);
  lander_layer_info info;
  lua_newtable(L);
  for (int i = 0; lander_net_layer(net, i, &info); i++) {
    push_info(L, &info);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- a layer: net["conv1"] ---- */

static void push_place(lua_State *L, int net_index, int index, const char *metatable) {
  net_index = lua_absindex(L, net_index);
  place *p = lua_newuserdatauv(L, sizeof *p, 1);
  p->index = index;
  lua_pushvalue(L, net_index);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, metatable);
}

/* The net that a place belongs to; it stays on the stack. */
static lander_net *place_net(lua_State *L, int index) {
  lua_getiuservalue(L, index, 1);
  lander_net *net = binding_test_net(L, -1);
  if (!net) luaL_error(L, "the net that this belongs to was closed");
  return net;
}

/* All outputs of a layer that has several (slice, lstm). */
static void push_outputs(lua_State *L, lander_net *net, int index, int outputs) {
  lander_error error;
  lua_createtable(L, outputs, 0);
  for (int k = 0; k < outputs; k++) {
    binding_push_tensor(L, lander_net_value(net, index, k, &error), &error);
    lua_rawseti(L, -2, k + 1);
  }
}

static int layer_index(lua_State *L) {
  const place *p = luaL_checkudata(L, 1, LAYER);
  const char *key = luaL_checkstring(L, 2);
  lander_net *net = place_net(L, 1);
  lander_error error;
  lander_layer_info info;
  lander_net_layer(net, p->index, &info);
  if (!strcmp(key, "output"))
    binding_push_tensor(L, lander_net_value(net, p->index, 0, &error), &error);
  else if (!strcmp(key, "outputs"))
    push_outputs(L, net, p->index, info.outputs);
  else if (!strcmp(key, "gradient"))
    binding_push_tensor(L, lander_net_gradient(net, p->index, 0, &error), &error);
  else {
    push_info(L, &info);
    lua_getfield(L, -1, key);
  }
  return 1;
}

static int layer_tostring(lua_State *L) {
  const place *p = luaL_checkudata(L, 1, LAYER);
  lander_layer_info info;
  lander_net_layer(place_net(L, 1), p->index, &info);
  lua_pushfstring(L, "layer %s: %s", info.name, info.type);
  return 1;
}

/* ---- parameters: net.params, net.params["conv1.weight"] ---- */

static int params_index(lua_State *L) {
  luaL_checkudata(L, 1, PARAMS);
  lander_net *net = place_net(L, 1);
  int index = -1;
  if (lua_isinteger(L, 2)) {
    lua_Integer i = lua_tointeger(L, 2);
    if (i >= 1 && i <= lander_net_params(net)) index = (int)i - 1;
  } else {
    index = lander_net_find_param(net, luaL_checkstring(L, 2));
  }
  if (index < 0)
    lua_pushnil(L);
  else
    push_place(L, -1, index, PARAM);
  return 1;
}

static int params_len(lua_State *L) {
  luaL_checkudata(L, 1, PARAMS);
  lua_pushinteger(L, lander_net_params(place_net(L, 1)));
  return 1;
}

static int params_next(lua_State *L) {
  luaL_checkudata(L, 1, PARAMS);
  lander_net *net = place_net(L, 1);
  int index =
      lua_isnil(L, 2) ? 0 : lander_net_find_param(net, luaL_checkstring(L, 2)) + 1;
  const lander_param *param = lander_net_param(net, index);
  if (!param) return 0;
  lua_pushstring(L, param->name);
  push_place(L, -2, index, PARAM);
  return 2;
}

/* pairs(net.params) goes through names and parameters in order. */
static int params_pairs(lua_State *L) {
  lua_pushcfunction(L, params_next);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int param_index(lua_State *L) {
  const place *p = luaL_checkudata(L, 1, PARAM);
  const char *key = luaL_checkstring(L, 2);
  lander_net *net = place_net(L, 1);
  const lander_param *param = lander_net_param(net, p->index);
  lander_error error;
  if (!strcmp(key, "name"))
    lua_pushstring(L, param->name);
  else if (!strcmp(key, "data"))
    binding_push_tensor(L, lander_tensor_alias(param->data, &error), &error);
  else if (!strcmp(key, "grad"))
    binding_push_tensor(L, lander_tensor_alias(param->grad, &error), &error);
  else if (!strcmp(key, "lr_mult"))
    lua_pushnumber(L, param->lr_mult);
  else if (!strcmp(key, "decay_mult"))
    lua_pushnumber(L, param->decay_mult);
  else if (!strcmp(key, "frozen"))
    lua_pushboolean(L, param->frozen);
  else if (!strcmp(key, "state"))
    lua_pushboolean(L, param->state);
  else
    lua_pushnil(L);
  return 1;
}

static int param_newindex(lua_State *L) {
  static const char *const keys[] = {"lr_mult", "decay_mult", "frozen", NULL};
  const place *p = luaL_checkudata(L, 1, PARAM);
  const char *key = luaL_checkstring(L, 2);
  lander_net *net = place_net(L, 1);
  lander_param set = *lander_net_param(net, p->index);
  if (!strcmp(key, keys[0]))
    set.lr_mult = luaL_checknumber(L, 3);
  else if (!strcmp(key, keys[1]))
    set.decay_mult = luaL_checknumber(L, 3);
  else if (!strcmp(key, keys[2]))
    set.frozen = lua_toboolean(L, 3);
  else
    return luaL_error(L,
                      "%s: '%s' can't be set; lr_mult, decay_mult and frozen can, and "
                      "values change through .data:copy_(...)",
                      set.name, key);
  lander_error error;
  binding_check(L,
                lander_net_set_param(net, p->index, set.lr_mult, set.decay_mult,
                                     set.frozen, &error),
                &error);
  return 0;
}

static int param_tostring(lua_State *L) {
  const place *p = luaL_checkudata(L, 1, PARAM);
  lua_pushfstring(L, "parameter %s", lander_net_param(place_net(L, 1), p->index)->name);
  return 1;
}

/* net:layer(name) -> the layer, whatever its name, or nil */
static int net_layer(lua_State *L) {
  lander_net *net = binding_check_net(L, 1);
  int index = lander_net_find(net, luaL_checkstring(L, 2));
  if (index < 0)
    lua_pushnil(L);
  else
    push_place(L, 1, index, LAYER);
  return 1;
}

/* ---- net.anything: methods, then params, then layers ---- */

static int net_index(lua_State *L) {
  lander_net *net = binding_check_net(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (lua_type(L, 2) != LUA_TSTRING) return 1;
  const char *key = lua_tostring(L, 2);
  int index = lander_net_find(net, key);
  if (!strcmp(key, "params"))
    push_place(L, 1, 0, PARAMS);
  else if (index >= 0)
    push_place(L, 1, index, LAYER);
  return 1;
}

static const luaL_Reg net_methods[] = {{"forward", net_forward},
                                       {"backward", net_backward},
                                       {"predict", net_predict},
                                       {"loss", net_loss},
                                       {"save", net_save},
                                       {"train_phase", net_train_phase},
                                       {"test_phase", net_test_phase},
                                       {"phase", net_phase},
                                       {"reset", net_reset},
                                       {"want_input_gradient", net_want_input_gradient},
                                       {"text", net_text},
                                       {"note", net_note},
                                       {"layers", net_layers},
                                       {"time", net_time},
                                       {"keep", net_keep},
                                       {"layer", net_layer},
                                       {"labels", net_labels},
                                       {"has_loss", net_has_loss},
                                       {"chance", net_chance},
                                       {"output_name", net_output_name},
                                       {NULL, NULL}};

static void make_metatable(lua_State *L, const char *name, const luaL_Reg *functions) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}

static const luaL_Reg layer_meta[] = {
    {"__index", layer_index}, {"__tostring", layer_tostring}, {NULL, NULL}};

static const luaL_Reg params_meta[] = {{"__index", params_index},
                                       {"__len", params_len},
                                       {"__pairs", params_pairs},
                                       {NULL, NULL}};

static const luaL_Reg param_meta[] = {{"__index", param_index},
                                      {"__newindex", param_newindex},
                                      {"__tostring", param_tostring},
                                      {NULL, NULL}};

static const luaL_Reg net_meta[] = {
    {"__gc", net_gc}, {"__close", net_close}, {NULL, NULL}};

void binding_open_net(lua_State *L) {
  make_metatable(L, LAYER, layer_meta);
  make_metatable(L, PARAMS, params_meta);
  make_metatable(L, PARAM, param_meta);

  lua_pushcfunction(L, net_load);
  lua_setfield(L, -2, "load");
  lua_getfield(L, -1, "core");
  lua_pushcfunction(L, net_build);
  lua_setfield(L, -2, "net_build");
  lua_pushcfunction(L, net_features);
  lua_setfield(L, -2, "net_features");
  lua_pushcfunction(L, net_append);
  lua_setfield(L, -2, "net_append");

  luaL_newmetatable(L, BINDING_NET);
  luaL_setfuncs(L, net_meta, 0);
  luaL_newlib(L, net_methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "net_methods"); /* where the Lua part adds summary, clone ... */
  lua_pushcclosure(L, net_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "net_metatable");
  lua_pop(L, 2);
}
