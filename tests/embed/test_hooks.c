/* test_hooks.c: what a host in C sets and gets called back for: paths, its own memory,
 * progress, the stop flag, the log. */
#include <lander.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static const char net_text[] = "data = input () shape=3\n"
                               "hidden = linear (data) outputs=5\n"
                               "noise = dropout (hidden) ratio=0.2\n"
                               "scores = linear (noise) outputs=2\n"
                               "label = label ()\n"
                               "loss = softmax_loss (scores, label)\n";

/* ---- paths ------------------------------------------------------------------------- */

typedef struct gate {
  bool open;
  const char *folder; /* where relative names are, when it is open */
  int asked[LANDER_USE_MAKE + 1];
} gate;

static bool ask(void *userdata, lander_use use, const char *path,
                char actual[LANDER_PATH_LENGTH]) {
  gate *g = userdata;
  g->asked[use]++;
  if (!g->open) return false;
  return snprintf(actual, LANDER_PATH_LENGTH, "%s/%s", g->folder, path) <
         LANDER_PATH_LENGTH;
}

static void check_refused(bool is_null, const lander_error *error, const char *what) {
  check(is_null && error->code == LANDER_ERROR_IO &&
            strstr(error->message, "the host does not allow it"),
        what);
}

/* Everything that opens a file is refused, and has asked. */
static void check_readers(lander_engine *engine, lander_error *error) {
  static const char *const files[] = {"a.bin"};
  check_refused(!lander_tensor_load(engine, "a.npy", error), error, "npy is refused");
  check_refused(!lander_net_open(engine, "a.npz", error), error, "a net is refused");
  check_refused(!lander_data_idx(engine, "a", "b", NULL, error), error, "idx");
  check_refused(!lander_data_cifar10(engine, files, 1, NULL, error), error, "cifar");
  check_refused(!lander_data_csv(engine, "a.csv", NULL, "1", NULL, error), error, "csv");
  check_refused(!lander_data_npy(engine, "a", "b", NULL, error), error, "npy data");
  check_refused(!lander_data_npz(engine, "a", "x", "y", NULL, error), error, "npz");
  check_refused(!lander_data_images(engine, "a", NULL, 0, NULL, error), error, "folder");
  check_refused(!lander_image_load(engine, "a.png", 0, error), error, "picture");
  bool is;
  check_refused(lander_file_is_snapshot(engine, "a", &is, error) == LANDER_ERROR_IO,
                error, "a snapshot is refused");
}

static void check_writers(lander_engine *engine, lander_error *error) {
  lander_tensor *t = lander_tensor_new(engine, 2, (int64_t[]){4, 4}, error);
  lander_net *net = lander_net_build(engine, net_text, 1, error);
  lander_solver *solver = lander_solver_new(net, "base_lr=0.1", error);
  check_refused(lander_tensor_save(t, "a", error) == LANDER_ERROR_IO, error, "save npy");
  check_refused(lander_image_save(t, "a", 0, 1, error) == LANDER_ERROR_IO, error, "png");
  check_refused(lander_net_save(net, "a", error) == LANDER_ERROR_IO, error, "save net");
  check_refused(lander_solver_snapshot(solver, "a", NULL, error) == LANDER_ERROR_IO,
                error, "snapshot");
  check_refused(lander_solver_restore(solver, "a", error) == LANDER_ERROR_IO, error,
                "restore");
  check_refused(lander_engine_write(engine, "a", "x", 1, error) == LANDER_ERROR_IO, error,
                "a text");
  lander_solver_free(solver);
  lander_net_free(net);
  lander_tensor_free(t);
}

static void check_redirected(lander_engine *engine, gate *g, lander_error *error) {
  char whole[LANDER_PATH_LENGTH];
  g->open = true;
  lander_net *net = lander_net_build(engine, net_text, 1, error);
  check(lander_net_save(net, "net.npz", error) == LANDER_OK, "a net is saved");
  snprintf(whole, sizeof whole, "%s/net.npz", g->folder);
  check(access(whole, R_OK) == 0 && access("net.npz", F_OK) != 0,
        "where the host wants it");
  lander_net *again = lander_net_open(engine, "net.npz", error);
  check(again != NULL, "and found there");
  check(!lander_net_open(engine, "none.npz", error) &&
            strstr(error->message, "'none.npz'") && !strstr(error->message, g->folder),
        "messages show the path that was asked for");
  check(lander_engine_write(engine, "no/where", "x", 1, error) == LANDER_ERROR_IO &&
            strstr(error->message, "'no/where'"),
        "also where it can't be written");
  remove(whole);
  lander_net_free(net);
  lander_net_free(again);
}

static void test_paths(void) {
  lander_error error;
  char folder[] = "/tmp/lander-hooks-XXXXXX";
  gate g = {.folder = mkdtemp(folder)};
  lander_config config = {.path = ask, .path_userdata = &g, .threads = 1};
  lander_engine *engine = lander_engine_new(&config, &error);
  check(lander_engine_has_path_hook(engine), "the engine knows its hook");
  check_readers(engine, &error);
  check(g.asked[LANDER_USE_READ] >= 10 && g.asked[LANDER_USE_LIST] == 1 &&
            g.asked[LANDER_USE_WRITE] == 0,
        "readers ask for reading");
  check_writers(engine, &error);
  check(g.asked[LANDER_USE_WRITE] == 5, "writers ask for writing");
  check_redirected(engine, &g, &error);
  lander_engine_free(engine);
  rmdir(folder);
}

/* ---- the host's own memory ----------------------------------------------------------
 */

static void release(void *userdata, lander_real *data) {
  *(lander_real **)userdata = data;
}

static void test_wrap(void) {
  lander_error error;
  lander_engine *engine = lander_engine_new(NULL, &error);
  lander_real numbers[] = {1, 2, 3, 4, 5, 6}, *released = NULL;
  const int64_t size[] = {2, 2}, strides[] = {3, 1}, backwards[] = {-1, 1},
                far[] = {INT64_MAX / 2, 1};
  lander_tensor *t =
      lander_tensor_wrap(engine, numbers, 2, size, strides, release, &released, &error);
  check(t && lander_tensor_data(t) == numbers, "no copy is made");
  double sum = 0;
  check(lander_tensor_reduce_all(LANDER_REDUCE_SUM, t, &sum, &error) == LANDER_OK &&
            sum == 1 + 2 + 4 + 5,
        "strides are the host's");
  check(lander_tensor_fill(t, 9, &error) == LANDER_OK && numbers[0] == 9 &&
            numbers[2] == 3 && numbers[4] == 9,
        "and writing goes to the host's memory");
  check(lander_tensor_bytes(t) == 0, "it counts as none of the library's memory");
  lander_tensor *view = lander_tensor_select(t, 0, 1, &error);
  lander_tensor_free(t);
  check(view && !released, "a view keeps it");
  lander_tensor_free(view);
  check(released == numbers, "the last one lets it go");
  released = NULL;
  check(!lander_tensor_wrap(engine, numbers, 2, size, backwards, release, &released,
                            &error) &&
            error.code == LANDER_ERROR_ARGUMENT,
        "negative strides are refused");
  check(!lander_tensor_wrap(engine, numbers, 2, size, far, release, &released, &error) ||
            sizeof(lander_real) < 4,
        "strides beyond all memory, too");
  check(!lander_tensor_wrap(engine, NULL, 2, size, NULL, release, &released, &error),
        "and no memory");
  check(!released, "what was refused stays the host's");
  lander_engine_free(engine);
}

/* ---- training -----------------------------------------------------------------------
 */

typedef struct training {
  lander_engine *engine;
  lander_net *net;
  lander_solver *solver;
  lander_dataset *data;
  lander_batches *batches;
} training;

static char logged[300];

static void keep_line(void *userdata, lander_log_level level, const char *message) {
  (void)userdata;
  (void)level;
  snprintf(logged, sizeof logged, "%s", message);
}

static training begin(const char *options) {
  lander_error error;
  lander_config config = {.log = keep_line, .threads = 1};
  training t = {.engine = lander_engine_new(&config, &error)};
  t.net = lander_net_build(t.engine, net_text, 1, &error);
  t.solver = lander_solver_new(t.net, options, &error);
  lander_tensor *x = lander_tensor_new(t.engine, 2, (int64_t[]){20, 3}, &error);
  lander_tensor *y = lander_tensor_new(t.engine, 1, (int64_t[]){20}, &error);
  lander_tensor_normal(x, 1, 0, 0, 1, &error);
  for (int i = 0; i < 20; i++) lander_tensor_data(y)[i] = (lander_real)(1 + i % 2);
  t.data = lander_data_tensors(x, y, "classes=2", &error);
  t.batches = lander_batches_new(t.data, "size=5 shuffle=true loop=true", &error);
  lander_tensor_free(x);
  lander_tensor_free(y);
  return t;
}

static void end(training *t) {
  lander_batches_free(t->batches);
  lander_dataset_free(t->data);
  lander_solver_free(t->solver);
  lander_net_free(t->net);
  lander_engine_free(t->engine);
}

static double weights(const training *t) {
  double all = 0, sum = 0;
  for (int i = 0; i < lander_net_params(t->net); i++) {
    lander_tensor_reduce_all(LANDER_REDUCE_SUM, lander_net_param(t->net, i)->data, &sum,
                             NULL);
    all += sum * (i + 1);
  }
  return all;
}

static bool raise_flag(void *userdata, const lander_solver *solver,
                       const lander_step *step) {
  (void)step;
  if (lander_solver_iter(solver) == 7) lander_engine_stop(userdata, true);
  return true;
}

static jmp_buf edge;

static bool jump_out(void *userdata, const lander_solver *solver,
                     const lander_step *step) {
  (void)userdata;
  (void)step;
  if (lander_solver_iter(solver) == 5) longjmp(edge, 1);
  return lander_solver_iter(solver) != 12;
}

static const char sgd[] = "base_lr=0.1 momentum=0.9";

/* Stopped by a flag, by a longjmp and by its callback, and gone on with: the same bits.
 */
static void test_interrupted(double whole) {
  lander_error error;
  training t = begin(sgd);
  check(lander_solver_train(t.solver, t.batches, 30, raise_flag, t.engine, &error) ==
                LANDER_STOPPED &&
            strstr(error.message, "iteration 7"),
        "the stop flag ends it");
  check(lander_solver_train(t.solver, t.batches, 30, NULL, NULL, &error) ==
            LANDER_STOPPED,
        "for as long as it is up");
  lander_engine_stop(t.engine, false);
  check(lander_solver_train(t.solver, t.batches, 30, NULL, NULL, &error) == LANDER_OK &&
            weights(&t) == whole,
        "and then it goes on with the same bits");
  end(&t);
  t = begin(sgd);
  if (setjmp(edge) == 0)
    lander_solver_train(t.solver, t.batches, 30, jump_out, NULL, &error);
  check(lander_solver_iter(t.solver) == 5, "the callback left by longjmp");
  check(lander_solver_train(t.solver, t.batches, 30, jump_out, NULL, &error) ==
                LANDER_STOPPED &&
            lander_solver_iter(t.solver) == 12,
        "the callback said stop");
  check(lander_solver_train(t.solver, t.batches, 30, NULL, NULL, &error) == LANDER_OK &&
            weights(&t) == whole,
        "and nothing was locked or half-changed");
  end(&t);
}

static void test_divergence(void) {
  lander_error error;
  training t = begin("base_lr=1e8 momentum=0.9");
  lander_status status =
      lander_solver_train(t.solver, t.batches, 1000, NULL, NULL, &error);
  double before = weights(&t);
  check(status == LANDER_DIVERGED && strstr(error.message, "rule R"),
        "a divergence is a failure that names its rule");
  check(before == before && before - before == 0, "the weights are finite");
  check(!strcmp(lander_status_name(status), "diverged"), "and has a name");
  end(&t);
}

static void test_training(void) {
  lander_error error;
  training t = begin(sgd);
  check(lander_solver_train(t.solver, t.batches, 30, NULL, NULL, &error) == LANDER_OK &&
            lander_solver_iter(t.solver) == 30,
        "30 iterations are made");
  double whole = weights(&t);
  lander_engine_log(t.engine, LANDER_LOG_INFO, "a line");
  check(!strcmp(logged, "a line"), "the log comes to the host");
  end(&t);
  test_interrupted(whole);
  test_divergence();
}

int main(void) {
  check(lander_abi() == LANDER_ABI, "header and library have one interface");
  check(!strcmp(lander_version(), LANDER_VERSION), "and one version");
  test_paths();
  test_wrap();
  test_training();
  return finish();
}
