/* test_starve.c: every function of the binding in a host's own Lua state, when memory
 * ends at its n-th request, for every n: an error each time, nothing lost, and what comes
 * out when there is memory is what would have come without the failures. starve.lua has
 * the calls. */
#include "unit.h"

#include "allocator.h"
#include "files.h"
#include "lander.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* A state with starve.lua's table at index 1, the list of cases at 2, and what there was
 * before the module at 3. */
static lua_State *open_state(test_allocator *a, const char *folder) {
  lua_State *L = lua_newstate(test_allocate_lua, a);
  luaL_openlibs(L);
  bool good = luaL_dofile(L, "tests/unit/starve.lua") == LUA_OK;
  if (good) {
    lua_getfield(L, 1, "everything"); /* before the module is there */
    lua_call(L, 0, 1);
    luaL_requiref(L, "lander", luaopen_lander, 1);
    lua_getfield(L, 1, "build");
    lua_insert(L, -2);
    lua_pushstring(L, folder);
    good = lua_pcall(L, 2, 1, 0) == LUA_OK;
    lua_insert(L, 2);
  }
  good = good && luaL_dostring(L, "lander.threads(1)") == LUA_OK;
  if (!good) printf("%s\n", lua_tostring(L, -1));
  UNIT_CHECK(good);
  return L;
}

static void close_state(lua_State *L, const test_allocator *a) {
  lua_close(L);
  UNIT_CHECK(test_allocator_clean(a));
}

static int count_cases(lua_State *L) {
  return (int)lua_rawlen(L, 2);
}

/* Pushes an entry of case `i`: 1 name, 2 prepare, 3 call. */
static void push_entry(lua_State *L, int i, int entry) {
  lua_rawgeti(L, 2, i);
  lua_rawgeti(L, -1, entry);
  lua_remove(L, -2);
}

static bool run(lua_State *L, int arguments, int results) {
  if (lua_pcall(L, arguments, results, 0) == LUA_OK) return true;
  printf("%s\n", lua_tostring(L, -1));
  lua_pop(L, 1);
  return UNIT_CHECK(false);
}

/* Leaves what the call will get from index 4 on. */
static bool prepare(lua_State *L, int i) {
  lua_settop(L, 3);
  push_entry(L, i, 2);
  if (!lua_isnil(L, -1)) return run(L, 0, LUA_MULTRET);
  lua_pop(L, 1);
  return true;
}

/* Calls with what lies from index 4 on, which stays. Returns the status; results or the
 * message come on top. */
static int call(lua_State *L, int i) {
  int top = lua_gettop(L);
  push_entry(L, i, 3);
  for (int k = 4; k <= top; k++) lua_pushvalue(L, k);
  return lua_pcall(L, top - 3, LUA_MULTRET, 0);
}

/* The results above `below` as text, in a block of the caller's own. */
static char *show(lua_State *L, int below) {
  int count = lua_gettop(L) - below;
  lua_getfield(L, 1, "show");
  lua_insert(L, below + 1);
  if (!run(L, count, 1)) return strdup("");
  return strdup(lua_tostring(L, -1));
}

#define MOST 1000 /* cases */

/* The results of all cases when there is always memory. */
static int expect(char *expected[MOST], const char *folder) {
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, folder);
  int count = count_cases(L);
  UNIT_CHECK(count > 100 && count < MOST);
  for (int i = 1; i <= count && i < MOST; i++) {
    if (!prepare(L, i)) continue;
    int below = lua_gettop(L);
    if (!UNIT_CHECK(call(L, i) == LUA_OK)) printf("%s\n", lua_tostring(L, -1));
    expected[i] = show(L, below);
  }
  close_state(L, &a);
  return count;
}

/* Lets memory end at the n-th request of a call until it works. Where calls ask hundreds
 * of times, not every n is tried, but every one up to a hundred. */
static void starve(lua_State *L, test_allocator *a, int i, const char *expected) {
  push_entry(L, i, 1);
  const char *name = lua_tostring(L, -1); /* its table keeps it */
  lua_pop(L, 1);
  if (!prepare(L, i)) return;
  int below = lua_gettop(L), status = LUA_ERRMEM, n = 0;
  bool lacking = true;
  for (; lacking && n < 20000; n += 1 + n / 100) {
    a->allowed = a->requests + n;
    status = call(L, i);
    a->allowed = -1;
    if (status == LUA_OK) break;
    const char *message = lua_tostring(L, -1);
    lacking = UNIT_CHECK(message && strstr(message, "not enough memory"));
    if (!lacking)
      printf("%s: with %d requests: %s\n", name, n, message ? message : "no message");
    lua_settop(L, below);
  }
  if (!UNIT_CHECK(status == LUA_OK)) return;
  char *found = show(L, below);
  if (!UNIT_CHECK(!strcmp(found, expected)))
    printf("%s: found %s\nexpected %s\n", name, found, expected);
  free(found);
}

static void test_all(const char *folder) {
  static char *expected[MOST];
  UNIT_TEST("every function of the binding, when the n-th allocation fails");
  int count = expect(expected, folder);
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, folder);
  for (int i = 1; i <= count && i < MOST; i++) {
    starve(L, &a, i, expected[i]);
    free(expected[i]);
  }
  close_state(L, &a);
}

static void test_complete(const char *folder) {
  UNIT_TEST("every function of the binding is among them");
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, folder);
  lua_settop(L, 3);
  lua_getfield(L, 1, "not_called");
  lua_getglobal(L, "lander");
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  if (run(L, 3, 1) && !UNIT_CHECK(lua_rawlen(L, -1) == 0))
    printf("not called:\n%s\n", lua_tostring(L, -1));
  close_state(L, &a);
}

int main(void) {
  char remove[128];
  files_begin();
  test_complete(files_folder);
  test_all(files_folder);
  snprintf(remove, sizeof remove, "rm -r '%s'", files_folder);
  UNIT_TEST("nothing is left behind");
  UNIT_CHECK(system(remove) == 0);
  return unit_finish();
}
