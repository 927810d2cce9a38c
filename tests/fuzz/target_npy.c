/* target_npy.c: one array. The input is the file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  const char *path = fuzz_file(0, data, size);
  lander_engine *engine = fuzz_open(FUZZ_MEMORY);
  lander_tensor *t = lander_tensor_load(engine, path, &error);
  FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size));
  if (t) {
    char text[512];
    double sum;
    lander_tensor_print(t, text, sizeof text);
    FUZZ_REQUIRE(lander_tensor_reduce_all(LANDER_REDUCE_SUM, t, &sum, &error) ==
                 LANDER_OK);
  } else {
    fuzz_refused(&error);
  }
  lander_tensor_free(t);
  lander_dataset *d = lander_data_npy(engine, path, path, "", &error);
  if (d)
    fuzz_use_dataset(d);
  else
    fuzz_refused(&error);
  fuzz_close(engine);
  return 0;
}
