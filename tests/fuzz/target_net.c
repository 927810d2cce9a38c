/* target_net.c: a saved net. The input is the file. */
#include "fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  return fuzz_mutate_zip(data, size, room, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  const char *path = fuzz_file(0, data, size);
  lander_engine *engine = fuzz_open(FUZZ_MEMORY);
  bool is;
  if (lander_file_is_snapshot(engine, path, &is, &error) != LANDER_OK)
    fuzz_refused(&error);
  lander_net *net = lander_net_open(engine, path, &error);
  FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size));
  if (net)
    fuzz_use_net(net);
  else
    fuzz_refused(&error);
  lander_net_free(net);
  fuzz_close(engine);
  return 0;
}
