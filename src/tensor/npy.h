/* npy.h: one array as numpy.save writes it.
 *
 *  1. the bytes 93 "NUMPY", then two bytes of version (1.0, 2.0 or 3.0);
 *  2. the length of the header: 2 bytes in version 1, 4 in the others, little-endian;
 *  3. the header, a Python dictionary in ASCII, filled up with spaces to a multiple of
 * 64:
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), };
 *  4. the elements, row by row. */
#ifndef LANDER_TENSOR_NPY_H
#define LANDER_TENSOR_NPY_H

#include "../base/base.h"

typedef struct npy_header {
  char kind; /* f, i, u or b */
  int width; /* bytes an element */
  bool big_endian;
  bool fortran; /* column by column */
  int dims;
  int64_t size[LANDER_MAX_DIMS];
  int64_t count; /* elements */
  size_t offset; /* where they begin */
} npy_header;

/* Reads and checks the header of a whole file in memory; `name` begins the messages.
 * fails: format (not such a file, an element type or shape that is not read, a length
 * that is not what the shape says). */
lander_status npy_read_header(const unsigned char *file, size_t length, const char *name,
                              npy_header *h, lander_error *error);
/* Its elements as reals, row by row. */
void npy_convert(const npy_header *h, const unsigned char *file, real *out);

/* The header of an array of reals. Returns its length. */
#define NPY_HEADER_MAX 384
size_t npy_write_header(char out[NPY_HEADER_MAX], int dims, const int64_t *size);

#endif
