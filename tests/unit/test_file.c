/* test_file.c: files are read whole, and written whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/base/file.h"
#include "allocator.h"
#include "unit.h"

static test_allocator allocator = {.allowed = -1};
static lander_engine *engine;
static lander_error e;
static char directory[] = "/tmp/lander-unit-XXXXXX";

/* A name in the directory of this test. */
static const char *name(const char *file) {
  static char paths[4][PATH_MAX];
  static int turn;
  char *path = paths[turn++ % 4];
  snprintf(path, PATH_MAX, "%s/%s", directory, file);
  return path;
}

/* How many files the directory has; with `remove_them`, it has none afterwards. */
static int count_files(bool remove_them) {
  DIR *d = opendir(directory);
  int count = 0;
  struct dirent *entry;
  while (d && (entry = readdir(d)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    count++;
    if (remove_them) {
      const char *path = name(entry->d_name);
      if (unlink(path) != 0) rmdir(path);
    }
  }
  if (d) closedir(d);
  return count;
}

static bool put(const char *path, const char *content) {
  file_writer *f = file_create(engine, path, &e);
  if (!f) return false;
  file_write(f, content, strlen(content), &e);
  return file_commit(f, &e) == LANDER_OK;
}

static bool holds(const char *path, const char *content) {
  char got[100] = "";
  file_reader *f = file_open(engine, path, &e);
  if (!f) return false;
  size_t size = strlen(content);
  bool good = file_size(f) == (int64_t)size &&
              file_read_at(f, 0, got, size, &e) == LANDER_OK &&
              !memcmp(got, content, size);
  file_close(f);
  return good;
}

static bool said(lander_status code, const char *part) {
  if (e.code == code && strstr(e.message, part)) return true;
  printf("got: %s: %s\n", lander_status_name(e.code), e.message);
  return false;
}

/* ---- reading ----------------------------------------------------------------------- */

static void test_reading(void) {
  UNIT_TEST("a file is read at any place");
  const char *path = name("digits");
  UNIT_CHECK(put(path, "0123456789"));
  file_reader *f = file_open(engine, path, &e);
  if (!UNIT_CHECK(f != NULL)) return;
  UNIT_CHECK(file_size(f) == 10 && !strcmp(file_path(f), path));
  char got[16];
  UNIT_CHECK(file_read_at(f, 3, got, 4, &e) == LANDER_OK && !memcmp(got, "3456", 4));
  UNIT_CHECK(file_read_at(f, 0, got, 10, &e) == LANDER_OK && got[9] == '9');
  UNIT_CHECK(file_read_at(f, 10, got, 0, &e) == LANDER_OK);

  UNIT_TEST("past its end a file is a format error that says where it ends");
  UNIT_CHECK(file_read_at(f, 8, got, 3, &e) == LANDER_ERROR_FORMAT);
  UNIT_CHECK(said(LANDER_ERROR_FORMAT, "digits' ends at byte 10, where 3 bytes from "));
  UNIT_CHECK(file_read_at(f, 11, got, 0, &e) == LANDER_ERROR_FORMAT);
  UNIT_CHECK(file_read_at(f, -1, got, 1, &e) == LANDER_ERROR_FORMAT);
  UNIT_CHECK(file_read_at(f, INT64_MAX, got, 1, &e) == LANDER_ERROR_FORMAT);
  UNIT_CHECK(file_read_at(f, 1, got, SIZE_MAX, &e) == LANDER_ERROR_FORMAT);

  UNIT_TEST("a file that shrinks while it is open too");
  UNIT_CHECK(truncate(path, 5) == 0);
  UNIT_CHECK(file_read_at(f, 3, got, 4, &e) == LANDER_ERROR_FORMAT);
  UNIT_CHECK(said(LANDER_ERROR_FORMAT, "ends at byte 5"));
  file_close(f);
  file_close(NULL);

  UNIT_TEST("what is no file gets words and does not hang");
  UNIT_CHECK(!file_open(engine, name("none"), &e));
  UNIT_CHECK(said(LANDER_ERROR_IO, "none': No such file or directory"));
  UNIT_CHECK(!file_open(engine, "", &e) && said(LANDER_ERROR_IO, "No such file"));
  UNIT_CHECK(!file_open(engine, directory, &e) && said(LANDER_ERROR_IO, "directory"));
  UNIT_CHECK(mkfifo(name("pipe"), 0600) == 0);
  UNIT_CHECK(!file_open(engine, name("pipe"), &e) && said(LANDER_ERROR_IO, "a pipe"));
  UNIT_CHECK(!file_open(engine, "/dev/null", &e) && said(LANDER_ERROR_IO, "a device"));
  UNIT_CHECK(!file_open(engine, name("digits/x"), &e) && said(LANDER_ERROR_IO, "Not a"));
  char endless[9000];
  memset(endless, 'n', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  UNIT_CHECK(!file_open(engine, endless, &e) && said(LANDER_ERROR_IO, "too long"));
  count_files(true);
}

/* ---- writing ----------------------------------------------------------------------- */

static void test_writing(void) {
  UNIT_TEST("a file appears whole, or not at all");
  const char *path = name("net");
  file_writer *f = file_create(engine, path, &e);
  if (!UNIT_CHECK(f != NULL)) return;
  UNIT_CHECK(file_write(f, "one ", 4, &e) == LANDER_OK);
  UNIT_CHECK(file_write(f, NULL, 0, &e) == LANDER_OK);
  UNIT_CHECK(access(path, F_OK) != 0 && count_files(false) == 1);
  UNIT_CHECK(file_write(f, "two", 3, &e) == LANDER_OK);
  UNIT_CHECK(file_commit(f, &e) == LANDER_OK);
  UNIT_CHECK(holds(path, "one two") && count_files(false) == 1);
  f = file_create(engine, path, &e);
  UNIT_CHECK(file_write(f, "three", 5, &e) == LANDER_OK);
  UNIT_CHECK(holds(path, "one two"));
  file_abandon(f);
  UNIT_CHECK(holds(path, "one two") && count_files(false) == 1);
  file_abandon(NULL);

  UNIT_TEST("two writers of one name do not meet");
  file_writer *a = file_create(engine, path, &e), *b = file_create(engine, path, &e);
  if (!UNIT_CHECK(a && b)) return;
  file_write(a, "aaa", 3, &e);
  file_write(b, "bbb", 3, &e);
  UNIT_CHECK(file_commit(b, &e) == LANDER_OK && holds(path, "bbb"));
  UNIT_CHECK(file_commit(a, &e) == LANDER_OK && holds(path, "aaa"));
  UNIT_CHECK(count_files(false) == 1);

  UNIT_TEST("a replaced file keeps its mode");
  UNIT_CHECK(chmod(path, 0640) == 0 && put(path, "again"));
  struct stat status;
  UNIT_CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0640);

  UNIT_TEST("a link is followed and stays one");
  UNIT_CHECK(symlink("net", name("link")) == 0);
  UNIT_CHECK(put(name("link"), "through") && holds(path, "through"));
  UNIT_CHECK(lstat(name("link"), &status) == 0 && S_ISLNK(status.st_mode));

  UNIT_TEST("a name as long as names may be");
  char longest[256];
  memset(longest, 'n', 255);
  longest[255] = '\0';
  UNIT_CHECK(put(name(longest), "x") && holds(name(longest), "x"));
  count_files(true);
}

static bool refused(const char *path, const char *part) {
  return !file_create(engine, path, &e) && said(LANDER_ERROR_IO, part);
}

static void test_refusals(void) {
  UNIT_TEST("what can't be written is found when it is created");
  UNIT_CHECK(refused(name("none/net"), "the directory does not exist; create it first"));
  UNIT_CHECK(refused(name("none/"), "create it first"));
  UNIT_CHECK(refused("", "a file needs a name"));
  UNIT_CHECK(refused(directory, "it is a directory"));
  UNIT_CHECK(refused("/dev/null", "a device"));
  UNIT_CHECK(mkfifo(name("pipe"), 0600) == 0 && refused(name("pipe"), "a pipe"));
  UNIT_CHECK(put(name("file"), "x") && refused(name("file/net"), "Not a directory"));
  char endless[9000];
  memset(endless, 'n', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  UNIT_CHECK(refused(endless, "too long"));
  if (geteuid() != 0) { /* nothing is denied to root */
    UNIT_CHECK(chmod(name("file"), 0400) == 0);
    UNIT_CHECK(refused(name("file"), "Permission denied"));
    UNIT_CHECK(mkdir(name("locked"), 0500) == 0);
    UNIT_CHECK(refused(name("locked/net"), "Permission denied"));
  }
  count_files(true);
}

static void test_full(void) {
  UNIT_TEST("when there is no room the old file stays, and the failure is remembered");
  const char *path = name("net");
  UNIT_CHECK(put(path, "old"));
  struct rlimit old, little;
  getrlimit(RLIMIT_FSIZE, &old);
  little = old;
  little.rlim_cur = 1000; /* the first write is then a short one, the next one fails */
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &little);
  static char block[3000];
  file_writer *f = file_create(engine, path, &e);
  UNIT_CHECK(f && file_write(f, block, 500, &e) == LANDER_OK);
  UNIT_CHECK(f && file_write(f, block, sizeof block, &e) == LANDER_ERROR_IO);
  UNIT_CHECK(said(LANDER_ERROR_IO, "net': File too large"));
  setrlimit(RLIMIT_FSIZE, &old);
  e = (lander_error){0};
  UNIT_CHECK(f && file_write(f, block, 1, &e) == LANDER_ERROR_IO);
  UNIT_CHECK(said(LANDER_ERROR_IO, "File too large"));
  e = (lander_error){0};
  UNIT_CHECK(f && file_commit(f, &e) == LANDER_ERROR_IO);
  UNIT_CHECK(said(LANDER_ERROR_IO, "File too large"));
  UNIT_CHECK(holds(path, "old") && count_files(false) == 1);

  UNIT_TEST("when the directory is gone, commit says so");
  UNIT_CHECK(mkdir(name("gone"), 0700) == 0);
  f = file_create(engine, name("gone/net"), &e);
  char before[PATH_MAX], after[PATH_MAX];
  snprintf(before, sizeof before, "%s", name("gone"));
  snprintf(after, sizeof after, "%s", name("went"));
  UNIT_CHECK(f && rename(before, after) == 0);
  UNIT_CHECK(f && file_commit(f, &e) == LANDER_ERROR_IO && said(LANDER_ERROR_IO, "gone"));
  DIR *d = opendir(after);
  struct dirent *entry;
  while (d && (entry = readdir(d)) != NULL) {
    char left[PATH_MAX + 300];
    snprintf(left, sizeof left, "%s/%s", after, entry->d_name);
    if (entry->d_name[0] != '.') unlink(left);
  }
  if (d) closedir(d);
  rmdir(after);
  count_files(true);
}

/* A process that has begun to write `path` and then waits. */
static pid_t start_writer(const char *path) {
  int ready[2];
  if (pipe(ready) != 0) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    file_writer *f = file_create(engine, path, &e);
    file_write(f, "half", 4, &e);
    if (write(ready[1], "x", 1) == 1)
      for (;;) pause();
    _exit(1);
  }
  char got;
  close(ready[1]);
  bool begun = pid > 0 && read(ready[0], &got, 1) == 1;
  close(ready[0]);
  return begun ? pid : -1;
}

static void kill_writer(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static bool make(const char *file) {
  int fd = open(name(file), O_WRONLY | O_CREAT | O_EXCL, 0600);
  return fd >= 0 && close(fd) == 0;
}

static void test_orphans(void) {
  UNIT_TEST("what a killed process has left goes with the next file of that name");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", name("net"));
  pid_t dead = start_writer(path), alive = start_writer(path);
  if (!UNIT_CHECK(dead > 0 && alive > 0)) return;
  UNIT_CHECK(count_files(false) == 2);
  kill_writer(dead);
  UNIT_CHECK(put(name("nets"), "x") && put(name("ne"), "x") && count_files(false) == 4);
  UNIT_CHECK(put(path, "new") && holds(path, "new"));
  UNIT_CHECK(count_files(false) == 4); /* three, and that of the one that is alive */
  kill_writer(alive);
  file_writer *f = file_create(engine, path, &e);
  UNIT_CHECK(f && count_files(false) == 4 && file_commit(f, &e) == LANDER_OK);
  UNIT_CHECK(count_files(false) == 3);
  count_files(true);

  UNIT_TEST("what only looks like it stays, and what is held, and what is no file");
  char end[64], held[64];
  const char *others[] = {"net.tmp-",   "net.tmp-0-0",  "net.tmp--5-0", "net.tmp-5",
                          "net.tmp-5-", "net.tmp-5-0x", "net.tmp-x-0",  "anet.tmp-5-0"};
  for (int i = 0; i < COUNT_OF(others); i++) UNIT_CHECK(make(others[i]));
  UNIT_CHECK(make("net.tmp-99999999999999999999-0"));
  /* As of a process of another machine: its number means nobody here. */
  snprintf(held, sizeof held, "net.tmp-%ld-7", (long)dead);
  UNIT_CHECK(make(held));
  pid_t other = fork();
  if (other == 0) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(name(held), O_WRONLY);
    if (fcntl(fd, F_SETLK, &whole) == 0) make("ready");
    for (;;) pause();
  }
  for (int i = 0; i < 5000 && access(name("ready"), F_OK) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  UNIT_CHECK(put(path, "new"));
  UNIT_CHECK(count_files(false) == COUNT_OF(others) + 4);
  kill_writer(other);
  UNIT_CHECK(put(path, "new"));
  UNIT_CHECK(count_files(false) == COUNT_OF(others) + 3 && access(name(held), F_OK) != 0);
  snprintf(end, sizeof end, "net.tmp-%ld-8", (long)dead);
  UNIT_CHECK(mkdir(name(end), 0700) == 0 && symlink("net", name(held)) == 0);
  UNIT_CHECK(put(path, "new"));
  UNIT_CHECK(count_files(true) == COUNT_OF(others) + 5);
}

static void test_out_of_memory(void) {
  UNIT_TEST("the n-th allocation fails, for every n");
  const char *path = name("net");
  int64_t blocks = allocator.blocks;
  int n = 0;
  for (; n < 100; n++) {
    allocator.allowed = allocator.requests + n;
    bool wrote = put(path, "content");
    bool good = wrote && holds(path, "content");
    allocator.allowed = -1;
    UNIT_CHECK(allocator.blocks == blocks && !allocator.lied_to);
    UNIT_CHECK(count_files(false) == (wrote ? 1 : 0));
    if (good) break;
    UNIT_CHECK(said(LANDER_ERROR_MEMORY, "memory"));
    unlink(path);
  }
  UNIT_CHECK(n >= 5 && n < 100);
  count_files(true);
}

static void test_descriptors(void) {
  UNIT_TEST("no descriptor is left open");
  int before = open("/dev/null", O_RDONLY);
  close(before);
  for (int i = 0; i < 10; i++) {
    put(name("a"), "x");
    holds(name("a"), "x");
    file_open(engine, directory, &e);
    file_create(engine, name("none/x"), &e);
    file_abandon(file_create(engine, name("b"), &e));
  }
  int after = open("/dev/null", O_RDONLY);
  close(after);
  UNIT_CHECK(before == after && before >= 0);
  count_files(true);
}

int main(void) {
  engine = lander_engine_new(&(lander_config){.allocate = test_allocate,
                                              .allocate_userdata = &allocator,
                                              .threads = 1},
                             NULL);
  if (!engine || !mkdtemp(directory)) return 1;
  test_reading();
  test_writing();
  test_refusals();
  test_full();
  test_orphans();
  test_out_of_memory();
  test_descriptors();
  UNIT_TEST("the directory is empty, and all memory is given back");
  UNIT_CHECK(rmdir(directory) == 0);
  lander_engine_free(engine);
  UNIT_CHECK(test_allocator_clean(&allocator));
  return unit_finish();
}
