/* files.h: what tests of files need: a folder of their own, and whole files in memory. */
#ifndef LANDER_TESTS_FILES_H
#define LANDER_TESTS_FILES_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char files_folder[64];

static inline void files_begin(void) {
  strcpy(files_folder, "/tmp/lander-test-XXXXXX");
  if (!mkdtemp(files_folder)) exit(2);
}

static inline const char *files_path(const char *name) {
  static char path[4][160];
  static int next;
  next = (next + 1) % 4;
  snprintf(path[next], sizeof path[next], "%s/%s", files_folder, name);
  return path[next];
}

/* owns: the caller (free). */
static inline unsigned char *files_read(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "can't open %s: run it from the top folder\n", path);
    exit(2);
  }
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  unsigned char *bytes = malloc(*size + 1);
  if (fread(bytes, 1, *size, f) != *size) exit(2);
  fclose(f);
  return bytes;
}

static inline void files_write(const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0) exit(2);
}

/* Changes one byte where it lies. */
static inline void files_poke(const char *path, size_t place, unsigned char byte) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || pwrite(fd, &byte, 1, (off_t)place) != 1 || close(fd) != 0) exit(2);
}

/* Removes the folder with the files whose names are given, ended by NULL. */
static inline bool files_end(const char *const *names) {
  for (; *names; names++) unlink(files_path(*names));
  return rmdir(files_folder) == 0; /* false: something was left behind */
}

#endif
