/* sandbox.c: a host whose users script trainings that it doesn't trust:
 *
 *     sandbox SCRIPT.lua FOLDER [MEGABYTES [SECONDS]]
 *
 * A script gets Lua without io, os, package, debug, load and collectgarbage; files in one
 * folder alone; so much memory, tensors included; and so much time. The limits hold for
 * what Lua and Lander do; a host that must be sure runs such a script in a process of its
 * own besides (a single call of string.find can be made to take years). */
#include <lander.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- memory: one limit for Lua and for tensors ---- */

typedef struct budget {
  size_t used, most;
} budget;

static void *allocate(void *userdata, void *old, size_t old_size, size_t new_size) {
  budget *b = userdata;
  if (!old) old_size = 0; /* Lua tells what kind of object it will be */
  if (new_size == 0) {
    free(old);
    b->used -= old_size;
    return NULL;
  }
  if (new_size > old_size && new_size - old_size > b->most - b->used) return NULL;
  void *block = realloc(old, new_size);
  if (block) b->used += new_size - old_size;
  return block;
}

/* ---- files: relative names in one folder, and no way out of it ---- */

static bool inside(void *userdata, lander_use use, const char *path,
                   char actual[LANDER_PATH_LENGTH]) {
  const char *folder = userdata;
  (void)use;
  if (path[0] == '/' || strstr(path, "..")) return false;
  return snprintf(actual, LANDER_PATH_LENGTH, "%s/%s", folder, path) < LANDER_PATH_LENGTH;
}

static void say(void *userdata, lander_log_level level, const char *message) {
  (void)userdata;
  fprintf(stderr, "%s%s\n", level == LANDER_LOG_WARNING ? "warning: " : "", message);
}

/* ---- time: looked at every so many instructions ---- */

static clock_t deadline;

static void look_at_clock(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (clock() < deadline) return;
  lander_engine_stop(lander_lua_engine(L), true);  /* a training ends by itself */
  lua_sethook(L, look_at_clock, LUA_MASKCOUNT, 1); /* and pcall saves nobody */
  luaL_error(L, "this script has had its time");
}

/* ---- the state ---- */

/* setmetatable, but without finalizers: Lua runs those without looking at the clock. */
static int set_metatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "no finalizers (__gc) here");
  }
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

static void open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
      {LUA_UTF8LIBNAME, luaopen_utf8},  {NULL, NULL}};
  static const char *const withheld[] = {"dofile", "loadfile", "load", "collectgarbage",
                                         NULL};
  for (const luaL_Reg *l = libraries; l->name; l++) {
    luaL_requiref(L, l->name, l->func, 1);
    lua_pop(L, 1);
  }
  lua_getglobal(L, "setmetatable");
  lua_pushcclosure(L, set_metatable, 1);
  lua_setglobal(L, "setmetatable");
  for (const char *const *name = withheld; *name; name++) {
    lua_pushnil(L);
    lua_setglobal(L, *name);
  }
}

/* getmetatable, for tables alone: a script that changed __gc of tensors would have a
 * finalizer, or keep their memory for ever. */
static int get_metatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (!luaL_getmetafield(L, 1, "__metatable") && !lua_getmetatable(L, 1)) lua_pushnil(L);
  return 1;
}

/* Pushes a copy of the table on top, which is replaced. */
static void copy_table(lua_State *L) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}

/* Pushes a script's own globals. The module keeps the real ones: it needs getmetatable,
 * and its metatables, which a script must not have. */
static void push_globals(lua_State *L) {
  static const char *const hidden[] = {"net_metatable", "dataset_metatable",
                                       "load_source", NULL};
  lua_pushglobaltable(L);
  copy_table(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, LUA_GNAME);
  lua_pushcfunction(L, get_metatable);
  lua_setfield(L, -2, "getmetatable");
  lua_getfield(L, -1, "lander");
  copy_table(L);
  lua_getfield(L, -1, "core");
  copy_table(L);
  for (const char *const *name = hidden; *name; name++) {
    lua_pushnil(L);
    lua_setfield(L, -2, *name);
  }
  lua_setfield(L, -2, "core");
  lua_setfield(L, -2, "lander");
}

typedef struct work {
  const char *script;
  lander_config config;
} work;

/* Protected: every error of Lua's ends in the lua_pcall of main. */
static int run(lua_State *L) {
  const work *w = lua_touserdata(L, 1);
  open_libraries(L);
  lander_lua_open(L, &w->config);
  lua_setglobal(L, "lander");
  if (luaL_loadfilex(L, w->script, "t") != LUA_OK) return lua_error(L);
  push_globals(L);
  lua_setupvalue(L, -2, 1); /* _ENV */
  lua_sethook(L, look_at_clock, LUA_MASKCOUNT, 10000);
  lua_call(L, 0, 0);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: sandbox SCRIPT.lua FOLDER [MEGABYTES [SECONDS]]\n");
    return EXIT_FAILURE;
  }
  budget b = {0, (size_t)(argc > 3 ? atoi(argv[3]) : 64) << 20};
  deadline = clock() + (clock_t)((argc > 4 ? atof(argv[4]) : 10) * CLOCKS_PER_SEC);
  work w = {argv[1],
            {.path = inside, .path_userdata = argv[2], .log = say, .threads = 1}};
  lua_State *L = lua_newstate(allocate, &b);
  if (!L) return EXIT_FAILURE;
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &w);
  int failed = lua_pcall(L, 1, 0, 0);
  if (failed) {
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "sandbox: %s\n", message ? message : "an error that is no text");
  }
  lua_close(L);
  if (b.used != 0) fprintf(stderr, "sandbox: %zu bytes are lost\n", b.used);
  return failed || b.used ? EXIT_FAILURE : EXIT_SUCCESS;
}
