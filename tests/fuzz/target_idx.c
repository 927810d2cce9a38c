/* target_idx.c: a pair of IDX files. The input is a line with the options, two bytes with
 * the length of the first file, then both files. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  char *options = fuzz_line(&data, &size);
  if (size >= 2) {
    size_t first = (size_t)data[0] | (size_t)data[1] << 8;
    data += 2;
    size -= 2;
    if (first > size) first = size;
    lander_engine *engine = fuzz_open(FUZZ_MEMORY);
    lander_dataset *d =
        lander_data_idx(engine, fuzz_file(0, data, first),
                        fuzz_file(1, data + first, size - first), options, &error);
    FUZZ_REQUIRE(fuzz_peak() <= FUZZ_READING(size));
    if (d)
      fuzz_use_dataset(d);
    else
      fuzz_refused(&error);
    fuzz_close(engine);
  }
  free(options);
  return 0;
}
