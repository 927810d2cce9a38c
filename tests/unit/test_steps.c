/* test_steps.c: once a net and a solver have their memory, a step asks for none; and when
 * there was none, at whatever request, building them or a first step fails and leaves
 * nothing: nets with most types of layers, under every type of solver. */
#include "lander.h"

#include "allocator.h"
#include "unit.h"

typedef struct example {
  const char *what, *text;
  int dims;
  int64_t size[4]; /* of the input, with the batch */
  int64_t label[2];
  double most; /* inputs are 1 .. most, whole ones; 0: any */
} example;

#define LABEL "label = label ()\nloss = softmax_loss (scores, label)\n"

static const example examples[] = {
    {"a convolutional net",
     "data = input () shape=3,12,12\n"
     "conv1 = conv (data) outputs=4 kernel=3 pad=1\n"
     "norm1 = batch_norm (conv1)\n"
     "relu1 = relu (norm1)\n"
     "pool1 = max_pool (relu1) kernel=2 stride=2\n"
     "lrn1 = lrn (pool1)\n"
     "conv2 = conv (lrn1) outputs=4 kernel=3 pad=1 groups=2 bias=false\n"
     "norm2 = group_norm (conv2) groups=2\n"
     "sum = add (norm2, pool1)\n"
     "up = deconv (sum) outputs=4 kernel=2 stride=2\n"
     "prelu = prelu (up)\n"
     "pool2 = avg_pool (prelu) kernel=3 stride=2\n"
     "drop = dropout (pool2)\n"
     "turned = permute (drop) order=3,1,2\n"
     "flat = flatten (turned)\n"
     "scores = linear (flat) outputs=3\n" LABEL,
     4,
     {5, 3, 12, 12},
     {5},
     0},
    {"a text net",
     "data = input () shape=7\n"
     "words = embedding (data) entries=9 dim=8\n"
     "places = bias (words) num_axes=-1\n"
     "norm = layer_norm (places) dims=1\n"
     "look = attention (norm) heads=2 causal=true\n"
     "sum = add (look, words)\n"
     "wide = linear (sum) outputs=16 axis=-1\n"
     "gelu = gelu (wide)\n"
     "narrow = linear (gelu) outputs=8 axis=-1\n"
     "lstm = lstm (narrow) hidden=6 layers=2 bidirectional=true\n"
     "gru = gru (lstm) hidden=5\n"
     "rnn = rnn (gru) hidden=4\n"
     "scores = linear (rnn) outputs=3\n" LABEL,
     2,
     {5, 7},
     {5},
     9},
    {"other layers",
     "data = input () shape=8\n"
     "one = linear (data) outputs=8\n"
     "a = tanh (one)\nb = sigmoid (a)\nc = elu (b)\nd = silu (c)\ne = softplus (d)\n"
     "f = power (e) power=2\ng = abs (f)\nh = exp (g)\ni = log (h)\n"
     "parts = slice (i) parts=2\n"
     "j = mul (parts, parts:2)\nk = maximum (parts, parts:2)\n"
     "l = concat (j, k)\nm = scale (l) bias=true\nn = tile (m) times=2\n"
     "o = log_softmax (n)\np = softmax (o)\nq = reduction (p)\n"
     "scores = linear (l) outputs=3\n"
     "other = linear (q) outputs=1\n"
     "target = label ()\n"
     "squares = mse_loss (other, target)\n" LABEL,
     2,
     {5, 8},
     {5},
     0},
};

static lander_tensor *make_input(lander_engine *engine, const example *e) {
  lander_tensor *x = lander_tensor_new(engine, e->dims, e->size, NULL);
  if (!x) return NULL;
  lander_tensor_uniform(x, 1, 0, -1, 1, NULL);
  int64_t count = lander_tensor_count(x);
  for (int64_t i = 0; e->most > 0 && i < count; i++)
    lander_tensor_data(x)[i] = (lander_real)(1 + i % (int64_t)e->most);
  return x;
}

typedef struct batch {
  lander_tensor *x, *label;
  lander_tensor *inputs[3];
} batch;

static bool make_batch(lander_engine *engine, const example *e, batch *b) {
  b->x = make_input(engine, e);
  b->label = lander_tensor_new(engine, 1, e->label, NULL);
  if (!UNIT_CHECK(b->x && b->label)) return false;
  for (int i = 0; i < e->label[0]; i++)
    lander_tensor_data(b->label)[i] = (lander_real)(1 + i % 3);
  b->inputs[0] = b->x;
  b->inputs[1] = b->inputs[2] = b->label;
  return true;
}

static void free_batch(batch *b) {
  lander_tensor_free(b->x);
  lander_tensor_free(b->label);
}

static lander_engine *new_engine(test_allocator *a) {
  lander_config config = {
      .allocate = test_allocate, .allocate_userdata = a, .threads = 2};
  return lander_engine_new(&config, NULL);
}

/* ---- a step asks for no memory ----------------------------------------------------- */

static void run_steps(test_allocator *a, lander_engine *engine, lander_net *net,
                      lander_solver *solver, const example *e) {
  lander_error error = {.code = LANDER_OK};
  batch b;
  if (!make_batch(engine, e, &b)) return;
  int count = 1 + lander_net_labels(net), before = 0;
  for (int i = 0; i < 5; i++) {
    if (i == 2) before = a->requests;
    lander_step step;
    lander_status status = lander_solver_step(solver, b.inputs, count, &step, &error);
    if (!UNIT_CHECK(status == LANDER_OK)) printf("  %s\n", error.message);
  }
  if (!UNIT_CHECK(a->requests == before))
    printf("  %d requests in 3 steps\n", a->requests - before);
  free_batch(&b);
}

static void check(const example *e, const char *type) {
  UNIT_TEST(e->what);
  char options[96];
  lander_error error;
  snprintf(options, sizeof options, "type=%s base_lr=1e-4", type);
  test_allocator a = {.allowed = -1};
  lander_engine *engine = new_engine(&a);
  lander_net *net = lander_net_build(engine, e->text, 1, &error);
  if (!UNIT_CHECK(net)) printf("  %s\n", error.message);
  lander_solver *solver = net ? lander_solver_new(net, options, &error) : NULL;
  if (!UNIT_CHECK(solver)) printf("  %s: %s\n", type, error.message);
  if (solver) run_steps(&a, engine, net, solver, e);
  lander_solver_free(solver);
  lander_net_free(net);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* ---- no memory --------------------------------------------------------------------- */

/* All weights, every bit of them. */
static uint64_t fingerprint(const lander_net *net) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (int i = 0; i < lander_net_params(net); i++) {
    const lander_tensor *t = lander_net_param(net, i)->data;
    const unsigned char *byte = (const unsigned char *)lander_tensor_data(t);
    size_t size = (size_t)lander_tensor_count(t) * sizeof(lander_real);
    for (size_t k = 0; k < size; k++) hash = (hash ^ byte[k]) * 1099511628211u;
  }
  return hash;
}

/* A step which, when there was no memory for it, has changed nothing, and goes well as
 * soon as there is. Whether it went well at once. */
static bool step_twice(test_allocator *a, lander_net *net, lander_solver *solver,
                       batch *b) {
  lander_error error;
  lander_step step;
  uint64_t before = fingerprint(net);
  int count = 1 + lander_net_labels(net);
  lander_status status = lander_solver_step(solver, b->inputs, count, &step, &error);
  if (status == LANDER_OK) return true;
  UNIT_CHECK(status == LANDER_ERROR_MEMORY && error.message[0]);
  UNIT_CHECK(fingerprint(net) == before && lander_solver_iter(solver) == 0);
  a->allowed = -1;
  UNIT_CHECK(lander_solver_step(solver, b->inputs, count, &step, &error) == LANDER_OK);
  return false;
}

/* A net, its solver and a first step with n requests granted (negative: all). True when
 * none was lacking; *hash becomes what the weights are then. */
static bool live(const example *e, const char *options, int n, uint64_t *hash) {
  lander_error error = {.code = LANDER_OK};
  test_allocator a = {.allowed = -1};
  lander_engine *engine = new_engine(&a);
  batch b;
  bool well = make_batch(engine, e, &b);
  if (n >= 0) a.allowed = a.requests + n;
  lander_net *net = lander_net_build(engine, e->text, 1, &error);
  lander_solver *solver = net ? lander_solver_new(net, options, &error) : NULL;
  if (!solver) UNIT_CHECK(error.code == LANDER_ERROR_MEMORY && error.message[0]);
  well = solver && step_twice(&a, net, solver, &b) && well;
  if (solver) *hash = fingerprint(net);
  lander_solver_free(solver);
  lander_net_free(net);
  free_batch(&b);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
  return well;
}

static void starve(const example *e, const char *type) {
  UNIT_TEST(e->what);
  char options[96];
  snprintf(options, sizeof options, "type=%s base_lr=1e-4", type);
  uint64_t expected = 0;
  UNIT_CHECK(live(e, options, -1, &expected));
  bool worked = false;
  for (int n = 0; n < 5000 && !worked; n++) {
    uint64_t found = expected;
    worked = live(e, options, n, &found);
    UNIT_CHECK(found == expected);
  }
  UNIT_CHECK(worked);
}

int main(void) {
  lander_description d;
  for (int i = 0; lander_describe(LANDER_SOLVER, i, &d); i++)
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
      check(&examples[k], d.name);
  for (int i = 0; lander_describe(LANDER_SOLVER, i, &d); i++)
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
      starve(&examples[k], d.name);
  return unit_finish();
}
