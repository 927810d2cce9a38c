/* console.c: the progress line, warnings, what the terminal is. Results go to stdout,
 * progress and log to stderr. */
#include "cli.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool line_is_live; /* the cursor stands in a line that will be written over */

static bool is_terminal(int file) {
  const char *term = getenv("TERM");
  return isatty(file) && term && strcmp(term, "dumb") != 0;
}

bool console_obeys(void) {
  return is_terminal(STDOUT_FILENO);
}

static int terminal_width(int file) {
  struct winsize size;
  return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* What was printed before goes first, also into a file that has both. */
void console_end_line(void) {
  fflush(stdout);
  if (line_is_live) fputs("\n", stderr);
  line_is_live = false;
}

/* core.progress(text[, live]): a line on stderr; a live one is written over by the next,
 * and cut to the width of the window: one that wraps could not be. */
static int progress(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  bool live = lua_toboolean(L, 2) && is_terminal(STDERR_FILENO);
  if (live) {
    int columns = terminal_width(STDERR_FILENO);
    size_t room =
        (size_t)(columns > 8 ? columns - 3 : columns - 1); /* for a ^C behind it */
    fprintf(stderr, "\r%.*s\x1b[K", (int)(length < room ? length : room), text);
  } else {
    if (line_is_live) fputs("\r\x1b[K", stderr);
    fprintf(stderr, "%s\n", text);
  }
  fflush(stderr);
  line_is_live = live;
  return 0;
}

/* core.is_terminal() -> whether a live line makes sense */
static int progress_is_live(lua_State *L) {
  lua_pushboolean(L, is_terminal(STDERR_FILENO));
  return 1;
}

/* core.interactive() -> whether someone types */
static int interactive(lua_State *L) {
  lua_pushboolean(L, isatty(STDIN_FILENO));
  return 1;
}

/* core.environment(name) -> the value of a variable, or nil */
static int environment(lua_State *L) {
  lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
  return 1;
}

/* core.width() -> columns of the window that results go to; 80 where there is none */
static int width(lua_State *L) {
  lua_pushinteger(L, terminal_width(STDOUT_FILENO));
  return 1;
}

/* core.window(1 | 2) -> columns of the terminal that stdout or stderr is; nil: it is none
 */
static int window(lua_State *L) {
  int file = luaL_checkinteger(L, 1) == 2 ? STDERR_FILENO : STDOUT_FILENO;
  if (isatty(file))
    lua_pushinteger(L, terminal_width(file));
  else
    lua_pushnil(L);
  return 1;
}

/* core.colours() -> whether results may be coloured: a terminal that has them, and no
 * NO_COLOR */
static int colours(lua_State *L) {
  const char *no = getenv("NO_COLOR");
  lua_pushboolean(L, is_terminal(STDOUT_FILENO) && !(no && *no));
  return 1;
}

/* core.write_error(text) */
static int write_error(lua_State *L) {
  console_end_line();
  fputs(luaL_checkstring(L, 1), stderr);
  fflush(stderr);
  return 0;
}

/* U+0080 to U+009F, in UTF-8, which a terminal obeys too */
static bool is_high_command(const unsigned char *at) {
  return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
}

/* A text that may have names of files in it: what a terminal would obey is written as
 * Lua has it, as core.harmless does. Lines stay lines. */
static void put_harmless(const char *text) {
  const unsigned char *first = (const unsigned char *)text;
  for (const unsigned char *at = first; *at; at++) {
    bool is_command = (*at < ' ' && *at != '\n' && *at != '\t') || *at == 127 ||
                      is_high_command(at) || (at > first && is_high_command(at - 1));
    fprintf(stderr, is_command ? "\\%03d" : "%c", *at);
  }
}

/* Warnings come in pieces; control messages ("@on") are not for us. */
static void warn(void *userdata, const char *text, int more) {
  static bool within;
  (void)userdata;
  if (!within && !more && text[0] == '@') return;
  if (!within) {
    console_end_line();
    fputs("warning: ", stderr);
  }
  put_harmless(text);
  if (!more) fputs("\n", stderr);
  within = more;
}

void console_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"progress", progress},
                                       {"is_terminal", progress_is_live},
                                       {"interactive", interactive},
                                       {"environment", environment},
                                       {"width", width},
                                       {"window", window},
                                       {"colours", colours},
                                       {"write_error", write_error},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_setwarnf(L, warn, NULL);
}
