/* train.c: a host that trains with no Lua: train NET.npz ITERATIONS. Ctrl-C raises the
 * engine's stop flag; the training ends after its iteration with a snapshot, and the same
 * command goes on from there, with the bits that it would have had. The data are the
 * host's own arrays, which are used where they lie. */
#include <lander.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAMPLES = 512, BATCH = 32 };

static const char net_text[] = "point  = input () shape=2\n"
                               "hidden = linear (point) outputs=16\n"
                               "bent   = tanh (hidden)\n"
                               "scores = linear (bent) outputs=2\n"
                               "class  = label ()\n"
                               "loss   = softmax_loss (scores, class)\n";

static const char options[] = "type=sgd base_lr=0.1 momentum=0.9 lr_policy=step "
                              "gamma=0.5 stepsize=1000";

static lander_engine *engine; /* for the signal handler, which may raise its flag */

static void interrupted(int signal) {
  (void)signal;
  lander_engine_stop(engine, true);
}

static int fail(const lander_error *error) {
  fprintf(stderr, "train: %s\n", error->message);
  return EXIT_FAILURE;
}

static lander_real points[SAMPLES][2], classes[SAMPLES];

/* Class 1 lies inside a circle, class 2 outside. */
static void make_data(void) {
  for (int i = 0; i < SAMPLES; i++) {
    double x = (i * 37 % SAMPLES) / (SAMPLES / 2.0) - 1, y = (i % 23) / 11.0 - 1;
    points[i][0] = (lander_real)x;
    points[i][1] = (lander_real)y;
    classes[i] = x * x + y * y < 0.5 ? 1 : 2;
  }
}

static lander_dataset *wrap_data(lander_error *error) {
  lander_tensor *x = lander_tensor_wrap(engine, points[0], 2, (int64_t[]){SAMPLES, 2},
                                        NULL, NULL, NULL, error);
  lander_tensor *y = x ? lander_tensor_wrap(engine, classes, 1, (int64_t[]){SAMPLES},
                                            NULL, NULL, NULL, error)
                       : NULL;
  lander_dataset *data = y ? lander_data_tensors(x, y, "classes=2", error) : NULL;
  lander_tensor_free(x);
  lander_tensor_free(y);
  return data;
}

static bool show(void *userdata, const lander_solver *solver, const lander_step *step) {
  (void)userdata;
  int64_t iter = lander_solver_iter(solver);
  if (iter % 50 == 0)
    printf("%lld loss %.4f rate %g\n", (long long)iter, step->loss, step->rate);
  return fflush(stdout) == 0; /* nobody reads any more: stop */
}

int main(int argc, char **argv) {
  lander_error error;
  if (argc != 3) {
    fprintf(stderr, "usage: train NET.npz ITERATIONS\n");
    return EXIT_FAILURE;
  }
  make_data();
  engine = lander_engine_new(NULL, &error);
  lander_net *net = engine ? lander_net_build(engine, net_text, 1, &error) : NULL;
  lander_solver *solver = net ? lander_solver_new(net, options, &error) : NULL;
  lander_dataset *data = solver ? wrap_data(&error) : NULL;
  lander_batches *batches =
      data ? lander_batches_new(data, "size=32 shuffle=true loop=true", &error) : NULL;
  if (!batches) return fail(&error);
  if (access(argv[1], F_OK) == 0) {
    if (lander_solver_restore(solver, argv[1], &error) != LANDER_OK) return fail(&error);
    lander_batches_seek(batches, lander_solver_iter(solver) * BATCH);
  }
  signal(SIGINT, interrupted);
  lander_status status =
      lander_solver_train(solver, batches, atoll(argv[2]), show, NULL, &error);
  if (status != LANDER_OK && status != LANDER_STOPPED) return fail(&error);
  if (status == LANDER_STOPPED) printf("%s\n", error.message);
  if (lander_solver_snapshot(solver, argv[1], NULL, &error) != LANDER_OK)
    return fail(&error);
  lander_batches_free(batches);
  lander_dataset_free(data);
  lander_solver_free(solver);
  lander_net_free(net);
  lander_engine_free(engine);
  return EXIT_SUCCESS;
}
