/* options.c: tables of options as the text that the core reads, and the core's
 * descriptions as tables. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"

#define MOST_KEYS 128

/* ---- values as text ---- */

/* Text in the making. A luaL_Buffer would want the top of the stack for itself. */
typedef struct line {
  lua_State *L;
  const char *owner;
  size_t length;
  char text[16384];
} line;

static void add_text(line *b, const char *more) {
  size_t count = strlen(more);
  if (count >= sizeof b->text - b->length)
    luaL_error(b->L,
               "%s: the options are too long: as text they have more than %d letters",
               b->owner, (int)sizeof b->text - 1);
  memcpy(b->text + b->length, more, count + 1);
  b->length += count;
}

/* A number with as many digits as it needs, with a point in any locale. */
static void add_number(line *b, double value) {
  char text[40];
  for (int digits = 9; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    char *comma = strchr(text, ',');
    if (comma) *comma = '.';
    if (lua_stringtonumber(b->L, text) == 0) break; /* nan, inf */
    double back = lua_tonumber(b->L, -1);
    lua_pop(b->L, 1);
    if (back == value) break;
  }
  add_text(b, text);
}

/* Whether the string at `index` can be a word of the text. */
static bool is_plain(lua_State *L, int index) {
  size_t length;
  const char *word = lua_tolstring(L, index, &length);
  return length > 0 && strcspn(word, " \t\r\n\v\f#=") == length; /* no zero either */
}

/* One number, word or truth value. False when it can't be text. */
static bool add_scalar(lua_State *L, line *b, int index) {
  index = lua_absindex(L, index);
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN: add_text(b, lua_toboolean(L, index) ? "true" : "false"); return true;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      char text[32];
      snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, index));
      add_text(b, text);
    } else {
      add_number(b, lua_tonumber(L, index));
    }
    return true;
  case LUA_TSTRING:
    if (!is_plain(L, index)) return false;
    add_text(b, lua_tostring(L, index));
    return true;
  default: return false;
  }
}

static _Noreturn void refuse(lua_State *L, const char *owner, const char *key,
                             const char *why) {
  luaL_error(L, "%s: option '%s' %s", owner, key, why);
  for (;;) continue; /* luaL_error does not return */
}

/* ---- keys in a steady order ---- */

typedef struct keys {
  const char *at[MOST_KEYS]; /* held by the table: no code of the script's is run that
                                could take them out, hence the raw accesses */
  int count;
} keys;

static int get_raw(lua_State *L, int index, const char *key) {
  lua_pushstring(L, key);
  return lua_rawget(L, index);
}

static bool listed(const char *const *list, const char *key) {
  for (; list && *list; list++)
    if (!strcmp(*list, key)) return true;
  return false;
}

/* Entries that a count of them leaves out: before the first, or behind a hole. */
static void check_unnamed(lua_State *L, lua_Integer place, lua_Integer count,
                          const char *owner) {
  if (place < 1 || place > count)
    luaL_error(L, "%s: unnamed entries are counted from 1 on without a hole, found [%I]",
               owner, (LUAI_UACINT)place);
}

/* The string keys of a table, sorted: the order of Lua's own tables changes from run to
 * run, and a saved net should not. */
static void sorted_keys(lua_State *L, int index, const char *owner,
                        const char *const *skip, keys *k) {
  k->count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2)) {
      check_unnamed(L, lua_tointeger(L, -2), (lua_Integer)lua_rawlen(L, index), owner);
      continue;
    }
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: options have names, found a key that is a %s", owner,
                 luaL_typename(L, -2));
    const char *key = lua_tostring(L, -2);
    if (listed(skip, key)) continue;
    if (!is_plain(L, -2)) luaL_error(L, "%s: '%s' is not an option's name", owner, key);
    if (k->count == MOST_KEYS) luaL_error(L, "%s: too many options", owner);
    int at = k->count++;
    for (; at > 0 && strcmp(k->at[at - 1], key) > 0; at--) k->at[at] = k->at[at - 1];
    k->at[at] = key;
  }
}

static void add_key(line *b, const char *group, const char *key) {
  if (b->length > 0) add_text(b, " ");
  if (group) {
    add_text(b, group);
    add_text(b, ".");
  }
  add_text(b, key);
  add_text(b, "=");
}

/* A list of numbers: 5,5 */
static void add_list(lua_State *L, line *b, int index, const char *owner,
                     const char *key) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    if (i > 1) add_text(b, ",");
    if (!add_scalar(L, b, -1)) refuse(L, owner, key, "must be a list of plain values");
    lua_pop(L, 1);
  }
}

/* A group: { "gaussian", std = 0.01 } or { type = "gaussian", std = 0.01 }. */
static void add_group(lua_State *L, line *b, int index, const char *owner,
                      const char *key) {
  static const char *const type_key[] = {"type", NULL};
  lua_Unsigned unnamed = lua_rawlen(L, index);
  bool has_type = get_raw(L, index, "type") != LUA_TNIL;
  if (unnamed > (has_type ? 0 : 1))
    refuse(L, owner, key,
           "has more unnamed entries than its type; the others have names");
  if (!has_type) {
    lua_pop(L, 1);
    has_type = lua_rawgeti(L, index, 1) != LUA_TNIL;
  }
  if (has_type) {
    add_key(b, NULL, key);
    if (!add_scalar(L, b, -1)) refuse(L, owner, key, "has a type that is not a word");
  }
  lua_pop(L, 1);
  keys members;
  sorted_keys(L, index, owner, type_key, &members);
  for (int i = 0; i < members.count; i++) {
    get_raw(L, index, members.at[i]);
    add_key(b, key, members.at[i]);
    if (lua_istable(L, -1))
      add_list(L, b, lua_absindex(L, -1), owner, members.at[i]);
    else if (!add_scalar(L, b, -1))
      refuse(L, owner, key, "has a member that is not plain");
    lua_pop(L, 1);
  }
}

static bool has_named_entries(lua_State *L, int index) {
  bool named = false;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) named = true;
  return named;
}

/* The value on top of the stack, under a key. */
static void add_option(lua_State *L, line *b, const char *owner, const char *key) {
  int index = lua_absindex(L, -1);
  if (!lua_istable(L, index)) {
    add_key(b, NULL, key);
    if (!add_scalar(L, b, index))
      refuse(L, owner, key, "must be a number, a word, true, false or a table of them");
  } else if (has_named_entries(L, index)) {
    add_group(L, b, index, owner, key);
  } else {
    if (lua_rawlen(L, index) == 0) refuse(L, owner, key, "is an empty table");
    add_key(b, NULL, key);
    add_list(L, b, index, owner, key);
  }
}

/* ---- unnamed entries ---- */

static const lander_option *at_position(const lander_option *options, int position) {
  for (; options && options->name; options++)
    if (options->position == position) return options;
  return NULL;
}

static void add_unnamed(lua_State *L, line *b, int index, const lander_option *options,
                        const char *owner) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  const lander_option *all = at_position(options, -1);
  if (count > 0 && all) {
    add_key(b, NULL, all->name);
    add_list(L, b, index, owner, all->name);
    return;
  }
  for (lua_Integer i = 1; i <= count; i++) {
    const lander_option *option = at_position(options, i > 64 ? 64 : (int)i);
    if (!option)
      luaL_error(L, "%s: takes no unnamed entry number %I; write name = value", owner,
                 (LUAI_UACINT)i);
    lua_rawgeti(L, index, i);
    add_option(L, b, owner, option->name);
    lua_pop(L, 1);
  }
}

void binding_push_options(lua_State *L, int index, const lander_option *options,
                          const char *owner, const char *const *skip) {
  index = lua_absindex(L, index);
  keys named;
  luaL_checkstack(L, 32, owner);
  sorted_keys(L, index, owner, skip, &named);
  line b;
  b.L = L;
  b.owner = owner;
  b.length = 0;
  add_unnamed(L, &b, index, options, owner);
  for (int i = 0; i < named.count; i++) {
    get_raw(L, index, named.at[i]);
    add_option(L, &b, owner, named.at[i]);
    lua_pop(L, 1);
  }
  lua_pushlstring(L, b.text, b.length);
}
