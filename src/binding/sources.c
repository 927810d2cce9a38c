/* sources.c: the Lua part of the library and the models, which are built in.
 *
 * Most of the time to open the module would go into compiling them, so the code that the
 * build's Lua made of them is built in too. A Lua state says of itself only that it is
 * 5.4; whether it has the compiler of the build, and so its code, is tried out on the
 * probe, a file with a bit of everything. One that has not compiles the text. */
#include <string.h>

#include "binding.h"

/* A key of the registry: its address. */
static const char reads_code_key = 'r';

static void load_text(lua_State *L, const binding_source *s) {
  lua_pushfstring(L, "@%s", s->name);
  if (luaL_loadbufferx(L, s->text, s->text_length, lua_tostring(L, -1), "t") != LUA_OK)
    lua_error(L);
  lua_remove(L, -2);
}

static void load_code(lua_State *L, const binding_source *s) {
  if (luaL_loadbufferx(L, s->code, s->code_length, s->name, "b") != LUA_OK) lua_error(L);
}

/* ---- the same compiler ---- */

/* Code that is being made, beside what it should be. */
typedef struct expected {
  const char *at;
  size_t left;
} expected;

/* A lua_Writer: not 0 ends the dump. */
static int compare(lua_State *L, const void *code, size_t length, void *userdata) {
  (void)L;
  expected *e = userdata;
  if (length > e->left || memcmp(code, e->at, length)) return 1;
  e->at += length;
  e->left -= length;
  return 0;
}

bool binding_same_code(lua_State *L, const binding_source *s) {
  expected e = {s->code, s->code_length};
  load_text(L, s);
  bool same = lua_dump(L, compare, &e, 0) == 0 && e.left == 0;
  lua_pop(L, 1);
  return same;
}

/* ---- files by name ---- */

static const binding_source *find_source(const char *name) {
  for (const binding_source *s = binding_sources; s->name; s++)
    if (!strcmp(s->name, name)) return s;
  return NULL;
}

static void load_source(lua_State *L, const binding_source *s) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &reads_code_key);
  bool reads_code = lua_toboolean(L, -1);
  lua_pop(L, 1);
  (reads_code ? load_code : load_text)(L, s);
}

/* core.load_source(name) -> a file that is built in, as a function; nil: there is none.
 */
static int load_source_by_name(lua_State *L) {
  const binding_source *s = find_source(luaL_checkstring(L, 1));
  if (!s) return 0;
  load_source(L, s);
  return 1;
}

/* core.source_text(name) -> the text of a file that is built in; nil: there is none. */
static int source_text(lua_State *L) {
  const binding_source *s = find_source(luaL_checkstring(L, 1));
  if (!s) return 0;
  lua_pushlstring(L, s->text, s->text_length);
  return 1;
}

/* core.model_names() -> the models that are built in: { "alexnet", ... } */
static int model_names(lua_State *L) {
  lua_Integer count = 0;
  lua_newtable(L);
  for (const binding_source *s = binding_sources; s->name; s++) {
    if (strncmp(s->name, "models/", 7)) continue;
    lua_pushlstring(L, s->name + 7, strlen(s->name) - 7 - 4);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

void binding_open_sources(lua_State *L) {
  lua_pushboolean(L, binding_same_code(L, &binding_probe));
  lua_rawsetp(L, LUA_REGISTRYINDEX, &reads_code_key);
  lua_getfield(L, -1, "core");
  lua_pushcfunction(L, load_source_by_name);
  lua_setfield(L, -2, "load_source");
  lua_pushcfunction(L, source_text);
  lua_setfield(L, -2, "source_text");
  lua_pushcfunction(L, model_names);
  lua_setfield(L, -2, "model_names");
  lua_pop(L, 1);
}

/* ---- what is run ---- */

/* A searcher for `require "models.lenet"`, after those that look at files: a model in the
 * user's folder goes before the one that is built in. */
static int search_models(lua_State *L) {
  const char *module = luaL_checkstring(L, 1);
  const char *path = luaL_gsub(L, module, ".", "/");
  path = lua_pushfstring(L, "%s.lua", path);
  const binding_source *s = strncmp(path, "models/", 7) ? NULL : find_source(path);
  if (!s) {
    lua_pushfstring(L, "no model '%s' is built into lander", module);
    return 1;
  }
  load_source(L, s);
  lua_pushstring(L, path);
  return 2;
}

static void add_searcher(lua_State *L) {
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "package") == LUA_TTABLE &&
      lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
    lua_pushcfunction(L, search_models);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  lua_settop(L, top);
}

/* Every lander/x.lua is called with the module's table. */
void binding_run_sources(lua_State *L) {
  for (const binding_source *s = binding_sources; s->name; s++) {
    if (strncmp(s->name, "lander/", 7)) continue;
    load_source(L, s);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
  }
  add_searcher(L);
}
