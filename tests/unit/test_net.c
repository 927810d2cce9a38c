/* test_net.c: nets without Lua: memory that is not there, gradients that meet, passes
 * that interrupt each other, files that lie, and nets with many layers. */
#include "../../src/net/net.h"
#include "../../src/solver/solver.h"
#include "../../src/tensor/npz.h"
#include "allocator.h"
#include "files.h"
#include "unit.h"

#include <math.h>

static lander_engine *new_engine(int threads) {
  return lander_engine_new(&(lander_config){.threads = threads}, NULL);
}

static lander_tensor *new_tensor(lander_engine *engine, int64_t rows, int64_t columns) {
  lander_tensor *t = lander_tensor_new(engine, 2, (int64_t[]){rows, columns}, NULL);
  if (t) lander_tensor_uniform(t, 7, 0, -1, 1, NULL);
  return t;
}

static bool same_bits(const lander_tensor *a, const lander_tensor *b) {
  return lander_tensor_count(a) == lander_tensor_count(b) &&
         !memcmp(a->data, b->data, (size_t)lander_tensor_count(a) * sizeof(real));
}

/* ---- memory ---- */

static const char *const net_text = "x = input () shape=2,6,6\n"
                                    "conv = conv (x) outputs=4 kernel=3\n"
                                    "pool = max_pool (conv) kernel=2\n"
                                    "drop = dropout (pool)\n"
                                    "one = linear (drop) outputs=3\n"
                                    "two = linear (drop) outputs=3 share=one\n"
                                    "param conv.bias lr_mult=2\n";
static const char *const loss_text = "t = label ()\n"
                                     "loss = softmax_loss (two, t)\n"
                                     "near = mse_loss (one, two) loss_weight=0.5\n";

static double fingerprint(const lander_net *net) {
  double sum = 0;
  for (int64_t i = 0; i < net->arena_count; i++)
    sum += net->data->data[i] * (double)(i % 101 + 1);
  return sum;
}

/* Checks a call that may have had no memory. */
static bool went_well(lander_status status, const lander_error *error) {
  if (status == LANDER_OK) return true;
  UNIT_CHECK(status == LANDER_ERROR_MEMORY && error->code == status && error->message[0]);
  return false;
}

/* One life of a net; true when no call lacked memory. */
static bool live(lander_engine *engine, const char *path) {
  lander_error error;
  lander_net *net = lander_net_build(engine, net_text, 3, &error), *again = NULL;
  if (!net) return went_well(error.code, &error);
  lander_tensor *in[2] = {lander_tensor_new(engine, 4, (int64_t[]){4, 2, 6, 6}, NULL),
                          lander_tensor_new(engine, 1, (int64_t[]){4}, NULL)};
  lander_tensor *y = NULL;
  bool well = in[0] && in[1];
  for (int i = 0; in[1] && i < 4; i++) in[1]->data[i] = (real)(1 + i % 3);
  char *before = strdup(net->text);
  if (well && !went_well(lander_net_append(net, loss_text, &error), &error)) {
    well = false; /* and nothing was appended */
    UNIT_CHECK(!strcmp(net->text, before) && lander_net_layers(net) == 6);
    UNIT_CHECK(!lander_net_has_loss(net));
  }
  free(before);
  double weights = fingerprint(net);
  well = well && went_well(lander_net_forward(net, in, 2, &error), &error);
  UNIT_CHECK(well == isfinite(lander_net_loss(net)));
  well = well && went_well(lander_net_backward(net, NULL, false, &error), &error);
  well = well && went_well(lander_net_set_param(net, 0, 1, 1, true, &error), &error);
  UNIT_CHECK(lander_net_param(net, 0)->frozen == well);
  if (well) {
    y = lander_net_predict_tensor(net, in, 1, &error);
    well = went_well(y ? LANDER_OK : error.code, &error);
  }
  if (well) {
    real out[12];
    well = went_well(lander_net_predict(net, in[0]->data, 4, out, &error), &error);
    UNIT_CHECK(!well || !memcmp(out, y->data, sizeof out));
  }
  well = well && went_well(lander_net_set_note(net, "first", &error), &error);
  if (well && !went_well(lander_net_set_note(net, "a text", &error), &error)) {
    well = false;
    UNIT_CHECK(!strcmp(lander_net_note(net), "first"));
  }
  well = well && went_well(lander_net_save(net, path, &error), &error);
  if (well) {
    again = lander_net_open(engine, path, &error);
    UNIT_CHECK(!again || !strcmp(lander_net_note(again), "a text"));
    well = went_well(again ? LANDER_OK : error.code, &error);
    UNIT_CHECK(!well ||
               (fingerprint(again) == weights && again->params[0].public.frozen));
  }
  UNIT_CHECK(fingerprint(net) == weights);
  lander_net_reset(net, 3); /* needs no memory */
  UNIT_CHECK(fingerprint(net) == weights);
  lander_net_free(again);
  lander_net_free(net);
  lander_tensor_free(y);
  lander_tensor_free(in[0]);
  lander_tensor_free(in[1]);
  return well;
}

static void test_memory(void) {
  lander_error error;
  bool worked = false;
  UNIT_TEST("a whole life of a net, when memory ends at the n-th allocation");
  for (int n = 0; n < 2000 && !worked; n++) {
    test_allocator a = {.allowed = n};
    lander_engine *engine = lander_engine_new(
        &(lander_config){test_allocate, &a, NULL, NULL, .threads = 2}, &error);
    worked = engine && live(engine, files_path("net.npz"));
    lander_engine_free(engine);
    UNIT_CHECK(test_allocator_clean(&a));
  }
  UNIT_CHECK(worked);
}

static void test_lost_pass(void) {
  lander_error error;
  test_allocator a = {.allowed = -1};
  lander_engine *engine = lander_engine_new(
      &(lander_config){.allocate = test_allocate, .allocate_userdata = &a, .threads = 1},
      &error);
  UNIT_TEST("a larger batch without memory: no stale pass, and a small one still goes");
  lander_net *net = lander_net_build(
      engine, "x = input () shape=3\ny = linear (x) outputs=2\nz = relu (y)", 1, &error);
  lander_tensor *small = new_tensor(engine, 2, 3), *large = new_tensor(engine, 64, 3);
  UNIT_CHECK(lander_net_forward(net, &small, 1, &error) == LANDER_OK);
  a.allowed = a.requests + 1;
  UNIT_CHECK(lander_net_forward(net, &large, 1, &error) == LANDER_ERROR_MEMORY);
  a.allowed = -1;
  UNIT_CHECK(!lander_net_value(net, 1, 0, &error) && error.code == LANDER_ERROR_STATE);
  UNIT_CHECK(lander_net_backward(net, small, false, &error) == LANDER_ERROR_STATE);
  UNIT_CHECK(isnan(lander_net_loss(net)) && net_output_is_finite(net));
  UNIT_CHECK(lander_net_forward(net, &small, 1, &error) == LANDER_OK);
  lander_net_free(net);
  lander_tensor_free(small);
  lander_tensor_free(large);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* ---- gradients that meet ---- */

/* The gradients of all parameters after a pass of ones over such a net. */
static lander_net *trained(lander_engine *engine, const char *lines) {
  lander_error error = {.message = ""};
  lander_net *net = lander_net_build(engine, lines, 5, &error);
  lander_tensor *in[2] = {new_tensor(engine, 4, 3), new_tensor(engine, 4, 2)};
  bool well = net && lander_net_forward(net, in, 2, &error) == LANDER_OK &&
              lander_net_backward(net, NULL, false, &error) == LANDER_OK;
  if (!UNIT_CHECK(well)) printf("  %s\n", error.message);
  lander_tensor_free(in[0]);
  lander_tensor_free(in[1]);
  return net;
}

/* Whether b's gradients are `factor` times a's. */
static bool is_multiple(const lander_net *a, const lander_net *b, double factor) {
  double most = 0;
  for (int64_t i = 0; i < a->arena_count; i++) {
    double expected = factor * (double)a->grad->data[i];
    most = fmax(most, fabs(expected));
    /* Sums of two roundings: a few units in the last place. */
    if (!(fabs((double)b->grad->data[i] - expected) <= 1e-5 * fmax(1, fabs(expected))))
      return false;
  }
  return most > 1e-3;
}

#define TWO_LINES                                                                        \
  "x = input () shape=3\nt = label () shape=2\n"                                         \
  "a = linear (x) outputs=2\nb = linear (x) outputs=2\n"

static void test_meeting_gradients(void) {
  lander_engine *engine = new_engine(2);
  UNIT_TEST("two inputs of a layer that have gradients already");
  lander_net *once = trained(engine, TWO_LINES "l = mse_loss (a, b)");
  lander_net *twice =
      trained(engine, TWO_LINES "l = mse_loss (a, b)\nm = mse_loss (a, b)");
  UNIT_CHECK(is_multiple(once, twice, 2));
  lander_net_free(twice);
  twice = trained(engine, TWO_LINES "l = mse_loss (a, b)\nm = mse_loss (b, a)\n"
                                    "n = mse_loss (a, b) loss_weight=0.5");
  UNIT_CHECK(is_multiple(once, twice, 2.5));
  lander_net_free(twice);
  lander_net_free(once);
  UNIT_TEST("one blob as both inputs of a layer");
  once = trained(engine, TWO_LINES "l = mse_loss (a, t)");
  twice = trained(engine, TWO_LINES "l = mse_loss (a, a)\nm = mse_loss (a, t)");
  UNIT_CHECK(is_multiple(once, twice, 1));
  lander_net_free(twice);
  lander_net_free(once);
  lander_engine_free(engine);
}

static void test_unbatched(void) {
  static const char *const wrong[] = {"z = relu (l)", "z = linear (l) outputs=3",
                                      "z = mse_loss (l, l)", "z = softmax (l)"};
  lander_error error;
  lander_engine *engine = new_engine(1);
  UNIT_TEST("no layer reads what is one number for the whole batch");
  for (int i = 0; i < COUNT_OF(wrong); i++) {
    char lines[256];
    snprintf(lines, sizeof lines, TWO_LINES "l = mse_loss (a, b)\n%s", wrong[i]);
    UNIT_CHECK(!lander_net_build(engine, lines, 1, &error) &&
               error.code == LANDER_ERROR_ARGUMENT &&
               strstr(error.message, "line 6: z: 'l' gives one number"));
  }
  UNIT_TEST("a label alone is no net");
  UNIT_CHECK(!lander_net_build(engine, "t = label ()", 1, &error) &&
             strstr(error.message, "a net needs an input"));
  lander_engine_free(engine);
}

/* ---- passes that interrupt each other ---- */

static void test_threads_between(void) {
  lander_error error;
  UNIT_TEST("more threads between forward and backward: the same bits");
  lander_tensor *grad[2] = {NULL, NULL};
  for (int more = 0; more < 2; more++) {
    lander_engine *engine = new_engine(1);
    lander_net *net = lander_net_build(
        engine, "x = input () shape=3,9,9\ny = conv (x) outputs=4 kernel=3", 1, &error);
    lander_tensor *x = lander_tensor_new(engine, 4, (int64_t[]){16, 3, 9, 9}, NULL);
    lander_tensor *dy = lander_tensor_new(engine, 4, (int64_t[]){16, 4, 7, 7}, NULL);
    lander_tensor_uniform(x, 1, 0, -1, 1, NULL);
    lander_tensor_uniform(dy, 2, 0, -1, 1, NULL);
    UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK);
    if (more) UNIT_CHECK(lander_engine_set_threads(engine, 7, &error) == LANDER_OK);
    UNIT_CHECK(lander_net_backward(net, dy, false, &error) == LANDER_OK);
    UNIT_CHECK(net->planned_threads == (more ? 7 : 1));
    grad[more] = lander_tensor_clone(lander_net_param(net, 0)->grad, &error);
    lander_tensor_free(x);
    lander_tensor_free(dy);
    lander_net_free(net);
    lander_engine_free(engine);
  }
  UNIT_CHECK(same_bits(grad[0], grad[1]));
  lander_tensor_free(grad[0]);
  lander_tensor_free(grad[1]);
}

static void test_prediction_between(void) {
  lander_error error;
  lander_engine *engine = new_engine(1);
  lander_net *net = lander_net_build(
      engine, "x = input () shape=3\ny = linear (x) outputs=2", 1, &error);
  lander_tensor *x = new_tensor(engine, 4, 3), *other = new_tensor(engine, 2, 3);
  lander_tensor *dy = new_tensor(engine, 4, 2);
  real out[8];
  UNIT_TEST("after a prediction backward wants a forward pass");
  UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK);
  UNIT_CHECK(lander_net_backward(net, dy, false, &error) == LANDER_OK);
  lander_tensor *view = lander_net_gradient(net, 1, 0, &error);
  UNIT_CHECK(view && same_bits(view, dy));
  lander_tensor_free(view);
  lander_tensor *y = lander_net_predict_tensor(net, &x, 1, &error);
  UNIT_CHECK(y && lander_net_backward(net, dy, false, &error) == LANDER_ERROR_STATE);
  UNIT_CHECK(strstr(error.message, "prediction"));
  UNIT_CHECK(!lander_net_gradient(net, 1, 0, &error) && error.code == LANDER_ERROR_STATE);
  lander_tensor_free(y);
  UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK);
  UNIT_CHECK(lander_net_predict(net, x->data, 4, out, &error) == LANDER_OK);
  UNIT_CHECK(lander_net_backward(net, dy, false, &error) == LANDER_ERROR_STATE);
  UNIT_TEST("the gradient of an earlier batch is not shown as that of a later one");
  UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK &&
             lander_net_backward(net, dy, false, &error) == LANDER_OK &&
             lander_net_forward(net, &other, 1, &error) == LANDER_OK);
  UNIT_CHECK(!lander_net_gradient(net, 1, 0, &error));
  UNIT_TEST("inputs may be freed between forward and backward");
  UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK);
  lander_tensor_free(x);
  UNIT_CHECK(lander_net_backward(net, dy, false, &error) == LANDER_OK);
  x = lander_net_value(net, 0, 0, &error);
  UNIT_CHECK(x && lander_tensor_sizes(x)[0] == 4);
  lander_net_free(net); /* views outlive the net */
  UNIT_CHECK(isfinite(lander_tensor_data(x)[11]));
  lander_tensor_free(x);
  lander_tensor_free(other);
  lander_tensor_free(dy);
  lander_engine_free(engine);
}

/* Of a chain, two outputs at a time are alive (a relu's lies where its input did), and
 * what layers keep is nobody's. */
static void test_prediction_memory(void) {
  UNIT_TEST("a net that predicts needs the memory of two outputs");
  lander_error error;
  lander_engine *engine = new_engine(1);
  lander_net *net = lander_net_build(engine,
                                     "x = input () shape=2,8,8\n"
                                     "a = max_pool (x) kernel=3 pad=1 stride=1\n"
                                     "b = max_pool (a) kernel=3 pad=1 stride=1\n"
                                     "c = lrn (b)\n"
                                     "d = relu (c)\n"
                                     "e = lrn (d)\n"
                                     "y = linear (e) outputs=1",
                                     1, &error);
  if (!UNIT_CHECK(net != NULL)) return;
  enum { BATCH = 6, IMAGE = 2 * 8 * 8 };
  real x[BATCH * IMAGE], y[BATCH], again[BATCH];
  for (int i = 0; i < BATCH * IMAGE; i++) x[i] = (real)(i % 13) - 5;
  UNIT_CHECK(lander_net_predict(net, x, BATCH, y, &error) == LANDER_OK);
  UNIT_CHECK(net->activations->count < 2 * BATCH * IMAGE + 64);
  const node *first = &net->nodes[1], *last = &net->nodes[net->nodes_count - 2];
  UNIT_CHECK(first->kept == last->kept);
  lander_tensor *t = lander_tensor_new(engine, 4, (int64_t[]){BATCH, 2, 8, 8}, &error);
  UNIT_CHECK(t && lander_net_forward(net, &t, 1, &error) == LANDER_OK);
  UNIT_CHECK(net->activations->count >= 5 * BATCH * IMAGE && first->kept != last->kept);
  UNIT_CHECK(lander_net_predict(net, x, BATCH, again, &error) == LANDER_OK);
  UNIT_CHECK(!memcmp(y, again, sizeof y));
  UNIT_CHECK(net->activations->count >= 5 * BATCH * IMAGE); /* it has them already */
  lander_tensor_free(t);
  lander_net_free(net);
  lander_engine_free(engine);
}

static void test_masks(void) {
  lander_error error;
  lander_engine *engine = new_engine(1);
  lander_net *net =
      lander_net_build(engine, "x = input () shape=64\ny = dropout (x)", 1, &error);
  lander_tensor *x = new_tensor(engine, 2, 64);
  lander_tensor *y[4];
  UNIT_TEST("every training pass draws anew, and testing draws nothing");
  for (int i = 0; i < 4; i++) {
    if (i == 2) lander_tensor_free(lander_net_predict_tensor(net, &x, 1, &error));
    if (i == 3) lander_net_reset(net, 1);
    UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK);
    lander_tensor *view = lander_net_value(net, 1, 0, &error);
    y[i] = lander_tensor_clone(view, &error);
    lander_tensor_free(view);
  }
  UNIT_CHECK(!same_bits(y[0], y[1]) && !same_bits(y[1], y[2]) && !same_bits(y[0], y[2]));
  UNIT_CHECK(same_bits(y[0], y[3]) && net_pass(net) == 1);
  for (int i = 0; i < 4; i++) lander_tensor_free(y[i]);
  lander_tensor_free(x);
  lander_net_free(net);
  lander_engine_free(engine);
}

static void test_append(void) {
  lander_error error;
  lander_engine *engine = new_engine(1);
  lander_net *net = lander_net_build(
      engine, "x = input () shape=3\ny = linear (x) outputs=2", 1, &error);
  const lander_param *weight = lander_net_param(net, 0);
  char lines[96];
  UNIT_TEST("parameters stay where they are when layers are appended, or can't be");
  for (int i = 0; i < 40; i++) {
    snprintf(lines, sizeof lines, "more%d = relu (y)", i);
    UNIT_CHECK(lander_net_append(net, lines, &error) == LANDER_OK);
    snprintf(lines, sizeof lines, "z = relu (y)\nw%d = linear (z) outputs=4", i);
    UNIT_CHECK(lander_net_append(net, lines, &error) == LANDER_ERROR_ARGUMENT &&
               strstr(error.message, "without parameters"));
  }
  UNIT_CHECK(lander_net_append(net, "param y.bias lr_mult=2", &error) ==
             LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(lander_net_layers(net) == 42 && lander_net_params(net) == 2);
  UNIT_CHECK(lander_net_param(net, 0) == weight && !strcmp(weight->name, "y.weight"));
  UNIT_TEST("a layer that shares its weights can be appended");
  UNIT_CHECK(lander_net_append(net, "w = linear (x) outputs=2 share=y", &error) ==
             LANDER_OK);
  lander_net_free(net);
  lander_engine_free(engine);
}

/* ---- files ---- */

static void write_net(lander_engine *engine, const char *path, const char *lines) {
  lander_error error;
  npz_writer *z = npz_create(engine, path, &error);
  npz_add_text(z, "net.txt", lines, strlen(lines), &error);
  npz_add_array(z, "y.bias", 1, (int64_t[]){2}, (real[]){1, 2}, &error);
  UNIT_CHECK(npz_commit(z, &error) == LANDER_OK);
}

static void test_lying_files(void) {
  static const struct {
    const char *lines, *words;
  } lies[] = {
      {"x = input () shape=1000000\ny = linear (x) outputs=16000000", "y.weight.npy"},
      {"x = input () shape=3\ny = linear (x) outputs=2", "y.weight.npy"},
      {"x = input () shape=3\ny = linear (x) outputs=2 bias=false", "y.weight.npy"},
      {"x = input () shape=3\nz = linear (x) outputs=2", "z.weight.npy"},
      {"x = input () shape=1073741824,1073741824,1073741824", "net.txt"},
      {"x = input () shape=3\ny = y (x)", "net.txt"},
      {"", "net.txt"}};
  lander_error error;
  const char *path = files_path("lies.npz");
  test_allocator a = {.allowed = -1};
  lander_engine *engine = lander_engine_new(
      &(lander_config){.allocate = test_allocate, .allocate_userdata = &a, .threads = 1},
      &error);
  UNIT_TEST("a net's text that promises what the file does not hold");
  for (int i = 0; i < COUNT_OF(lies); i++) {
    write_net(engine, path, lies[i].lines);
    lander_net *net = lander_net_open(engine, path, &error);
    bool told = !net && error.code != LANDER_ERROR_MEMORY &&
                strstr(error.message, "lies.npz") && strstr(error.message, lies[i].words);
    if (!UNIT_CHECK(told)) printf("  lie %d: %s\n", i, error.message);
    lander_net_free(net);
  }
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&a));
}

/* A snapshot of a net that shares weights is one of another net. */
static void test_snapshot_of_sharing(void) {
  static const char *const tails[] = {" share=a", ""};
  lander_error error;
  lander_engine *engine = new_engine(1);
  const char *path = files_path("sharing.npz");
  UNIT_TEST("a snapshot of a net that shares weights fits no net that does not");
  for (int i = 0; i < 2; i++) {
    char lines[256];
    snprintf(lines, sizeof lines,
             "x = input () shape=3\na = linear (x) outputs=2\n"
             "b = linear (x) outputs=2%s\nl = mse_loss (a, b)",
             tails[i]);
    lander_net *net = lander_net_build(engine, lines, 1, &error);
    lander_solver *solver = lander_solver_new(net, "type=gd base_lr=0.1", &error);
    if (i == 0)
      UNIT_CHECK(lander_solver_snapshot(solver, path, NULL, &error) == LANDER_OK);
    else
      UNIT_CHECK(lander_solver_restore(solver, path, &error) == LANDER_ERROR_ARGUMENT &&
                 strstr(error.message, "another net"));
    lander_solver_free(solver);
    lander_net_free(net);
  }
  lander_engine_free(engine);
}

/* ---- names ---- */

static void test_names(void) {
  lander_error error;
  lander_engine *engine = new_engine(1);
  UNIT_TEST("names with dots, and layers called param");
  lander_net *net = lander_net_build(engine,
                                     "param = input () shape=2\n"
                                     "a.weight = linear (param) outputs=2\n"
                                     "a = linear (a.weight) outputs=2\n"
                                     "param a.weight lr_mult=3\n"
                                     "param a.weight.weight lr_mult=4\n"
                                     "input = relu (a)\n"
                                     "a.weight.bias = relu (input:1)\n",
                                     1, &error);
  UNIT_CHECK(net && lander_net_params(net) == 4);
  UNIT_CHECK(lander_net_param(net, lander_net_find_param(net, "a.weight"))->lr_mult == 3);
  UNIT_CHECK(
      lander_net_param(net, lander_net_find_param(net, "a.weight.weight"))->lr_mult == 4);
  lander_net *again = lander_net_build(engine, lander_net_text(net), 1, &error);
  UNIT_CHECK(again && !strcmp(lander_net_text(net), lander_net_text(again)));
  lander_net_free(again);
  lander_net_free(net);
  lander_engine_free(engine);
}

/* ---- many layers ---- */

static void test_many_layers(void) {
  const int layers = 4000;
  lander_error error;
  lander_engine *engine = new_engine(2);
  text lines = {.engine = engine};
  UNIT_TEST("a net of four thousand layers");
  text_add(&lines, "x = input () shape=2\nl0 = linear (x) outputs=2\n");
  for (int i = 1; i < layers; i++)
    text_add(&lines, "l%d = relu (l%d) slope=%d\n", i, i - 1, i % 7 ? 1 : -1);
  lander_net *net = lander_net_build(engine, lines.data, 1, &error);
  UNIT_CHECK(net && lander_net_layers(net) == layers + 1);
  UNIT_CHECK(!strcmp(lander_net_text(net), lines.data));
  lander_tensor *x = new_tensor(engine, 1, 2);
  UNIT_CHECK(lander_net_forward(net, &x, 1, &error) == LANDER_OK &&
             lander_net_backward(net, x, false, &error) == LANDER_OK);
  lander_layer_info info;
  UNIT_CHECK(lander_net_layer(net, layers, &info) && !strcmp(info.input[0], "l3998"));
  lander_tensor_free(x);
  lander_net_free(net);
  text_free(&lines);
  lander_engine_free(engine);
}

int main(void) {
  static const char *const names[] = {"net.npz", "lies.npz", "sharing.npz", NULL};
  files_begin();
  test_memory();
  test_lost_pass();
  test_meeting_gradients();
  test_unbatched();
  test_threads_between();
  test_prediction_between();
  test_prediction_memory();
  test_masks();
  test_append();
  test_lying_files();
  test_snapshot_of_sharing();
  test_names();
  test_many_layers();
  UNIT_TEST("nothing is left behind");
  UNIT_CHECK(files_end(names));
  return unit_finish();
}
