/* coroutines.c: which coroutines run just now. A hook is a Lua thread's own, and a signal
 * has to stop whichever of them runs. */
#include <lauxlib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* Those that were resumed and have not come back, each in the frame that resumed it. */
typedef struct running {
  lua_State *thread;
  struct running *outer;
} running;

static running *volatile innermost;

void coroutines_hook(lua_Hook hook, int mask, int count) {
  for (const running *r = innermost; r; r = r->outer)
    lua_sethook(r->thread, hook, mask, count);
}

/* Closes what the thread has to close, which may run as long as it likes; its error
 * object is then on top of its stack. */
static int reset(lua_State *thread) {
  running r = {thread, innermost};
  atomic_signal_fence(memory_order_release);
  innermost = &r;
  int status = lua_resetthread(thread);
  innermost = r.outer;
  return status;
}

/* Resumes the thread with the arguments on top of the stack, and puts its results there:
 * true; or an error object: false. */
static bool resume(lua_State *L, lua_State *thread, int arguments, int *results) {
  if (!lua_checkstack(thread, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return false;
  }
  lua_xmove(L, thread, arguments);
  running r = {thread, innermost};
  atomic_signal_fence(memory_order_release); /* whole before a signal can see it */
  innermost = &r;
  int status = lua_resume(thread, L, arguments, results);
  innermost = r.outer;
  bool ok = status == LUA_OK || status == LUA_YIELD;
  if (ok && !lua_checkstack(L, *results + 1)) {
    lua_pop(thread, *results);
    lua_pushliteral(L, "too many results to resume");
    return false;
  }
  lua_xmove(thread, L, ok ? *results : 1);
  return ok;
}

/* coroutine.resume(thread, ...) */
static int resume_thread(lua_State *L) {
  lua_State *thread = lua_tothread(L, 1);
  luaL_argexpected(L, thread, 1, "coroutine");
  int results;
  bool ok = resume(L, thread, lua_gettop(L) - 1, &results);
  if (!ok) results = 1;
  lua_pushboolean(L, ok);
  lua_insert(L, -(results + 1));
  return results + 1;
}

/* What coroutine.wrap gives. An error closes what the thread had to close, which may
 * raise another, and goes on with its place, as Lua has it. */
static int resume_wrapped(lua_State *L) {
  lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
  int results;
  if (resume(L, thread, lua_gettop(L), &results)) return results;
  int status = lua_status(thread);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = reset(thread);
    lua_xmove(thread, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* coroutine.wrap(f) */
static int wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *thread = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, thread, 1);
  lua_pushcclosure(L, resume_wrapped, 1);
  return 1;
}

/* coroutine.close(thread): Lua's own. Protected: it refuses what runs, and a hook may
 * raise an error. */
static int close_thread(lua_State *L) {
  running r = {lua_tothread(L, 1), innermost};
  luaL_argexpected(L, r.thread, 1, "coroutine");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  atomic_signal_fence(memory_order_release);
  innermost = &r;
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  innermost = r.outer;
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

void coroutines_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"resume", resume_thread},
      {"wrap", wrap},
      {NULL, NULL},
  };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "coroutine");
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "close");
  lua_pushcclosure(L, close_thread, 1);
  lua_setfield(L, -2, "close");
  lua_pop(L, 2);
}
