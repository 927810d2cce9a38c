/* zip.h: zip files, as far as .npz needs them.
 *
 * What is written (PKWARE's APPNOTE.TXT has the fields):
 *
 *  1. for each member a local header and its bytes, stored, back to back;
 *  2. the central directory: name, size, place and CRC-32 of each;
 *  3. the end record, whose comment is a seal: "Lander directory xxxxxxxx" with the
 *     CRC-32 of the central directory in hexadecimal.
 *
 * All times are the first day of 1980, so the same content gives the same file. In a
 * sealed file no bit can change unnoticed: bytes are covered by their CRC-32, the
 * directory by the seal, local headers and the end record by agreeing with it.
 *
 * What is read: these, and other programs' files, stored or deflated; not zip64,
 * encrypted or in several volumes. Every place and size is compared with the file's
 * size before anything is allocated. */
#ifndef LANDER_TENSOR_ZIP_H
#define LANDER_TENSOR_ZIP_H

#include "../base/base.h"

#define ZIP_MAX_NAME 255

/* commit and abandon free the writer. */
typedef struct zip_writer zip_writer;
zip_writer *zip_create(lander_engine *engine, const char *path, lander_error *error);
/* A member made of two blocks; the second may be empty. */
lander_status zip_add(zip_writer *z, const char *name, const void *head, size_t head_size,
                      const void *body, size_t body_size, lander_error *error);
lander_status zip_commit(zip_writer *z, lander_error *error);
void zip_abandon(zip_writer *z);

/* fails: io, memory, format (in words that name the file and the member). */
typedef struct zip_reader zip_reader;
zip_reader *zip_open(lander_engine *engine, const char *path, lander_error *error);
void zip_close(zip_reader *z);
int zip_count(const zip_reader *z);
const char *zip_name(const zip_reader *z, int index); /* NULL outside */
/* How many bytes a member has, unpacked. */
uint32_t zip_size(const zip_reader *z, int index);
int zip_find(const zip_reader *z, const char *name); /* -1: there is none */
const char *zip_path(const zip_reader *z);
/* A member's bytes with one zero behind them. owns: the caller (memory_free). */
void *zip_read(zip_reader *z, int index, size_t *size, lander_error *error);

#endif
