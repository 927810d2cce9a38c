/* history.c: the lines that were typed, in memory for libedit and in a file, which every
 * session adds to as it goes: so several at once share it, and one that is killed has
 * lost nothing. The file is libedit's: a line with a word, then entries in the words of
 * vis(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define MOST_ENTRIES 1000
#define FIRST_LINE   "_HiStOrY_V2_\n"

static History *entries;

History *history_get(void) {
  HistEvent event;
  if (entries) return entries;
  entries = history_init();
  if (!entries) return NULL;
  history(entries, &event, H_SETSIZE, MOST_ENTRIES);
  history(entries, &event, H_SETUNIQUE, 1);
  return entries;
}

void history_close(void) {
  if (entries) history_end(entries);
  entries = NULL;
}

static int fail(lua_State *L, const char *path, const char *what) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, what);
  return 2;
}

/* Of a file that has grown, the newest entries stay. */
static void shorten(lua_State *L, const char *path) {
  HistEvent event;
  const char *next = lua_pushfstring(L, "%s.%d", path, (int)getpid());
  if (history(entries, &event, H_SAVE, next) < 0 || rename(next, path) != 0) unlink(next);
  lua_pop(L, 1);
}

/* core.load_history(path) -> true, also where there is none yet; nil and why not */
static int load_history(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat status;
  HistEvent event;
  if (!history_get()) return fail(L, path, strerror(ENOMEM));
  if (stat(path, &status) == 0 && status.st_size > 0) {
    if (!S_ISREG(status.st_mode)) return fail(L, path, "it is no file");
    if (access(path, R_OK | W_OK) != 0) return fail(L, path, strerror(errno));
    int count = history(entries, &event, H_LOAD, path);
    if (count < 0) return fail(L, path, "it is no history");
    if (count > 2 * MOST_ENTRIES) shorten(L, path);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* Pushes an entry as the file has it. */
static void push_written(lua_State *L, const char *text) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    char octal[8];
    if (c > ' ' && c != '\\' && c != 127) {
      luaL_addchar(&b, *text);
    } else {
      snprintf(octal, sizeof octal, "\\%03o", c);
      luaL_addstring(&b, octal);
    }
  }
  luaL_addchar(&b, '\n');
  luaL_pushresult(&b);
}

/* In one piece, behind what other sessions have added. */
static bool append(const char *path, const char *text) {
  struct stat status;
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool empty = fstat(fd, &status) == 0 && status.st_size == 0;
  size_t length = strlen(text);
  bool fine = (!empty || write(fd, FIRST_LINE, strlen(FIRST_LINE)) > 0) &&
              write(fd, text, length) == (ssize_t)length;
  return close(fd) == 0 && fine;
}

/* core.remember(text[, path]) -> true; nil and why the file has not got it. What is blank
 * or the same as the last is not remembered. */
static int remember(lua_State *L) {
  const char *text = luaL_checkstring(L, 1), *path = luaL_optstring(L, 2, NULL);
  HistEvent event;
  bool blank = !text[strspn(text, " \t\n")];
  bool fresh = !blank && entries &&
               !(history(entries, &event, H_FIRST) >= 0 && !strcmp(event.str, text));
  if (fresh) history(entries, &event, H_ENTER, text);
  if (fresh && path) {
    push_written(L, text);
    if (!append(path, lua_tostring(L, -1))) return fail(L, path, strerror(errno));
  }
  lua_pushboolean(L, 1);
  return 1;
}

void history_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"load_history", load_history}, {"remember", remember}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
