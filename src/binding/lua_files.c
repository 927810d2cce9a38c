/* lua_files.c: the little that the Lua part of the library does with files and folders. A
 * host may have given its scripts neither io nor os, and it may forbid or redirect paths:
 * so all of it is here, and asks the engine's path hook first. */
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"

#define FILE_BOX "lander.file"

/* ---- paths --------------------------------------------------------------------------
 */

static const char *check_path(lua_State *L, int index) {
  size_t length;
  const char *path = luaL_checklstring(L, index, &length);
  luaL_argcheck(L, strlen(path) == length, index, "a path has no zeros");
  return path;
}

/* What the host makes of a path, in room on the stack of Lua; NULL: it is forbidden, and
 * why is on top of the stack. */
static const char *allowed(lua_State *L, lander_use use, const char *path) {
  lander_error error;
  lander_engine *engine = binding_engine(L);
  char *actual = lua_newuserdatauv(L, LANDER_PATH_LENGTH, 0);
  if (lander_engine_path(engine, use, path, actual, &error) == LANDER_OK) return actual;
  lua_pushstring(L, error.message);
  return NULL;
}

static void push_reason(lua_State *L, const char *path, int number) {
  char why[128];
  if (strerror_r(number, why, sizeof why) != 0) why[0] = 0;
  lua_pushfstring(L, "%s: %s", path, why);
}

/* nil and why: for what scripts may go on without. */
static int nothing(lua_State *L, const char *path, int number) {
  lua_pushnil(L);
  push_reason(L, path, number);
  return 2;
}

static int forbidden(lua_State *L) {
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/* ---- open files ---------------------------------------------------------------------
 */

/* Closed by the collector where an error comes between. */
typedef struct file_box {
  int fd; /* -1: closed */
} file_box;

static int file_close(lua_State *L) {
  file_box *box = luaL_checkudata(L, 1, FILE_BOX);
  if (box->fd >= 0) close(box->fd);
  box->fd = -1;
  return 0;
}

static int open_retrying(const char *path, int flags) {
  int fd;
  do fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static file_box *new_file_box(lua_State *L) {
  file_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->fd = -1;
  luaL_setmetatable(L, FILE_BOX);
  return box;
}

/* file:write(text) -> true, or nil and why; all of it at once */
static int file_write(lua_State *L) {
  file_box *box = luaL_checkudata(L, 1, FILE_BOX);
  size_t length, done = 0;
  const char *text = luaL_checklstring(L, 2, &length);
  if (box->fd < 0) return luaL_error(L, "this file was closed");
  while (done < length) {
    ssize_t put = write(box->fd, text + done, length - done);
    if (put > 0)
      done += (size_t)put;
    else if (put == 0 || errno != EINTR)
      return nothing(L, "write", put == 0 ? EIO : errno);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* core.append_file(path[, anew]) -> a file to write to at its end, or from nothing; nil
 * and why when it can't be */
static int append_file(lua_State *L) {
  const char *path = check_path(L, 1);
  int anew = lua_toboolean(L, 2);
  const char *actual = allowed(L, LANDER_USE_WRITE, path);
  if (!actual) return forbidden(L);
  file_box *box = new_file_box(L);
  box->fd = open_retrying(actual, O_WRONLY | O_CREAT | O_APPEND | (anew ? O_TRUNC : 0));
  return box->fd >= 0 ? 1 : nothing(L, path, errno);
}

/* A device may have no end. */
static bool is_device(int fd) {
  struct stat info;
  return fstat(fd, &info) != 0 || S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
}

/* Pushes what is left of the file; 0, or why it can't be read. */
static int push_rest(lua_State *L, int fd) {
  luaL_Buffer whole;
  luaL_buffinit(L, &whole);
  for (;;) {
    char *room = luaL_prepbuffer(&whole);
    ssize_t got = read(fd, room, LUAL_BUFFERSIZE);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    luaL_addsize(&whole, (size_t)got);
  }
  luaL_pushresult(&whole);
  return 0;
}

/* core.read_file(path[, last]) -> what is in it, or its last bytes; nil and why. A pipe
 * may be read, a device not. */
static int read_file(lua_State *L) {
  const char *path = check_path(L, 1);
  lua_Integer last = luaL_optinteger(L, 2, -1);
  const char *actual = allowed(L, LANDER_USE_READ, path);
  if (!actual) return forbidden(L);
  file_box *box = new_file_box(L);
  box->fd = open_retrying(actual, O_RDONLY);
  if (box->fd < 0) return nothing(L, path, errno);
  if (last >= 0 && lseek(box->fd, -(off_t)last, SEEK_END) < 0)
    lseek(box->fd, 0, SEEK_SET);
  int failed = is_device(box->fd) ? EINVAL : push_rest(L, box->fd);
  close(box->fd);
  box->fd = -1;
  return failed ? nothing(L, path, failed) : 1;
}

/* core.file_size(path) -> in bytes; nil: there is no such file, or it may not be read */
static int file_size(lua_State *L) {
  struct stat info;
  const char *actual = allowed(L, LANDER_USE_READ, check_path(L, 1));
  if (!actual || stat(actual, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  lua_pushinteger(L, (lua_Integer)info.st_size);
  return 1;
}

/* core.write_file(path, text): all of it or, with an error, nothing */
static int write_file(lua_State *L) {
  lander_error error;
  size_t length;
  const char *path = check_path(L, 1), *text = luaL_checklstring(L, 2, &length);
  if (lander_engine_write(binding_engine(L), path, text, length, &error) == LANDER_OK)
    return 0;
  lua_pushstring(L, error.message);
  return lua_error(L);
}

/* core.claim_file(path) -> whether there was none: it is made now, empty, and of those
 * that ask at once one is told so; nil and why */
static int claim_file(lua_State *L) {
  const char *path = check_path(L, 1);
  const char *actual = allowed(L, LANDER_USE_WRITE, path);
  if (!actual) return forbidden(L);
  int fd = open(actual, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno != EEXIST) return nothing(L, path, errno);
  if (fd >= 0) close(fd);
  lua_pushboolean(L, fd >= 0);
  return 1;
}

/* core.remove_file(path) -> whether there was a file that is gone now */
static int remove_file(lua_State *L) {
  const char *actual = allowed(L, LANDER_USE_REMOVE, check_path(L, 1));
  lua_pushboolean(L, actual && unlink(actual) == 0);
  return 1;
}

/* Whether the process of that number writes the file no more: it is gone, and where its
 * number may stand for another machine's, nobody holds the file. */
static bool is_orphan(const char *actual, lua_Integer pid) {
  struct stat status;
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if ((pid_t)pid != pid || pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
    return false;
  int fd = open(actual, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  bool orphan = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                fcntl(fd, F_SETLK, &whole) == 0;
  close(fd);
  return orphan;
}

/* core.remove_orphan(path, pid): a file that is being written until it has its name,
 * where process `pid` did so and was killed -> whether it is gone */
static int remove_orphan(lua_State *L) {
  const char *actual = allowed(L, LANDER_USE_REMOVE, check_path(L, 1));
  lua_pushboolean(L, actual && is_orphan(actual, luaL_checkinteger(L, 2)) &&
                         unlink(actual) == 0);
  return 1;
}

/* ---- folders ------------------------------------------------------------------------
 */

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static void make_one(lua_State *L, const char *path, const char *shown) {
  if (mkdir(path, 0777) == 0) return;
  int number = errno; /* before another call sets it */
  if (is_folder(path)) return;
  push_reason(L, "", number);
  luaL_error(L, "can't make the folder '%s'%s", shown, lua_tostring(L, -1));
}

/* core.make_dir(path): the folder and those above it, as far as they are missing */
static int make_dir(lua_State *L) {
  const char *path = check_path(L, 1);
  const char *actual = allowed(L, LANDER_USE_MAKE, path);
  if (!actual) return luaL_error(L, "%s", lua_tostring(L, -1));
  size_t length = strlen(actual);
  for (const char *slash = strchr(actual, '/'); slash; slash = strchr(slash + 1, '/')) {
    if (slash == actual || slash[-1] == '/') continue;
    make_one(L, lua_pushlstring(L, actual, (size_t)(slash - actual)), path);
    lua_pop(L, 1);
  }
  if (length > 0 && actual[length - 1] != '/') make_one(L, actual, path);
  return 0;
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
  const char *path = check_path(L, 1);
  const char *actual = allowed(L, LANDER_USE_LIST, path);
  if (!actual) return forbidden(L);
  dir_box *box = new_dir_box(L);
  box->dir = opendir(actual);
  if (!box->dir) {
    char why[128];
    int number = errno;
    lua_pushnil(L);
    lua_pushstring(L, strerror_r(number, why, sizeof why) ? "" : why);
    return 2;
  }
  lua_newtable(L);
  add_names(L, actual, box->dir);
  closedir(box->dir);
  box->dir = NULL;
  return 1;
}

/* core.has_path_hook() -> whether the host has a say in paths */
static int has_path_hook(lua_State *L) {
  lua_pushboolean(L, lander_engine_has_path_hook(binding_engine(L)));
  return 1;
}

void binding_open_files(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"write", file_write}, {"close", file_close}, {"__gc", file_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"append_file", append_file},
                                       {"read_file", read_file},
                                       {"write_file", write_file},
                                       {"file_size", file_size},
                                       {"claim_file", claim_file},
                                       {"remove_file", remove_file},
                                       {"remove_orphan", remove_orphan},
                                       {"make_dir", make_dir},
                                       {"list_dir", list_dir},
                                       {"has_path_hook", has_path_hook},
                                       {NULL, NULL}};
  luaL_newmetatable(L, FILE_BOX);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_getfield(L, -1, "core");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
