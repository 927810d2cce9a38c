/* npz.h: arrays and texts in one zip file, as numpy.savez writes it. */
#ifndef LANDER_TENSOR_NPZ_H
#define LANDER_TENSOR_NPZ_H

#include "../base/base.h"
#include "tensor.h"

/* Writing: members are stored, not compressed. commit and abandon free the writer. */
typedef struct npz_writer npz_writer;
npz_writer *npz_create(lander_engine *engine, const char *path, lander_error *error);
/* Member name.npy: float32 (float64 in the double build). */
lander_status npz_add_array(npz_writer *z, const char *name, int dims,
                            const int64_t *size, const real *data, lander_error *error);
/* Member `name` (with its ending: "net.txt"). */
lander_status npz_add_text(npz_writer *z, const char *name, const char *content,
                           size_t length, lander_error *error);
lander_status npz_commit(npz_writer *z, lander_error *error);
void npz_abandon(npz_writer *z);

/* Reading: the directory is read and checked on opening; members when asked for, with
 * their CRC. Stored or deflated. fails: io, format (names file and member), memory. */
typedef struct npz_reader npz_reader;
npz_reader *npz_open(lander_engine *engine, const char *path, lander_error *error);
void npz_close(npz_reader *z);
int npz_count(const npz_reader *z);
const char *npz_name(const npz_reader *z, int index); /* as in the directory: "w.npy" */
bool npz_has(const npz_reader *z, const char *name);
/* A text member of up to 64 MB; ends with a zero. owns: the caller (memory_free). */
char *npz_read_text(npz_reader *z, const char *name, size_t *length, lander_error *error);
/* Member name.npy as a new tensor, converted to real. */
lander_tensor *npz_read_array(npz_reader *z, const char *name, lander_error *error);
/* The same; the shape must be this one. Nothing is allocated that the file doesn't hold.
 */
lander_tensor *npz_read_shaped(npz_reader *z, const char *name, int dims,
                               const int64_t *size, lander_error *error);
/* Member name.npy into memory that is there; the shape must be this one. */
lander_status npz_read_into(npz_reader *z, const char *name, int dims,
                            const int64_t *size, real *out, lander_error *error);

#endif
