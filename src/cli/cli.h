/* cli.h: what the files of the command share. Only this floor touches the terminal, the
 * standard streams and signals. */
#ifndef LANDER_CLI_CLI_H
#define LANDER_CLI_CLI_H

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

/* ---- line.c ---- */

/* Adds read_line and the history's functions to the table on top of the stack. */
void line_open(lua_State *L);

/* ---- signals.c ---- */

/* From now on SIGINT and SIGTERM raise the engine's stop flag, which long calls look at;
 * Lua code is stopped by a hook, except inside a training, which ends its iteration. A
 * second signal before the first was heeded ends the process at once. Adds catch_stop to
 * the table on top of the stack. */
void signals_open(lua_State *L);
/* In a REPL the second signal stops Lua code wherever it is; the third ends the process.
 */
bool signals_pending(void);
/* While a line is edited SIGTERM ends the process, with the terminal as it was before. */
void signals_at_prompt(bool now);
/* Whether SIGTERM has come: a session that was busy then ends when it is free. */
bool signals_terminated(void);
/* Forgets a signal that was heeded; lowers the stop flag. */
void signals_clear(void);
/* Whether a signal ends a wait for input, or is kept for afterwards. */
void signals_interrupt_input(bool interrupt);

#endif
