/* signals.c: Ctrl-C and SIGTERM. */
#include "cli.h"

#include <lauxlib.h>
#include <signal.h>
#include <unistd.h>

#include "../lander.h"

static lua_State *state;
static lander_engine *engine;
static volatile sig_atomic_t pending; /* signals that nobody heeded yet */
static volatile sig_atomic_t caught;  /* a training looks at the stop flag by itself */
static volatile sig_atomic_t most = 2;

static void interrupt(lua_State *L, lua_Debug *place) {
  (void)place;
  lua_sethook(L, NULL, 0, 0);
  if (caught && pending < 2) return;
  caught = 0;
  luaL_error(L, "interrupted");
}

static void handle(int signal) {
  (void)signal;
  pending++;
  if (pending >= most) _exit(EXIT_INTERRUPTED);
  lander_engine_stop(engine, true);
  /* One of the few calls that Lua allows in a signal handler. */
  lua_sethook(state, interrupt, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void install(int flags) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* core.catch_stop(bool): whether a training is on its way that heeds the stop flag */
static int catch_stop(lua_State *L) {
  caught = lua_toboolean(L, 1);
  return 0;
}

void signals_open(lua_State *L) {
  state = L;
  lua_getfield(L, -1, "engine");
  lua_call(L, 0, 1);
  engine = lua_touserdata(L, -1);
  lua_pop(L, 1);
  lua_pushcfunction(L, catch_stop);
  lua_setfield(L, -2, "catch_stop");
  install(SA_RESTART);
}

void signals_set_interactive(bool interactive) {
  most = interactive ? 3 : 2;
}

bool signals_pending(void) {
  return pending > 0;
}

void signals_clear(void) {
  lua_sethook(state, NULL, 0, 0);
  pending = 0;
  caught = 0;
  lander_engine_stop(engine, false);
}

void signals_interrupt_input(bool now) {
  install(now ? 0 : SA_RESTART);
}
