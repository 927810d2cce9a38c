/* test_solver.c: the solver without Lua: memory that is not there, iterations that ask
 * for none, and snapshots whose text lies. */
#include "../../src/base/memory.h"
#include "../../src/solver/solver.h"
#include "../../src/tensor/npz.h"
#include "allocator.h"
#include "files.h"
#include "unit.h"

#include <math.h>

static const char *const net_text = "data = input () shape=6\n"
                                    "one = linear (data) outputs=5\n"
                                    "drop = dropout (one)\n"
                                    "two = linear (drop) outputs=3 lr_mult=1,2\n"
                                    "label = label ()\n"
                                    "loss = softmax_loss (two, label)\n";
static const char *const sgd =
    "base_lr=0.1 momentum=0.9 iter_size=2 clip_gradients=1 average_loss=5 "
    "lr_policy=multistep gamma=0.5 stepvalue=3,6";

static const char *const lars =
    "type=lars base_lr=1 momentum=0.9 iter_size=2 clip_gradients=1";
static const char *const lbfgs = "type=lbfgs base_lr=20 iter_size=2 history_size=2";
static const char *options;

/* A net, its solver and a minibatch, as one. */
typedef struct training {
  lander_engine *engine;
  lander_net *net;
  lander_solver *solver;
  lander_tensor *inputs[2];
} training;

static void end(training *t) {
  lander_solver_free(t->solver);
  lander_net_free(t->net);
  lander_tensor_free(t->inputs[0]);
  lander_tensor_free(t->inputs[1]);
  lander_engine_free(t->engine);
  *t = (training){.engine = NULL};
}

static lander_status begin_all(training *t, test_allocator *a, lander_error *error) {
  lander_config config = {
      .allocate = a ? test_allocate : NULL, .allocate_userdata = a, .threads = 2};
  t->engine = lander_engine_new(&config, error);
  if (!t->engine) return error->code;
  t->net = lander_net_build(t->engine, net_text, 1, error);
  if (!t->net) return error->code;
  t->inputs[0] = lander_tensor_new(t->engine, 2, (int64_t[]){8, 6}, error);
  if (!t->inputs[0]) return error->code;
  t->inputs[1] = lander_tensor_new(t->engine, 1, (int64_t[]){8}, error);
  if (!t->inputs[1]) return error->code;
  lander_tensor_uniform(t->inputs[0], 1, 0, -1, 1, NULL);
  for (int i = 0; i < 8; i++) lander_tensor_data(t->inputs[1])[i] = (real)(1 + i % 3);
  t->solver = lander_solver_new(t->net, options, error);
  return t->solver ? LANDER_OK : error->code;
}

static bool begin(training *t, test_allocator *a, lander_error *error) {
  *t = (training){.engine = NULL};
  lander_status status = begin_all(t, a, error);
  if (status == LANDER_OK) return true;
  UNIT_CHECK(status == LANDER_ERROR_MEMORY && error->message[0]);
  end(t);
  return false;
}

static lander_status step(training *t, lander_error *error) {
  lander_step found;
  lander_status status = lander_solver_step(t->solver, t->inputs, 2, &found, error);
  UNIT_CHECK(status != LANDER_OK || found.rule == LANDER_RULE_NONE);
  return status;
}

/* Everything that a restore or a failed call must not have changed, or all of it. */
static double fingerprint(const training *t) {
  int64_t count;
  const real *data = net_data_arena(t->net, &count);
  double sum = (double)t->solver->state.iter * 1e3 + lander_solver_rate(t->solver) * 1e6;
  for (int64_t i = 0; i < count; i++)
    sum += data[i] * (double)(i % 101 + 1) + t->solver->history[0][i] * (double)(i % 7);
  return sum;
}

static void test_memory(void) {
  lander_error error;
  training t;
  bool worked = false;
  UNIT_TEST("making a solver and stepping, when the n-th allocation fails");
  for (int n = 0; n < 2000 && !worked; n++) {
    test_allocator a = {.allowed = n};
    if (begin(&t, &a, &error)) {
      double before = fingerprint(&t);
      lander_status status = step(&t, &error);
      if (status != LANDER_OK) {
        UNIT_CHECK(status == LANDER_ERROR_MEMORY && before == fingerprint(&t));
        a.allowed = -1; /* and it goes on when there is memory again */
        UNIT_CHECK(step(&t, &error) == LANDER_OK);
      } else {
        worked = true;
      }
      end(&t);
    }
    UNIT_CHECK(test_allocator_clean(&a));
  }
  UNIT_CHECK(worked);

  UNIT_TEST("an iteration asks for no memory");
  test_allocator a = {.allowed = -1};
  UNIT_CHECK(begin(&t, &a, &error));
  UNIT_CHECK(step(&t, &error) == LANDER_OK);
  a.allowed = a.requests;
  for (int i = 0; i < 10; i++) UNIT_CHECK(step(&t, &error) == LANDER_OK);
  UNIT_CHECK(a.requests == a.allowed && lander_solver_iter(t.solver) == 11);
  end(&t);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* Tries `call` with ever more memory until it works; each failure changes nothing. */
typedef lander_status (*attempt)(training *t, const char *path, lander_error *error);

static lander_status try_set(training *t, const char *path, lander_error *error) {
  (void)path;
  return lander_solver_set(t->solver, "base_lr", "0.5", error);
}

static lander_status try_snapshot(training *t, const char *path, lander_error *error) {
  return lander_solver_snapshot(t->solver, path, "a note", error);
}

static lander_status try_restore(training *t, const char *path, lander_error *error) {
  return lander_solver_restore(t->solver, path, error);
}

static void run_out(attempt call, const char *path) {
  lander_error error;
  training t;
  test_allocator a = {.allowed = -1};
  if (!UNIT_CHECK(begin(&t, &a, &error))) return;
  UNIT_CHECK(step(&t, &error) == LANDER_OK);
  double before = fingerprint(&t);
  int64_t blocks = a.blocks;
  lander_status status = LANDER_ERROR_MEMORY;
  int n = 0;
  for (; n < 2000 && status == LANDER_ERROR_MEMORY; n++) {
    a.allowed = a.requests + n;
    status = call(&t, path, &error);
    if (status == LANDER_ERROR_MEMORY)
      UNIT_CHECK(fingerprint(&t) == before && a.blocks == blocks && error.message[0]);
  }
  UNIT_CHECK(status == LANDER_OK && n > 1);
  end(&t);
  UNIT_CHECK(test_allocator_clean(&a));
}

static void test_files_without_memory(void) {
  lander_error error;
  training t;
  const char *path = files_path("later.npz");
  UNIT_TEST("changing an option, when the n-th allocation fails");
  run_out(try_set, NULL);
  UNIT_TEST("a snapshot, when the n-th allocation fails");
  run_out(try_snapshot, files_path("snapshot.npz"));
  UNIT_TEST("a restore, when the n-th allocation fails");
  UNIT_CHECK(begin(&t, NULL, &error));
  for (int i = 0; i < 7; i++) UNIT_CHECK(step(&t, &error) == LANDER_OK);
  lander_solver_set(t.solver, "momentum", "0.5", &error);
  lander_solver_baseline(t.solver, (double[]){1, 1.2}, 2, 1.1, &error);
  UNIT_CHECK(lander_solver_snapshot(t.solver, path, "later", &error) == LANDER_OK);
  end(&t);
  run_out(try_restore, path);
}

/* ---- a snapshot whose solver.txt says `content` ---- */

static void write_lying(training *t, const char *path, const char *content) {
  lander_error error;
  npz_writer *z = npz_create(t->engine, path, &error);
  UNIT_CHECK(z && net_write(t->net, z, &error) == LANDER_OK);
  for (int i = 0; i < lander_net_params(t->net); i++) {
    const lander_tensor *like = lander_net_param(t->net, i)->data;
    char name[200];
    snprintf(name, sizeof name, "@velocity/%s", lander_net_param(t->net, i)->name);
    npz_add_array(z, name, like->dims, like->size, like->data, &error);
  }
  npz_add_text(z, "solver.txt", content, strlen(content), &error);
  UNIT_CHECK(npz_commit(z, &error) == LANDER_OK);
}

#define STATE(iter, accepted, more)                                                      \
  "state iter=" iter " seed_high=0 seed_low=1 has_baseline=false baseline=0 spread=0 "   \
  "accepted=" accepted " plateau_begun=false plateau_best=0 plateau_waited=0 "           \
  "plateau_cooling=0 plateau_drops=0" more "\n"
#define HEAD "made 0.1.0\ntype sgd\noptions base_lr=0.1\n"

static void test_lies(void) {
  static const char *const lies[] = {
      "",
      "\n",
      "made 0.1.0",
      HEAD,
      HEAD "changed\n" STATE("3", "0", ""),
      HEAD "changed\n" STATE("3", "0", "") "losses",
      HEAD "changed\n" STATE("3", "0", "") "losses\nmore\n",
      HEAD "changed\n" STATE("-3", "0", "") "losses\n",
      HEAD "changed\n" STATE("1e300", "0", "") "losses\n",
      HEAD "changed\n" STATE("nan", "0", "") "losses\n",
      HEAD "changed\n" STATE("0.5", "0", " iter=3") "losses\n",
      HEAD "changed\n" STATE("3", "2", "") "losses 1\n",
      HEAD "changed\n" STATE("3", "2", "") "losses 1 nan\n",
      HEAD "changed\n" STATE("3", "2", "") "losses 1 x\n",
      HEAD "changed\n" STATE("3", "2", "") "losses 1 2 3\n",
      HEAD "changed\n" STATE("3", "9e15", "") "losses 1 2 3\n",
      HEAD "changed\n" STATE("3", "0", " unknown=1") "losses\n",
      HEAD "changed\n" STATE("3", "0", " chance=-1") "losses\n",
      HEAD "changed\n" STATE("3", "0", " best=nan") "losses\n",
      HEAD "changed\n" STATE("3", "0", " has_start=true") "losses\n",
      HEAD "changed base_lr\n" STATE("3", "0", "") "losses\n",
      HEAD "changed base_lr=-1\n" STATE("3", "0", "") "losses\n",
      HEAD "changed =1\n" STATE("3", "0", "") "losses\n",
      HEAD "changed type=gd\n" STATE("3", "0", "") "losses\n",
      HEAD "changed lr_policy=poly\n" STATE("3", "0", "") "losses\n",
      "made 0.1.0\ntype adam\noptions\nchanged\n" STATE("3", "0", "") "losses\n"};
  lander_error error;
  training t;
  const char *path = files_path("lying.npz");
  UNIT_TEST("a snapshot whose text lies is refused, and nothing is changed");
  UNIT_CHECK(begin(&t, NULL, &error) && step(&t, &error) == LANDER_OK);
  double before = fingerprint(&t);
  for (int i = 0; i < COUNT_OF(lies); i++) {
    write_lying(&t, path, lies[i]);
    lander_status status = lander_solver_restore(t.solver, path, &error);
    bool refused = UNIT_CHECK(status != LANDER_OK && fingerprint(&t) == before);
    refused = refused && UNIT_CHECK(strstr(error.message, "lying.npz"));
    if (!refused) printf("  lie %d: %s\n", i, error.message);
    UNIT_CHECK(lander_solver_restore(t.solver, path, NULL) == status);
  }
  UNIT_TEST("the same text without the lie is taken");
  write_lying(&t, path,
              HEAD "changed base_lr=0.25\n" STATE("3", "2", "") "losses 1 2.5\n");
  UNIT_CHECK(lander_solver_restore(t.solver, path, &error) == LANDER_OK);
  UNIT_CHECK(lander_solver_iter(t.solver) == 3 && lander_solver_loss(t.solver) == 1.75);
  double losses[3] = {0, 0, -1};
  UNIT_CHECK(lander_solver_losses(t.solver, losses, 3) == 2);
  UNIT_CHECK(losses[0] == 1 && losses[1] == 2.5 && losses[2] == -1);
  UNIT_CHECK(lander_solver_losses(t.solver, losses, 1) == 1 && losses[0] == 2.5);
  UNIT_CHECK(lander_solver_rate(t.solver) == 0.125 && !lander_solver_note(t.solver));
  end(&t);
}

static void test_options(void) {
  lander_error error;
  training t;
  char value[32];
  UNIT_TEST("options as text");
  UNIT_CHECK(begin(&t, NULL, &error));
  UNIT_CHECK(!lander_solver_get(t.solver, "stepvalue", value, sizeof value, &error) &&
             !strcmp(value, "3,6"));
  UNIT_CHECK(lander_solver_get(t.solver, "stepvalue", value, 3, &error) ==
             LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!lander_solver_set(t.solver, "momentum", "0.123456789012345", &error));
  UNIT_CHECK(!lander_solver_get(t.solver, "momentum", value, sizeof value, &error) &&
             !strcmp(value, "0.123456789012345"));
  UNIT_CHECK(lander_solver_set(t.solver, "momentum", "", NULL) == LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!lander_solver_new(t.net, NULL, &error) && strstr(error.message, "base_lr"));
  UNIT_CHECK(!lander_solver_new(t.net, "base_lr", &error) && error.message[0]);
  UNIT_CHECK(!lander_solver_new(t.net, "type=sg base_lr=1", &error) &&
             strstr(error.message, "'sgd'"));
  UNIT_CHECK(!lander_solver_new(t.net, "base_lr=1 base_lr=2", &error) &&
             strstr(error.message, "twice"));
  UNIT_CHECK(!strcmp(lander_rule_name(LANDER_RULE_BLOWUP), "R3"));
  UNIT_CHECK(!strcmp(lander_rule_name((lander_rule)99), "unknown"));
  end(&t);
}

int main(void) {
  static const char *const names[] = {"later.npz", "snapshot.npz", "lying.npz", NULL};
  files_begin();
  const char *const types[] = {lbfgs, lars, sgd};
  for (int i = 0; i < COUNT_OF(types); i++) {
    options = types[i];
    test_memory();
  }
  test_files_without_memory();
  test_lies();
  test_options();
  UNIT_TEST("nothing is left behind");
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
