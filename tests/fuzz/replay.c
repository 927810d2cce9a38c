/* replay.c: takes a fuzz target through the inputs that are kept for it, without
 * libFuzzer:
 *
 *     idx FOLDER_OR_FILE...
 *
 * What a target finds ends the program; sanitizers find more, where it is built with
 * them.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) {
  (void)data;
  (void)room;
  return size;
}

static int passed;

static void replay(const char *path) {
  FILE *f = fopen(path, "rb");
  long size = -1;
  if (f && fseek(f, 0, SEEK_END) == 0) size = ftell(f);
  if (size < 0) {
    fprintf(stderr, "can't read %s: run it from the top folder\n", path);
    exit(2);
  }
  rewind(f);
  uint8_t *bytes = malloc((size_t)size + 1);
  FUZZ_REQUIRE(bytes && fread(bytes, 1, (size_t)size, f) == (size_t)size);
  fclose(f);
  printf("%s\n", path);
  fflush(stdout);
  LLVMFuzzerTestOneInput(bytes, (size_t)size);
  free(bytes);
  passed++;
}

static void replay_folder(const char *path) {
  DIR *dir = opendir(path);
  for (const struct dirent *entry; dir && (entry = readdir(dir));) {
    char file[512];
    snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] != '.') replay(file);
  }
  if (dir) closedir(dir);
}

int main(int count, char **paths) {
  for (int i = 1; i < count; i++) {
    struct stat status;
    if (stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
      replay_folder(paths[i]);
    else
      replay(paths[i]);
  }
  printf("%d passed, 0 failed\n", passed);
  return passed == 0;
}
