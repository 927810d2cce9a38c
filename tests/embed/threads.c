/* threads.c: two engines in two threads, which train at once and never meet: what each of
 * them gets is what it gets alone, bit for bit. Prints both sums of the weights. */
#include <lander.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char net_text[] = "image = input () shape=1,12,12\n"
                               "conv = conv (image) outputs=4 kernel=3\n"
                               "pool = max_pool (conv) kernel=2\n"
                               "relu = relu (pool)\n"
                               "drop = dropout (relu) ratio=0.3\n"
                               "scores = linear (drop) outputs=3\n"
                               "class = label ()\n"
                               "loss = softmax_loss (scores, class)\n";

typedef struct job {
  uint64_t seed;
  lander_status status;
  lander_error error;
  double weights;
} job;

static lander_dataset *make_data(lander_engine *engine, uint64_t seed,
                                 lander_error *error) {
  lander_tensor *x = lander_tensor_new(engine, 4, (int64_t[]){48, 1, 12, 12}, error);
  lander_tensor *y = x ? lander_tensor_new(engine, 1, (int64_t[]){48}, error) : NULL;
  lander_dataset *data = NULL;
  if (y && lander_tensor_normal(x, seed, 0, 0, 1, error) == LANDER_OK) {
    for (int i = 0; i < 48; i++) lander_tensor_data(y)[i] = (lander_real)(1 + i % 3);
    data = lander_data_tensors(x, y, "classes=3", error);
  }
  lander_tensor_free(x);
  lander_tensor_free(y);
  return data;
}

static void *train(void *arg) {
  job *j = arg;
  lander_error *error = &j->error;
  lander_config config = {.threads = 2};
  lander_engine *engine = lander_engine_new(&config, error);
  lander_net *net = engine ? lander_net_build(engine, net_text, j->seed, error) : NULL;
  lander_solver *solver =
      net ? lander_solver_new(net, "type=adam base_lr=0.01", error) : NULL;
  lander_dataset *data = solver ? make_data(engine, j->seed, error) : NULL;
  lander_batches *batches =
      data ? lander_batches_new(data, "size=16 shuffle=true loop=true", error) : NULL;
  j->status =
      batches ? lander_solver_train(solver, batches, 40, NULL, NULL, error) : error->code;
  j->weights = 0;
  for (int i = 0; j->status == LANDER_OK && i < lander_net_params(net); i++) {
    double sum = 0;
    j->status = lander_tensor_reduce_all(LANDER_REDUCE_SUM,
                                         lander_net_param(net, i)->data, &sum, error);
    j->weights += sum;
  }
  lander_batches_free(batches);
  lander_dataset_free(data);
  lander_solver_free(solver);
  lander_net_free(net);
  lander_engine_free(engine);
  return NULL;
}

int main(void) {
  job alone[2] = {{.seed = 1}, {.seed = 2}}, at_once[2] = {{.seed = 1}, {.seed = 2}};
  pthread_t other;
  for (int i = 0; i < 2; i++) train(&alone[i]);
  if (pthread_create(&other, NULL, train, &at_once[1]) != 0) return EXIT_FAILURE;
  train(&at_once[0]);
  pthread_join(other, NULL);
  bool same = true;
  for (int i = 0; i < 2; i++) {
    if (at_once[i].status != LANDER_OK) fprintf(stderr, "%s\n", at_once[i].error.message);
    printf("%a alone, %a at once\n", alone[i].weights, at_once[i].weights);
    same = same && at_once[i].status == LANDER_OK && alone[i].status == LANDER_OK &&
           alone[i].weights == at_once[i].weights;
  }
  printf("%s\n", same ? "the same bits" : "DIFFERENT BITS");
  return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
