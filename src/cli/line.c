/* line.c: a line that someone types, through libedit: history, keys, completion. Where no
 * terminal is, lines come as they are. */
#include "cli.h"

#include <errno.h>
#include <lauxlib.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A terminal that knows it says where a text begins and ends that is pasted. */
#define PASTES_ON    "\x1b[?2004h"
#define PASTES_OFF   "\x1b[?2004l"
#define PASTE_BEGINS "\x1b[200~"
#define PASTE_ENDS   "\x1b[201~"

/* libedit's callbacks carry no pointer of ours. */
static struct {
  lua_State *L;
  EditLine *editor;
  const char *prompt;
  bool cleared; /* by Ctrl-C */
  bool pasting;
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

/* Ctrl-Z, as where it is a signal. */
static unsigned char suspend(EditLine *editor, int key) {
  (void)key;
  fputs("^Z\n", stdout);
  fflush(stdout);
  el_set(editor, EL_PREP_TERM, 0);
  kill(0, SIGTSTP);
  el_set(editor, EL_PREP_TERM, 1);
  el_resize(editor);
  return CC_REDISPLAY;
}

static unsigned char begin_paste(EditLine *editor, int key) {
  (void)editor, (void)key;
  session.pasting = true;
  return CC_NORM;
}

static unsigned char end_paste(EditLine *editor, int key) {
  (void)editor, (void)key;
  session.pasting = false;
  return CC_NORM;
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

/* The editor counts letters. */
static int letters_in(const char *end, lua_Integer bytes) {
  int count = 0;
  for (const char *at = end - bytes; at < end; at++) count += (*at & 0xC0) != 0x80;
  return count;
}

/* At the beginning of a line, and in a text that is pasted, TAB is itself. */
static bool is_indent(const LineInfo *line) {
  const char *at = line->buffer;
  while (at < line->cursor && (*at == ' ' || *at == '\t')) at++;
  return at == line->cursor || session.pasting;
}

static unsigned char complete(EditLine *editor, int key) {
  (void)key;
  lua_State *L = session.L;
  int top = lua_gettop(L);
  const LineInfo *line = el_line(editor);
  unsigned char result = CC_ERROR;
  if (is_indent(line)) {
    el_insertstr(editor, "\t");
    return CC_REFRESH;
  }
  if (ask_for_completion(line->buffer, (size_t)(line->cursor - line->buffer)) &&
      lua_isstring(L, -2)) {
    el_deletestr(editor, letters_in(line->cursor, lua_tointeger(L, -3)));
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
  history_close();
  session.editor = NULL;
}

/* Letters of more than one byte; what is typed is UTF-8 where nobody says otherwise. */
static void set_letters(void) {
  if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

static void bind(const char *name, const char *help, const char *key,
                 unsigned char (*function)(EditLine *, int)) {
  el_set(session.editor, EL_ADDFN, name, help, function);
  el_set(session.editor, EL_BIND, key, name, NULL);
}

static void bind_keys(void) {
  bind("lander-complete", "completes a word", "^I", complete);
  bind("lander-clear", "clears the line", "^C", clear_line);
  bind("lander-suspend", "suspends the session", "^Z", suspend);
  bind("lander-begin-paste", "a paste begins", PASTE_BEGINS, begin_paste);
  bind("lander-end-paste", "a paste ends", PASTE_ENDS, end_paste);
  /* A Ctrl-D from before the prompt, while lines still were the terminal's, is a NUL
   * here. */
  el_set(session.editor, EL_BIND, "^@", "em-delete-or-list", NULL);
  el_set(session.editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

static bool open_editor(void) {
  if (session.editor) return true;
  set_letters();
  History *entries = history_get();
  session.editor = entries ? el_init("lander", stdin, stdout, stderr) : NULL;
  if (!session.editor) {
    close_editor();
    return false;
  }
  el_set(session.editor, EL_PROMPT, prompt);
  el_set(session.editor, EL_EDITOR, "emacs");
  el_set(session.editor, EL_HIST, history, entries);
  /* While a line is typed Ctrl-C is a key like others, not a signal. */
  el_set(session.editor, EL_SETTY, "-d", "-isig", NULL);
  bind_keys();
  el_source(session.editor, NULL); /* the user's own .editrc */
  return true;
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

static void tell_terminal(const char *text) {
  if (!console_obeys()) return;
  fputs(text, stdout);
  fflush(stdout);
}

static int edit_line(lua_State *L) {
  int length = 0;
  session.L = L;
  session.cleared = false;
  el_resize(session.editor);
  tell_terminal(PASTES_ON);
  signals_at_prompt(true);
  el_set(session.editor, EL_PREP_TERM, 1); /* before the prompt says that keys are keys */
  const char *line = el_gets(session.editor, &length);
  signals_at_prompt(false);
  tell_terminal(PASTES_OFF);
  signals_clear(); /* a Ctrl-C on the way to the prompt is not for what was typed after */
  if (session.cleared) return cleared(L);
  if (!line || length <= 0) {
    fputs("\n", stdout);
    lua_pushnil(L);
    return 1;
  }
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
  if (signals_pending()) clearerr(stdout); /* what it cut off is not lost, but unwanted */
  signals_clear();
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
  static const luaL_Reg functions[] = {
      {"read_line", read_line}, {"close_editor", close_all}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  history_open(L);
}
