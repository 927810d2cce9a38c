/* module.c: luaopen_lander. Makes the state's engine and the module's table, then runs
 * the Lua part of the library. */
#include <string.h>

#include "binding.h"

/* Keys of the registry: their addresses. */
static const char engine_key = 'e', module_key = 'm';

/* ---- errors ---- */

void binding_check(lua_State *L, lander_status status, const lander_error *error) {
  if (status == LANDER_OK) return;
  luaL_where(L, 1);
  lua_pushstring(L, error->message);
  lua_concat(L, 2);
  lua_error(L);
}

/* ---- the engine of a state ---- */

typedef struct engine_box {
  lander_engine *engine;
  lua_State *calling; /* who called into the core last */
  int inside;         /* callbacks that are running */
} engine_box;

static int engine_gc(lua_State *L) {
  engine_box *box = lua_touserdata(L, 1);
  lander_engine_free(box->engine);
  box->engine = NULL;
  return 0;
}

static engine_box *get_box(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_key);
  engine_box *box = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return box;
}

lander_engine *binding_engine(lua_State *L) {
  engine_box *box = get_box(L);
  if (!box->engine) luaL_error(L, "lander: the Lua state is being closed");
  box->calling = L;
  return box->engine;
}

void binding_enter(lua_State *L) {
  get_box(L)->calling = L;
}

lua_State *binding_calling(lua_State *L) {
  return get_box(L)->calling;
}

void binding_set_inside(lua_State *L, int change) {
  get_box(L)->inside += change;
}

bool binding_is_inside(lua_State *L) {
  return get_box(L)->inside > 0;
}

/* The log goes where the host sends Lua's warnings. */
static void log_to_warnings(void *userdata, lander_log_level level, const char *message) {
  lua_State *L = userdata;
  if (level < LANDER_LOG_WARNING) return;
  lua_warning(L, "lander: ", 1);
  lua_warning(L, message, 0);
}

/* The engine takes its memory where the state takes its own, unless the host says
 * otherwise, so a limit that is set there holds for both. */
static void make_engine(lua_State *L, const lander_config *wanted) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  lander_config config = wanted ? *wanted : (lander_config){0};
  if (!config.allocate) config.allocate = lua_getallocf(L, &config.allocate_userdata);
  if (!config.log) {
    config.log = log_to_warnings;
    config.log_userdata = main;
  }
  engine_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (engine_box){.calling = main};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, engine_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lander_error error;
  box->engine = lander_engine_new(&config, &error);
  if (!box->engine) luaL_error(L, "lander: %s", error.message);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_key);
}

/* ---- functions of the module ---- */

/* lander.config() -> { version =, real =, threads =, instructions =, blas = } */
static int config(lua_State *L) {
  char text[1024];
  lander_engine_describe(binding_engine(L), text, sizeof text);
  lua_newtable(L);
  for (char *line = text; *line;) {
    char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
    char *colon = memchr(line, ':', (size_t)(end - line));
    if (colon && colon + 2 <= end) {
      lua_pushlstring(L, line, (size_t)(colon - line));
      lua_pushlstring(L, colon + 2, (size_t)(end - colon - 2));
      if (lua_stringtonumber(L, lua_tostring(L, -1))) lua_remove(L, -2);
      lua_rawset(L, -3);
    }
    line = next;
  }
  lua_pushstring(L, lander_version());
  lua_setfield(L, -2, "version");
  return 1;
}

/* lander.threads([n]) -> the number of threads, after setting it */
static int threads(lua_State *L) {
  lander_engine *engine = binding_engine(L);
  if (!lua_isnoneornil(L, 1)) {
    lander_error error;
    lua_Integer n = luaL_checkinteger(L, 1);
    int wanted = n < 1 || n > 1 << 20 ? -1 : (int)n; /* the engine knows its bounds */
    binding_check(L, lander_engine_set_threads(engine, wanted, &error), &error);
  }
  lua_pushinteger(L, lander_engine_threads(engine));
  return 1;
}

/* core.stop(bool): raises or lowers the stop flag. core.stopped() reads it. */
static int stop(lua_State *L) {
  lander_engine_stop(binding_engine(L), lua_toboolean(L, 1));
  return 0;
}

static int stopped(lua_State *L) {
  lua_pushboolean(L, lander_engine_stopped(binding_engine(L)));
  return 1;
}

/* core.warn(text), core.inform(text): to the log. */
static int warn(lua_State *L) {
  lander_engine_log(binding_engine(L), LANDER_LOG_WARNING, luaL_checkstring(L, 1));
  return 0;
}

static int inform(lua_State *L) {
  lander_engine_log(binding_engine(L), LANDER_LOG_INFO, luaL_checkstring(L, 1));
  return 0;
}

static const luaL_Reg module_functions[] = {
    {"config", config}, {"threads", threads}, {NULL, NULL}};

static const luaL_Reg core_functions[] = {{"stop", stop},
                                          {"stopped", stopped},
                                          {"warn", warn},
                                          {"inform", inform},
                                          {"describe", binding_describe},
                                          {"layer_options", binding_layer_options},
                                          {"define", binding_define},
                                          {NULL, NULL}};

/* Lua's buffers for long texts share a metatable, which is made with the first of them.
 * If memory ends just then it stays unfinished, and no long text can be made in the state
 * ever after (Lua 5.4.4, lauxlib.c): so it is made here. */
static void make_first_buffer(lua_State *L) {
  luaL_Buffer b;
  luaL_buffinitsize(L, &b, LUAL_BUFFERSIZE + 1);
  luaL_pushresultsize(&b, 0);
  lua_pop(L, 1);
}

/* A function of its own, so that it has the stack for itself: the configuration, or
 * NULL, is its argument. */
static int open_module(lua_State *L) {
  const lander_config *config = lua_touserdata(L, 1);
  bool has_log = config && config->log;
  lua_settop(L, 0);
  make_first_buffer(L);
  make_engine(L, config);
  luaL_newlib(L, module_functions);
  luaL_newlib(L, core_functions);
  if (has_log) { /* what a training says goes there, too */
    lua_pushcfunction(L, inform);
    lua_setfield(L, -2, "progress");
  }
  lua_setfield(L, -2, "core");
  lua_pushstring(L, lander_version());
  lua_setfield(L, -2, "version");
  binding_open_sources(L);
  binding_open_tensor(L);
  binding_open_net(L);
  binding_open_solver(L);
  binding_open_data(L);
  binding_open_image(L);
  binding_open_system(L);
  binding_open_files(L);
  binding_run_sources(L);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
  return 1;
}

static bool push_module(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) return true;
  lua_pop(L, 1);
  return false;
}

int luaopen_lander(lua_State *L) {
  return push_module(L) ? 1 : lander_lua_open(L, NULL);
}

/* ---- for hosts in C ---- */

int lander_lua_open(lua_State *L, const lander_config *config) {
  luaL_checkstack(L, 4, "lander");
  if (push_module(L)) luaL_error(L, "lander: the module is open in this state already");
  lander_config copy = config ? *config : (lander_config){0};
  lua_pushcfunction(L, open_module);
  lua_pushlightuserdata(L, &copy);
  lua_call(L, 1, 1);
  return 1;
}

lander_engine *lander_lua_engine(lua_State *L) {
  if (!lua_checkstack(L, 2)) return NULL;
  const engine_box *box = get_box(L);
  return box ? box->engine : NULL;
}

void lander_lua_push_tensor(lua_State *L, lander_tensor *t) {
  if (lander_lua_engine(L) != lander_tensor_engine(t)) {
    lander_tensor_free(t);
    luaL_error(L, "lander: the tensor is not of the engine of this state");
  }
  binding_push_tensor(L, t, NULL);
}

lander_tensor *lander_lua_tensor(lua_State *L, int index) {
  return binding_test_tensor(L, index);
}

lander_net *lander_lua_net(lua_State *L, int index) {
  return binding_test_net(L, index);
}
