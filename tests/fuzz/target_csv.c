/* target_csv.c: tables. The input is a line each with the columns of x ("" stands for
 * none given), of y, and the options; then the file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lander_error error;
  char *x = fuzz_line(&data, &size), *y = fuzz_line(&data, &size);
  char *options = fuzz_line(&data, &size);
  lander_engine *engine = fuzz_open(FUZZ_MEMORY);
  lander_dataset *d = lander_data_csv(engine, fuzz_file(0, data, size), x[0] ? x : NULL,
                                      y, options, &error);
  if (d)
    fuzz_use_dataset(d);
  else
    fuzz_refused(&error);
  fuzz_close(engine);
  free(x);
  free(y);
  free(options);
  return 0;
}
