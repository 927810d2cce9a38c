/* file.h: whole files, read and written so that nothing is lost.
 *
 * A written file appears beside its final name, is synced, then renamed: whatever
 * happens, the old file or the new one is there, whole. */
#ifndef LANDER_BASE_FILE_H
#define LANDER_BASE_FILE_H

#include "base.h"

/* Reading, at any place. What is no regular file (a directory, a pipe) is refused. */
typedef struct file_reader file_reader;
file_reader *file_open(lander_engine *engine, const char *path, lander_error *error);
int64_t file_size(const file_reader *f);
lander_status file_read_at(file_reader *f, int64_t offset, void *out, size_t size,
                           lander_error *error); /* short file: FORMAT, "ends at ..." */
const char *file_path(const file_reader *f);
void file_close(file_reader *f);

/* Writing, from the beginning on. create fails where the file could not be written later
 * on: so it can be asked before a long run. A link is followed. commit syncs and renames;
 * without it, file_abandon removes what was written. Both free the writer. create also
 * removes what a process that was killed has left of the same file. The first
 * failure is remembered and returned by every later call. */
typedef struct file_writer file_writer;
file_writer *file_create(lander_engine *engine, const char *path, lander_error *error);
lander_status file_write(file_writer *f, const void *data, size_t size,
                         lander_error *error);
lander_status file_commit(file_writer *f, lander_error *error);
void file_abandon(file_writer *f);

#endif
