/* main.c: the command `lander`: runs a script, a piece of code, or the REPL. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lander.h"
#include "cli.h"

static const char usage_text[] =
    "usage: lander [options] [script.lua [args]]\n"
    "  -e CODE     runs a piece of Lua (lander is loaded)\n"
    "  -i          a REPL after the script or the code\n"
    "  -           the script comes from the standard input\n"
    "  --strict    exit status 4 when a training had to lower its rate\n"
    "  --version   the version, and what this build uses\n"
    "  --help      shows this\n"
    "Without script and code: a REPL.\n"
    "Exit status: 0 done, 1 error, 2 usage, 3 diverged, 4 recovered (--strict),\n"
    "5 bad data, 6 could not save, 130 interrupted.\n";

typedef struct command_line {
  int script; /* place in argv, 0: none */
  int codes;  /* how many -e there are */
  bool interactive, strict, version, help;
  const char *wrong; /* the word that is no option */
} command_line;

static command_line read_command_line(int argc, char **argv) {
  command_line c = {0};
  for (int i = 1; i < argc && !c.script && !c.wrong; i++) {
    const char *word = argv[i];
    if (word[0] != '-' || !word[1])
      c.script = i;
    else if (!strcmp(word, "-e") && i + 1 < argc) {
      c.codes++;
      i++;
    } else if (!strcmp(word, "-i"))
      c.interactive = true;
    else if (!strcmp(word, "--strict"))
      c.strict = true;
    else if (!strcmp(word, "--version") || !strcmp(word, "-v"))
      c.version = true;
    else if (!strcmp(word, "--help") || !strcmp(word, "-h"))
      c.help = true;
    else
      c.wrong = word;
  }
  return c;
}

/* ---- running Lua ---- */

/* Pushes lander.core[name]. */
static void push_core(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "lander");
  lua_getfield(L, -1, "core");
  lua_getfield(L, -1, name);
  lua_replace(L, -4);
  lua_pop(L, 2);
}

/* The exit status that an error on top of the stack means; prints it. An object with
 * exit_status comes from lander.args and says what it wants. */
static int report(lua_State *L) {
  int status = signals_pending() ? EXIT_INTERRUPTED : EXIT_ERROR;
  console_end_line();
  if (lua_istable(L, -1) && lua_getfield(L, -1, "exit_status") == LUA_TNUMBER) {
    status = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  size_t length;
  const char *message = luaL_tolstring(L, -1, &length);
  if (length > 0) fprintf(stderr, "lander: %s\n", message);
  return status;
}

/* Calls the function on top of the stack; its arguments lie above it. */
static int call(lua_State *L, int arguments) {
  int handler = lua_gettop(L) - arguments;
  push_core(L, "traceback");
  lua_insert(L, handler);
  int status = EXIT_DONE;
  if (lua_pcall(L, arguments, 0, handler) != LUA_OK) status = report(L);
  lua_settop(L, handler - 1);
  return status;
}

/* Calls what luaL_load... has left on the stack. */
static int call_loaded(lua_State *L, int load_status, int arguments) {
  if (load_status != LUA_OK) return report(L);
  lua_insert(L, -1 - arguments);
  return call(L, arguments);
}

/* The table `arg`, as in lua: arg[0] is the script, arg[1] what comes after it. */
static void set_arg(lua_State *L, int argc, char **argv, int script) {
  lua_createtable(L, argc, 1);
  int last = script ? argc : 1;
  for (int i = 0; i < last; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

/* A script finds the modules that lie beside it, from wherever it is started. */
static void add_script_folder(lua_State *L, const char *script) {
  const char *slash = strrchr(script, '/');
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushlstring(L, script, slash ? (size_t)(slash - script) : 0);
  if (slash) {
    const char *folder = lua_tostring(L, -1);
    lua_pushfstring(L, "%s;%s/?.lua;%s/../?.lua", lua_tostring(L, -2), folder, folder);
    lua_setfield(L, -4, "path");
  }
  lua_pop(L, 3);
}

static int run_script(lua_State *L, int argc, char **argv, int script) {
  const char *name = argv[script];
  bool from_input = !strcmp(name, "-");
  if (!from_input) add_script_folder(L, name);
  int arguments = argc - script - 1;
  luaL_checkstack(L, arguments + 8, "too many arguments");
  for (int i = script + 1; i < argc; i++) lua_pushstring(L, argv[i]);
  return call_loaded(L, luaL_loadfile(L, from_input ? NULL : name), arguments);
}

static int run_codes(lua_State *L, int argc, char **argv, int script) {
  int status = EXIT_DONE, end = script ? script : argc;
  for (int i = 1; i < end && status == EXIT_DONE; i++)
    if (!strcmp(argv[i], "-e")) {
      const char *code = argv[++i];
      status =
          call_loaded(L, luaL_loadbuffer(L, code, strlen(code), "=(command line)"), 0);
    }
  return status;
}

static int run_repl(lua_State *L) {
  signals_set_interactive(true);
  push_core(L, "repl");
  return call(L, 0);
}

/* ---- the whole ---- */

static void print_version(lua_State *L) {
  char text[1024];
  lander_engine *engine;
  push_core(L, "engine");
  lua_call(L, 0, 1);
  engine = lua_touserdata(L, -1);
  lander_engine_describe(engine, text, sizeof text);
  printf("lander %s\n%s\n", lander_version(), text);
}

/* The exit status after the script's own, which is done or error: the trainings in it may
 * have something worse to tell. An error that follows from a divergence (lander.retry
 * with no attempt left) is a divergence. */
static int training_status(lua_State *L, const command_line *c, int status) {
  push_core(L, "exit_status");
  int trained = (int)lua_tointeger(L, -1);
  push_core(L, "recovered");
  if (trained != EXIT_DONE) return trained;
  if (status == EXIT_DONE && c->strict && lua_toboolean(L, -1)) return EXIT_RECOVERED;
  return status;
}

static void open_module(lua_State *L, bool set_global) {
  luaL_requiref(L, "lander", luaopen_lander, set_global);
  lua_getfield(L, -1, "core");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "is_command");
  console_open(L);
  signals_open(L);
  lua_settop(L, 0);
}

typedef struct command {
  command_line line;
  int argc;
  char **argv;
} command;

/* Protected: errors in here are those of the command itself, such as no memory. */
static int run(lua_State *L) {
  const command *cmd = lua_touserdata(L, 1);
  const command_line *c = &cmd->line;
  luaL_openlibs(L);
  bool repl = c->interactive || (!c->script && !c->codes && !c->version);
  open_module(L, repl || c->codes);
  set_arg(L, cmd->argc, cmd->argv, c->script);
  int status = EXIT_DONE;
  if (c->version) print_version(L);
  if (c->codes) status = run_codes(L, cmd->argc, cmd->argv, c->script);
  if (status == EXIT_DONE && c->script)
    status = run_script(L, cmd->argc, cmd->argv, c->script);
  if (repl) status = run_repl(L);
  if (status == EXIT_DONE || status == EXIT_ERROR) status = training_status(L, c, status);
  lua_pushinteger(L, status);
  return 1;
}

int main(int argc, char **argv) {
  command cmd = {.line = read_command_line(argc, argv), .argc = argc, .argv = argv};
  if (cmd.line.wrong) {
    fprintf(stderr, "lander: %s: '%s'\n%s",
            strcmp(cmd.line.wrong, "-e") ? "unknown option" : "no code after",
            cmd.line.wrong, usage_text);
    return EXIT_USAGE;
  }
  if (cmd.line.help) {
    fputs(usage_text, stdout);
    return EXIT_DONE;
  }
  lua_State *L = luaL_newstate();
  if (!L) {
    fputs("lander: not enough memory\n", stderr);
    return EXIT_ERROR;
  }
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &cmd);
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
