/* describe.c: the core's descriptions as Lua tables, for constructors, help, completion
 * and the reference pages. */
#include <string.h>

#include "binding.h"

static void push_options(lua_State *L, const lander_option *options);

static void set_string(lua_State *L, const char *key, const char *value) {
  if (!value) return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

static void push_words(lua_State *L, const char *const *words) {
  lua_newtable(L);
  for (int i = 0; words[i]; i++) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_option(lua_State *L, const lander_option *o) {
  static const char *const kinds[] = {"int",  "number",  "bool", "choice",
                                      "ints", "numbers", "group"};
  lua_newtable(L);
  set_string(L, "name", o->name);
  set_string(L, "kind", kinds[o->kind]);
  set_string(L, "default", o->fallback);
  set_string(L, "help", o->help);
  if (o->kind != LANDER_OPTION_BOOL && o->kind != LANDER_OPTION_CHOICE &&
      o->kind != LANDER_OPTION_GROUP) {
    lua_pushnumber(L, o->min);
    lua_setfield(L, -2, "min");
    lua_pushnumber(L, o->max);
    lua_setfield(L, -2, "max");
  }
  if (o->position) {
    lua_pushinteger(L, o->position);
    lua_setfield(L, -2, "position");
  }
  if (o->choices) {
    push_words(L, o->choices);
    lua_setfield(L, -2, "choices");
  }
  if (o->members) {
    push_options(L, o->members);
    lua_setfield(L, -2, "members");
  }
}

static void push_options(lua_State *L, const lander_option *options) {
  lua_newtable(L);
  for (int i = 0; options && options[i].name; i++) {
    push_option(L, &options[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* core.describe("layer" | "solver" | "schedule" | "filler")
 *   -> { { name =, help =, example =, options = {...} }, ... } */
int binding_describe(lua_State *L) {
  static const char *const kinds[] = {"layer", "solver", "schedule", "filler", NULL};
  lander_kind kind = (lander_kind)luaL_checkoption(L, 1, "layer", kinds);
  lander_description d;
  lua_newtable(L);
  for (int i = 0; lander_describe(kind, i, &d); i++) {
    lua_newtable(L);
    set_string(L, "name", d.name);
    set_string(L, "help", d.help);
    set_string(L, "example", d.example);
    push_options(L, d.options);
    lua_setfield(L, -2, "options");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.layer_options(type, table[, skip]) -> key=value text, checked by the core. */
int binding_layer_options(lua_State *L) {
  const char *type = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const char *skip[17] = {NULL};
  if (lua_istable(L, 3))
    for (int i = 0; i < 16 && lua_rawgeti(L, 3, i + 1) == LUA_TSTRING; i++)
      skip[i] = lua_tostring(L, -1); /* the table holds the string */
  lua_settop(L, 3);
  lander_description d = {.name = NULL};
  const lander_option *options = NULL;
  for (int i = 0; lander_describe(LANDER_LAYER, i, &d); i++)
    if (!strcmp(d.name, type)) options = d.options;
  binding_push_options(L, 2, options, type, skip);
  lander_error error;
  if (lander_layer_check(binding_engine(L), type, lua_tostring(L, -1), &error) !=
      LANDER_OK) {
    lua_pushstring(L, error.message); /* without a place: the Lua side knows the user's */
    return lua_error(L);
  }
  return 1;
}
