/* lua_tensor_pick.c: sorting, elements by position, joining. */
#include "tensor_binding.h"

/* Pushes the sorted values and their positions. */
static void push_sorted(lua_State *L, const lander_tensor *t, int dim, bool descending) {
  lander_error error;
  lander_tensor **values = tensor_push_empty(L), **positions = tensor_push_empty(L);
  binding_check(L, lander_tensor_sort(t, dim, descending, values, positions, &error),
                &error);
  tensor_count_memory(L, -2);
  tensor_count_memory(L, -1);
}

/* t:sort([dim [, descending]]) -> values, positions; the last dimension by default */
static int sort(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  push_sorted(L, t, tensor_dim(L, 2, t, -1), lua_toboolean(L, 3));
  return 2;
}

/* The first k positions of the tensor on top of the stack, in memory of their own. */
static void keep_first(lua_State *L, int dim, int64_t k) {
  lander_error error;
  const lander_tensor *all = binding_test_tensor(L, -1);
  binding_push_tensor(L, lander_tensor_narrow(all, dim, 0, k, &error), &error);
  const lander_tensor *first = binding_test_tensor(L, -1);
  binding_push_tensor(L, lander_tensor_clone(first, &error), &error);
}

/* t:topk(k [, dim [, largest]]) -> values, positions; the largest unless largest is
 * false, in order */
static int topk(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  lua_Integer k = tensor_integer(L, 2, "k");
  int dim = tensor_dim(L, 3, t, -1);
  bool largest = lua_isnoneornil(L, 4) || lua_toboolean(L, 4);
  int64_t size = lander_tensor_sizes(t)[dim];
  if (k < 0 || k > size)
    return tensor_fail(L, "k is %I, but dimension %d of shape %s has %I positions",
                       (LUAI_UACINT)k, dim + 1, tensor_push_shape(L, t),
                       (LUAI_UACINT)size);
  push_sorted(L, t, dim, largest);
  int positions = lua_gettop(L);
  lua_pushvalue(L, positions - 1);
  keep_first(L, dim, k);
  int values = lua_gettop(L);
  lua_pushvalue(L, positions);
  keep_first(L, dim, k);
  lua_pushvalue(L, values);
  lua_insert(L, -2);
  return 2;
}

/* t:gather(dim, index) */
static int gather(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = tensor_dim(L, 2, t, 0);
  const lander_tensor *index = tensor_arg_or_table(L, 3);
  lander_error error;
  binding_push_tensor(L, lander_tensor_gather(t, dim, index, &error), &error);
  return 1;
}

/* t:index_select(dim, index); index: a tensor or a list */
static int index_select(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = tensor_dim(L, 2, t, 0);
  const lander_tensor *index = tensor_arg_or_table(L, 3);
  lander_error error;
  binding_push_tensor(L, lander_tensor_index_select(t, dim, index, &error), &error);
  return 1;
}

/* ---- joining ---- */

/* Gathers tensors from a list at index 1, or from the arguments until one is no tensor.
 * Returns them as an array that Lua owns, and the index of the argument after them. */
static lander_tensor **read_tensors(lua_State *L, int *count, int *next) {
  bool listed = lua_type(L, 1) == LUA_TTABLE;
  *count = 0;
  if (listed)
    *count = (int)lua_rawlen(L, 1);
  else
    while (binding_test_tensor(L, *count + 1)) ++*count;
  *next = listed ? 2 : *count + 1;
  if (*count == 0)
    tensor_fail(L, "expected a list of tensors, found %s",
                listed ? "an empty one" : tensor_push_found(L, 1));
  lander_tensor **tensors = lua_newuserdatauv(L, (size_t)*count * sizeof *tensors, 0);
  for (int i = 0; i < *count; i++) {
    if (listed)
      lua_rawgeti(L, 1, i + 1);
    else
      lua_pushvalue(L, i + 1);
    tensors[i] = tensor_arg(L, lua_gettop(L));
    lua_pop(L, 1); /* the list or the stack still has it */
  }
  return tensors;
}

/* lander.cat({a, b}, dim), lander.cat(a, b, dim), a:cat(b, dim); dim 1 by default */
static int cat(lua_State *L) {
  int count, next;
  lua_settop(L, lua_gettop(L) + 1); /* dim may be absent */
  lander_tensor **tensors = read_tensors(L, &count, &next);
  int dim = tensor_dim(L, next, tensors[0], 1);
  lander_error error;
  binding_push_tensor(L, lander_tensor_cat(tensors, count, dim, &error), &error);
  return 1;
}

/* lander.stack({a, b}, dim): dim is that of the result */
static int stack(lua_State *L) {
  int count, next;
  lua_settop(L, lua_gettop(L) + 1);
  lander_tensor **tensors = read_tensors(L, &count, &next);
  int dims = lander_tensor_dims(tensors[0]) + 1;
  lua_Integer dim =
      lua_isnoneornil(L, next) ? 1 : tensor_integer(L, next, "the dimension");
  if (dim < 0 && dim >= -dims) dim += dims + 1;
  if (dim < 1 || dim > dims)
    return tensor_fail(L, "shape %s has no place %I for a new dimension, but 1 to %d",
                       tensor_push_shape(L, tensors[0]), (LUAI_UACINT)dim, dims);
  lander_error error;
  binding_push_tensor(L, lander_tensor_stack(tensors, count, (int)dim - 1, &error),
                      &error);
  return 1;
}

static const luaL_Reg methods[] = {{"sort", sort},     {"topk", topk},
                                   {"gather", gather}, {"index_select", index_select},
                                   {"cat", cat},       {NULL, NULL}};

static const luaL_Reg functions[] = {{"cat", cat}, {"stack", stack}, {NULL, NULL}};

void tensor_open_pick(lua_State *L, int module) {
  tensor_register_all(L, methods);
  lua_pushvalue(L, module);
  tensor_register_all(L, functions);
  lua_pop(L, 1);
}
