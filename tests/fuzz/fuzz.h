/* fuzz.h: what the fuzz targets need. A target is one function that takes bytes; a
 * program of it is made twice: with libFuzzer, which looks for bytes that break it, and
 * with replay.c, which takes those of tests/fuzz/corpus (part of the tests, any
 * compiler). */
#ifndef LANDER_TESTS_FUZZ_H
#define LANDER_TESTS_FUZZ_H

#include <lander.h>
#include <stdlib.h>

/* Where a target begins. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Where libFuzzer asks for a variant, in a target that has its own way to make one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
/* libFuzzer's own way; in replay.c none, for nothing is varied there. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

/* Says what is wrong and ends the program, as a sanitizer does. */
#define FUZZ_REQUIRE(condition)                                                          \
  do {                                                                                   \
    if (!(condition)) fuzz_wrong(#condition, __FILE__, __LINE__);                        \
  } while (0)
_Noreturn void fuzz_wrong(const char *condition, const char *file, int line);

/* An engine of one thread whose allocator gives `most` bytes in all and then says no;
 * fuzz_close sees to it that all came back. */
lander_engine *fuzz_open(int64_t most);
void fuzz_close(lander_engine *engine);
/* The largest number of bytes that were out at one time since fuzz_open. */
int64_t fuzz_peak(void);
#define FUZZ_MEMORY ((int64_t)256 << 20)
/* What reading a file of so many bytes may take: buffers of a fixed size, and for each
 * byte what deflate can make of it at most, as reals, a few times. */
#define FUZZ_READING(size) ((int64_t)(1 << 20) + (int64_t)(size)*1032 * 8 * 3)

/* The name of a file in memory that holds these bytes, until its next use. There are two
 * of them, 0 and 1. */
const char *fuzz_file(int which, const uint8_t *data, size_t size);

/* Every error says something. */
void fuzz_refused(const lander_error *error);

/* Input that is cut into lines and a rest: the next line, without its end, as a text of
 * the caller's own (free). */
char *fuzz_line(const uint8_t **data, size_t *size);

/* Takes the first batch of a dataset that came out well, and frees it. */
void fuzz_use_dataset(lander_dataset *d);
/* Runs a net forward, backward when it has a loss, as long as that is no great work, and
 * writes it as text that builds again. */
void fuzz_use_net(lander_net *net);

/* Variants of zip files: a member changed, left out, twice or renamed, with sums (and the
 * seal) mended, so that what is behind them is reached; now and then raw bytes. */
size_t fuzz_mutate_zip(uint8_t *data, size_t size, size_t room, unsigned seed);

#endif
