/* lua_solver.c: solvers seen from Lua. */
#include <math.h>
#include <string.h>

#include "binding.h"

#define MOST_VALUE 1024 /* letters of an option's value */
#define LOSSES     1000 /* that a solver remembers */

/* User values of the userdata. */
enum { NET = 1, SCHEDULE, USER_VALUES = SCHEDULE };

typedef struct solver_box {
  lander_solver *solver;
  double rate; /* what the schedule in Lua has said */
  int steps;   /* in the middle of so many: a layer of a script may call back */
} solver_box;

static solver_box *check_box(lua_State *L, int index) {
  solver_box *box = luaL_checkudata(L, index, BINDING_SOLVER);
  luaL_argcheck(L, box->solver, index, "this solver was closed");
  binding_enter(L);
  lua_getiuservalue(L, index, NET); /* kept alive, but the script may close it */
  luaL_argcheck(L, binding_test_net(L, -1), index, "the net of this solver was closed");
  lua_pop(L, 1);
  return box;
}

lander_solver *binding_check_solver(lua_State *L, int index) {
  return check_box(L, index)->solver;
}

static int solver_gc(lua_State *L) {
  solver_box *box = luaL_checkudata(L, 1, BINDING_SOLVER);
  if (box->steps > 0)
    return luaL_error(L, "a solver can't be closed inside a layer's function");
  lander_solver_free(box->solver);
  box->solver = NULL;
  return 0;
}

/* ---- a schedule in Lua ---- */

/* The core may not be left by a Lua error, so the function is called here, before the
 * core is, and this hands over what it returned. */
static double said_rate(void *userdata, int64_t t) {
  (void)t;
  return ((const solver_box *)userdata)->rate;
}

/* Calls the function on top of the stack with t; it stays there. */
static double call_schedule(lua_State *L, int64_t t) {
  lua_pushvalue(L, -1);
  lua_pushinteger(L, (lua_Integer)t);
  lua_call(L, 1, 1);
  double rate = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : (double)NAN;
  if (!(rate >= 0 && isfinite(rate)))
    luaL_error(L, "lr_policy: the function returned %s for t = %I; it must return a rate",
               luaL_tolstring(L, -1, NULL), (LUAI_UACINT)t);
  lua_pop(L, 1);
  return rate;
}

/* Lets a schedule in Lua say the rate of iteration t; without one, nothing happens. */
static lander_solver *ask_schedule(lua_State *L, int index, int64_t t) {
  solver_box *box = check_box(L, index);
  if (lua_getiuservalue(L, index, SCHEDULE) == LUA_TFUNCTION)
    box->rate = call_schedule(L, t);
  lua_pop(L, 1);
  return binding_check_solver(L, index); /* the function may have closed it */
}

static lander_solver *ask_schedule_now(lua_State *L, int index) {
  return ask_schedule(L, index, lander_solver_iter(binding_check_solver(L, index)));
}

/* The function on top of the stack becomes the schedule; nil takes it back. Pops it. */
static void set_schedule(lua_State *L, int index, solver_box *box) {
  bool is_function = lua_isfunction(L, -1);
  lua_setiuservalue(L, index, SCHEDULE);
  lander_solver_set_schedule(box->solver, is_function ? said_rate : NULL, box);
}

/* ---- lander.solver(net, { type =, base_lr =, ... }) ---- */

/* A net without a loss gets one from the Lua side, which has the defaults. */
static void ensure_loss(lua_State *L) {
  if (lua_getfield(L, lua_upvalueindex(1), "ensure_loss") == LUA_TFUNCTION) {
    lua_pushvalue(L, 1);
    lua_getfield(L, 2, "loss");
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
      luaL_where(L, 1);
      lua_insert(L, -2);
      lua_concat(L, 2);
      lua_error(L);
    }
  } else {
    lua_pop(L, 1);
  }
}

/* The options as the core reads them. A schedule in Lua stands at index 3, or nil. */
static void push_solver_options(lua_State *L) {
  static const char *const skip[] = {"loss", NULL}, *const skip_both[] = {
                                                        "loss", "lr_policy", NULL};
  bool is_function = lua_isfunction(L, 3);
  binding_push_options(L, 2, NULL, "solver", is_function ? skip_both : skip);
  if (!is_function) return;
  lua_pushvalue(L, 3);
  double first = call_schedule(L, 0); /* to see that it works */
  lua_pop(L, 1);
  bool has_base = lua_getfield(L, 2, "base_lr") != LUA_TNIL;
  lua_pop(L, 1);
  if (has_base) return;
  lua_pushliteral(L, " ");
  lua_createtable(L, 0, 1);
  lua_pushnumber(L, first);
  lua_setfield(L, -2, "base_lr");
  binding_push_options(L, -1, NULL, "solver", NULL); /* all digits, in any locale */
  lua_remove(L, -2);
  lua_concat(L, 3);
}

static int new_solver(lua_State *L) {
  lander_error error;
  binding_check_net(L, 1);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  ensure_loss(L);
  if (lua_getfield(L, 2, "lr_policy") != LUA_TFUNCTION) {
    lua_pushnil(L);
    lua_replace(L, 3);
  }
  push_solver_options(L);
  solver_box *box = lua_newuserdatauv(L, sizeof *box, USER_VALUES);
  *box = (solver_box){.solver = NULL};
  luaL_setmetatable(L, BINDING_SOLVER);
  int self = lua_gettop(L);
  lander_net *net =
      binding_check_net(L, 1); /* a function of the script may have closed it */
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, self, NET);
  box->solver = lander_solver_new(net, lua_tostring(L, self - 1), &error);
  if (!box->solver) binding_check(L, error.code, &error);
  lua_pushvalue(L, 3);
  set_schedule(L, self, box);
  return 1;
}

/* ---- iterations ---- */

static void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

static void set_known_number(lua_State *L, const char *key, double value) {
  if (!isnan(value)) set_number(L, key, value);
}

static void set_word(lua_State *L, const char *key, const char *word) {
  lua_pushstring(L, word); /* NULL: nil */
  lua_setfield(L, -2, key);
}

static void push_detail(lua_State *L, const lander_step *step) {
  lua_newtable(L);
  set_number(L, "loss", step->loss);
  set_number(L, "rate", step->rate);
  set_number(L, "gradient_norm", step->gradient_norm);
  set_number(L, "value", step->value);
  set_known_number(L, "threshold", step->threshold);
  set_known_number(L, "baseline", step->baseline);
  set_known_number(L, "distance", step->distance);
  set_word(L, "reason", step->reason);
  set_word(L, "where", step->where);
}

/* What a step returns: the loss (nil: rejected), and when there is more to say the rule,
 * where, and the numbers. */
static int push_step(lua_State *L, const lander_step *step) {
  bool accepted = step->rule == LANDER_RULE_NONE;
  if (accepted)
    lua_pushnumber(L, step->loss);
  else
    lua_pushnil(L);
  if (accepted && step->warning == LANDER_RULE_NONE) return 1;
  lua_pushstring(L, lander_rule_name(accepted ? step->warning : step->rule));
  lua_pushstring(L, step->where); /* NULL: nil */
  push_detail(L, step);
  return 4;
}

/* solver:step(x, target) -> loss                        accepted
 *                        -> nil, rule, where, detail    rejected
 *                        -> loss, rule, nil, detail     accepted, with a warning (R5)
 * detail: { loss =, rate =, gradient_norm =, value =, threshold =, baseline =, distance
 * =, reason =, where = }, with what the rule has. */
static int solver_step(lua_State *L) {
  lander_error error;
  lander_step step;
  lander_tensor *inputs[BINDING_MOST_INPUTS];
  lander_solver *solver = ask_schedule_now(L, 1);
  int count = binding_collect_inputs(L, 2, inputs);
  solver_box *box = check_box(L, 1);
  box->steps++;
  lander_status status = lander_solver_step(solver, inputs, count, &step, &error);
  box->steps--;
  binding_check(L, status, &error);
  return push_step(L, &step);
}

static void push_range(lua_State *L, const lander_range *r) {
  lua_createtable(L, 0, 4);
  set_known_number(L, "min", r->min);
  set_known_number(L, "max", r->max);
  lua_pushinteger(L, (lua_Integer)r->count);
  lua_setfield(L, -2, "count");
  lua_pushinteger(L, (lua_Integer)r->not_finite);
  lua_setfield(L, -2, "not_finite");
}

/* solver:probe(x, target) -> { loss =, gradient_norm =, and when it is not finite: rule
 * =, where =, is_input =, sample = (of the minibatch), inputs = { range, ... }, output =
 * range } with a range { min =, max =, count =, not_finite = } */
static int solver_probe(lua_State *L) {
  lander_error error;
  lander_probe probe;
  lander_tensor *inputs[BINDING_MOST_INPUTS];
  lander_solver *solver = ask_schedule_now(L, 1);
  int count = binding_collect_inputs(L, 2, inputs);
  solver_box *box = check_box(L, 1);
  box->steps++;
  lander_status status = lander_solver_probe(solver, inputs, count, &probe, &error);
  box->steps--;
  binding_check(L, status, &error);
  lua_newtable(L);
  set_number(L, "loss", probe.loss);
  set_number(L, "gradient_norm", probe.gradient_norm);
  if (probe.rule == LANDER_RULE_NONE) return 1;
  set_word(L, "rule", lander_rule_name(probe.rule));
  set_word(L, "where", probe.where);
  lua_pushboolean(L, probe.is_input);
  lua_setfield(L, -2, "is_input");
  if (probe.sample >= 0) {
    lua_pushinteger(L, (lua_Integer)probe.sample + 1);
    lua_setfield(L, -2, "sample");
  }
  lua_newtable(L);
  for (int i = 0; i < probe.inputs; i++) {
    push_range(L, &probe.input[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "inputs");
  push_range(L, &probe.output);
  lua_setfield(L, -2, "output");
  return 1;
}

/* solver:lr() -> the rate of the next iteration */
static int solver_lr(lua_State *L) {
  lua_pushnumber(L, lander_solver_rate(ask_schedule_now(L, 1)));
  return 1;
}

/* solver:rate_at(t) -> the rate of iteration t, counting from 0 */
static int solver_rate_at(lua_State *L) {
  lua_Integer t = luaL_checkinteger(L, 2);
  luaL_argcheck(L, t >= 0, 2, "iterations count from 0");
  lua_pushnumber(L, lander_solver_rate_at(ask_schedule(L, 1, t), t));
  return 1;
}

/* solver:baseline { losses ..., chance = } -> the solver; an empty table takes the
 * baseline back. Without chance it is the net's. */
static int solver_baseline(lua_State *L) {
  lander_error error;
  double losses[100], chance = (double)NAN;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Unsigned count = lua_rawlen(L, 2);
  luaL_argcheck(L, count <= 100, 2, "at most 100 losses");
  for (lua_Unsigned i = 1; i <= count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i);
    losses[i - 1] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pushliteral(L, "chance");
  if (lua_rawget(L, 2) != LUA_TNIL) {
    luaL_argcheck(L, lua_type(L, -1) == LUA_TNUMBER, 2, "chance must be a number");
    chance = lua_tonumber(L, -1);
    luaL_argcheck(L, chance > 0, 2, "chance must be a number above 0");
  }
  lander_solver *solver = binding_check_solver(L, 1);
  binding_check(L, lander_solver_baseline(solver, losses, (int)count, chance, &error),
                &error);
  lua_settop(L, 1);
  return 1;
}

/* solver:losses([most]) -> those of the last accepted iterations, the newest one last */
static int solver_losses(lua_State *L) {
  lander_solver *solver = binding_check_solver(L, 1);
  lua_Integer most = luaL_optinteger(L, 2, LOSSES);
  luaL_argcheck(L, most >= 1, 2, "how many losses must be an integer from 1");
  double losses[LOSSES];
  int count = lander_solver_losses(solver, losses, most < LOSSES ? (int)most : LOSSES);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushnumber(L, losses[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- what is done after a divergence ---- */

/* solver:check() -> true; or nil, "R7", the parameter, a message */
static int solver_check(lua_State *L) {
  lander_error error;
  const char *where;
  if (lander_solver_check(binding_check_solver(L, 1), &where, &error) == LANDER_OK) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_pushnil(L);
  lua_pushliteral(L, "R7");
  lua_pushstring(L, where);
  lua_pushstring(L, error.message);
  return 4;
}

/* solver:scale_history(factor) -> the solver */
static int solver_scale_history(lua_State *L) {
  lander_error error;
  lander_solver *solver = binding_check_solver(L, 1);
  binding_check(L, lander_solver_scale_history(solver, luaL_checknumber(L, 2), &error),
                &error);
  lua_settop(L, 1);
  return 1;
}

/* ---- snapshots ---- */

/* solver:snapshot(path[, note]) -> the solver */
static int solver_snapshot(lua_State *L) {
  lander_error error;
  size_t length = 0;
  const lander_solver *solver = binding_check_solver(L, 1);
  const char *path = luaL_checkstring(L, 2), *note = luaL_optlstring(L, 3, NULL, &length);
  luaL_argcheck(L, !note || strlen(note) == length, 3, "a note is text without zeros");
  binding_check(L, lander_solver_snapshot(solver, path, note, &error), &error);
  lua_settop(L, 1);
  return 1;
}

/* solver:restore(path) -> the note, or nil */
static int solver_restore(lua_State *L) {
  lander_error error;
  lander_solver *solver = binding_check_solver(L, 1);
  const char *path = luaL_checkstring(L, 2);
  binding_check(L, lander_solver_restore(solver, path, &error), &error);
  if (!lander_solver_has_schedule(solver)) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCHEDULE);
  }
  lua_pushstring(L, lander_solver_note(solver));
  return 1;
}

/* core.is_snapshot(path) -> whether it is one, and not a saved net */
static int is_snapshot(lua_State *L) {
  lander_error error;
  bool is = false;
  const char *path = luaL_checkstring(L, 1);
  binding_check(L, lander_file_is_snapshot(binding_engine(L), path, &is, &error), &error);
  lua_pushboolean(L, is);
  return 1;
}

/* ---- options as fields ---- */

/* The table of the solver's type. */
static const lander_option *options_of(const lander_solver *solver) {
  char type[64];
  lander_description d = {.options = NULL};
  if (lander_solver_get(solver, "type", type, sizeof type, NULL) != LANDER_OK)
    return NULL;
  for (int i = 0; lander_describe(LANDER_SOLVER, i, &d); i++)
    if (!strcmp(d.name, type)) return d.options;
  return NULL;
}

static const lander_option *find_option(const lander_solver *solver, const char *name) {
  const lander_option *o = options_of(solver);
  while (o && o->name && strcmp(o->name, name)) o++;
  return o && o->name ? o : NULL;
}

static void push_number(lua_State *L, const char *value) {
  if (lua_stringtonumber(L, value) == 0) lua_pushstring(L, value);
}

static void push_list(lua_State *L, char *value) {
  lua_newtable(L);
  for (int i = 1; *value; i++) {
    size_t length = strcspn(value, ",");
    char *next = value + length + (value[length] != 0);
    value[length] = 0;
    push_number(L, value);
    lua_rawseti(L, -2, i);
    value = next;
  }
}

static void push_option(lua_State *L, const lander_solver *solver,
                        const lander_option *o) {
  lander_error error;
  char value[MOST_VALUE];
  binding_check(L, lander_solver_get(solver, o->name, value, sizeof value, &error),
                &error);
  switch (o->kind) {
  case LANDER_OPTION_INT:
  case LANDER_OPTION_NUMBER: push_number(L, value); break;
  case LANDER_OPTION_BOOL: lua_pushboolean(L, !strcmp(value, "true")); break;
  case LANDER_OPTION_INTS:
  case LANDER_OPTION_NUMBERS: push_list(L, value); break;
  case LANDER_OPTION_CHOICE:
  case LANDER_OPTION_GROUP: lua_pushstring(L, value); break;
  }
}

/* An option; a schedule in Lua is lr_policy's value. */
static void push_field(lua_State *L, int index, const lander_solver *solver,
                       const lander_option *o) {
  if (strcmp(o->name, "lr_policy") ||
      lua_getiuservalue(L, index, SCHEDULE) != LUA_TFUNCTION)
    push_option(L, solver, o);
}

/* solver:options() -> all options as they are now */
static int solver_options(lua_State *L) {
  const lander_solver *solver = binding_check_solver(L, 1);
  lua_newtable(L);
  int result = lua_gettop(L);
  for (const lander_option *o = options_of(solver); o && o->name; o++) {
    push_field(L, 1, solver, o);
    lua_setfield(L, result, o->name);
    lua_settop(L, result);
  }
  return 1;
}

/* solver.anything: methods, what it knows, options. */
static int solver_index(lua_State *L) {
  lander_error error;
  const lander_solver *solver = binding_check_solver(L, 1);
  const char *key = luaL_checkstring(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const lander_option *o = find_option(solver, key);
  if (o)
    push_field(L, 1, solver, o);
  else if (!strcmp(key, "iter"))
    lua_pushinteger(L, (lua_Integer)lander_solver_iter(solver));
  else if (!strcmp(key, "loss"))
    lua_pushnumber(L, lander_solver_loss(solver));
  else if (!strcmp(key, "net"))
    lua_getiuservalue(L, 1, NET);
  else { /* unknown: get has the words */
    char none[1];
    binding_check(L, lander_solver_get(solver, key, none, sizeof none, &error), &error);
  }
  return 1;
}

static bool is_fixed_field(const char *key) {
  return !strcmp(key, "iter") || !strcmp(key, "loss") || !strcmp(key, "net");
}

/* Pushes the value at `index` as the core reads it. */
static const char *push_value(lua_State *L, const char *key, int index) {
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, index);
  lua_setfield(L, -2, key);
  binding_push_options(L, -1, NULL, "solver", NULL);
  return lua_tostring(L, -1) + strlen(key) + 1; /* behind "key=" */
}

static int solver_newindex(lua_State *L) {
  lander_error error;
  solver_box *box = check_box(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (is_fixed_field(key)) return luaL_error(L, "solver: '%s' can't be set", key);
  if (lua_isnil(L, 3)) return luaL_error(L, "solver: option '%s' can't be nil", key);
  bool is_policy = !strcmp(key, "lr_policy");
  if (is_policy && lua_isfunction(L, 3)) {
    lua_settop(L, 3);
    call_schedule(L, lander_solver_iter(box->solver)); /* to see that it works */
    set_schedule(L, 1, check_box(L, 1));
    return 0;
  }
  const char *value = push_value(L, key, 3);
  binding_check(L, lander_solver_set(box->solver, key, value, &error), &error);
  if (is_policy) {
    lua_pushnil(L);
    set_schedule(L, 1, box);
  }
  return 0;
}

static int solver_tostring(lua_State *L) {
  char type[64];
  const lander_solver *solver = ask_schedule_now(L, 1);
  lander_solver_get(solver, "type", type, sizeof type, NULL);
  lua_pushfstring(L, "%s solver: iteration %I, rate %f", type,
                  (LUAI_UACINT)lander_solver_iter(solver), lander_solver_rate(solver));
  return 1;
}

/* ---- opening ---- */

static const luaL_Reg solver_methods[] = {{"step", solver_step},
                                          {"probe", solver_probe},
                                          {"lr", solver_lr},
                                          {"rate_at", solver_rate_at},
                                          {"baseline", solver_baseline},
                                          {"checkpoint", binding_checkpoint},
                                          {"return_to", binding_return_to},
                                          {"check", solver_check},
                                          {"losses", solver_losses},
                                          {"scale_history", solver_scale_history},
                                          {"snapshot", solver_snapshot},
                                          {"restore", solver_restore},
                                          {"options", solver_options},
                                          {NULL, NULL}};

static const luaL_Reg solver_meta[] = {{"__gc", solver_gc},
                                       {"__close", solver_gc},
                                       {"__newindex", solver_newindex},
                                       {"__tostring", solver_tostring},
                                       {NULL, NULL}};

void binding_open_solver(lua_State *L) {
  binding_open_checkpoint(L);
  lua_getfield(L, -1, "core");
  lua_pushcfunction(L, is_snapshot);
  lua_setfield(L, -2, "is_snapshot");
  lua_pushcclosure(L, new_solver, 1);
  lua_setfield(L, -2, "solver");
  luaL_newmetatable(L, BINDING_SOLVER);
  luaL_setfuncs(L, solver_meta, 0);
  luaL_newlib(L, solver_methods);
  lua_pushcclosure(L, solver_index, 1);
  lua_setfield(L, -2, "__index");
  luaL_getsubtable(L, -2, "core");
  lua_insert(L, -2);
  lua_setfield(L, -2, "solver_metatable"); /* for what the Lua part adds */
  lua_pop(L, 1);
}
