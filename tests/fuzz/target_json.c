/* target_json.c: the reader of journals and notes, which is Lua. The input is the text.
 */
#include "fuzz.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const char code[] =
    "local ok, found = pcall(lander.core.read_json, ...)\n"
    "assert(ok or type(found) == 'string' and found:find '^JSON: ', found)\n";

/* Where libFuzzer looks for what an input has reached, beside what the compiler counts:
 * here pairs of lines of Lua that ran one after the other. */
#define COUNTERS 4096
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static void count_line(lua_State *L, lua_Debug *where) {
  static int before;
  (void)L;
  counters[(before * 31 + where->currentline) % COUNTERS]++;
  before = where->currentline;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (!L) {
    L = luaL_newstate();
    FUZZ_REQUIRE(L);
    luaL_openlibs(L);
    luaL_requiref(L, "lander", luaopen_lander, 1);
    lua_settop(L, 0);
    FUZZ_REQUIRE(luaL_loadstring(L, code) == LUA_OK);
    lua_sethook(L, count_line, LUA_MASKLINE, 0);
  }
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    fuzz_wrong(lua_tostring(L, -1), __FILE__, __LINE__);
  return 0;
}
