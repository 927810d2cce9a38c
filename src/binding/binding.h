/* binding.h: what the files of the binding share.
 *
 * The binding sees the engine through lander.h alone and computes nothing. One Lua state
 * has one engine, made when the module is opened. Every object is a full userdata whose
 * metatable is registered under the names below; __gc and __close free it. */
#ifndef LANDER_BINDING_BINDING_H
#define LANDER_BINDING_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "../lander.h"

#define BINDING_TENSOR     "lander.tensor"
#define BINDING_NET        "lander.net"
#define BINDING_SOLVER     "lander.solver"
#define BINDING_CHECKPOINT "lander.checkpoint"
#define BINDING_DATASET    "lander.dataset"
#define BINDING_BATCHES    "lander.batches"

/* The engine of this state; an error when the state is being closed. */
lander_engine *binding_engine(lua_State *L);

/* Raises `error` as a Lua error, with the place in the script, unless status is OK. */
void binding_check(lua_State *L, lander_status status, const lander_error *error);

/* Pushes a tensor as a userdata that owns it. NULL raises `error`.
 * Tells the collector about the memory behind it. */
void binding_push_tensor(lua_State *L, lander_tensor *t, const lander_error *error);
/* The tensor at `index`, or an argument error that says what was found. */
lander_tensor *binding_check_tensor(lua_State *L, int index);
lander_tensor *binding_test_tensor(lua_State *L, int index); /* NULL if it is none */

/* The net at `index`, or an argument error. */
lander_net *binding_check_net(lua_State *L, int index);
lander_net *binding_test_net(lua_State *L, int index); /* NULL if it is none, or closed */
/* Pushes the tensors at `first` and behind it, and those of tables there, on top of the
 * stack, where nothing frees them. Runs no code of the script's, so what was checked
 * before is still open. Returns how many. */
#define BINDING_MOST_INPUTS 16
int binding_collect_inputs(lua_State *L, int first,
                           lander_tensor *inputs[BINDING_MOST_INPUTS]);

lander_dataset *binding_check_dataset(lua_State *L, int index);

/* The solver at `index`, whose net is open too, or an argument error. */
lander_solver *binding_check_solver(lua_State *L, int index);
/* Tells the collector about memory that it can't see, but for tensors, which do so by
 * themselves. Made memory may make it collect. */
void binding_count_memory(lua_State *L, size_t made, size_t freed);

/* Pushes the table at `index` as the key=value text that the core reads. Unnamed entries
 * go to the options that have a place for them; nested tables become group.option;
 * `skip` (ended by NULL, or NULL) are keys that the caller reads itself. `options` may be
 * NULL when there are no unnamed entries. Raises an error for keys or values that cannot
 * be text. */
void binding_push_options(lua_State *L, int index, const lander_option *options,
                          const char *owner, const char *const *skip);

/* Each adds its functions to the module's table, which is on top of the stack. Functions
 * that only the Lua part of the library calls go to the table's field "core". */
void binding_open_tensor(lua_State *L);
void binding_open_net(lua_State *L);
void binding_open_solver(lua_State *L);
void binding_open_data(lua_State *L);
void binding_open_image(lua_State *L);
void binding_open_system(lua_State *L);
void binding_open_files(lua_State *L);

/* The coroutine that called into the core last, where a callback of the core's may run.
 * Whatever runs layers of a script calls binding_enter first. */
void binding_enter(lua_State *L);
lua_State *binding_calling(lua_State *L);
/* How deep in callbacks the state is: nothing that the core works on may be closed there.
 */
void binding_set_inside(lua_State *L, int change);
bool binding_is_inside(lua_State *L);

/* solver:checkpoint and solver:return_to (lua_checkpoint.c). */
void binding_open_checkpoint(lua_State *L);
int binding_checkpoint(lua_State *L);
int binding_return_to(lua_State *L);

/* core.define (lua_define.c). */
int binding_define(lua_State *L);

/* core.describe and core.layer_options (describe.c). */
int binding_describe(lua_State *L);
int binding_layer_options(lua_State *L);

/* The Lua part of the library and the models, built in (embedded.c is generated): as
 * text, and as the code that the build's Lua made of it, names and lines included. */
typedef struct binding_source {
  const char *name; /* "lander/train.lua", "models/lenet.lua" */
  const char *text, *code;
  size_t text_length, code_length;
} binding_source;
extern const binding_source binding_sources[]; /* ended by a NULL name */
extern const binding_source binding_probe;     /* not one of them */

/* Whether the state's own compiler makes the same code of a source's text. */
bool binding_same_code(lua_State *L, const binding_source *s);
/* Adds core.load_source, core.source_text and core.model_names to the table "core" of the
 * module, which is on top of the stack. */
void binding_open_sources(lua_State *L);
/* Runs the Lua part of the library with the module, which is on top of the stack, and
 * lets `require` find the models. */
void binding_run_sources(lua_State *L);

#endif
