/* target_npz.c: arrays in a zip file as a dataset. The input is the file. */
#include "fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  return fuzz_mutate_zip(data, size, room, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const options[] = {"", "classes=10 scale=0.5 mean=1"};
  lander_error error;
  const char *path = fuzz_file(0, data, size);
  for (int i = 0; i < 2; i++) {
    lander_engine *engine = fuzz_open(FUZZ_MEMORY);
    lander_dataset *d = lander_data_npz(engine, path, "x", "y", options[i], &error);
    FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size));
    if (d)
      fuzz_use_dataset(d);
    else
      fuzz_refused(&error);
    fuzz_close(engine);
  }
  return 0;
}
