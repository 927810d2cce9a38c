/* lua_tensor_math.c: arithmetic and reductions, made from the core's lists of them. */
#include <math.h>

#include "tensor_binding.h"

static int number_upvalue(lua_State *L) {
  return (int)lua_tointeger(L, lua_upvalueindex(2));
}

/* ---- element by element ---- */

/* The operation's inputs from index 1 on: tensors, and numbers in their place. */
static int read_inputs(lua_State *L, int op, lander_tensor **in) {
  int inputs;
  lander_operation_name((lander_operation)op, &inputs);
  /* Lua gives the operand of a unary minus twice; anything else is a mistake, such as
   * Torch's add(u, factor). */
  if (lua_gettop(L) > inputs && !(inputs == 1 && lua_rawequal(L, 1, 2)))
    tensor_fail(L, "expected %d arguments, found %d", inputs, lua_gettop(L));
  for (int i = 0; i < inputs; i++) in[i] = tensor_arg_or_number(L, i + 1);
  return inputs;
}

/* A new tensor. */
static int apply(lua_State *L) {
  int op = number_upvalue(L);
  lander_tensor *in[3] = {NULL};
  read_inputs(L, op, in);
  lander_error error;
  binding_push_tensor(
      L, lander_tensor_apply((lander_operation)op, in[0], in[1], in[2], &error), &error);
  return 1;
}

/* Into the first input. -> it */
static int apply_in_place(lua_State *L) {
  int op = number_upvalue(L);
  tensor_arg(L, 1);
  lander_tensor *in[3] = {NULL};
  read_inputs(L, op, in);
  lander_error error;
  binding_check(
      L,
      lander_tensor_apply_into((lander_operation)op, in[0], in[0], in[1], in[2], &error),
      &error);
  lua_settop(L, 1);
  return 1;
}

/* A bound that is absent is an infinity. */
static void read_bounds(lua_State *L) {
  lua_settop(L, 3);
  if (lua_isnil(L, 2) && lua_isnil(L, 3))
    tensor_fail(L, "expected a lower bound, an upper bound or both");
  for (int i = 2; i <= 3; i++) {
    if (!lua_isnil(L, i)) continue;
    lua_pushnumber(L, i == 2 ? -HUGE_VAL : HUGE_VAL);
    lua_replace(L, i);
  }
}

/* t:clamp(low, high); nil: no bound */
static int clamp(lua_State *L) {
  tensor_arg(L, 1);
  read_bounds(L);
  return apply(L);
}

static int clamp_in_place(lua_State *L) {
  tensor_arg(L, 1);
  read_bounds(L);
  return apply_in_place(L);
}

/* t:copy_(u) -> t */
static int copy(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  lander_tensor *from = tensor_arg_or_number(L, 2);
  lander_error error;
  binding_check(L, lander_tensor_apply_into(LANDER_OP_COPY, t, from, NULL, NULL, &error),
                &error);
  lua_settop(L, 1);
  return 1;
}

static int fill(lua_State *L) {
  lander_tensor *t = tensor_arg(L, 1);
  double value = tensor_number(L, 2, "the value");
  lander_error error;
  binding_check(L, lander_tensor_fill(t, value, &error), &error);
  lua_settop(L, 1);
  return 1;
}

static int zero(lua_State *L) {
  lander_error error;
  binding_check(L, lander_tensor_fill(tensor_arg(L, 1), 0, &error), &error);
  lua_settop(L, 1);
  return 1;
}

/* ---- reductions ---- */

/* All of a tensor: a number (argmin, argmax: an integer; all, any: a boolean). */
static int reduce_all(lua_State *L, lander_reduction op, const lander_tensor *t) {
  lander_error error;
  double value;
  binding_check(L, lander_tensor_reduce_all(op, t, &value, &error), &error);
  if (op == LANDER_REDUCE_ARGMIN || op == LANDER_REDUCE_ARGMAX)
    lua_pushinteger(L, (lua_Integer)value);
  else if (op == LANDER_REDUCE_ALL || op == LANDER_REDUCE_ANY)
    lua_pushboolean(L, value != 0);
  else
    lua_pushnumber(L, value);
  return 1;
}

static void push_reduced(lua_State *L, lander_reduction op, const lander_tensor *t,
                         int dim, bool keep) {
  lander_error error;
  binding_push_tensor(L, lander_tensor_reduce(op, t, dim, keep, &error), &error);
}

/* t:sum(), t:sum(dim), t:sum(dim, true); min and max over a dimension also give the
 * positions, as Torch does. */
static int reduce(lua_State *L) {
  lander_reduction op = (lander_reduction)number_upvalue(L);
  const lander_tensor *t = tensor_arg(L, 1);
  bool keep = lua_toboolean(L, 3);
  if (lua_isnoneornil(L, 2) && !keep) return reduce_all(L, op, t);
  int dim = lua_isnoneornil(L, 2) ? LANDER_ALL_DIMS : tensor_dim(L, 2, t, 0);
  push_reduced(L, op, t, dim, keep);
  if (op != LANDER_REDUCE_MIN && op != LANDER_REDUCE_MAX) return 1;
  push_reduced(L, op == LANDER_REDUCE_MIN ? LANDER_REDUCE_ARGMIN : LANDER_REDUCE_ARGMAX,
               t, dim, keep);
  return 2;
}

/* ---- products and comparison ---- */

static int mm(lua_State *L) {
  const lander_tensor *a = tensor_arg(L, 1), *b = tensor_arg(L, 2);
  lander_error error;
  binding_push_tensor(L, lander_tensor_mm(a, b, &error), &error);
  return 1;
}

static int bmm(lua_State *L) {
  const lander_tensor *a = tensor_arg(L, 1), *b = tensor_arg(L, 2);
  lander_error error;
  binding_push_tensor(L, lander_tensor_bmm(a, b, &error), &error);
  return 1;
}

static int dot(lua_State *L) {
  const lander_tensor *a = tensor_arg(L, 1), *b = tensor_arg(L, 2);
  lander_error error;
  double value;
  binding_check(L, lander_tensor_dot(a, b, &value, &error), &error);
  lua_pushnumber(L, value);
  return 1;
}

/* t:allclose(u [, rtol [, atol]]) -> boolean, with NumPy's tolerances by default */
static int allclose(lua_State *L) {
  const lander_tensor *a = tensor_arg(L, 1), *b = tensor_arg_or_number(L, 2);
  double rtol = lua_isnoneornil(L, 3) ? 1e-5 : tensor_number(L, 3, "rtol");
  double atol = lua_isnoneornil(L, 4) ? 1e-8 : tensor_number(L, 4, "atol");
  lander_error error;
  bool close;
  binding_check(L, lander_tensor_allclose(a, b, rtol, atol, &close, &error), &error);
  lua_pushboolean(L, close);
  return 1;
}

/* ---- opening ---- */

static const luaL_Reg methods[] = {
    {"copy_", copy}, {"fill_", fill}, {"zero_", zero},        {"mm", mm},
    {"bmm", bmm},    {"dot", dot},    {"allclose", allclose}, {NULL, NULL}};

/* add and add_, and so on; copy is only there in place, where only as a new tensor. */
static void register_operations(lua_State *L) {
  for (int op = 0; op < LANDER_OPERATIONS; op++) {
    const char *name = lander_operation_name((lander_operation)op, NULL);
    bool bounds = op == LANDER_OP_CLAMP;
    if (op == LANDER_OP_COPY) continue;
    tensor_register_op(L, name, bounds ? clamp : apply, op);
    if (op == LANDER_OP_WHERE) continue;
    const char *in_place = lua_pushfstring(L, "%s_", name);
    lua_insert(L, -2);
    tensor_register_op(L, in_place, bounds ? clamp_in_place : apply_in_place, op);
    lua_remove(L, -2);
  }
}

void tensor_open_math(lua_State *L, int module) {
  tensor_register_all(L, methods);
  register_operations(L);
  for (int op = 0; op < LANDER_REDUCTIONS; op++)
    tensor_register_op(L, lander_reduction_name((lander_reduction)op), reduce, op);
  lua_pushvalue(L, module);
  tensor_register_op(L, "where", apply, LANDER_OP_WHERE);
  lua_pop(L, 1);
}

void tensor_open_operators(lua_State *L) {
  static const struct {
    const char *event;
    lander_operation op;
  } operators[] = {{"__add", LANDER_OP_ADD}, {"__sub", LANDER_OP_SUB},
                   {"__mul", LANDER_OP_MUL}, {"__div", LANDER_OP_DIV},
                   {"__pow", LANDER_OP_POW}, {"__unm", LANDER_OP_NEG}};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    lua_pushstring(L, lander_operation_name(operators[i].op, NULL));
    lua_pushinteger(L, (lua_Integer)operators[i].op);
    lua_pushcclosure(L, apply, 2);
    lua_setfield(L, -2, operators[i].event);
  }
}
