/* coroutines.c: which coroutines run just now. A hook is a Lua thread's own, and a signal
 * has to stop whichever of them runs. */
#include <lauxlib.h>
#include <stdatomic.h>
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

/* Calls what stands below its arguments, which resumes this thread. Protected: a hook of
 * the caller's may raise an error on the way back. */
static int resume(lua_State *L, lua_State *thread) {
  running r = {thread, innermost};
  atomic_signal_fence(memory_order_release); /* whole before a signal can see it */
  if (thread) innermost = &r;
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  innermost = r.outer;
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* coroutine.resume(thread, ...) */
static int resume_thread(lua_State *L) {
  lua_State *thread = lua_tothread(L, 1);
  luaL_argexpected(L, thread, 1, "coroutine");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return resume(L, thread);
}

/* What coroutine.wrap gives. */
static int resume_wrapped(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return resume(L, lua_tothread(L, lua_upvalueindex(2)));
}

/* coroutine.wrap(f): Lua's own, which holds its thread. */
static int wrap(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  if (!lua_getupvalue(L, -1, 1)) lua_pushnil(L);
  lua_pushcclosure(L, resume_wrapped, 2);
  return 1;
}

static void put_before(lua_State *L, const char *name, lua_CFunction function) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

void coroutines_open(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "coroutine");
  put_before(L, "resume", resume_thread);
  put_before(L, "wrap", wrap);
  lua_pop(L, 2);
}
