/* lua_system.c: the little that the Lua part of the library needs of the system, which a
 * host may not have given its scripts (os): a clock, and folders. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "binding.h"

/* core.clock() -> seconds since some moment; never goes back */
static int monotonic_clock(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec + 1e-9 * (lua_Number)t.tv_nsec);
  return 1;
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static void make_one(lua_State *L, const char *path) {
  if (mkdir(path, 0777) == 0) return;
  int number = errno; /* before another call sets it */
  if (is_folder(path)) return;
  char why[128];
  if (strerror_r(number, why, sizeof why) != 0) why[0] = 0;
  luaL_error(L, "can't make the folder '%s': %s", path, why);
}

/* core.make_dir(path): the folder and those above it, as far as they are missing */
static int make_dir(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, strlen(path) == length, 1, "a path has no zeros");
  for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
    if (slash == path || slash[-1] == '/') continue;
    make_one(L, lua_pushlstring(L, path, (size_t)(slash - path)));
    lua_pop(L, 1);
  }
  if (length > 0 && path[length - 1] != '/') make_one(L, path);
  return 0;
}

void binding_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"clock", monotonic_clock}, {"make_dir", make_dir}, {NULL, NULL}};
  lua_getfield(L, -1, "core");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
