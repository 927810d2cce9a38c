/* lua_system.c: the little that the Lua part of the library needs of the system, which a
 * host may not have given its scripts (os): a clock, folders, and removing a
 * file. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* core.remove_file(path) -> whether there was a file that is gone now */
static int remove_file(lua_State *L) {
  lua_pushboolean(L, unlink(luaL_checkstring(L, 1)) == 0);
  return 1;
}

/* A folder that is open, closed by the collector where an error comes between. */
typedef struct dir_box {
  DIR *dir;
} dir_box;

static int dir_close(lua_State *L) {
  dir_box *box = lua_touserdata(L, 1);
  if (box->dir) closedir(box->dir);
  box->dir = NULL;
  return 0;
}

static dir_box *new_dir_box(lua_State *L) {
  dir_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->dir = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, dir_close);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return box;
}

/* Adds the names in a folder to the table on top of the stack. */
static void add_names(lua_State *L, const char *path, DIR *dir) {
  lua_Integer count = 0;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    const char *name = entry->d_name;
    if (!strcmp(name, ".") || !strcmp(name, "..")) continue;
    const char *whole = lua_pushfstring(L, "%s/%s", path, name);
    lua_pushfstring(L, is_folder(whole) ? "%s/" : "%s", name);
    lua_rawseti(L, -3, ++count);
    lua_pop(L, 1);
  }
}

/* core.list_dir(path) -> the names in a folder, folders with a slash at their end, in no
 * order; nil and why when it can't be read */
static int list_dir(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  dir_box *box = new_dir_box(L);
  box->dir = opendir(path);
  if (!box->dir) {
    char why[128];
    int number = errno;
    lua_pushnil(L);
    lua_pushstring(L, strerror_r(number, why, sizeof why) ? "" : why);
    return 2;
  }
  lua_newtable(L);
  add_names(L, path, box->dir);
  closedir(box->dir);
  box->dir = NULL;
  return 1;
}

void binding_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {{"clock", monotonic_clock},
                                       {"make_dir", make_dir},
                                       {"list_dir", list_dir},
                                       {"remove_file", remove_file},
                                       {NULL, NULL}};
  lua_getfield(L, -1, "core");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
