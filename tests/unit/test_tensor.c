/* test_tensor.c: tensors through the C interface: what the binding checks before the core
 * gets to see it, no memory, and two engines. */
#include <limits.h>
#include <string.h>

#include "allocator.h"
#include "lander.h"
#include "unit.h"

static lander_engine *engine;
static lander_error error;

static bool says(lander_status code, const char *part) {
  if (error.code == code && strstr(error.message, part)) return true;
  printf("%s without \"%s\": %s\n", lander_status_name(error.code), part, error.message);
  return false;
}

static lander_tensor *matrix(lander_engine *e, lander_error *why) {
  lander_tensor *flat = lander_tensor_range(e, 1, 6, 1, why);
  lander_tensor *t = flat ? lander_tensor_view(flat, 2, (int64_t[]){2, 3}, why) : NULL;
  lander_tensor_free(flat);
  return t;
}

/* ---- arguments that Lua's checks keep away from the core ---- */

static void test_arguments(void) {
  lander_tensor *t = matrix(engine, &error);
  UNIT_CHECK(!lander_tensor_select(t, 2, 0, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "no dimension 2, counting from 0"));
  UNIT_CHECK(!lander_tensor_select(t, -1, 0, &error));
  UNIT_CHECK(!lander_tensor_select(t, INT_MIN, 0, &error));
  UNIT_CHECK(!lander_tensor_select(t, 0, 2, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "no position 2, counting from 0"));
  UNIT_CHECK(!lander_tensor_select(t, 0, INT64_MIN, &error));
  UNIT_CHECK(!lander_tensor_narrow(t, 1, INT64_MAX, INT64_MAX, &error));
  UNIT_CHECK(!lander_tensor_narrow(t, 1, 1, -1, &error));
  UNIT_CHECK(!lander_tensor_permute(t, (int[]){0, 0}, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "has to be named once"));
  UNIT_CHECK(!lander_tensor_permute(t, (int[]){0, INT_MAX}, &error));
  UNIT_CHECK(!lander_tensor_unsqueeze(t, 3, &error));
  UNIT_CHECK(!lander_tensor_view(t, 9, NULL, &error));
  UNIT_CHECK(!lander_tensor_view(t, INT_MIN, NULL, &error));
  UNIT_CHECK(!lander_tensor_expand(t, INT_MAX, NULL, &error));
  UNIT_CHECK(!lander_tensor_new(engine, 9, NULL, &error));
  UNIT_CHECK(says(LANDER_ERROR_SHAPE, "0 to 8 dimensions, not 9"));
  UNIT_CHECK(!lander_tensor_apply(LANDER_OPERATIONS, t, t, t, &error));
  UNIT_CHECK(!lander_tensor_apply(LANDER_OP_ADD, t, NULL, NULL, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "add: input 2 is missing"));
  UNIT_CHECK(!lander_tensor_reduce(LANDER_REDUCTIONS, t, 0, false, &error));
  UNIT_CHECK(!lander_tensor_reduce(LANDER_REDUCE_SUM, t, 2, false, &error));
  UNIT_CHECK(!lander_tensor_cat(NULL, 0, 0, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "cat: expected at least one tensor"));
  UNIT_CHECK(!lander_tensor_select(t, 5, 5, NULL)); /* no text wanted */
  lander_tensor *again = lander_tensor_alias(t, &error);
  UNIT_CHECK(again && error.code == LANDER_OK && !*error.message);
  lander_tensor_free(again);
  lander_tensor_free(t);
  lander_tensor_free(NULL);
}

static void test_scalars(void) {
  lander_tensor *t = matrix(engine, &error);
  lander_tensor *sum =
      lander_tensor_reduce(LANDER_REDUCE_SUM, t, LANDER_ALL_DIMS, false, &error);
  UNIT_CHECK(sum && lander_tensor_dims(sum) == 0 && *lander_tensor_data(sum) == 21);
  lander_tensor *kept =
      lander_tensor_reduce(LANDER_REDUCE_ARGMAX, t, LANDER_ALL_DIMS, true, &error);
  UNIT_CHECK(kept && lander_tensor_dims(kept) == 2 && *lander_tensor_data(kept) == 6);
  lander_tensor_free(sum);
  lander_tensor_free(kept);
  lander_tensor_free(t);
}

static void test_names(void) {
  int inputs = -1;
  UNIT_CHECK(!strcmp(lander_operation_name(LANDER_OP_WHERE, &inputs), "where"));
  UNIT_CHECK(inputs == 3);
  for (int op = 0; op < LANDER_OPERATIONS; op++)
    UNIT_CHECK(lander_operation_name((lander_operation)op, NULL));
  UNIT_CHECK(!lander_operation_name(LANDER_OPERATIONS, &inputs) && inputs == 0);
  for (int op = 0; op < LANDER_REDUCTIONS; op++)
    UNIT_CHECK(lander_reduction_name((lander_reduction)op));
  UNIT_CHECK(!lander_reduction_name((lander_reduction)-1));
}

/* Text that has no room is cut, and its whole length told. */
static void test_print_into_little_room(void) {
  lander_tensor *t = matrix(engine, &error);
  const char *whole = "[[1. 2. 3.]\n [4. 5. 6.]]";
  char text[64];
  UNIT_CHECK(lander_tensor_print(t, NULL, 0) == strlen(whole));
  for (size_t size = 1; size < sizeof text; size++) {
    memset(text, 'x', sizeof text);
    UNIT_CHECK(lander_tensor_print(t, text, size) == strlen(whole));
    UNIT_CHECK(strlen(text) == (size <= strlen(whole) ? size - 1 : strlen(whole)));
    UNIT_CHECK(!strncmp(text, whole, strlen(text)));
  }
  lander_tensor_free(t);
}

static void test_two_engines(void) {
  lander_engine *other = lander_engine_new(NULL, &error);
  lander_tensor *a = matrix(engine, &error), *b = matrix(other, &error);
  lander_engine_free(other); /* the tensor keeps it alive */
  UNIT_CHECK(!lander_tensor_apply(LANDER_OP_ADD, a, b, NULL, &error));
  UNIT_CHECK(says(LANDER_ERROR_ARGUMENT, "another engine"));
  UNIT_CHECK(lander_tensor_apply_into(LANDER_OP_COPY, a, b, NULL, NULL, &error) ==
             LANDER_ERROR_ARGUMENT);
  UNIT_CHECK(!lander_tensor_mm(a, b, &error));
  UNIT_CHECK(!lander_tensor_cat((lander_tensor *[]){a, b}, 2, 0, &error));
  lander_tensor_free(a);
  lander_tensor_free(b);
}

static void test_bytes(void) {
  lander_tensor *t = matrix(engine, &error);
  UNIT_CHECK(lander_tensor_bytes(t) == 6 * sizeof(lander_real));
  lander_tensor *view = lander_tensor_select(t, 0, 0, &error);
  UNIT_CHECK(lander_tensor_bytes(t) == 0 && lander_tensor_bytes(view) == 0);
  lander_tensor_free(view);
  UNIT_CHECK(lander_tensor_bytes(t) > 0);
  lander_tensor_free(t);
}

/* ---- the n-th allocation fails ---- */

/* Everything that allocates, on strided inputs; false when memory ran out. */
typedef bool (*action)(lander_tensor *t, lander_error *why);

static bool take(lander_tensor *result) {
  lander_tensor_free(result);
  return result != NULL;
}

static bool do_apply(lander_tensor *t, lander_error *why) {
  return take(lander_tensor_apply(LANDER_OP_ADD, t, t, NULL, why));
}

static bool do_overlap(lander_tensor *t, lander_error *why) {
  lander_tensor *row = lander_tensor_select(t, 1, 1, why);
  lander_tensor *wide = row ? lander_tensor_unsqueeze(row, 1, why) : NULL;
  bool ok =
      wide && lander_tensor_apply_into(LANDER_OP_ADD, t, t, wide, NULL, why) == LANDER_OK;
  lander_tensor_free(row);
  lander_tensor_free(wide);
  return ok;
}

static bool do_where(lander_tensor *t, lander_error *why) {
  lander_tensor *mask = lander_tensor_apply(LANDER_OP_GT, t, t, NULL, why);
  bool ok = mask && take(lander_tensor_apply(LANDER_OP_WHERE, mask, t, t, why));
  lander_tensor_free(mask);
  return ok;
}

static bool do_reduce(lander_tensor *t, lander_error *why) {
  return take(lander_tensor_reduce(LANDER_REDUCE_VAR, t, 0, false, why));
}

static bool do_reduce_all(lander_tensor *t, lander_error *why) {
  double value;
  return lander_tensor_reduce_all(LANDER_REDUCE_STD, t, &value, why) == LANDER_OK;
}

static bool do_sort(lander_tensor *t, lander_error *why) {
  lander_tensor *values = NULL, *positions = NULL;
  bool ok = lander_tensor_sort(t, 0, true, &values, &positions, why) == LANDER_OK;
  lander_tensor_free(values);
  lander_tensor_free(positions);
  return ok;
}

static bool do_sort_positions(lander_tensor *t, lander_error *why) {
  lander_tensor *positions = NULL;
  bool ok = lander_tensor_sort(t, 1, false, NULL, &positions, why) == LANDER_OK;
  lander_tensor_free(positions);
  return ok;
}

static bool do_mm(lander_tensor *t, lander_error *why) {
  lander_tensor *other = lander_tensor_transpose(t, 0, 1, why);
  bool ok = other && take(lander_tensor_mm(t, other, why));
  lander_tensor_free(other);
  return ok;
}

static bool do_join(lander_tensor *t, lander_error *why) {
  lander_tensor *both[] = {t, t};
  return take(lander_tensor_cat(both, 2, 1, why)) &&
         take(lander_tensor_stack(both, 2, 1, why));
}

static bool do_select(lander_tensor *t, lander_error *why) {
  lander_tensor *index = lander_tensor_range(lander_tensor_engine(t), 1, 2, 1, why);
  lander_tensor *columns = index ? lander_tensor_unsqueeze(index, 1, why) : NULL;
  bool ok = columns && take(lander_tensor_index_select(t, 0, index, why)) &&
            take(lander_tensor_gather(t, 1, columns, why));
  lander_tensor_free(index);
  lander_tensor_free(columns);
  return ok;
}

static bool do_close(lander_tensor *t, lander_error *why) {
  bool close;
  return lander_tensor_allclose(t, t, 0, 0, &close, why) == LANDER_OK && close;
}

static bool do_draw(lander_tensor *t, lander_error *why) {
  return lander_tensor_normal(t, 1, 0, 0, 1, why) == LANDER_OK;
}

static bool do_reshape(lander_tensor *t, lander_error *why) {
  return take(lander_tensor_reshape(t, 1, (int64_t[]){-1}, why));
}

static void run_out_of_memory(const char *name, action act) {
  UNIT_TEST(name);
  bool worked = false;
  for (int n = 0; n < 200 && !worked; n++) {
    test_allocator a = {.allowed = -1};
    lander_config config = {
        .allocate = test_allocate, .allocate_userdata = &a, .threads = 1};
    lander_engine *e = lander_engine_new(&config, &error);
    lander_tensor *t = matrix(e, &error);
    lander_tensor *strided = lander_tensor_transpose(t, 0, 1, &error);
    int64_t blocks = a.blocks;
    lander_real last = lander_tensor_data(t)[5];
    a.allowed = a.requests + n;
    memset(&error, 0, sizeof error);
    worked = act(strided, &error);
    a.allowed = -1;
    if (!worked) UNIT_CHECK(says(LANDER_ERROR_MEMORY, "memory"));
    if (!worked) UNIT_CHECK(lander_tensor_data(t)[5] == last); /* not half changed */
    UNIT_CHECK(a.blocks == blocks);
    lander_tensor_free(strided);
    lander_tensor_free(t);
    lander_engine_free(e);
    UNIT_CHECK(test_allocator_clean(&a));
  }
  UNIT_CHECK(worked);
}

int main(void) {
  engine = lander_engine_new(NULL, &error);
  UNIT_TEST("arguments");
  test_arguments();
  UNIT_TEST("scalars");
  test_scalars();
  UNIT_TEST("names");
  test_names();
  UNIT_TEST("print into little room");
  test_print_into_little_room();
  UNIT_TEST("two engines");
  test_two_engines();
  UNIT_TEST("bytes");
  test_bytes();
  run_out_of_memory("no memory: apply", do_apply);
  run_out_of_memory("no memory: overlap", do_overlap);
  run_out_of_memory("no memory: where", do_where);
  run_out_of_memory("no memory: reduce", do_reduce);
  run_out_of_memory("no memory: reduce_all", do_reduce_all);
  run_out_of_memory("no memory: sort", do_sort);
  run_out_of_memory("no memory: positions", do_sort_positions);
  run_out_of_memory("no memory: mm", do_mm);
  run_out_of_memory("no memory: join", do_join);
  run_out_of_memory("no memory: select", do_select);
  run_out_of_memory("no memory: allclose", do_close);
  run_out_of_memory("no memory: draw", do_draw);
  run_out_of_memory("no memory: reshape", do_reshape);
  lander_engine_free(engine);
  return unit_finish();
}
