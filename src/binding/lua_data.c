/* lua_data.c: datasets, their batches and .npy files, seen from Lua. */
#include <stdbool.h>
#include <string.h>

#include "binding.h"

/* ---- .npy ---- */

/* lander.load_npy(path) -> tensor */
static int load_npy(lua_State *L) {
  lander_error error;
  const char *path = luaL_checkstring(L, 1);
  binding_push_tensor(L, lander_tensor_load(binding_engine(L), path, &error), &error);
  return 1;
}

static void save(lua_State *L, const lander_tensor *t, const char *path) {
  lander_error error;
  binding_check(L, lander_tensor_save(t, path, &error), &error);
}

/* lander.save_npy(path, t) */
static int save_npy(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  save(L, binding_check_tensor(L, 2), path);
  return 0;
}

/* t:save_npy(path) -> t */
static int tensor_save_npy(lua_State *L) {
  save(L, binding_check_tensor(L, 1), luaL_checkstring(L, 2));
  lua_settop(L, 1);
  return 1;
}

/* ---- datasets ---- */

typedef struct dataset_box {
  lander_dataset *dataset;
} dataset_box;

static int dataset_gc(lua_State *L) {
  dataset_box *box = luaL_checkudata(L, 1, BINDING_DATASET);
  lander_dataset_free(box->dataset);
  box->dataset = NULL;
  return 0;
}

lander_dataset *binding_check_dataset(lua_State *L, int index) {
  dataset_box *box = luaL_checkudata(L, index, BINDING_DATASET);
  if (!box->dataset) luaL_argerror(L, index, "the dataset was closed");
  return box->dataset;
}

/* The box comes first, so that nothing is lost when there is no memory for it. */
static dataset_box *new_dataset_box(lua_State *L) {
  dataset_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->dataset = NULL;
  luaL_setmetatable(L, BINDING_DATASET);
  return box;
}

/* What was made, or nil, the message and the kind of error: the Lua part of the library
 * decides what follows. */
static int dataset_or_error(lua_State *L, const dataset_box *box,
                            const lander_error *error) {
  if (box->dataset) return 1;
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, lander_status_name(error->code));
  return 3;
}

/* The options in the table at `index`, without those in `skip`, as text; none when there
 * is no table. */
static const char *options_text(lua_State *L, int index, const char *owner,
                                const char *const *skip) {
  if (lua_isnoneornil(L, index)) return NULL;
  luaL_checktype(L, index, LUA_TTABLE);
  binding_push_options(L, index, NULL, owner, skip);
  return lua_tostring(L, -1);
}

/* core.data_idx(images, labels, options) -> dataset | nil, message, status */
static int data_idx(lua_State *L) {
  lander_error error;
  const char *images = luaL_checkstring(L, 1), *labels = luaL_checkstring(L, 2);
  const char *options = options_text(L, 3, "idx", NULL);
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_data_idx(binding_engine(L), images, labels, options, &error);
  return dataset_or_error(L, box, &error);
}

/* core.data_tensors(x, y, options) -> dataset | nil, message, status */
static int data_tensors(lua_State *L) {
  lander_error error;
  lander_tensor *x = binding_check_tensor(L, 1), *y = binding_check_tensor(L, 2);
  const char *options = options_text(L, 3, "tensors", NULL);
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_data_tensors(x, y, options, &error);
  return dataset_or_error(L, box, &error);
}

#define MOST_FILES 16

/* core.data_cifar10({ path, ... }, options) -> dataset | nil, message, status */
static int data_cifar10(lua_State *L) {
  lander_error error;
  const char *paths[MOST_FILES]; /* held by the stack */
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Unsigned files = lua_rawlen(L, 1);
  luaL_argcheck(L, files <= MOST_FILES, 1, "too many files");
  luaL_checkstack(L, MOST_FILES, NULL);
  const char *options = options_text(L, 2, "cifar10", NULL);
  for (lua_Unsigned i = 0; i < files; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    paths[i] = luaL_checkstring(L, -1);
  }
  dataset_box *box = new_dataset_box(L);
  box->dataset =
      lander_data_cifar10(binding_engine(L), paths, (int)files, options, &error);
  return dataset_or_error(L, box, &error);
}

/* The texts of the table at `index`, each held by that table. NULL: there is none there.
 * Raises an error for what is no text. */
static const char **read_names(lua_State *L, int index, int *count) {
  *count = 0;
  if (lua_isnoneornil(L, index)) return NULL;
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, index);
  luaL_argcheck(L, length < 1 << 16, index, "too many names");
  const char **names = lua_newuserdatauv(L, (length + 1) * sizeof *names, 0);
  for (lua_Unsigned i = 0; i < length; i++) {
    if (lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TSTRING)
      luaL_error(L, "class_names must be texts, number %d is a %s", (int)i + 1,
                 luaL_typename(L, -1));
    names[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  *count = (int)length;
  return names;
}

/* core.data_images(folder, names | nil, options) -> dataset | nil, message, status */
static int data_images(lua_State *L) {
  lander_error error;
  int count;
  const char *folder = luaL_checkstring(L, 1);
  const char *options = options_text(L, 3, "images", NULL);
  const char **names = read_names(L, 2, &count);
  dataset_box *box = new_dataset_box(L);
  box->dataset =
      lander_data_images(binding_engine(L), folder, names, count, options, &error);
  return dataset_or_error(L, box, &error);
}

/* core.data_csv(path, x | nil, y | nil, options, names | nil) -> dataset | nil, message,
 * status
 */
static int data_csv(lua_State *L) {
  lander_error error;
  int count;
  lua_settop(L, 5);
  const char *path = luaL_checkstring(L, 1), *x = luaL_optstring(L, 2, NULL);
  const char *y = luaL_optstring(L, 3, NULL), *options = options_text(L, 4, "csv", NULL);
  const char **names = read_names(L, 5, &count);
  dataset_box *box = new_dataset_box(L);
  box->dataset =
      lander_data_csv_named(binding_engine(L), path, x, y, names, count, options, &error);
  return dataset_or_error(L, box, &error);
}

/* core.data_npy(x, y, options) -> dataset | nil, message, status */
static int data_npy(lua_State *L) {
  lander_error error;
  const char *x = luaL_checkstring(L, 1), *y = luaL_checkstring(L, 2);
  const char *options = options_text(L, 3, "npy", NULL);
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_data_npy(binding_engine(L), x, y, options, &error);
  return dataset_or_error(L, box, &error);
}

/* core.data_npz(path, x, y, options) -> dataset | nil, message, status */
static int data_npz(lua_State *L) {
  lander_error error;
  const char *path = luaL_checkstring(L, 1);
  const char *x = luaL_checkstring(L, 2), *y = luaL_checkstring(L, 3);
  const char *options = options_text(L, 4, "npz", NULL);
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_data_npz(binding_engine(L), path, x, y, options, &error);
  return dataset_or_error(L, box, &error);
}

static int push_part(lua_State *L, lander_dataset *d, int64_t first, int64_t count) {
  lander_error error;
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_dataset_subset(d, first, count, &error);
  if (!box->dataset) binding_check(L, error.code, &error);
  return 1;
}

/* A position as Lua counts it, from one or from the end, as the core does; raises an
 * error when there is no such sample. */
static int64_t check_position(lua_State *L, const lander_dataset *d, lua_Integer i) {
  lua_Integer count = lander_dataset_count(d);
  if (i == 0 || i > count || i < -count)
    luaL_error(L, "there is no sample %I: this dataset has samples 1 to %I",
               (LUAI_UACINT)i, (LUAI_UACINT)count);
  return i > 0 ? i - 1 : count + i;
}

/* d:subset(first, last) -> the samples first .. last as a dataset (last: to the end) */
static int dataset_subset(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  int64_t first = check_position(L, d, luaL_checkinteger(L, 2));
  int64_t last = check_position(L, d, luaL_optinteger(L, 3, -1));
  if (last < first)
    return luaL_error(L, "subset: sample %I comes before sample %I",
                      (LUAI_UACINT)last + 1, (LUAI_UACINT)first + 1);
  return push_part(L, d, first, last - first + 1);
}

/* d:split(n) -> the first n samples, and the others */
static int dataset_split(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2), count = lander_dataset_count(d);
  if (n < 1 || n >= count)
    return luaL_error(L, "split: %I samples can't be split at %I: expected 1 to %I",
                      (LUAI_UACINT)count, (LUAI_UACINT)n, (LUAI_UACINT)(count - 1));
  push_part(L, d, 0, n);
  push_part(L, d, n, count - n);
  return 2;
}

/* d:shuffle([seed]) -> the same samples in another order (1) */
static int dataset_shuffle(lua_State *L) {
  lander_error error;
  lander_dataset *d = binding_check_dataset(L, 1);
  uint64_t seed = (uint64_t)luaL_optinteger(L, 2, 1);
  dataset_box *box = new_dataset_box(L);
  box->dataset = lander_dataset_shuffle(d, seed, &error);
  if (!box->dataset) binding_check(L, error.code, &error);
  return 1;
}

static lander_tensor *sample_tensor(lua_State *L, const lander_dataset *d, int which) {
  lander_error error;
  int64_t size[LANDER_MAX_DIMS];
  int dims = lander_dataset_shape(d, which, size);
  lander_tensor *t = lander_tensor_new(binding_engine(L), dims, size, &error);
  binding_push_tensor(L, t, &error);
  return t;
}

/* Pushes x and y of the sample; a y without dimensions is a number. */
static void push_sample(lua_State *L, const lander_dataset *d, int64_t position) {
  lander_error error;
  lander_tensor *x = sample_tensor(L, d, 0), *y = sample_tensor(L, d, 1);
  lander_real *label = lander_tensor_data(y);
  binding_check(
      L, lander_dataset_read(d, &position, 1, lander_tensor_data(x), label, &error),
      &error);
  if (lander_tensor_dims(y) > 0) return;
  lua_Number number = (lua_Number)*label;
  lua_Integer integer;
  lua_pop(L, 1);
  if (lander_dataset_classes(d) > 0 && lua_numbertointeger(number, &integer))
    lua_pushinteger(L, integer);
  else
    lua_pushnumber(L, number);
}

/* d:get(i) -> x, y */
static int dataset_get(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  push_sample(L, d, check_position(L, d, luaL_checkinteger(L, 2)));
  return 2;
}

static int push_sizes(lua_State *L, int dims, const int64_t *size) {
  lua_createtable(L, dims, 0);
  for (int i = 0; i < dims; i++) {
    lua_pushinteger(L, size[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int push_shape(lua_State *L, int which) {
  int64_t size[LANDER_MAX_DIMS];
  int dims = lander_dataset_shape(binding_check_dataset(L, 1), which, size);
  return push_sizes(L, dims, size);
}

/* d:shape() -> { 1, 28, 28 }, of a sample's x; d:target_shape() -> {} for labels */
static int dataset_shape(lua_State *L) {
  return push_shape(L, 0);
}
static int dataset_target_shape(lua_State *L) {
  return push_shape(L, 1);
}

static int dataset_length(lua_State *L) {
  lua_pushinteger(L, lander_dataset_count(binding_check_dataset(L, 1)));
  return 1;
}

/* d[i] -> { x, y }, d.classes, and the methods, which are the upvalue. */
static int dataset_index(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  if (lua_isinteger(L, 2)) {
    int64_t position = check_position(L, d, lua_tointeger(L, 2));
    lua_createtable(L, 2, 0);
    push_sample(L, d, position);
    lua_rawseti(L, -3, 2);
    lua_rawseti(L, -2, 1);
    return 1;
  }
  if (lua_type(L, 2) == LUA_TSTRING && !strcmp(lua_tostring(L, 2), "classes")) {
    lua_pushinteger(L, lander_dataset_classes(d));
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_gettable(L, lua_upvalueindex(1));
  return 1;
}

/* d:class_names() -> { "cat", "dog" }; nil when the classes have no names */
static int dataset_class_names(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  if (!lander_dataset_class_name(d, 0)) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  for (int k = 0; k < lander_dataset_classes(d); k++) {
    lua_pushstring(L, lander_dataset_class_name(d, k));
    lua_rawseti(L, -2, k + 1);
  }
  return 1;
}

/* Pushes the names that `of` gives, nil where there are none. */
static int push_columns(lua_State *L,
                        const char *(*of)(const lander_dataset *d, int64_t k)) {
  lander_dataset *d = binding_check_dataset(L, 1);
  const char *name = of(d, 0);
  if (!name) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  for (int64_t k = 0; name; name = of(d, ++k)) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, k + 1);
  }
  return 1;
}

/* d:columns() -> { "age", "income" }; nil when no header names the numbers of x */
static int dataset_columns(lua_State *L) {
  return push_columns(L, lander_dataset_column);
}
/* d:targets() -> { "price" }, likewise of y */
static int dataset_targets(lua_State *L) {
  return push_columns(L, lander_dataset_target);
}

/* d:place(i) -> "houses.csv, line 12"; nil where nobody knows */
static int dataset_place(lua_State *L) {
  char text[LANDER_ERROR_LENGTH];
  lander_dataset *d = binding_check_dataset(L, 1);
  int64_t position = check_position(L, d, luaL_checkinteger(L, 2));
  if (lander_dataset_place(d, position, text, sizeof text))
    lua_pushstring(L, text);
  else
    lua_pushnil(L);
  return 1;
}

/* core.take_places(made, d, names): the samples of `made` were made of d's, one by one;
 * names: its columns are called as d's are */
static int take_places(lua_State *L) {
  lander_error error;
  lander_dataset *made = binding_check_dataset(L, 1), *d = binding_check_dataset(L, 2);
  binding_check(L, lander_dataset_take_places(made, d, lua_toboolean(L, 3), &error),
                &error);
  return 0;
}

/* d:name_classes { "cat", "dog" } -> d */
static int dataset_name_classes(lua_State *L) {
  lander_error error;
  int count;
  lander_dataset *d = binding_check_dataset(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const char **names = read_names(L, 2, &count);
  binding_check(L, lander_dataset_name_classes(d, names, count, &error), &error);
  lua_settop(L, 1);
  return 1;
}

static int dataset_tostring(lua_State *L) {
  lander_dataset *d = binding_check_dataset(L, 1);
  int64_t size[LANDER_MAX_DIMS];
  int dims = lander_dataset_shape(d, 0, size), classes = lander_dataset_classes(d);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  lua_pushfstring(L, "dataset of %I samples (", (LUAI_UACINT)lander_dataset_count(d));
  luaL_addvalue(&b);
  for (int i = 0; i < dims; i++) {
    lua_pushfstring(L, i ? ", %I" : "%I", (LUAI_UACINT)size[i]);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, ')');
  if (classes > 0) {
    lua_pushfstring(L, ", %d classes", classes);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

/* ---- batches ---- */

typedef struct batches_box {
  lander_batches *batches;
  bool reuse; /* x and y are lent, not given */
} batches_box;

static int batches_gc(lua_State *L) {
  batches_box *box = luaL_checkudata(L, 1, BINDING_BATCHES);
  lander_batches_free(box->batches);
  box->batches = NULL;
  return 0;
}

static batches_box *check_box(lua_State *L) {
  batches_box *box = luaL_checkudata(L, 1, BINDING_BATCHES);
  if (!box->batches) luaL_argerror(L, 1, "the batches were closed");
  return box;
}

static lander_batches *check_batches(lua_State *L) {
  return check_box(L)->batches;
}

static bool read_reuse(lua_State *L, int index) {
  if (!lua_istable(L, index)) return false;
  int type = lua_getfield(L, index, "reuse");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "batches: reuse must be true or false, found a %s",
               lua_typename(L, type));
  bool reuse = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return reuse;
}

/* Whether the table at `index` has something in `augment`, which must be a table of named
 * values. */
static bool check_augment(lua_State *L, int index) {
  if (!lua_istable(L, index)) return false;
  int type = lua_getfield(L, index, "augment");
  if (type != LUA_TNIL && type != LUA_TTABLE)
    luaL_error(
        L,
        "batches: augment must be a table such as { mirror = true, crop = 28, pad = "
        "4 }, found a %s",
        lua_typename(L, type));
  bool given = false;
  if (type == LUA_TTABLE) {
    if (lua_rawlen(L, -1) > 0)
      luaL_error(L, "batches: augment takes no unnamed entries; write name = value");
    lua_pushnil(L);
    given = lua_next(L, -2);
    if (given) lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return given;
}

/* d:batches { size =, shuffle =, seed =, loop =, reuse =, phase =,
 *   augment = { mirror =, crop =, pad = } } -> batches */
static int dataset_batches(lua_State *L) {
  lander_error error;
  lander_dataset *d = binding_check_dataset(L, 1);
  static const char *const own[] = {"reuse", NULL}, *const plain[] = {"reuse", "augment",
                                                                      NULL};
  bool reuse = read_reuse(L, 2);
  const char *options = options_text(L, 2, "batches", check_augment(L, 2) ? own : plain);
  batches_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (batches_box){NULL, reuse};
  luaL_setmetatable(L, BINDING_BATCHES);
  box->batches = lander_batches_new(d, options, &error);
  if (!box->batches) binding_check(L, error.code, &error);
  return 1;
}

/* A copy, so that a script may keep it for as long as it likes; or, with reuse, a view of
 * what the next batch but one will be written to, which costs nothing. */
static void push_batch(lua_State *L, const batches_box *box, const lander_tensor *t) {
  lander_error error;
  lander_tensor *pushed =
      box->reuse ? lander_tensor_contiguous(t, &error) : lander_tensor_clone(t, &error);
  binding_push_tensor(L, pushed, &error);
}

/* Pushes x and y, or nothing after the end. */
static int push_next(lua_State *L, const batches_box *box) {
  lander_error error;
  lander_tensor *x, *y;
  binding_check(L, lander_batches_next(box->batches, &x, &y, &error), &error);
  if (!x) return 0;
  push_batch(L, box, x);
  push_batch(L, box, y);
  return 2;
}

/* b:next() -> x, y; nil after the end */
static int batches_next(lua_State *L) {
  int count = push_next(L, check_box(L));
  if (count == 0) lua_pushnil(L);
  return count ? count : 1;
}

/* for x, y in b do: one epoch. The end of a loop opens the next epoch, so that the same
 * batches can be gone through again, in a new order. */
static int batches_call(lua_State *L) {
  const batches_box *box = check_box(L);
  int count = push_next(L, box);
  if (count > 0) return count;
  lander_batches_seek(box->batches, lander_batches_position(box->batches));
  lua_pushnil(L);
  return 1;
}

/* b:position() -> samples given out so far */
static int batches_position(lua_State *L) {
  lua_pushinteger(L, lander_batches_position(check_batches(L)));
  return 1;
}

/* b:seek(position) -> b */
static int batches_seek(lua_State *L) {
  lander_batches *b = check_batches(L);
  lua_Integer position = luaL_checkinteger(L, 2);
  luaL_argcheck(L, position >= 0, 2, "a place in the data is 0 or more");
  lander_batches_seek(b, position);
  lua_settop(L, 1);
  return 1;
}

/* b:shape() -> { 1, 28, 28 }, of a sample's x in these batches */
static int batches_shape(lua_State *L) {
  int64_t size[LANDER_MAX_DIMS];
  int dims = lander_batches_shape(check_batches(L), size);
  return push_sizes(L, dims, size);
}

/* b:samples() -> { 17, 4, ... }: which samples the last batch was made of */
static int batches_samples(lua_State *L) {
  int64_t count;
  const int64_t *samples = lander_batches_samples(check_batches(L), &count);
  lua_createtable(L, (int)count, 0);
  for (int64_t i = 0; i < count; i++) {
    lua_pushinteger(L, samples[i] + 1);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- opening ---- */

static const luaL_Reg dataset_methods[] = {{"batches", dataset_batches},
                                           {"get", dataset_get},
                                           {"shape", dataset_shape},
                                           {"target_shape", dataset_target_shape},
                                           {"subset", dataset_subset},
                                           {"shuffle", dataset_shuffle},
                                           {"split", dataset_split},
                                           {"class_names", dataset_class_names},
                                           {"columns", dataset_columns},
                                           {"targets", dataset_targets},
                                           {"place", dataset_place},
                                           {"name_classes", dataset_name_classes},
                                           {NULL, NULL}};
static const luaL_Reg dataset_meta[] = {{"__gc", dataset_gc},
                                        {"__close", dataset_gc},
                                        {"__len", dataset_length},
                                        {"__tostring", dataset_tostring},
                                        {NULL, NULL}};
static const luaL_Reg batches_methods[] = {
    {"next", batches_next},       {"position", batches_position}, {"seek", batches_seek},
    {"samples", batches_samples}, {"shape", batches_shape},       {NULL, NULL}};
static const luaL_Reg batches_meta[] = {{"__gc", batches_gc},
                                        {"__close", batches_gc},
                                        {"__call", batches_call},
                                        {NULL, NULL}};
static const luaL_Reg module_functions[] = {
    {"load_npy", load_npy}, {"save_npy", save_npy}, {NULL, NULL}};
static const luaL_Reg core_functions[] = {{"data_idx", data_idx},
                                          {"data_tensors", data_tensors},
                                          {"data_cifar10", data_cifar10},
                                          {"data_images", data_images},
                                          {"data_csv", data_csv},
                                          {"data_npy", data_npy},
                                          {"data_npz", data_npz},
                                          {"take_places", take_places},
                                          {NULL, NULL}};

void binding_open_data(lua_State *L) {
  luaL_newmetatable(L, BINDING_DATASET);
  luaL_setfuncs(L, dataset_meta, 0);
  luaL_newlib(L, dataset_methods);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, dataset_index, 1);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "__methods"); /* for those that are written in Lua */
  luaL_newmetatable(L, BINDING_BATCHES);
  luaL_setfuncs(L, batches_meta, 0);
  luaL_newlib(L, batches_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 2);
  luaL_setfuncs(L, module_functions, 0);
  luaL_getsubtable(L, -1, "core");
  luaL_setfuncs(L, core_functions, 0);
  luaL_getmetatable(L, BINDING_DATASET);
  lua_setfield(L, -2, "dataset_metatable");
  luaL_getsubtable(L, -1, "tensor_methods");
  lua_pushcfunction(L, tensor_save_npy);
  lua_setfield(L, -2, "save_npy");
  lua_pop(L, 2);
}
