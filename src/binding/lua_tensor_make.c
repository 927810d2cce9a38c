/* lua_tensor_make.c: tensors from sizes and tables; their elements. */
#include "tensor_binding.h"

/* A new tensor of zeros; the message of a failure begins with the function's name. */
static lander_tensor *push_new(lua_State *L, int dims, const int64_t *size) {
  lander_error error;
  lander_tensor *t = lander_tensor_new(binding_engine(L), dims, size, &error);
  if (!t) tensor_fail(L, "%s", error.message);
  binding_push_tensor(L, t, &error);
  return t;
}

static void fill(lua_State *L, lander_tensor *t, double value) {
  lander_error error;
  binding_check(L, lander_tensor_fill(t, value, &error), &error);
}

/* zeros(2, 3) or zeros{2, 3} */
static int zeros(lua_State *L) {
  int64_t size[LANDER_MAX_DIMS];
  push_new(L, tensor_sizes(L, 1, size), size);
  return 1;
}

static int ones(lua_State *L) {
  int64_t size[LANDER_MAX_DIMS];
  fill(L, push_new(L, tensor_sizes(L, 1, size), size), 1);
  return 1;
}

/* full(value, 2, 3) */
static int full(lua_State *L) {
  int64_t size[LANDER_MAX_DIMS];
  double value = tensor_number(L, 1, "the value");
  fill(L, push_new(L, tensor_sizes(L, 2, size), size), value);
  return 1;
}

/* arange(first, last [, step]): last is in it, as in Lua's for. */
static int arange(lua_State *L) {
  double first = tensor_number(L, 1, "the first number");
  double last = tensor_number(L, 2, "the last number");
  double step = lua_isnoneornil(L, 3) ? 1 : tensor_number(L, 3, "the step");
  lander_error error;
  binding_push_tensor(
      L, lander_tensor_range(binding_engine(L), first, last, step, &error), &error);
  return 1;
}

/* eye(n [, columns]): ones where row and column are the same. */
static int eye(lua_State *L) {
  int64_t size[2];
  size[0] = tensor_integer(L, 1, "the number of rows");
  size[1] =
      lua_isnoneornil(L, 2) ? size[0] : tensor_integer(L, 2, "the number of columns");
  lander_tensor *t = push_new(L, 2, size);
  for (int64_t i = 0; i < size[0] && i < size[1]; i++)
    lander_tensor_data(t)[i * (size[1] + 1)] = 1;
  return 1;
}

/* ---- from and to tables ---- */

/* Where in the nested tables something is: "[2][1]". */
static const char *push_place(lua_State *L, const int64_t *at, int depth) {
  lua_pushliteral(L, "");
  for (int d = 0; d < depth; d++) {
    lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), (LUAI_UACINT)at[d]);
    lua_remove(L, -2);
  }
  return lua_tostring(L, -1);
}

/* Sizes as the first entries have them; the table is on top of the stack and stays. */
static int measure(lua_State *L, int64_t size[LANDER_MAX_DIMS]) {
  int dims = 0, top = lua_gettop(L);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (dims == LANDER_MAX_DIMS)
      tensor_fail(L, "a tensor has at most %d dimensions, the tables are deeper",
                  LANDER_MAX_DIMS);
    size[dims] = (int64_t)lua_rawlen(L, -1);
    if (size[dims++] == 0) break;
    lua_rawgeti(L, -1, 1);
  }
  lua_settop(L, top);
  return dims;
}

static int wrong_entry(lua_State *L, const int64_t *at, int depth, const char *wanted) {
  const char *place = push_place(L, at, depth);
  return tensor_fail(L, "expected %s at %s, found %s", wanted, depth ? place : "the top",
                     tensor_push_found(L, -2));
}

/* An empty list that has named entries is a mistake: "tensor{x=1}". */
static void check_list(lua_State *L, const int64_t *at, int depth, int64_t size) {
  if (size > 0) return;
  lua_pushnil(L);
  if (!lua_next(L, -2)) return;
  lua_pop(L, 1);
  const char *key = luaL_tolstring(L, -1, NULL);
  tensor_fail(L, "expected a list at %s, found the key '%s'",
              depth ? push_place(L, at, depth) : "the top", key);
}

/* Writes the entries of the value on top of the stack, row after row. */
static void read_entries(lua_State *L, int depth, int dims, const int64_t *size,
                         int64_t *at, lander_real **out) {
  if (depth == dims) {
    if (lua_type(L, -1) != LUA_TNUMBER) wrong_entry(L, at, depth, "a number");
    *(*out)++ = (lander_real)lua_tonumber(L, -1);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) wrong_entry(L, at, depth, "a table");
  int64_t found = (int64_t)lua_rawlen(L, -1);
  if (found != size[depth])
    tensor_fail(L, "rows have to be equally long: %I entries at %s, but %I before",
                (LUAI_UACINT)found, push_place(L, at, depth), (LUAI_UACINT)size[depth]);
  check_list(L, at, depth, found);
  for (int64_t i = 1; i <= size[depth]; i++) {
    at[depth] = i;
    lua_rawgeti(L, -1, i);
    read_entries(L, depth + 1, dims, size, at, out);
    lua_pop(L, 1);
  }
}

void tensor_push_from_table(lua_State *L, int index) {
  int64_t size[LANDER_MAX_DIMS], at[LANDER_MAX_DIMS];
  index = lua_absindex(L, index);
  luaL_checkstack(L, 3 * LANDER_MAX_DIMS, "nested tables");
  lua_pushvalue(L, index);
  int dims = measure(L, size);
  lander_tensor *t = push_new(L, dims, size);
  lander_real *out = lander_tensor_data(t);
  lua_insert(L, -2);
  read_entries(L, 0, dims, size, at, &out);
  lua_pop(L, 1);
}

/* tensor(number), tensor(nested tables), tensor(t): a copy */
static int tensor(lua_State *L) {
  lander_error error;
  lander_tensor *t = binding_test_tensor(L, 1);
  if (t) {
    binding_push_tensor(L, lander_tensor_clone(t, &error), &error);
  } else if (lua_type(L, 1) == LUA_TTABLE) {
    tensor_push_from_table(L, 1);
  } else if (lua_type(L, 1) == LUA_TNUMBER) {
    t = lander_tensor_scalar(binding_engine(L), lua_tonumber(L, 1), &error);
    binding_push_tensor(L, t, &error);
  } else {
    return tensor_fail(L, "expected a number or nested tables of numbers, found %s",
                       tensor_push_found(L, 1));
  }
  return 1;
}

static void push_table(lua_State *L, const lander_tensor *t, int dim,
                       const lander_real *at) {
  if (dim == lander_tensor_dims(t)) {
    lua_pushnumber(L, *at);
    return;
  }
  int64_t size = lander_tensor_sizes(t)[dim];
  lua_createtable(L, size < INT32_MAX ? (int)size : INT32_MAX, 0);
  for (int64_t i = 0; i < size; i++) {
    push_table(L, t, dim + 1, at + i * lander_tensor_strides(t)[dim]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* t:totable() -> nested tables; a number without dimensions */
static int totable(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  luaL_checkstack(L, 2 * LANDER_MAX_DIMS, "nested tables");
  push_table(L, t, 0, lander_tensor_data(t));
  return 1;
}

/* ---- elements and sizes ---- */

static int get(lua_State *L) {
  lua_pushnumber(L, *tensor_element(L, 2, tensor_arg(L, 1)));
  return 1;
}

/* t:set(value, i, j ...) -> t */
static int set(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  double value = tensor_number(L, 2, "the value");
  lander_real *element = tensor_element(L, 3, t);
  tensor_writable(L, t);
  *element = (lander_real)value;
  lua_settop(L, 1);
  return 1;
}

/* t:item() -> the number of a tensor that holds one */
static int item(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  if (lander_tensor_count(t) != 1)
    return tensor_fail(L, "expected one element, found shape %s",
                       tensor_push_shape(L, t));
  lua_pushnumber(L, *lander_tensor_data(t));
  return 1;
}

static int push_list(lua_State *L, const int64_t *numbers, int count) {
  lua_createtable(L, count, 0);
  for (int d = 0; d < count; d++) {
    lua_pushinteger(L, numbers[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

/* t:size() -> {2, 3}, t:size(d) -> a number; t:stride likewise */
static int size_or_stride(lua_State *L, const lander_tensor *t, const int64_t *numbers) {
  if (lua_isnoneornil(L, 2)) return push_list(L, numbers, lander_tensor_dims(t));
  lua_pushinteger(L, numbers[tensor_dim(L, 2, t, 0)]);
  return 1;
}

static int size(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  return size_or_stride(L, t, lander_tensor_sizes(t));
}

static int stride(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  return size_or_stride(L, t, lander_tensor_strides(t));
}

static int dim(lua_State *L) {
  lua_pushinteger(L, lander_tensor_dims(tensor_arg(L, 1)));
  return 1;
}

static int numel(lua_State *L) {
  lua_pushinteger(L, lander_tensor_count(tensor_arg(L, 1)));
  return 1;
}

static int is_contiguous(lua_State *L) {
  lua_pushboolean(L, lander_tensor_is_contiguous(tensor_arg(L, 1)));
  return 1;
}

/* ---- opening ---- */

static const luaL_Reg functions[] = {
    {"tensor", tensor}, {"zeros", zeros}, {"ones", ones}, {"full", full},
    {"arange", arange}, {"eye", eye},     {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"totable", totable}, {"get", get},     {"set", set},
    {"item", item},       {"size", size},   {"stride", stride},
    {"dim", dim},         {"numel", numel}, {"is_contiguous", is_contiguous},
    {NULL, NULL}};

void tensor_open_make(lua_State *L, int module) {
  tensor_register_all(L, methods);
  lua_pushvalue(L, module);
  tensor_register_all(L, functions);
  lua_pop(L, 1);
}
