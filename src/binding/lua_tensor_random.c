/* lua_tensor_random.c: random tensors. The state has one seed, and counts the numbers
 * that were drawn since it was set: so a script draws the same ones every time. */
#include "tensor_binding.h"

typedef struct generator {
  uint64_t seed;
  uint64_t drawn;
} generator;

static const char generator_key = 'g'; /* its address */

#define FIRST_SEED 1

static generator *get_generator(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &generator_key);
  generator *g = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return g;
}

/* lander.seed(n) */
static int set_seed(lua_State *L) {
  lua_Integer seed = tensor_integer(L, 1, "the seed");
  *get_generator(L) = (generator){(uint64_t)seed, 0};
  return 0;
}

/* core.seed() -> n */
static int get_seed(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)get_generator(L)->seed);
  return 1;
}

typedef lander_status (*distribution)(lander_tensor *t, uint64_t seed, uint64_t begin,
                                      double a, double b, lander_error *error);

static void draw(lua_State *L, lander_tensor *t, distribution from, double a, double b) {
  generator *g = get_generator(L);
  lander_error error;
  binding_check(L, from(t, g->seed, g->drawn, a, b, &error), &error);
  g->drawn += (uint64_t)lander_tensor_count(t);
}

static int draw_new(lua_State *L, distribution from) {
  int64_t size[LANDER_MAX_DIMS];
  lander_error error;
  int dims = tensor_sizes(L, 1, size);
  lander_tensor *t = lander_tensor_new(binding_engine(L), dims, size, &error);
  if (!t) return tensor_fail(L, "%s", error.message);
  binding_push_tensor(L, t, &error);
  draw(L, t, from, 0, 1);
  return 1;
}

/* lander.rand(2, 3): uniform in [0, 1); lander.randn(2, 3): normal, mean 0, deviation 1
 */
static int rand_uniform(lua_State *L) {
  return draw_new(L, lander_tensor_uniform);
}

static int rand_normal(lua_State *L) {
  return draw_new(L, lander_tensor_normal);
}

static int draw_in_place(lua_State *L, distribution from, const char *first,
                         const char *second) {
  lander_tensor *t = tensor_arg(L, 1);
  double a = lua_isnoneornil(L, 2) ? 0 : tensor_number(L, 2, first);
  double b = lua_isnoneornil(L, 3) ? 1 : tensor_number(L, 3, second);
  draw(L, t, from, a, b);
  lua_settop(L, 1);
  return 1;
}

/* t:uniform_([low, high]) -> t */
static int uniform(lua_State *L) {
  return draw_in_place(L, lander_tensor_uniform, "the lower bound", "the upper bound");
}

/* t:normal_([mean, std]) -> t */
static int normal(lua_State *L) {
  return draw_in_place(L, lander_tensor_normal, "the mean", "the deviation");
}

void tensor_open_random(lua_State *L, int module) {
  generator *g = lua_newuserdatauv(L, sizeof *g, 0);
  *g = (generator){FIRST_SEED, 0};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &generator_key);
  tensor_register(L, "uniform_", uniform);
  tensor_register(L, "normal_", normal);
  lua_pushvalue(L, module);
  tensor_register(L, "seed", set_seed);
  tensor_register(L, "rand", rand_uniform);
  tensor_register(L, "randn", rand_normal);
  lua_getfield(L, -1, "core");
  tensor_register(L, "seed", get_seed);
  lua_pop(L, 2);
}
