/* test_states.c: the module in a host's own Lua states: several at once, closed at any
 * moment, with errors in callbacks, without memory, without libraries, with a say in
 * paths. */
#include <lander.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/allocator.h"
#include "check.h"

/* Lua tells the kind of a new block as its old size. */
static void *allocate(void *userdata, void *old, size_t old_size, size_t new_size) {
  test_allocator *a = userdata;
  int allowed = a->allowed;
  if (new_size <= old_size && old) a->allowed = -1; /* to make it smaller can't fail */
  void *block = test_allocate(a, old, old ? old_size : 0, new_size);
  a->allowed = allowed;
  return block;
}

static lua_State *open_state(test_allocator *a, const lander_config *config) {
  lua_State *L = lua_newstate(allocate, a);
  luaL_openlibs(L);
  lander_lua_open(L, config);
  lua_setglobal(L, "lander");
  return L;
}

/* Runs code; its result, or its error, as text that is gone with the next call. */
static bool run(lua_State *L, const char *code, char *text, size_t size) {
  lua_settop(L, 0);
  bool ok = luaL_dostring(L, code) == LUA_OK;
  const char *result = lua_tostring(L, -1);
  snprintf(text, size, "%s", result ? result : "");
  return ok;
}

static void check_run(lua_State *L, const char *code, const char *what) {
  char text[500];
  bool ok = run(L, code, text, sizeof text);
  if (!ok) printf("%s\n", text);
  check(ok, what);
}

/* A training with what has state: dropout, running statistics, a shuffle, history; `go`
 * makes some iterations, `sum` says how the weights are, bit for bit. */
static const char setup[] =
    "local nn = lander.nn\n"
    "lander.threads(2)\n"
    "net = nn.net { nn.input { 1, 8, 8 }, nn.conv { 4, kernel = 3 }, nn.batch_norm {},\n"
    "  nn.relu {}, nn.dropout { 0.2 }, nn.linear { 3 } }\n"
    "solver = lander.solver(net, { type = 'adam', base_lr = 0.01 })\n"
    "local x, y = lander.randn(30, 1, 8, 8), lander.zeros(30)\n"
    "for i = 1, 30 do y[i] = 1 + i % 3 end\n"
    "data = lander.data.tensors(x, y)\n"
    "batches = data:batches { size = 10, shuffle = true, loop = true }\n"
    "function go(n) for i = 1, n do solver:step(batches:next()) end end\n"
    "function sum()\n"
    "  local s = 0\n"
    "  for _, p in ipairs(net.params) do s = s + p.data:norm() end\n"
    "  return ('%a'):format(s)\n"
    "end\n";

/* ---- several at once ----------------------------------------------------------------
 */

typedef struct job {
  char sum[64];
  bool clean;
} job;

static void *train(void *arg) {
  job *j = arg;
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, NULL);
  if (!run(L, setup, j->sum, sizeof j->sum)) return NULL;
  run(L, "go(40) return sum()", j->sum, sizeof j->sum);
  lua_close(L);
  j->clean = test_allocator_clean(&a);
  return NULL;
}

static void test_at_once(void) {
  enum { STATES = 3 };
  job alone = {0}, jobs[STATES] = {0};
  pthread_t threads[STATES];
  train(&alone);
  for (int i = 0; i < STATES; i++) pthread_create(&threads[i], NULL, train, &jobs[i]);
  for (int i = 0; i < STATES; i++) pthread_join(threads[i], NULL);
  check(alone.clean && strstr(alone.sum, "0x"), "a state trains, and frees everything");
  for (int i = 0; i < STATES; i++)
    check(jobs[i].clean && !strcmp(jobs[i].sum, alone.sum),
          "at once with others it gets the same bits");
}

/* ---- closed at any moment -----------------------------------------------------------
 */

static void test_closing(void) {
  static const char *const moments[] = {
      "go(3)",
      "coroutine.wrap(function() go(1) coroutine.yield() end)()",
      "d = lander.data.synthetic and data:subset(1, 10) solver = nil",
      "checkpoint = solver:checkpoint() net = nil",
      "view = net.params[1].data:transpose(1, 2) net:forward(lander.ones(2, 1, 8, 8))",
  };
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    test_allocator a = {.allowed = -1};
    lua_State *L = open_state(&a, NULL);
    check_run(L, setup, "set up");
    check_run(L, moments[i], moments[i]);
    lua_close(L);
    check(test_allocator_clean(&a), "nothing is left of a closed state");
  }
}

/* ---- errors in callbacks ------------------------------------------------------------
 */

static const char troubled[] =
    "local function fails(f, ...)\n"
    "  local ok, message = pcall(f, ...)\n"
    "  assert(not ok and tostring(message):find 'trouble', message)\n"
    "end\n"
    "solver.lr_policy = function(t) if t == 5 and not calm then error 'trouble' end\n"
    "  return 0.01 end\n"
    "fails(go, 10)\n"
    "batches:seek(solver.iter * 10)\n"
    "calm = true\n"
    "go(10 - solver.iter)\n";

static const char untroubled[] =
    "solver.lr_policy = function(t) return 0.01 end go(10) return sum()";

static const char layer[] =
    "local nn = lander.nn\n"
    "nn.define('touchy', { forward = function(self, x)\n"
    "    if trouble then error 'trouble' end return x end,\n"
    "  backward = function(self, x, y, dy)\n"
    "    if trouble == 'back' then error 'trouble' end return dy end })\n"
    "net = nn.net { nn.input { 4 }, nn.linear { 4 }, nn.touchy {}, nn.linear { 2 } }\n"
    "solver = lander.solver(net, { base_lr = 0.1, momentum = 0.9 })\n"
    "local x, y = lander.ones(2, 4), lander.tensor { 1, 2 }\n"
    "solver:step(x, y)\n"
    "local before, iter = sum(), solver.iter\n"
    "for _, where in ipairs { true, 'back' } do\n"
    "  trouble = where\n"
    "  assert(not pcall(solver.step, solver, x, y))\n"
    "  assert(sum() == before and solver.iter == iter)\n"
    "end\n"
    "trouble = nil\n"
    "assert(solver:step(x, y) and solver.iter == iter + 1)\n";

static const char callback[] =
    "local ok, message = pcall(lander.train, { net = net, data = data, batch_size = 10,\n"
    "  quiet = true, solver = { base_lr = 0.01, max_iter = 20 },\n"
    "  on_iter = function(e) if e.iter == 3 then error 'trouble' end end })\n"
    "assert(not ok and tostring(message):find 'trouble')\n"
    "local run = lander.train { net = net, data = data, batch_size = 10, quiet = true,\n"
    "  solver = { base_lr = 0.01, max_iter = 20 } }\n"
    "assert(run.status == 'finished')\n";

static void test_errors(void) {
  char one[64], other[64];
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, NULL);
  check_run(L, setup, "set up");
  check_run(L, troubled, "an error in a schedule");
  run(L, "return sum()", one, sizeof one);
  check_run(L, layer, "an error in a layer of the script's");
  check_run(L, setup, "set up again");
  check_run(L, callback, "an error in a callback of lander.train");
  lua_close(L);
  L = open_state(&a, NULL);
  check_run(L, setup, "set up");
  run(L, untroubled, other, sizeof other);
  lua_close(L);
  check(!strcmp(one, other), "after an error a training goes on with the same bits");
  check(test_allocator_clean(&a), "and everything is freed");
}

/* ---- no memory ----------------------------------------------------------------------
 */

static void test_memory(void) {
  char text[500], one[64], other[64];
  test_allocator a = {.allowed = -1};
  lua_State *L = open_state(&a, NULL);
  check_run(L, setup, "set up");
  run(L, "go(12) return sum()", other, sizeof other);
  lua_close(L);
  L = open_state(&a, NULL);
  check_run(L, setup, "set up");
  check_run(L, "go(4)", "some iterations");
  int refused = 0;
  for (int n = 0; n < 60; n++) { /* the limit is reached here, there, and everywhere */
    a.allowed = a.requests + n % 20;
    if (!run(L, "big = lander.zeros(100, 100) solver:checkpoint()", text, sizeof text)) {
      refused++;
      if (!strstr(text, "memory")) printf("%s\n", text);
    }
    a.allowed = -1;
  }
  check(refused > 5, "the limit refuses");
  check_run(L, "go(8)", "and nothing is locked");
  run(L, "return sum()", one, sizeof one);
  lua_close(L);
  check(!strcmp(one, other), "nor half-changed");
  check(test_allocator_clean(&a), "everything is freed");
}

/* ---- a host's tensors and engine ----------------------------------------------------
 */

static void test_host_side(void) {
  lander_error error;
  test_allocator a = {.allowed = -1};
  lander_real numbers[] = {1, 2, 3};
  lua_State *L = open_state(&a, NULL), *other = luaL_newstate();
  check(lander_lua_engine(other) == NULL, "a state without the module has no engine");
  lander_engine *engine = lander_lua_engine(L);
  check(engine != NULL, "one with it has");
  lander_lua_push_tensor(L, lander_tensor_wrap(engine, numbers, 1, (int64_t[]){3}, NULL,
                                               NULL, NULL, &error));
  lua_setglobal(L, "mine");
  check_run(L, "mine:mul_(2) assert(mine:sum() == 12)",
            "a script uses the host's memory");
  check(numbers[2] == 6, "and writes to it");
  check_run(L, "return lander.ones(2, 2)", "a script returns a tensor");
  check(lander_lua_tensor(L, -1) && lander_tensor_count(lander_lua_tensor(L, -1)) == 4,
        "which the host gets");
  check(!lander_lua_net(L, -1), "and which is no net");
  check_run(L, setup, "set up");
  lua_getglobal(L, "net");
  check(lander_lua_net(L, -1) && lander_net_params(lander_lua_net(L, -1)) > 0,
        "a net can be had, too");
  lua_close(L);
  lua_close(other);
  check(test_allocator_clean(&a), "everything is freed");
}

/* ---- few libraries, and a say in paths ----------------------------------------------
 */

static bool inside(void *userdata, lander_use use, const char *path,
                   char actual[LANDER_PATH_LENGTH]) {
  (void)use;
  if (path[0] == '/' || strstr(path, "..")) return false;
  snprintf(actual, LANDER_PATH_LENGTH, "%s/%s", (const char *)userdata, path);
  return true;
}

static int lines;

static void count_line(void *userdata, lander_log_level level, const char *message) {
  (void)userdata;
  (void)level;
  lines += strlen(message) > 0;
}

static const char in_a_box[] =
    "assert(not io and not os and not require and not debug and not package)\n"
    "local function go(more)\n"
    "  local options = { net = net, data = data, test_data = data, batch_size = 10,\n"
    "    display = 5, snapshot = 5, snapshot_prefix = 'deep/run', test_interval = 5,\n"
    "    solver = { base_lr = 0.01, max_iter = 20 } }\n"
    "  for key, value in pairs(more) do options[key] = value end\n"
    "  return lander.train(options)\n"
    "end\n"
    "local run = go { solver = { base_lr = 0.01, max_iter = 10 } }\n"
    "assert(run.status == 'finished')\n"
    "run = go { resume = 'latest' }\n"
    "assert(run.status == 'finished' and run.iter == 20)\n"
    "assert(#lander.core.read_journal 'deep/run.jsonl' > 5)\n"
    "lander.plot('deep/run.jsonl', { to = 'curve.svg' })\n"
    "lander.load('deep/run.npz'):predict(lander.ones(1, 1, 8, 8))\n"
    "local found = lander.tune { search = { base_lr = { 0.01, 0.1 } }, prefix = "
    "'search',\n"
    "  trial = function(o) return lander.train { net = lander.nn.net { lander.nn.input "
    "{\n"
    "    1, 8, 8 }, lander.nn.linear { 3 } }, data = data, test_data = data, batch_size "
    "= 10,\n"
    "    solver = { base_lr = o.base_lr, max_iter = 5 } } end }\n"
    "assert(found.status == 'finished' and found.best, found.status .. tostring(found))\n"
    "for _, path in ipairs { '/tmp/x.svg', '../x.svg', 'deep/../../x.svg' } do\n"
    "  for _, f in ipairs { lander.load, lander.load_npy, lander.image.load,\n"
    "      function(p) net:save(p) end, function(p) lander.ones(2):save_npy(p) end,\n"
    "      function(p) go { snapshot_prefix = p } end, lander.core.make_dir,\n"
    "      function(p) lander.plot('deep/run.jsonl', { to = p }) end,\n"
    "      function(p) assert(lander.core.read_file(p)) end,\n"
    "      function(p) assert(lander.core.list_dir(p)) end,\n"
    "      function(p) assert(lander.core.append_file(p)) end } do\n"
    "    local ok, message = pcall(f, path)\n"
    "    assert(not ok and tostring(message):find('does not allow', 1, true), message)\n"
    "  end\n"
    "  assert(not lander.core.remove_file(path) and not lander.core.file_size(path))\n"
    "end\n";

static void test_box(void) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
      {LUA_UTF8LIBNAME, luaopen_utf8},  {NULL, NULL}};
  char folder[] = "/tmp/lander-states-XXXXXX", command[100];
  test_allocator a = {.allowed = -1};
  lua_State *L = lua_newstate(allocate, &a);
  for (const luaL_Reg *l = libraries; l->name; l++) luaL_requiref(L, l->name, l->func, 1);
  lander_config config = {
      .path = inside, .path_userdata = mkdtemp(folder), .log = count_line};
  lander_lua_open(L, &config);
  lua_setglobal(L, "lander");
  check_run(L, setup, "set up in a state with few libraries");
  check_run(L, in_a_box, "a training in a box");
  check(lines > 5, "what it says comes to the host's log");
  snprintf(command, sizeof command, "test -f %s/deep/run.jsonl -a -f %s/curve.svg",
           folder, folder);
  check(system(command) == 0, "files are where the host wants them");
  lua_close(L);
  check(test_allocator_clean(&a), "everything is freed");
  snprintf(command, sizeof command, "rm -r %s", folder);
  check(system(command) == 0, "and removed");
}

int main(void) {
  test_at_once();
  test_closing();
  test_errors();
  test_memory();
  test_host_side();
  test_box();
  return finish();
}
