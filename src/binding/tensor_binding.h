/* tensor_binding.h: what the files that bind tensors share.
 *
 * Every function here is registered under a name, which it has as its first upvalue, so
 * that messages begin with it however the function was called. Lua counts dimensions and
 * positions from one, and from the end with negative numbers; they are checked and turned
 * into C's here, so that messages have the numbers that the script has. */
#ifndef LANDER_BINDING_TENSOR_BINDING_H
#define LANDER_BINDING_TENSOR_BINDING_H

#include "binding.h"

/* The name that the running function was registered under. */
const char *tensor_function(lua_State *L);

/* Raises "name: message", with the place in the script; format as lua_pushfstring's. */
int tensor_fail(lua_State *L, const char *format, ...);

/* Pushes "(2, 3)", and "a table", "nil", "a lander.net"; returns what was pushed. */
const char *tensor_push_shape(lua_State *L, const lander_tensor *t);
const char *tensor_push_found(lua_State *L, int index);

/* Pushes a tensor that is still to be made, for functions that make several: all of them
 * have an owner before there is one. Returns where it goes; NULL stays a closed one. Its
 * memory is counted when it is there. */
lander_tensor **tensor_push_empty(lua_State *L);
void tensor_count_memory(lua_State *L, int index);

/* Arguments. */
lander_tensor *tensor_arg(lua_State *L, int index);
/* A number comes as a tensor without dimensions, which holds it until the next such call
 * for this argument; nothing that may run Lua code comes between that and its use. */
#define TENSOR_MAX_NUMBERS 3 /* indices up to this */
lander_tensor *tensor_arg_or_number(lua_State *L, int index);
lander_tensor *tensor_arg_or_table(lua_State *L, int index); /* a table: replaced by a
                                                                tensor */
lua_Integer tensor_integer(lua_State *L, int index, const char *what);
double tensor_number(lua_State *L, int index, const char *what);

/* A dimension of t, from 0; `fallback` (from 1, or negative; 0: required) when absent. */
int tensor_dim(lua_State *L, int index, const lander_tensor *t, int fallback);
/* A position in dimension dim, from 0. */
int64_t tensor_position(lua_State *L, int index, const lander_tensor *t, int dim);
/* Sizes from `first` on, or in a table there; returns how many. */
int tensor_sizes(lua_State *L, int first, int64_t size[LANDER_MAX_DIMS]);

/* Element of a tensor with all positions given at `first` on. */
lander_real *tensor_element(lua_State *L, int first, const lander_tensor *t);

/* Raises unless t may be written to: expanded elements share memory. */
void tensor_writable(lua_State *L, const lander_tensor *t);

/* Pushes a tensor with the numbers of the nested tables at `index`. */
void tensor_push_from_table(lua_State *L, int index);

/* Pushes a closure that knows its name, and sets it in the table below the top. */
void tensor_register(lua_State *L, const char *name, lua_CFunction function);
void tensor_register_all(lua_State *L, const luaL_Reg *functions);
/* With a number as second upvalue. */
void tensor_register_op(lua_State *L, const char *name, lua_CFunction function, int op);

/* Makes what tensor_arg_or_number needs. */
void tensor_open_numbers(lua_State *L);

/* Each sets its methods in the table on top of the stack, and its functions of the
 * module in the table at `module`. */
void tensor_open_make(lua_State *L, int module);
void tensor_open_views(lua_State *L, int module);
void tensor_open_math(lua_State *L, int module);
void tensor_open_pick(lua_State *L, int module);
void tensor_open_random(lua_State *L, int module);
/* Sets +, - ... in the metatable on top of the stack. */
void tensor_open_operators(lua_State *L);

#endif
