/* console.c: the progress line, lines from the user, warnings. Results go to stdout,
 * progress and log to stderr. */
#include "cli.h"

#include <errno.h>
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

static int terminal_width(int file) {
  struct winsize size;
  return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void console_end_line(void) {
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
    size_t room = (size_t)terminal_width(STDERR_FILENO) - 1;
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

typedef struct line_box {
  char *text;
} line_box;

static int line_gc(lua_State *L) {
  line_box *box = lua_touserdata(L, 1);
  free(box->text);
  box->text = NULL;
  return 0;
}

static line_box *new_line_box(lua_State *L) {
  line_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->text = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, line_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return box;
}

/* core.read_line(prompt) -> a line without its end; nil at the end of the input; false
 * when Ctrl-C cleared it. The prompt is shown where someone types. */
static int read_line(lua_State *L) {
  const char *prompt = luaL_checkstring(L, 1);
  line_box *box = new_line_box(L);
  size_t size = 0;
  console_end_line();
  signals_clear();
  if (isatty(STDIN_FILENO)) fputs(prompt, stdout);
  fflush(stdout);
  errno = 0;
  signals_interrupt_input(true);
  ssize_t length = getline(&box->text, &size, stdin);
  signals_interrupt_input(false);
  if (length < 0 && signals_pending()) {
    clearerr(stdin);
    signals_clear();
    fputs("\n", stdout);
    lua_pushboolean(L, 0);
  } else if (length < 0) {
    if (isatty(STDIN_FILENO)) fputs("\n", stdout);
    lua_pushnil(L);
  } else {
    if (length > 0 && box->text[length - 1] == '\n') length--;
    lua_pushlstring(L, box->text, (size_t)length);
  }
  return 1;
}

/* core.write_error(text) */
static int write_error(lua_State *L) {
  console_end_line();
  fputs(luaL_checkstring(L, 1), stderr);
  fflush(stderr);
  return 0;
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
  fputs(text, stderr);
  if (!more) fputs("\n", stderr);
  within = more;
}

void console_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"progress", progress},       {"is_terminal", progress_is_live},
      {"interactive", interactive}, {"read_line", read_line},
      {"write_error", write_error}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_setwarnf(L, warn, NULL);
}
