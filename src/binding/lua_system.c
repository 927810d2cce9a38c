/* lua_system.c: the clocks that the Lua part of the library needs, which a host may not
 * have given its scripts (os). */
#include <time.h>

#include "binding.h"

/* core.clock() -> seconds since some moment; never goes back */
static int monotonic_clock(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec + 1e-9 * (lua_Number)t.tv_nsec);
  return 1;
}

/* core.date() -> the local time as "1125 17:48:56" (month, day ...), and microseconds */
static int date(lua_State *L) {
  struct timespec t;
  struct tm parts;
  char text[32];
  clock_gettime(CLOCK_REALTIME, &t);
  if (!localtime_r(&t.tv_sec, &parts) ||
      strftime(text, sizeof text, "%m%d %H:%M:%S", &parts) == 0)
    return luaL_error(L, "the clock tells no time");
  lua_pushstring(L, text);
  lua_pushinteger(L, (lua_Integer)(t.tv_nsec / 1000));
  return 2;
}

void binding_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"clock", monotonic_clock}, {"date", date}, {NULL, NULL}};
  lua_getfield(L, -1, "core");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
