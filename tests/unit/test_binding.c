/* test_binding.c: the module in a host's own Lua state: no memory at any moment,
 * finalizers that run when the state is closed, and the Lua files that are built in. */
#include "unit.h"

#include "allocator.h"
#include "binding/binding.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static lua_State *open_state(test_allocator *a) {
  lua_State *L = lua_newstate(test_allocate_lua, a);
  luaL_openlibs(L);
  return L;
}

static void open_module(lua_State *L) {
  luaL_requiref(L, "lander", luaopen_lander, 1);
  lua_pop(L, 1);
  UNIT_CHECK(luaL_dostring(L, "lander.threads(1)") == LUA_OK);
}

/* ---- no memory -------------------------------------------------------------------- */

static const char tensors[] =
    "local t = lander.tensor { { 3, 1 }, { 2, 4 } }\n"
    "local values, positions = t:sort(1)\n"
    "local largest = t:topk(1)\n"
    "local a, b = t:max(2)\n"
    "return (t + values * 2):mm(t:t()):sum(), tostring(t:cat(positions)), t:split(1)\n";

static const char nets[] =
    "local nn = lander.nn\n"
    "local net = nn.net { nn.input { 2 }, nn.linear { 3 } }\n"
    "local copy = net:clone()\n"
    "local solver = lander.solver(net, { base_lr = 0.1, momentum = 0.9 })\n"
    "local d = lander.data.tensors(lander.ones(4, 2), lander.tensor { 1, 2, 3, 1 })\n"
    "for x, y in d:batches { size = 2, shuffle = true } do solver:step(x, y) end\n"
    "return net.params[1].data:sum(), copy:predict(lander.ones(1, 2)), d[1]\n";

/* Runs `code` with n requests granted, for n = 0, 1, 2 ... until it succeeds. */
static void starve(const char *name, const char *code) {
  UNIT_TEST(name);
  bool done = false;
  for (int n = 0; n < 20000 && !done; n++) {
    test_allocator a = {.allowed = -1};
    lua_State *L = open_state(&a);
    open_module(L);
    UNIT_CHECK(luaL_loadstring(L, code) == LUA_OK);
    a.allowed = a.requests + n;
    done = lua_pcall(L, 0, 0, 0) == LUA_OK;
    a.allowed = -1;
    UNIT_CHECK(luaL_dostring(L, "collectgarbage(); assert(lander.ones(2):sum() == 2)") ==
               LUA_OK);
    lua_close(L);
    if (!UNIT_CHECK(test_allocator_clean(&a)))
      printf("%d requests were granted, %lld blocks are left\n", n, (long long)a.blocks);
  }
  UNIT_CHECK(done);
}

static int open_protected(lua_State *L) {
  luaL_requiref(L, "lander", luaopen_lander, 1);
  return 0;
}

/* Opening the module asks thousands of times: of those every one up to forty, and then
 * ever fewer. */
static void starve_opening(void) {
  UNIT_TEST("opening the module without memory, and then with some");
  bool done = false;
  for (int n = 0; n < 100000 && !done; n += 1 + n / 40) {
    test_allocator a = {.allowed = -1};
    lua_State *L = open_state(&a);
    UNIT_CHECK(luaL_dostring(L, "return #('x'):rep(5000)") == LUA_OK); /* see module.c */
    a.allowed = a.requests + n;
    lua_pushcfunction(L, open_protected);
    done = lua_pcall(L, 0, 0, 0) == LUA_OK;
    a.allowed = -1;
    lua_settop(L, 0);
    open_module(L);
    UNIT_CHECK(luaL_dostring(L, "assert(lander.ones(2):sum() == 2)") == LUA_OK);
    UNIT_CHECK(luaL_dostring(L, "assert(#lander.config().version > 0)") == LUA_OK);
    lua_close(L);
    if (!UNIT_CHECK(test_allocator_clean(&a))) printf("%d requests were granted\n", n);
  }
  UNIT_CHECK(done);
}

/* ---- the end of a state ----------------------------------------------------------- */

static char said[2][200];

static int say(lua_State *L) {
  lua_Integer place = luaL_checkinteger(L, 1);
  snprintf(said[place - 1], sizeof said[0], "%s", luaL_tolstring(L, 2, NULL));
  return 0;
}

/* What was made before the module was opened is finalized after its engine. */
static void test_late_finalizer(void) {
  UNIT_TEST("a finalizer after the engine's");
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a);
  lua_register(L, "say", say);
  UNIT_CHECK(luaL_dostring(L, "late = setmetatable({}, { __gc = function()\n"
                              "  say(1, (select(2, pcall(lander.zeros, 2))))\n"
                              "  say(2, (select(2, pcall(lander.threads))))\n"
                              "end })") == LUA_OK);
  open_module(L);
  lua_close(L);
  UNIT_CHECK(strstr(said[0], "the Lua state is being closed"));
  UNIT_CHECK(strstr(said[1], "the Lua state is being closed"));
  UNIT_CHECK(test_allocator_clean(&a));
}

/* ---- the Lua files that are built in ------------------------------------------------
 */

/* Their code is that of their text, names and lines of all functions included. */
static void test_code(void) {
  UNIT_TEST("built-in code");
  lua_State *L = luaL_newstate();
  UNIT_CHECK(binding_same_code(L, &binding_probe));
  for (const binding_source *s = binding_sources; s->name; s++)
    UNIT_CHECK(binding_same_code(L, s));
  UNIT_CHECK(lua_gettop(L) == 0);
  lua_close(L);
}

/* A compiler that makes anything else of the probe is another one. */
static void test_other_code(void) {
  UNIT_TEST("code of another compiler");
  lua_State *L = luaL_newstate();
  static char other[1 << 14];
  binding_source s = binding_probe;
  UNIT_CHECK(s.code_length < sizeof other);
  memcpy(other, s.code, s.code_length);
  s.code = other;
  for (size_t i = 0; i < s.code_length; i++) {
    other[i] ^= 1;
    UNIT_CHECK(!binding_same_code(L, &s));
    other[i] ^= 1;
  }
  s.code_length--;
  UNIT_CHECK(!binding_same_code(L, &s));
  s.code_length += 2;
  UNIT_CHECK(!binding_same_code(L, &s));
  lua_close(L);
}

int main(void) {
  test_code();
  test_other_code();
  starve_opening();
  starve("tensors without memory", tensors);
  starve("nets without memory", nets);
  test_late_finalizer();
  return unit_finish();
}
