/* signals.c: Ctrl-C and SIGTERM stop; SIGHUP asks a training for a snapshot, SIGUSR1 for
 * its status line. */
#include "cli.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../lander.h"

static lua_State *state;
static lander_engine *engine;
static volatile sig_atomic_t pending; /* signals that nobody heeded yet */
static volatile sig_atomic_t raised;  /* how many of those have raised an error */
static volatile sig_atomic_t caught;  /* a training looks at the stop flag by itself */
static volatile sig_atomic_t interactive, at_prompt, terminated;
static volatile sig_atomic_t cut_off; /* a signal came where nobody types what is next */
static bool reads, deaf; /* a wait for a line ends by a signal; Ctrl-C is ignored */
static struct termios terminal; /* as it was before a line was edited */
static volatile sig_atomic_t wants_snapshot, wants_status; /* asked of a training */

static bool is_users(lua_State *L, lua_Debug *place) {
  lua_getinfo(L, "S", place);
  return place->what[0] != 'C' && strncmp(place->source, "@lander/", 8) != 0 &&
         strncmp(place->source, "@command/", 9) != 0;
}

/* A signal raises one error. From the second on the user's code gets them until it is
 * left, so that no pcall in a loop is stronger; ours is to tell of it. A coroutine that
 * did not come to run then may come here when it is all over. */
static void interrupt(lua_State *L, lua_Debug *place) {
  bool again = raised == pending;
  if (pending < 2) {
    lua_sethook(L, NULL, 0, 0);
    if (again || caught) return;
  } else if (again && !is_users(L, place)) {
    return;
  }
  caught = 0;
  raised = pending;
  luaL_error(L, "interrupted");
}

static void say(const char *text) {
  int before = errno;
  if (write(STDERR_FILENO, text, strlen(text)) < 0) errno = before;
}

static void handle(int signal) {
  if (signal == SIGTERM && at_prompt) {
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    _exit(EXIT_INTERRUPTED);
  }
  bool ends = pending > 0 && (!interactive || (terminated && signal == SIGTERM));
  terminated = terminated || signal == SIGTERM;
  cut_off = cut_off || !interactive;
  pending++;
  /* The terminal has written ^C: what comes next is not to stand behind it. */
  if (interactive && signal == SIGINT) say("\n");
  if (ends) _exit(EXIT_INTERRUPTED);
  if (pending == 3) say("it does not stop; Ctrl-\\ ends the session\n");
  lander_engine_stop(engine, true);
  /* One of the few calls that Lua allows in a signal handler. */
  int mask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT;
  lua_sethook(state, interrupt, mask, 1);
  coroutines_hook(interrupt, mask, 1);
}

/* Ends the process as the signal would have, with the terminal as it was. */
static void leave(int number) {
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
  signal(number, SIG_DFL);
  raise(number);
}

static bool is_ignored(int signal) {
  struct sigaction before;
  return sigaction(signal, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
}

static void leave_by(int number, bool now) {
  if (!is_ignored(number)) signal(number, now ? leave : SIG_DFL);
}

static void ask(int signal) {
  if (signal == SIGHUP)
    wants_snapshot = 1;
  else
    wants_status = 1;
}

/* Who types ends a wait for input by Ctrl-C; but the files of a training are not to be
 * torn. */
static void install(void) {
  bool interrupts = reads || (interactive && !caught && !at_prompt);
  struct sigaction action = {.sa_handler = handle,
                             .sa_flags = interrupts ? 0 : SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  if (deaf) action.sa_handler = SIG_IGN;
  sigaction(SIGINT, &action, NULL);
}

/* What a training is asked for; without one, SIGHUP and SIGUSR1 do what they did before.
 */
static void install_asking(bool on) {
  static struct sigaction hup, usr1;
  struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGHUP, on ? &action : &hup, on ? &hup : NULL);
  sigaction(SIGUSR1, on ? &action : &usr1, on ? &usr1 : NULL);
}

/* core.catch_stop(bool): whether a training is on its way that heeds the stop flag, and
 * what it is asked for; trainings may be one in another */
static int catch_stop(lua_State *L) {
  static int trainings;
  trainings += lua_toboolean(L, 1) ? 1 : -1;
  caught = trainings > 0;
  install();
  if (trainings == (lua_toboolean(L, 1) ? 1 : 0)) install_asking(trainings > 0);
  return 0;
}

/* core.signalled("snapshot" | "status") -> whether that was asked for since the last call
 */
static int signalled(lua_State *L) {
  volatile sig_atomic_t *flag =
      strcmp(luaL_checkstring(L, 1), "snapshot") ? &wants_status : &wants_snapshot;
  lua_pushboolean(L, *flag);
  *flag = 0;
  return 1;
}

/* core.set_interactive(bool): whether someone types, who wants to keep the session, also
 * where a training is asked for its status that has just ended */
static int set_interactive(lua_State *L) {
  interactive = lua_toboolean(L, 1);
  if (interactive) {
    signal(SIGUSR1, SIG_IGN);
    cut_off = 0; /* that was the script's, before the session */
  }
  install();
  return 0;
}

/* core.ignore_interrupts(): Ctrl-C is somebody else's business from here on */
static int ignore_interrupts(lua_State *L) {
  (void)L;
  deaf = true;
  install();
  return 0;
}

/* core.interrupted() -> whether a signal came that nobody heeded yet */
static int interrupted(lua_State *L) {
  lua_pushboolean(L, pending > 0);
  return 1;
}

/* core.terminated() -> whether a signal has come that ends the session: SIGTERM, and
 * Ctrl-C where nobody types what comes next */
static int was_terminated(lua_State *L) {
  lua_pushboolean(L, signals_terminated());
  return 1;
}

/* A finalizer: the state is being closed, and the engine goes next. */
static int stop_listening(lua_State *L) {
  (void)L;
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  if (!deaf) sigaction(SIGINT, &action, NULL);
  return 0;
}

/* Of a later date than the engine, so that it goes before it. */
static void listen_until_closed(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, stop_listening);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
}

void signals_open(lua_State *L) {
  state = L;
  engine = lander_lua_engine(L);
  listen_until_closed(L);
  lua_pushcfunction(L, catch_stop);
  lua_setfield(L, -2, "catch_stop");
  lua_pushcfunction(L, signalled);
  lua_setfield(L, -2, "signalled");
  lua_pushcfunction(L, set_interactive);
  lua_setfield(L, -2, "set_interactive");
  lua_pushcfunction(L, interrupted);
  lua_setfield(L, -2, "interrupted");
  lua_pushcfunction(L, ignore_interrupts);
  lua_setfield(L, -2, "ignore_interrupts");
  lua_pushcfunction(L, was_terminated);
  lua_setfield(L, -2, "terminated");
  coroutines_open(L);
  install();
}

void signals_at_prompt(bool now) {
  if (now) tcgetattr(STDIN_FILENO, &terminal);
  at_prompt = now;
  install();
  leave_by(SIGHUP, now);
  leave_by(SIGQUIT, now);
}

bool signals_terminated(void) {
  return terminated || cut_off;
}

bool signals_pending(void) {
  return pending > 0;
}

void signals_clear(void) {
  lua_sethook(state, NULL, 0, 0);
  pending = raised = 0;
  caught = 0;
  lander_engine_stop(engine, false);
}

void signals_interrupt_input(bool now) {
  reads = now;
  install();
}
