/* file.c: whole files, read and written so that nothing is lost. */
#define _XOPEN_SOURCE     700 /* realpath */
#define _FILE_OFFSET_BITS 64
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"
#include "error.h"
#include "memory.h"

/* ---- messages ---------------------------------------------------------------------- */

#define SHOWN 200 /* bytes of a path that a message shows: its end tells more */

static const char *show(char out[SHOWN + 4], const char *path) {
  size_t length = strlen(path);
  bool cut = length > SHOWN;
  snprintf(out, SHOWN + 4, "%s%s", cut ? "..." : "", cut ? path + length - SHOWN : path);
  return out;
}

static const char *reason(char out[128], int number) {
  if (strerror_r(number, out, 128) != 0) snprintf(out, 128, "error %d", number);
  return out;
}

/* What to do about it, where that is known. */
static const char *advice(int number, bool writing) {
  switch (number) {
  case ENOENT: return writing ? ": the directory does not exist; create it first" : "";
  case ENOSPC:
  case EDQUOT: return "; make room or write somewhere else";
  case EROFS: return "; write somewhere else";
  case EMFILE:
  case ENFILE: return "; close some files";
  default: return "";
  }
}

/* "can't open 'x': No such file or directory" */
static lander_status failed(const char *verb, const char *path, int number, bool writing,
                            lander_error *error) {
  char shown[SHOWN + 4], why[128];
  return error_set(error, LANDER_ERROR_IO, "can't %s '%s': %s%s", verb, show(shown, path),
                   reason(why, number), advice(number, writing));
}

static lander_status not_regular(const char *verb, const char *path, mode_t mode,
                                 lander_error *error) {
  char shown[SHOWN + 4];
  return error_set(error, LANDER_ERROR_IO, "can't %s '%s': it is %s, not a file", verb,
                   show(shown, path),
                   S_ISDIR(mode)    ? "a directory"
                   : S_ISFIFO(mode) ? "a pipe"
                                    : "a device or socket");
}

/* ---- the host's word ----------------------------------------------------------------
 */

lander_status lander_engine_path(lander_engine *engine, lander_use use, const char *path,
                                 char actual[LANDER_PATH_LENGTH], lander_error *error) {
  static const char *const verbs[] = {"open", "write", "remove", "list", "make"};
  char shown[SHOWN + 4];
  error_clear(error);
  size_t length = strlen(path);
  if (length >= LANDER_PATH_LENGTH)
    return failed(verbs[use], path, ENAMETOOLONG, use == LANDER_USE_WRITE, error);
  memcpy(actual, path, length + 1);
  if (engine_allows(engine, use, path, actual)) return LANDER_OK;
  return error_set(error, LANDER_ERROR_IO, "can't %s '%s': the host does not allow it",
                   verbs[use], show(shown, path));
}

/* ---- descriptors ------------------------------------------------------------------- */

static int open_retrying(const char *path, int flags, mode_t mode) {
  int fd;
  do fd = open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static int sync_retrying(int fd) {
  int result;
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result;
}

/* ---- reading ----------------------------------------------------------------------- */

struct file_reader {
  lander_engine *engine;
  char *path; /* as it was asked for */
  int fd;
  int64_t size;
};

/* Opens a regular file; a pipe must not make us wait for its writer. */
static lander_status open_regular(lander_engine *engine, const char *path, int *fd,
                                  int64_t *size, lander_error *error) {
  struct stat status;
  char actual[LANDER_PATH_LENGTH];
  if (lander_engine_path(engine, LANDER_USE_READ, path, actual, error) != LANDER_OK)
    return LANDER_ERROR_IO;
  *fd = open_retrying(actual, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (*fd < 0) return failed("open", path, errno, false, error);
  lander_status result = LANDER_OK;
  if (fstat(*fd, &status) != 0)
    result = failed("open", path, errno, false, error);
  else if (!S_ISREG(status.st_mode))
    result = not_regular("read", path, status.st_mode, error);
  if (result != LANDER_OK) {
    close(*fd);
    return result;
  }
  *size = status.st_size;
  return LANDER_OK;
}

file_reader *file_open(lander_engine *engine, const char *path, lander_error *error) {
  file_reader *f = memory_new(engine, 1, sizeof *f, error);
  if (!f) return NULL;
  f->engine = engine;
  f->path = memory_copy_text(engine, path, error);
  if (!f->path || open_regular(engine, path, &f->fd, &f->size, error) != LANDER_OK) {
    memory_free(engine, f->path);
    memory_free(engine, f);
    return NULL;
  }
  return f;
}

int64_t file_size(const file_reader *f) {
  return f->size;
}

const char *file_path(const file_reader *f) {
  return f->path;
}

static lander_status too_short(const file_reader *f, int64_t offset, size_t size,
                               int64_t end, lander_error *error) {
  char shown[SHOWN + 4];
  return error_set(
      error, LANDER_ERROR_FORMAT,
      "'%s' ends at byte %lld, where %zu bytes from byte %lld on were expected: it was "
      "cut short or altered",
      show(shown, f->path), (long long)end, size, (long long)offset);
}

lander_status file_read_at(file_reader *f, int64_t offset, void *out, size_t size,
                           lander_error *error) {
  if (offset < 0 || offset > f->size || size > (uint64_t)(f->size - offset))
    return too_short(f, offset, size, f->size, error);
  size_t done = 0;
  while (done < size) {
    off_t at = (off_t)(offset + (int64_t)done);
    ssize_t got = pread(f->fd, (char *)out + done, size - done, at);
    if (got > 0)
      done += (size_t)got;
    else if (got == 0)
      return too_short(f, offset, size, (int64_t)at, error);
    else if (errno != EINTR)
      return failed("read", f->path, errno, false, error);
  }
  return LANDER_OK;
}

void file_close(file_reader *f) {
  if (!f) return;
  close(f->fd);
  memory_free(f->engine, f->path);
  memory_free(f->engine, f);
}

/* ---- writing ----------------------------------------------------------------------- */

struct file_writer {
  lander_engine *engine;
  char *name;      /* as it was asked for */
  char *path;      /* the final name */
  char *temporary; /* the name until commit */
  size_t capacity; /* of temporary */
  int fd;
  lander_error failure; /* the first; code LANDER_OK until then */
};

#define NAMES_TRIED 1000
#define SUFFIX_ROOM 48  /* ".tmp-<pid>-<n>" */
#define BASE_MAX    200 /* of the final name: so that the suffix makes it not too long */

static size_t directory_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* What is at the final name must be nothing, or a file that may be replaced. */
static lander_status check_target(const char *name, const char *path, mode_t *mode,
                                  lander_error *error) {
  struct stat status;
  *mode = 0;
  if (!path[0])
    return error_set(error, LANDER_ERROR_IO, "can't write '': a file needs a name");
  if (stat(path, &status) != 0)
    return errno == ENOENT ? LANDER_OK : failed("write", name, errno, true, error);
  if (!S_ISREG(status.st_mode)) return not_regular("write", name, status.st_mode, error);
  if (access(path, W_OK) != 0) return failed("write", name, errno, true, error);
  *mode = status.st_mode & 0777;
  return LANDER_OK;
}

/* The start of a temporary name, before "<pid>-<n>". */
static int start_of_temporary(char *out, size_t capacity, const char *path) {
  size_t directory = directory_length(path);
  return snprintf(out, capacity, "%.*s%.*s.tmp-", (int)directory, path, BASE_MAX,
                  path + directory);
}

/* Who writes a file holds it, until it is closed or its process is gone. */
static bool hold(int fd) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_SETLK, &whole) == 0;
}

/* The process of the name's end "<pid>-<n>"; 0: it is none. */
static long owner_of(const char *end) {
  char *at;
  if (*end < '1' || *end > '9') return 0;
  errno = 0;
  long pid = strtol(end, &at, 10);
  if (errno || (pid_t)pid != pid || *at != '-' || !at[1]) return 0;
  return at[1 + strspn(at + 1, "0123456789")] ? 0 : pid;
}

/* A process that a number stands for may live where that number means another one, on
 * another machine or in a container: then the file is held. */
static void remove_unless_held(const char *path) {
  struct stat status;
  int fd = open_retrying(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0) return;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && hold(fd)) unlink(path);
  close(fd);
}

/* Removes what processes have left that were killed while they wrote a file of this
 * name. */
static void remove_orphans(const char *path) {
  char start[PATH_MAX], whole[PATH_MAX];
  size_t directory = directory_length(path);
  int length = start_of_temporary(start, sizeof start, path);
  if (length < 0 || (size_t)length >= sizeof start) return;
  snprintf(whole, sizeof whole, "%.*s", (int)directory, path);
  DIR *dir = opendir(directory > 0 ? whole : ".");
  const char *name = start + directory;
  for (const struct dirent *entry; dir && (entry = readdir(dir));) {
    if (strncmp(entry->d_name, name, strlen(name)) != 0) continue;
    long pid = owner_of(entry->d_name + strlen(name));
    if (pid == 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
    int size =
        snprintf(whole, sizeof whole, "%.*s%s", (int)directory, path, entry->d_name);
    if (size > 0 && (size_t)size < sizeof whole) remove_unless_held(whole);
  }
  if (dir) closedir(dir);
}

/* Creates a file with a name that is not there yet, beside the final one. */
static lander_status create_temporary(file_writer *f, lander_error *error) {
  size_t at = (size_t)start_of_temporary(f->temporary, f->capacity, f->path);
  for (int n = 0; n < NAMES_TRIED; n++) {
    snprintf(f->temporary + at, f->capacity - at, "%ld-%d", (long)getpid(), n);
    f->fd = open_retrying(f->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (f->fd >= 0) {
      hold(f->fd); /* not every file system can; then only the process's number says it */
      return LANDER_OK;
    }
    if (errno != EEXIST) break;
  }
  return failed("write", f->name, errno, true, error);
}

static void writer_free(file_writer *f) {
  memory_free(f->engine, f->temporary);
  memory_free(f->engine, f->path);
  memory_free(f->engine, f->name);
  memory_free(f->engine, f);
}

/* A name that is a link stands for the file that it leads to. */
static char *copy_real_path(lander_engine *engine, const char *path,
                            lander_error *error) {
  struct stat status;
  char real_path[PATH_MAX];
  bool link = lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
  if (link && realpath(path, real_path)) path = real_path;
  return memory_copy_text(engine, path, error);
}

file_writer *file_create(lander_engine *engine, const char *path, lander_error *error) {
  mode_t mode;
  char actual[LANDER_PATH_LENGTH];
  if (lander_engine_path(engine, LANDER_USE_WRITE, path, actual, error) != LANDER_OK)
    return NULL;
  if (check_target(path, actual, &mode, error) != LANDER_OK) return NULL;
  file_writer *f = memory_new(engine, 1, sizeof *f, error);
  if (!f) return NULL;
  f->engine = engine;
  f->name = memory_copy_text(engine, path, error);
  f->path = f->name ? copy_real_path(engine, actual, error) : NULL;
  if (f->path) {
    f->capacity = strlen(f->path) + SUFFIX_ROOM;
    f->temporary = memory_new(engine, f->capacity, 1, error);
  }
  if (f->temporary) remove_orphans(f->path);
  if (!f->temporary || create_temporary(f, error) != LANDER_OK) {
    writer_free(f);
    return NULL;
  }
  if (mode != 0) fchmod(f->fd, mode); /* as the old one's; not worth failing for */
  return f;
}

/* Keeps the first failure. */
static lander_status fail(file_writer *f, int number, lander_error *error) {
  lander_status status = failed("write", f->name, number, true, &f->failure);
  if (error) *error = f->failure;
  return status;
}

static lander_status old_failure(const file_writer *f, lander_error *error) {
  if (f->failure.code != LANDER_OK && error) *error = f->failure;
  return f->failure.code;
}

lander_status file_write(file_writer *f, const void *data, size_t size,
                         lander_error *error) {
  if (f->failure.code != LANDER_OK) return old_failure(f, error);
  size_t done = 0;
  while (done < size) {
    ssize_t put = write(f->fd, (const char *)data + done, size - done);
    if (put > 0)
      done += (size_t)put;
    else if (put == 0)
      return fail(f, EIO, error);
    else if (errno != EINTR)
      return fail(f, errno, error);
  }
  return LANDER_OK;
}

/* Makes the new name last. Not every file system can do it, and the file is there. */
static void sync_directory(file_writer *f) {
  size_t length = directory_length(f->path);
  snprintf(f->temporary, f->capacity, "%.*s", (int)length, f->path);
  int fd = open_retrying(length > 0 ? f->temporary : ".", O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return;
  sync_retrying(fd);
  close(fd);
}

lander_status file_commit(file_writer *f, lander_error *error) {
  lander_status status = old_failure(f, error);
  if (status == LANDER_OK && sync_retrying(f->fd) != 0) status = fail(f, errno, error);
  if (close(f->fd) != 0 && status == LANDER_OK && errno != EINTR)
    status = fail(f, errno, error);
  if (status == LANDER_OK && rename(f->temporary, f->path) != 0)
    status = fail(f, errno, error);
  if (status == LANDER_OK)
    sync_directory(f);
  else
    unlink(f->temporary);
  writer_free(f);
  return status;
}

void file_abandon(file_writer *f) {
  if (!f) return;
  close(f->fd);
  unlink(f->temporary);
  writer_free(f);
}

lander_status lander_engine_write(lander_engine *engine, const char *path,
                                  const void *data, size_t size, lander_error *error) {
  lander_error own;
  if (!error) error = &own;
  error_clear(error);
  file_writer *f = file_create(engine, path, error);
  if (!f) return error->code;
  file_write(f, data, size, error); /* commit remembers that it failed */
  return file_commit(f, error);
}
