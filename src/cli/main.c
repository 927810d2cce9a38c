/* main.c: the command `lander`: makes a Lua state and hands the words of the command line
 * to lua/command/main.lua, which knows what they mean. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lander.h"
#include "cli.h"

typedef struct words {
  int count;
  char **at;
} words;

/* The table `arg`: arg[0] is the command itself until a script takes its place. */
static void push_words(lua_State *L, const words *w) {
  lua_createtable(L, w->count, 1);
  for (int i = 0; i < w->count; i++) {
    lua_pushstring(L, w->at[i]);
    lua_rawseti(L, -2, i);
  }
}

/* Pushes lander.core. */
static void open_module(lua_State *L) {
  luaL_requiref(L, "lander", luaopen_lander, 0);
  lua_getfield(L, -1, "core");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "is_command");
  console_open(L);
  line_open(L);
  signals_open(L);
}

/* Protected: errors in here are those of the command itself, such as no memory. */
static int run(lua_State *L) {
  const words *w = lua_touserdata(L, 1);
  luaL_openlibs(L);
  open_module(L);
  lua_getfield(L, -1, "load_source");
  lua_pushliteral(L, "command/main.lua");
  lua_call(L, 1, 1);
  push_words(L, w);
  lua_call(L, 1, 1);
  return 1;
}

/* Where a stream was closed, the next file that is opened would take its place, and get
 * what is printed. What takes it here can't be read or written, as the closed one. */
static void fill_streams(void) {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
    if (fcntl(file, F_GETFD) < 0)
      (void)!open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv) {
  words w = {argc, argv};
  fill_streams();
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("lander: not enough memory\n", stderr);
    return EXIT_ERROR;
  }
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &w);
  int status;
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
    status = (int)lua_tointeger(L, -1);
  } else {
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "lander: %s\n", message ? message : "an error that is no text");
    status = EXIT_ERROR;
  }
  console_end_line();
  lua_close(L);
  /* print flushes by itself: only the stream remembers that something was lost. */
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fputs("lander: the output could not be written\n", stderr);
    if (status == EXIT_DONE) status = EXIT_ERROR;
  }
  return status;
}
