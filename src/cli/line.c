/* line.c: a line that someone types, through libedit: history, keys, completion. Where no
 * terminal is, lines come as they are. */
#include "cli.h"

#include <errno.h>
#include <histedit.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_LINES 1000 /* of history */

/* libedit's callbacks carry no pointer of ours. */
static struct {
  lua_State *L;
  EditLine *editor;
  History *history;
  const char *prompt;
  bool cleared; /* by Ctrl-C */
} session;

static char *prompt(EditLine *editor) {
  (void)editor;
  return (char *)session.prompt;
}

/* ---- keys ---- */

/* Ctrl-C: a new, empty line. */
static unsigned char clear_line(EditLine *editor, int key) {
  (void)editor, (void)key;
  session.cleared = true;
  fputs("^C\n", stdout);
  return CC_NEWLINE;
}

/* The bytes of the line before the cursor, and of what they are completed with, come from
 * core.complete(line) -> how many bytes at its end are replaced, by what, choices. */
static bool ask_for_completion(const char *line, size_t length) {
  lua_State *L = session.L;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "lander");
  lua_getfield(L, -1, "core");
  lua_getfield(L, -1, "complete");
  lua_pushlstring(L, line, length);
  return lua_pcall(L, 1, 3, 0) == LUA_OK;
}

static void show_choices(const char *text) {
  fputc('\n', stdout);
  fputs(text, stdout);
  fputc('\n', stdout);
  fflush(stdout);
}

static unsigned char complete(EditLine *editor, int key) {
  (void)key;
  lua_State *L = session.L;
  int top = lua_gettop(L);
  const LineInfo *line = el_line(editor);
  unsigned char result = CC_ERROR;
  if (ask_for_completion(line->buffer, (size_t)(line->cursor - line->buffer)) &&
      lua_isstring(L, -2)) {
    int replaced = (int)lua_tointeger(L, -3);
    el_deletestr(editor, replaced);
    el_insertstr(editor, lua_tostring(L, -2));
    result = CC_REFRESH;
    if (lua_isstring(L, -1)) {
      show_choices(lua_tostring(L, -1));
      result = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
  return result;
}

/* ---- the editor ---- */

static void close_editor(void) {
  if (session.editor) el_end(session.editor);
  if (session.history) history_end(session.history);
  session.editor = NULL;
  session.history = NULL;
}

static bool open_editor(void) {
  HistEvent event;
  if (session.editor) return true;
  session.history = history_init();
  session.editor = el_init("lander", stdin, stdout, stderr);
  if (!session.history || !session.editor) {
    close_editor();
    return false;
  }
  history(session.history, &event, H_SETSIZE, MOST_LINES);
  history(session.history, &event, H_SETUNIQUE, 1);
  el_set(session.editor, EL_PROMPT, prompt);
  el_set(session.editor, EL_EDITOR, "emacs");
  el_set(session.editor, EL_HIST, history, session.history);
  el_set(session.editor, EL_ADDFN, "lander-complete", "completes a word", complete);
  el_set(session.editor, EL_BIND, "^I", "lander-complete", NULL);
  /* While a line is typed Ctrl-C is a key like others, not a signal. */
  el_set(session.editor, EL_SETTY, "-d", "-isig", NULL);
  el_set(session.editor, EL_ADDFN, "lander-clear", "clears the line", clear_line);
  el_set(session.editor, EL_BIND, "^C", "lander-clear", NULL);
  /* A Ctrl-D from before the prompt, while lines still were the terminal's, is a NUL
   * here. */
  el_set(session.editor, EL_BIND, "^@", "em-delete-or-list", NULL);
  el_set(session.editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_source(session.editor, NULL); /* the user's own .editrc */
  return true;
}

/* ---- history ---- */

/* core.load_history(path), core.save_history(path) -> whether that worked */
static int load_history(lua_State *L) {
  HistEvent event;
  lua_pushboolean(L, open_editor() && history(session.history, &event, H_LOAD,
                                              luaL_checkstring(L, 1)) >= 0);
  return 1;
}

static int save_history(lua_State *L) {
  HistEvent event;
  lua_pushboolean(L, session.history && history(session.history, &event, H_SAVE,
                                                luaL_checkstring(L, 1)) >= 0);
  return 1;
}

static void remember(const char *line) {
  HistEvent event;
  if (line[strspn(line, " \t\n")]) history(session.history, &event, H_ENTER, line);
}

/* ---- reading ---- */

static int give(lua_State *L, const char *line, size_t length) {
  if (length > 0 && line[length - 1] == '\n') length--;
  lua_pushlstring(L, line, length);
  return 1;
}

static int cleared(lua_State *L) {
  lua_pushboolean(L, 0);
  return 1;
}

static int edit_line(lua_State *L) {
  int length = 0;
  session.L = L;
  session.cleared = false;
  signals_at_prompt(true);
  const char *line = el_gets(session.editor, &length);
  signals_at_prompt(false);
  signals_clear(); /* a Ctrl-C on the way to the prompt is not for what was typed after */
  if (session.cleared) return cleared(L);
  if (!line || length <= 0) {
    fputs("\n", stdout);
    lua_pushnil(L);
    return 1;
  }
  remember(line);
  return give(L, line, (size_t)length);
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

static int plain_line(lua_State *L) {
  line_box *box = new_line_box(L);
  size_t size = 0;
  errno = 0;
  signals_interrupt_input(true);
  ssize_t length = getline(&box->text, &size, stdin);
  signals_interrupt_input(false);
  if (length < 0 && signals_pending()) {
    clearerr(stdin);
    signals_clear();
    return cleared(L);
  }
  if (length >= 0) return give(L, box->text, (size_t)length);
  lua_pushnil(L);
  return 1;
}

/* core.read_line(prompt) -> a line without its end; nil at the end of the input; false
 * when Ctrl-C cleared it. The prompt is shown where someone types. */
static int read_line(lua_State *L) {
  session.prompt = luaL_checkstring(L, 1);
  console_end_line();
  signals_clear();
  fflush(stdout);
  if (signals_terminated()) {
    lua_pushnil(L);
    return 1;
  }
  return isatty(STDIN_FILENO) && open_editor() ? edit_line(L) : plain_line(L);
}

/* core.close_editor(): the terminal as it was */
static int close_all(lua_State *L) {
  (void)L;
  close_editor();
  return 0;
}

void line_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"read_line", read_line},
                                       {"load_history", load_history},
                                       {"save_history", save_history},
                                       {"close_editor", close_all},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
