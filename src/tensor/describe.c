/* describe.c: what runs here, for the head of a run's log. */
#include <stdio.h>

#include "kernels.h"

size_t lander_engine_describe(const lander_engine *engine, char *text, size_t size) {
  int length =
      snprintf(text, size,
               "version: %s\n"
               "real: %s\n"
               "threads: %d\n"
               "instructions: %s\n"
               "blas: built in\n",
               lander_version(), sizeof(real) == sizeof(double) ? "double" : "float",
               lander_engine_threads(engine), kernels_table()->name);
  return length > 0 ? (size_t)length : 0;
}
