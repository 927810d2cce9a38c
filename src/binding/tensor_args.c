/* tensor_args.c: reading the arguments of tensor functions, with messages that say what
 * was found and what was expected. */
#include <stdarg.h>

#include "tensor_binding.h"

const char *tensor_function(lua_State *L) {
  return lua_tostring(L, lua_upvalueindex(1));
}

int tensor_fail(lua_State *L, const char *format, ...) {
  luaL_where(L, 1);
  lua_pushfstring(L, "%s: ", tensor_function(L));
  va_list args;
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_concat(L, 3);
  return lua_error(L);
}

const char *tensor_push_shape(lua_State *L, const lander_tensor *t) {
  const int64_t *size = lander_tensor_sizes(t);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  luaL_addchar(&buffer, '(');
  for (int d = 0; d < lander_tensor_dims(t); d++) {
    if (d > 0) luaL_addstring(&buffer, ", ");
    lua_pushinteger(L, size[d]);
    luaL_addvalue(&buffer);
  }
  luaL_addchar(&buffer, ')');
  luaL_pushresult(&buffer);
  return lua_tostring(L, -1);
}

const char *tensor_push_found(lua_State *L, int index) {
  int type = lua_type(L, index);
  if (type == LUA_TNONE) return lua_pushliteral(L, "nothing");
  if (type == LUA_TNIL) return lua_pushliteral(L, "nil");
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
    return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
  return lua_pushfstring(L, "a %s", lua_typename(L, type));
}

/* ---- numbers in the place of tensors ---- */

/* For each argument a tensor without dimensions that holds its number during one call:
 * so arithmetic with numbers makes no garbage. */
typedef struct scalars {
  lander_tensor *at[TENSOR_MAX_NUMBERS];
} scalars;

static const char scalars_key = 'n'; /* its address */

static int free_scalars(lua_State *L) {
  scalars *s = lua_touserdata(L, 1);
  for (int i = 0; i < TENSOR_MAX_NUMBERS; i++) {
    lander_tensor_free(s->at[i]);
    s->at[i] = NULL;
  }
  return 0;
}

void tensor_open_numbers(lua_State *L) {
  scalars *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (scalars){{NULL}};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_scalars);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  for (int i = 0; i < TENSOR_MAX_NUMBERS; i++) {
    lander_error error;
    s->at[i] = lander_tensor_scalar(binding_engine(L), 0, &error);
    if (!s->at[i]) luaL_error(L, "lander: %s", error.message);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &scalars_key);
}

static lander_tensor *number_to_tensor(lua_State *L, int index) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &scalars_key);
  scalars *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  lander_tensor *t = s->at[index - 1];
  if (!t) tensor_fail(L, "the Lua state is being closed");
  *lander_tensor_data(t) = (lander_real)lua_tonumber(L, index);
  return t;
}

lander_tensor *tensor_arg_or_number(lua_State *L, int index) {
  lander_tensor *t = binding_test_tensor(L, index);
  if (t) return t;
  if (lua_type(L, index) == LUA_TNUMBER) return number_to_tensor(L, index);
  tensor_fail(L, "expected a tensor or a number, found %s", tensor_push_found(L, index));
  return NULL;
}

lander_tensor *tensor_arg_or_table(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return tensor_arg(L, index);
  tensor_push_from_table(L, index);
  lua_replace(L, index);
  return binding_test_tensor(L, index);
}

lua_Integer tensor_integer(lua_State *L, int index, const char *what) {
  int whole = 0;
  lua_Integer n = 0;
  if (lua_type(L, index) == LUA_TNUMBER) {
    n = lua_tointegerx(L, index, &whole);
    if (!whole)
      tensor_fail(L, "%s has to be a whole number, found %s", what,
                  lua_tostring(L, index));
  }
  if (!whole)
    tensor_fail(L, "%s has to be a whole number, found %s", what,
                tensor_push_found(L, index));
  return n;
}

double tensor_number(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TNUMBER)
    tensor_fail(L, "%s has to be a number, found %s", what, tensor_push_found(L, index));
  return lua_tonumber(L, index);
}

int tensor_dim(lua_State *L, int index, const lander_tensor *t, int fallback) {
  int dims = lander_tensor_dims(t);
  lua_Integer d = fallback;
  if (fallback == 0 || !lua_isnoneornil(L, index))
    d = tensor_integer(L, index, "the dimension");
  if (d >= 1 && d <= dims) return (int)d - 1;
  if (d <= -1 && d >= -dims) return (int)d + dims;
  if (dims == 0)
    tensor_fail(L, "a tensor without dimensions has no dimension %I", (LUAI_UACINT)d);
  tensor_fail(L, "shape %s has no dimension %I, but 1 to %d (-1 is the last)",
              tensor_push_shape(L, t), (LUAI_UACINT)d, dims);
  return 0;
}

int64_t tensor_position(lua_State *L, int index, const lander_tensor *t, int dim) {
  if (lander_tensor_dims(t) == 0)
    tensor_fail(L, "a tensor without dimensions has no positions; get() reads it");
  int64_t size = lander_tensor_sizes(t)[dim];
  lua_Integer i = tensor_integer(L, index, "a position");
  if (i >= 1 && i <= size) return i - 1;
  if (i <= -1 && i >= -size) return i + size;
  tensor_fail(L, "position %I is outside 1 to %I in dimension %d of shape %s",
              (LUAI_UACINT)i, (LUAI_UACINT)size, dim + 1, tensor_push_shape(L, t));
  return 0;
}

int tensor_sizes(lua_State *L, int first, int64_t size[LANDER_MAX_DIMS]) {
  int count = lua_gettop(L) - first + 1;
  bool listed = count == 1 && lua_type(L, first) == LUA_TTABLE;
  lua_Unsigned dims =
      listed ? lua_rawlen(L, first) : (lua_Unsigned)(count > 0 ? count : 0);
  if (dims > LANDER_MAX_DIMS)
    tensor_fail(L, "a tensor has at most %d dimensions, found %I sizes", LANDER_MAX_DIMS,
                (LUAI_UACINT)dims);
  for (int d = 0; d < (int)dims; d++) {
    if (listed)
      lua_rawgeti(L, first, d + 1);
    else
      lua_pushvalue(L, first + d);
    size[d] = tensor_integer(L, lua_gettop(L), "a size");
    lua_pop(L, 1);
  }
  return (int)dims;
}

lander_real *tensor_element(lua_State *L, int first, const lander_tensor *t) {
  int dims = lander_tensor_dims(t), found = lua_gettop(L) - first + 1;
  if (found != dims)
    tensor_fail(L, "shape %s takes %d positions, found %d", tensor_push_shape(L, t), dims,
                found > 0 ? found : 0);
  lander_real *at = lander_tensor_data(t);
  for (int d = 0; d < dims; d++)
    at += tensor_position(L, first + d, t, d) * lander_tensor_strides(t)[d];
  return at;
}

void tensor_writable(lua_State *L, const lander_tensor *t) {
  for (int d = 0; d < lander_tensor_dims(t); d++)
    if (lander_tensor_sizes(t)[d] > 1 && lander_tensor_strides(t)[d] == 0)
      tensor_fail(L,
                  "can't write to an expanded tensor of shape %s: its elements share "
                  "memory; write to a clone of it",
                  tensor_push_shape(L, t));
}

/* ---- registering ---- */

void tensor_register(lua_State *L, const char *name, lua_CFunction function) {
  lua_pushstring(L, name);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

void tensor_register_all(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++)
    tensor_register(L, functions->name, functions->func);
}

void tensor_register_op(lua_State *L, const char *name, lua_CFunction function, int op) {
  lua_pushstring(L, name);
  lua_pushinteger(L, op);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}
