/* cli.h: what the files of the command share. Only this floor touches the terminal, the
 * standard streams and signals. */
#ifndef LANDER_CLI_CLI_H
#define LANDER_CLI_CLI_H

#include <lua.h>
#include <stdbool.h>

/* Exit statuses; lander.train and lander.args choose among the others too. */
enum {
  EXIT_DONE = 0,
  EXIT_ERROR = 1,
  EXIT_USAGE = 2,
  EXIT_RECOVERED = 4, /* under --strict: a training needed a lower rate */
  EXIT_INTERRUPTED = 130
};

/* ---- console.c ---- */

/* Adds progress, is_terminal and read_line to the table on top of the stack, and sends
 * the state's warnings to stderr. */
void console_open(lua_State *L);
/* Ends the live line, so that what is printed next has a line of its own. */
void console_end_line(void);

/* ---- signals.c ---- */

/* From now on SIGINT and SIGTERM raise the engine's stop flag, which long calls look at;
 * Lua code is stopped by a hook, except inside a training, which ends its iteration. A
 * second signal before the first was heeded ends the process at once. Adds catch_stop to
 * the table on top of the stack. */
void signals_open(lua_State *L);
/* In a REPL the second signal stops Lua code wherever it is; the third ends the process.
 */
void signals_set_interactive(bool interactive);
bool signals_pending(void);
/* Forgets a signal that was heeded; lowers the stop flag. */
void signals_clear(void);
/* Whether a signal ends a wait for input, or is kept for afterwards. */
void signals_interrupt_input(bool interrupt);

#endif
