/* lua_tensor.c: tensors as Lua objects: ownership, the collector, indexing. */
#include "tensor_binding.h"

/* ---- objects ---- */

typedef struct box {
  lander_tensor *tensor; /* NULL: closed, or a spare */
  size_t bytes;          /* that the collector was told of */
} box;

/* How much memory lies behind the objects of a state, tensors above all, which its
 * collector can't see. */
typedef struct account {
  size_t live;  /* bytes of all that were not collected yet */
  size_t since; /* bytes made since the last full collection */
  size_t kept;  /* bytes that were alive after it */
} account;

static const char account_key = 'a', spare_key = 's'; /* their addresses */

/* A collection costs time in proportion to what is alive: so it waits until as much was
 * made as there is, of tensors or in Lua, and at least this. */
#define COLLECT_EVERY ((size_t)32 << 20)

#define VIEW_BYTES 512 /* about what a tensor takes beside its elements */

static account *get_account(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &account_key);
  account *a = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return a;
}

static void collect_when_due(lua_State *L, account *a) {
  size_t heap = (size_t)lua_gc(L, LUA_GCCOUNT) << 10;
  size_t enough = a->kept > heap ? a->kept : heap;
  if (enough < COLLECT_EVERY) enough = COLLECT_EVERY;
  if (a->since < enough || !lua_gc(L, LUA_GCISRUNNING)) return;
  lua_gc(L, LUA_GCCOLLECT);
  a->since = 0;
  a->kept = a->live;
}

/* -> an empty box */
static int new_box(lua_State *L) {
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (box){NULL, 0};
  luaL_setmetatable(L, BINDING_TENSOR);
  return 1;
}

/* An empty box is made beforehand, so that a tensor has an owner before Lua may run out
 * of memory. */
static void make_spare(lua_State *L) {
  new_box(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
}

/* Pushes the spare, which is nobody else's from here on: the collector, which a new spare
 * may wake, may run finalizers that make tensors too. There is none while such a one
 * runs, and after memory ran out. */
static box *take_spare(lua_State *L, lander_tensor *t) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &spare_key) != LUA_TNIL) {
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
  } else {
    lua_pop(L, 1);
    lua_pushcfunction(L, new_box);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
      lander_tensor_free(t);
      lua_error(L);
    }
  }
  return lua_touserdata(L, -1);
}

void binding_push_tensor(lua_State *L, lander_tensor *t, const lander_error *error) {
  if (!t) binding_check(L, error->code, error);
  if (!lua_checkstack(L, 4)) {
    lander_tensor_free(t);
    luaL_error(L, "not enough memory: the stack can't grow");
  }
  take_spare(L, t)->tensor = t;
  make_spare(L);
  tensor_count_memory(L, -1);
}

lander_tensor **tensor_push_empty(lua_State *L) {
  luaL_checkstack(L, 4, "tensors");
  new_box(L);
  return &((box *)lua_touserdata(L, -1))->tensor;
}

void binding_count_memory(lua_State *L, size_t made, size_t freed) {
  account *a = get_account(L);
  if (!a) return; /* the state is being closed */
  a->live += made;
  a->live -= freed;
  a->since += made;
  if (made > 0) collect_when_due(L, a);
}

void tensor_count_memory(lua_State *L, int index) {
  box *b = lua_touserdata(L, index);
  b->bytes = VIEW_BYTES + lander_tensor_bytes(b->tensor);
  binding_count_memory(L, b->bytes, 0);
}

static int tensor_close(lua_State *L) {
  box *b = luaL_checkudata(L, 1, BINDING_TENSOR);
  lander_tensor_free(b->tensor);
  b->tensor = NULL;
  binding_count_memory(L, 0, b->bytes);
  b->bytes = 0;
  return 0;
}

lander_tensor *binding_test_tensor(lua_State *L, int index) {
  box *b = luaL_testudata(L, index, BINDING_TENSOR);
  return b ? b->tensor : NULL;
}

static int complain(lua_State *L, const char *name, int index) {
  const char *found = luaL_testudata(L, index, BINDING_TENSOR)
                          ? "one that was closed"
                          : tensor_push_found(L, index);
  luaL_where(L, 1);
  lua_pushfstring(L, "%s: expected a tensor, found %s", name, found);
  lua_concat(L, 2);
  return lua_error(L);
}

lander_tensor *binding_check_tensor(lua_State *L, int index) {
  lander_tensor *t = binding_test_tensor(L, index);
  if (t) return t;
  lua_Debug ar;
  bool named = lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name;
  complain(L, named ? ar.name : "bad argument", index);
  return NULL;
}

lander_tensor *tensor_arg(lua_State *L, int index) {
  lander_tensor *t = binding_test_tensor(L, index);
  if (!t) complain(L, tensor_function(L), index);
  return t;
}

/* ---- t[i] ---- */

static int method_or_position(lua_State *L) {
  if (lua_type(L, 2) != LUA_TNUMBER) { /* a closed tensor has methods, too */
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    return 1;
  }
  lander_tensor *t = tensor_arg(L, 1);
  int64_t at = tensor_position(L, 2, t, 0);
  if (lander_tensor_dims(t) == 1) {
    lua_pushnumber(L, lander_tensor_data(t)[at * lander_tensor_strides(t)[0]]);
  } else {
    lander_error error;
    binding_push_tensor(L, lander_tensor_select(t, 0, at, &error), &error);
  }
  return 1;
}

static int assign(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  if (lua_type(L, 2) != LUA_TNUMBER)
    return tensor_fail(L, "can't set '%s': a tensor has elements, and no other fields",
                       luaL_tolstring(L, 2, NULL));
  int64_t at = tensor_position(L, 2, t, 0);
  tensor_writable(L, t);
  if (lander_tensor_dims(t) == 1 && lua_type(L, 3) == LUA_TNUMBER) {
    lander_tensor_data(t)[at * lander_tensor_strides(t)[0]] =
        (lander_real)lua_tonumber(L, 3);
    return 0;
  }
  lander_error error;
  binding_push_tensor(L, lander_tensor_select(t, 0, at, &error), &error);
  lander_tensor *part = binding_test_tensor(L, -1);
  lander_tensor *value = tensor_arg_or_number(L, 3);
  binding_check(L,
                lander_tensor_apply_into(LANDER_OP_COPY, part, value, NULL, NULL, &error),
                &error);
  return 0;
}

static int length(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  if (lander_tensor_dims(t) == 0)
    return tensor_fail(L, "a tensor without dimensions has no length");
  lua_pushinteger(L, lander_tensor_sizes(t)[0]);
  return 1;
}

static int to_string(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  size_t size = lander_tensor_print(t, NULL, 0) + 1;
  luaL_Buffer buffer;
  lander_tensor_print(t, luaL_buffinitsize(L, &buffer, size), size);
  luaL_pushresultsize(&buffer, size - 1);
  return 1;
}

/* core.tensor_bytes() -> the memory behind tensors and checkpoints that were not
 * collected */
static int live_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)get_account(L)->live);
  return 1;
}

/* ---- opening ---- */

/* The metatable on top of the stack; the table of methods below it. */
static void fill_metatable(lua_State *L) {
  lua_pushcfunction(L, tensor_close);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_pushliteral(L, "index");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, method_or_position, 2);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "index");
  lua_pushcclosure(L, assign, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushliteral(L, "#");
  lua_pushcclosure(L, length, 1);
  lua_setfield(L, -2, "__len");
  lua_pushliteral(L, "tostring");
  lua_pushcclosure(L, to_string, 1);
  lua_setfield(L, -2, "__tostring");
  tensor_open_operators(L);
}

void binding_open_tensor(lua_State *L) {
  int module = lua_gettop(L);
  account *a = lua_newuserdatauv(L, sizeof *a, 0);
  *a = (account){0, 0, 0};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &account_key);
  tensor_open_numbers(L);
  lua_newtable(L);
  tensor_open_make(L, module);
  tensor_open_views(L, module);
  tensor_open_math(L, module);
  tensor_open_pick(L, module);
  tensor_open_random(L, module);
  lua_getfield(L, module, "core"); /* for methods from other files, and from Lua */
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "tensor_methods");
  tensor_register(L, "tensor_bytes", live_bytes);
  lua_pop(L, 1);
  luaL_newmetatable(L, BINDING_TENSOR);
  fill_metatable(L);
  make_spare(L);
  lua_settop(L, module);
}
