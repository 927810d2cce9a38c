/* idx.h: IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist):
 *
 *  1. two zero bytes, the element type (8: unsigned bytes), the number of sizes;
 *  2. the sizes, four bytes each, the most significant first;
 *  3. the elements, row by row. */
#ifndef LANDER_DATA_IDX_H
#define LANDER_DATA_IDX_H

#include "../base/base.h"

#define IDX_MAX_DIMS 4

typedef struct idx_file {
  int dims;
  int64_t size[IDX_MAX_DIMS];
  int64_t sample; /* bytes of one, the product of all sizes but the first */
  int64_t count;  /* samples read: size[0], or fewer when a limit says so */
  uint8_t *bytes; /* (count, sample); owns: the caller (memory_free) */
} idx_file;

/* Reads bytes, plain or gzipped, with min_dims to max_dims sizes; at most `limit` samples
 * (0: all). `what` is what they should be ("images"). On failure nothing is to be freed.
 * fails: io, format (not IDX, cut short, longer than its sizes say, sizes that can't be),
 * memory. */
lander_status idx_read(lander_engine *engine, const char *path, const char *what,
                       int min_dims, int max_dims, int64_t limit, idx_file *out,
                       lander_error *error);

#endif
