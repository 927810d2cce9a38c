/* lua_tensor_views.c: views, and the copies that take their place. */
#include "tensor_binding.h"

static int push(lua_State *L, lander_tensor *t, const lander_error *error) {
  binding_push_tensor(L, t, error);
  return 1;
}

/* t:view(2, -1), t:reshape{2, 3}, t:expand(4, -1) */
static int view(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int64_t size[LANDER_MAX_DIMS];
  lander_error error;
  int dims = tensor_sizes(L, 2, size);
  return push(L, lander_tensor_view(t, dims, size, &error), &error);
}

static int reshape(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int64_t size[LANDER_MAX_DIMS];
  lander_error error;
  int dims = tensor_sizes(L, 2, size);
  return push(L, lander_tensor_reshape(t, dims, size, &error), &error);
}

static int expand(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int64_t size[LANDER_MAX_DIMS];
  lander_error error;
  int dims = tensor_sizes(L, 2, size);
  return push(L, lander_tensor_expand(t, dims, size, &error), &error);
}

/* t:t(): rows become columns */
static int matrix_transpose(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  lander_error error;
  if (lander_tensor_dims(t) != 2)
    return tensor_fail(L,
                       "expected a matrix, found shape %s; transpose swaps any two "
                       "dimensions",
                       tensor_push_shape(L, t));
  return push(L, lander_tensor_transpose(t, 0, 1, &error), &error);
}

static int transpose(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  lander_error error;
  int dim1 = tensor_dim(L, 2, t, 0), dim2 = tensor_dim(L, 3, t, 0);
  return push(L, lander_tensor_transpose(t, dim1, dim2, &error), &error);
}

/* t:permute(3, 1, 2) */
static int permute(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int order[LANDER_MAX_DIMS], dims = lander_tensor_dims(t), count = lua_gettop(L) - 1;
  if (count == 1 && lua_type(L, 2) == LUA_TTABLE) {
    count = (int)(lua_rawlen(L, 2) <= LANDER_MAX_DIMS ? lua_rawlen(L, 2) : 0);
    for (int d = 0; d < count; d++) lua_rawgeti(L, 2, d + 1);
    lua_remove(L, 2);
  }
  bool seen[LANDER_MAX_DIMS] = {false};
  if (count != dims)
    return tensor_fail(L, "shape %s takes %d dimensions, found %d",
                       tensor_push_shape(L, t), dims, count);
  for (int d = 0; d < dims; d++) {
    order[d] = tensor_dim(L, 2 + d, t, 0);
    if (seen[order[d]])
      return tensor_fail(L, "dimension %d is named twice", order[d] + 1);
    seen[order[d]] = true;
  }
  lander_error error;
  return push(L, lander_tensor_permute(t, order, &error), &error);
}

/* t:narrow(dim, start, length) */
static int narrow(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = tensor_dim(L, 2, t, 0);
  int64_t size = lander_tensor_sizes(t)[dim];
  lua_Integer start = tensor_integer(L, 3, "the start");
  lua_Integer length = tensor_integer(L, 4, "the length");
  if (start < 0 && start >= -size) start += size + 1;
  if (start < 1 || length < 0 || start - 1 > size || length > size - (start - 1))
    return tensor_fail(L, "dimension %d of shape %s has no %I positions from %I on",
                       dim + 1, tensor_push_shape(L, t), (LUAI_UACINT)length,
                       (LUAI_UACINT)start);
  lander_error error;
  return push(L, lander_tensor_narrow(t, dim, start - 1, length, &error), &error);
}

/* t:select(dim, i) */
static int select(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = tensor_dim(L, 2, t, 0);
  int64_t at = tensor_position(L, 3, t, dim);
  lander_error error;
  return push(L, lander_tensor_select(t, dim, at, &error), &error);
}

static int squeeze(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = lua_isnoneornil(L, 2) ? LANDER_ALL_DIMS : tensor_dim(L, 2, t, 0);
  lander_error error;
  return push(L, lander_tensor_squeeze(t, dim, &error), &error);
}

/* t:unsqueeze(dim): the new dimension is number dim of the result */
static int unsqueeze(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dims = lander_tensor_dims(t) + 1;
  lua_Integer dim = tensor_integer(L, 2, "the dimension");
  if (dim < 0 && dim >= -dims) dim += dims + 1;
  if (dim < 1 || dim > dims)
    return tensor_fail(L, "shape %s has no place %I for a new dimension, but 1 to %d",
                       tensor_push_shape(L, t), (LUAI_UACINT)dim, dims);
  lander_error error;
  return push(L, lander_tensor_unsqueeze(t, (int)dim - 1, &error), &error);
}

/* t:contiguous() -> t itself when it is */
static int contiguous(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  lua_settop(L, 1);
  lander_error error;
  if (lander_tensor_is_contiguous(t)) return 1;
  return push(L, lander_tensor_clone(t, &error), &error);
}

static int clone(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  lander_error error;
  return push(L, lander_tensor_clone(t, &error), &error);
}

/* t:split(size [, dim]) or t:split({2, 3}, dim) -> a list of views */
static int split(lua_State *L) {
  const lander_tensor *t = tensor_arg(L, 1);
  int dim = tensor_dim(L, 3, t, 1);
  int64_t whole = lander_tensor_sizes(t)[dim];
  bool listed = lua_type(L, 2) == LUA_TTABLE;
  lua_Integer length = listed ? 0 : tensor_integer(L, 2, "the size of a part");
  lua_Integer parts = listed ? (lua_Integer)lua_rawlen(L, 2) : 0;
  if (!listed && length < 1)
    return tensor_fail(L, "the size of a part has to be at least 1, found %I",
                       (LUAI_UACINT)length);
  if (!listed) parts = whole / length + (whole % length != 0);
  lua_settop(L, 2);
  lua_newtable(L);
  int64_t start = 0;
  for (lua_Integer i = 1; i <= parts; i++) {
    if (listed) {
      lua_rawgeti(L, 2, i);
      length = tensor_integer(L, 4, "the size of a part");
      lua_pop(L, 1);
    }
    int64_t left = whole - start;
    if (length < 0 || (listed && length > left)) break;
    if (length > left) length = left;
    lander_error error;
    binding_push_tensor(L, lander_tensor_narrow(t, dim, start, length, &error), &error);
    lua_rawseti(L, 3, i);
    start += length;
  }
  if (start != whole || (lua_Integer)lua_rawlen(L, 3) != parts)
    return tensor_fail(L,
                       "the parts have to add up to the %I positions of dimension %d "
                       "of shape %s",
                       (LUAI_UACINT)whole, dim + 1, tensor_push_shape(L, t));
  return 1;
}

static const luaL_Reg methods[] = {{"view", view},
                                   {"reshape", reshape},
                                   {"expand", expand},
                                   {"t", matrix_transpose},
                                   {"transpose", transpose},
                                   {"permute", permute},
                                   {"narrow", narrow},
                                   {"select", select},
                                   {"squeeze", squeeze},
                                   {"unsqueeze", unsqueeze},
                                   {"contiguous", contiguous},
                                   {"clone", clone},
                                   {"split", split},
                                   {NULL, NULL}};

void tensor_open_views(lua_State *L, int module) {
  (void)module;
  tensor_register_all(L, methods);
}
