/* test_layers.c: layers from inside: gradients that are written or added to,
 * descriptions, and sizes that no one can have. */
#include "layers/layer.h"
#include "unit.h"

#include <math.h>
#include <string.h>

static const char net_text[] = "data = input () shape=3,9,8\n"
                               "conv1 = conv (data) outputs=4 kernel=3 pad=1\n"
                               "conv2 = conv (conv1) outputs=6 kernel=1 groups=2\n"
                               "act = tanh (conv2)\n"
                               "ip1 = linear (act) outputs=5\n"
                               "ip2 = linear (ip1) outputs=3\n"
                               "label = label ()\n"
                               "loss = softmax_loss (ip2, label)\n";

enum { BATCH = 21 };

static real *gradient(lander_net *net, int param, int64_t *count) {
  lander_tensor *t = lander_net_param(net, param)->grad;
  *count = lander_tensor_count(t);
  return lander_tensor_data(t);
}

/* beta 0 does not read what is there; beta 1 adds to it. */
static void test_accumulating(lander_engine *engine) {
  UNIT_TEST("gradients are written, then added to");
  lander_net *net = lander_net_build(engine, net_text, 1, NULL);
  lander_tensor *x = lander_tensor_new(engine, 4, (int64_t[]){BATCH, 3, 9, 8}, NULL);
  lander_tensor *y = lander_tensor_new(engine, 1, (int64_t[]){BATCH}, NULL);
  if (!UNIT_CHECK(net && x && y)) return;
  lander_tensor_normal(x, 1, 0, 0, 1, NULL);
  for (int i = 0; i < BATCH; i++) lander_tensor_data(y)[i] = (real)(i % 3 + 1);
  lander_tensor *inputs[] = {x, y};
  UNIT_CHECK(lander_net_forward(net, inputs, 2, NULL) == LANDER_OK);
  static real once[8][4096];
  for (int p = 0; p < lander_net_params(net); p++) {
    int64_t count;
    real *g = gradient(net, p, &count);
    for (int64_t i = 0; i < count; i++) g[i] = (real)NAN;
  }
  UNIT_CHECK(lander_net_backward(net, NULL, false, NULL) == LANDER_OK);
  for (int p = 0; p < lander_net_params(net); p++) {
    int64_t count;
    const real *g = gradient(net, p, &count);
    if (!UNIT_CHECK(count <= 4096)) return;
    memcpy(once[p], g, (size_t)count * sizeof(real));
  }
  UNIT_CHECK(lander_net_backward(net, NULL, true, NULL) == LANDER_OK);
  for (int p = 0; p < lander_net_params(net); p++) {
    int64_t count;
    const real *g = gradient(net, p, &count);
    for (int64_t i = 0; i < count; i++) /* the order of the sums is another */
      UNIT_CHECK(fabs((double)g[i] - 2 * (double)once[p][i]) <= 1e-6);
  }
  lander_tensor_free(x);
  lander_tensor_free(y);
  lander_net_free(net);
}

static void test_descriptions(void) {
  UNIT_TEST("layers and fillers are described");
  int layers = 0, fillers = 0;
  for (const layer_type *t; (t = layer_types(layers)) != NULL; layers++) {
    UNIT_CHECK(t->name && t->help && t->example && t->options && t->setup);
    UNIT_CHECK((t->flags & LAYER_SOURCE) || t->forward);
    UNIT_CHECK((t->flags & (LAYER_SOURCE | LAYER_METRIC)) || t->backward);
    UNIT_CHECK(layer_type_find(t->name) == t);
  }
  UNIT_CHECK(layers >= 15);
  for (const lander_description *d; (d = filler_description(fillers)) != NULL; fillers++)
    UNIT_CHECK(!strcmp(d->name, filler_names[fillers]) && d->help && d->options);
  UNIT_CHECK(fillers == 7 && filler_names[7] == NULL);
  UNIT_CHECK(filler_description(-1) == NULL);
}

/* An error with words each, and no product of sizes that overflows on the way. */
static void test_hostile_sizes(lander_engine *engine) {
  static const char *const texts[] = {
      "x = input () shape=1073741824,1073741824\ny = linear (x) outputs=16777216",
      "x = input () shape=16777216,1048576,1048576\ny = conv (x) outputs=16777216 "
      "kernel=1",
      "x = input () shape=1,1048576,1048576\n"
      "y = conv (x) outputs=16777216 kernel=1048576 pad=1048576 dilation=1048576",
      "x = input () shape=1,8,8\ny = conv (x) outputs=1 kernel=1048576 dilation=1048576",
      "x = input () shape=4,1048576,1048576\ny = max_pool (x) kernel=2",
      "x = input () shape=1,1,1\ny = avg_pool (x) kernel=1048576 pad=1048575 stride=1",
      "x = input () shape=4\ny = conv (x) outputs=1 kernel=1",
      "x = input () shape=4,4\ny = conv (x) outputs=1 kernel=1,1",
      "x = input () shape=4,4,4,4\ny = max_pool (x) kernel=1",
  };
  for (int i = 0; i < COUNT_OF(texts); i++) {
    UNIT_TEST("sizes that no one can have");
    lander_error error = {.code = LANDER_OK};
    lander_net *net = lander_net_build(engine, texts[i], 1, &error);
    bool refused = !net && error.code != LANDER_OK && strlen(error.message) > 20;
    /* What can be built needs memory only when it runs: a mean over padding alone. */
    if (!UNIT_CHECK(refused || i == 5)) printf("  net %d: %s\n", i, error.message);
    lander_net_free(net);
  }
}

int main(void) {
  lander_engine *engine = lander_engine_new(&(lander_config){.threads = 2}, NULL);
  if (!engine) return 1;
  test_accumulating(engine);
  test_descriptions();
  test_hostile_sizes(engine);
  lander_engine_free(engine);
  return unit_finish();
}
