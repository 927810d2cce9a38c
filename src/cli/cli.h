/* cli.h: what the files of the command share. Only this floor touches the terminal, the
 * standard streams and signals. */
#ifndef LANDER_CLI_CLI_H
#define LANDER_CLI_CLI_H

#include <histedit.h>
#include <lua.h>
#include <stdbool.h>

/* Exit statuses; lua/command/main.lua and lander.train choose among the others too. */
enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_INTERRUPTED = 130 };

/* ---- console.c ---- */

/* Adds progress, what is known of the terminal, and write_error to the table on top of
 * the stack, and sends the state's warnings to stderr. */
void console_open(lua_State *L);
/* Ends the live line, so that what is printed next has a line of its own. */
void console_end_line(void);

/* Whether results go to a terminal that can do more than write. */
bool console_obeys(void);

/* ---- history.c ---- */

/* The lines that were typed; NULL without memory. */
History *history_get(void);
void history_close(void);
/* Adds load_history and remember to the table on top of the stack. */
void history_open(lua_State *L);

/* ---- line.c ---- */

/* Adds read_line and the like, and the history's functions, to the table on top of the
 * stack. */
void line_open(lua_State *L);

/* ---- coroutines.c ---- */

/* Keeps account of the coroutines that run, from here on. */
void coroutines_open(lua_State *L);
/* Sets the hook of each; may be called by a signal handler, as lua_sethook may. */
void coroutines_hook(lua_Hook hook, int mask, int count);

/* ---- signals.c ---- */

/* From now on SIGINT and SIGTERM raise the engine's stop flag, which long calls look at;
 * Lua code is stopped by a hook, except inside a training, which ends its iteration. A
 * second signal before the first was heeded ends the process at once; in a REPL it stops
 * Lua code wherever it is, and past all that catches errors. Adds catch_stop and its like
 * to the table on top of the stack. */
void signals_open(lua_State *L);
/* Whether a signal came that nobody heeded yet. */
bool signals_pending(void);
/* While a line is edited SIGTERM ends the process, with the terminal as it was before. */
void signals_at_prompt(bool now);
/* Whether a signal has come that ends the session: one that was busy ends when free. */
bool signals_terminated(void);
/* Forgets a signal that was heeded; lowers the stop flag. */
void signals_clear(void);
/* Whether a signal ends a wait for input, or is kept for afterwards. */
void signals_interrupt_input(bool interrupt);

#endif
