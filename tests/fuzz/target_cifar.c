/* target_cifar.c: CIFAR-10's records. The input is a line with the options, then a file.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  char *options = fuzz_line(&data, &size);
  const char *path = fuzz_file(0, data, size);
  lander_engine *engine = fuzz_open(FUZZ_MEMORY);
  lander_dataset *d = lander_data_cifar10(engine, &path, 1, options, &error);
  FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size));
  if (d)
    fuzz_use_dataset(d);
  else
    fuzz_refused(&error);
  fuzz_close(engine);
  free(options);
  return 0;
}
