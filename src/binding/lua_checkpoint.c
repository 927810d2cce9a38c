/* lua_checkpoint.c: a solver's checkpoints in memory, seen from Lua. */
#include <string.h>

#include "binding.h"

typedef struct checkpoint_box {
  lander_checkpoint *checkpoint; /* NULL: closed */
  size_t bytes;                  /* that the collector was told of */
} checkpoint_box;

static lander_checkpoint *check_checkpoint(lua_State *L, int index) {
  checkpoint_box *box = luaL_checkudata(L, index, BINDING_CHECKPOINT);
  luaL_argcheck(L, box->checkpoint, index, "this checkpoint was closed");
  return box->checkpoint;
}

static void write_over(lua_State *L) {
  lander_error error;
  lander_checkpoint *old = check_checkpoint(L, 2);
  if (!lander_solver_checkpoint(binding_check_solver(L, 1), old, &error))
    binding_check(L, error.code, &error);
}

static void push_new(lua_State *L) {
  lander_error error;
  const lander_solver *solver = binding_check_solver(L, 1);
  checkpoint_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (checkpoint_box){NULL, 0};
  luaL_setmetatable(L, BINDING_CHECKPOINT);
  box->checkpoint = lander_solver_checkpoint(solver, NULL, &error);
  if (!box->checkpoint) binding_check(L, error.code, &error);
  box->bytes = lander_checkpoint_bytes(box->checkpoint);
  binding_count_memory(L, box->bytes, 0);
}

/* solver:checkpoint([old]) -> a new one, or old, which is written over */
int binding_checkpoint(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 2))
    push_new(L);
  else
    write_over(L);
  return 1;
}

/* solver:return_to(checkpoint) -> the solver */
int binding_return_to(lua_State *L) {
  lander_error error;
  lander_solver *solver = binding_check_solver(L, 1);
  binding_check(L, lander_solver_return(solver, check_checkpoint(L, 2), &error), &error);
  lua_settop(L, 1);
  return 1;
}

static int checkpoint_gc(lua_State *L) {
  checkpoint_box *box = luaL_checkudata(L, 1, BINDING_CHECKPOINT);
  lander_checkpoint_free(box->checkpoint);
  binding_count_memory(L, 0, box->bytes);
  *box = (checkpoint_box){NULL, 0};
  return 0;
}

/* checkpoint.iter, checkpoint.bytes */
static int checkpoint_index(lua_State *L) {
  const lander_checkpoint *c = check_checkpoint(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (!strcmp(key, "iter"))
    lua_pushinteger(L, (lua_Integer)lander_checkpoint_iter(c));
  else if (!strcmp(key, "bytes"))
    lua_pushinteger(L, (lua_Integer)lander_checkpoint_bytes(c));
  else
    return luaL_error(L, "a checkpoint has 'iter' and 'bytes', no '%s'", key);
  return 1;
}

static int checkpoint_tostring(lua_State *L) {
  const lander_checkpoint *c = check_checkpoint(L, 1);
  lua_pushfstring(L, "checkpoint: iteration %I, %I bytes",
                  (LUAI_UACINT)lander_checkpoint_iter(c),
                  (LUAI_UACINT)lander_checkpoint_bytes(c));
  return 1;
}

static const luaL_Reg checkpoint_meta[] = {{"__gc", checkpoint_gc},
                                           {"__close", checkpoint_gc},
                                           {"__index", checkpoint_index},
                                           {"__tostring", checkpoint_tostring},
                                           {NULL, NULL}};

void binding_open_checkpoint(lua_State *L) {
  luaL_newmetatable(L, BINDING_CHECKPOINT);
  luaL_setfuncs(L, checkpoint_meta, 0);
  lua_pop(L, 1);
}
