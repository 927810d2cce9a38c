# checks.mk: looks at the code that take longer than tests: fuzzing, coverage, valgrind.
# (The Makefile includes it.)

# ---- fuzzing: a program of each target, for libFuzzer and for the tests ------------------
FUZZ_PACKAGES := clang libclang-rt-14-dev
SECONDS ?= 600
fuzz_src := $(sort $(wildcard tests/fuzz/target_*.c))
fuzz_common := tests/fuzz/fuzz.c tests/fuzz/zip.c
fuzz_bin := $(fuzz_src:tests/fuzz/target_%.c=$(B)/replay/%)
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

tests: $(fuzz_bin)

# Takes the inputs in tests/fuzz/corpus and ends.
$(B)/replay/%: tests/fuzz/target_%.c $(fuzz_common) tests/fuzz/replay.c tests/fuzz/fuzz.h $(B)/internals.a
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(LUA_CFLAGS) $(LDFLAGS) -Isrc -o $@ $< $(fuzz_common) tests/fuzz/replay.c \
	  $(B)/internals.a $(LUA_LIBDIR)/liblua5.4.a $(LIBS)

# Looks for new ones. What it finds is left in build/fuzz/found; what it has learnt, in
# build/fuzz/corpus.
$(B)/fuzzer/%: tests/fuzz/target_%.c $(fuzz_common) tests/fuzz/fuzz.h $(B)/internals.a
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LUA_CFLAGS) -Isrc -o $@ $< $(fuzz_common) \
	  $(B)/internals.a $(LUA_LIBDIR)/liblua5.4.a $(LIBS)

# A Lua state that lives on looks like a leak to libFuzzer.
FUZZ_json := -detect_leaks=0

.PHONY: fuzz fuzzer fuzz-merge
fuzzer:
	@sh tests/install.sh needed $(FUZZ_PACKAGES)
	@$(MAKE) --no-print-directory $(jobs) B=build/fuzz CC=clang LEVELS=baseline \
	  KERNEL_FLAGS="-O1 -fno-sanitize=fuzzer-no-link,undefined" \
	  CFLAGS="-fsanitize=fuzzer-no-link $(FUZZ_FLAGS)" build/fuzz/fuzzer/$(TARGET)

fuzz: fuzzer
	@mkdir -p build/fuzz/found build/fuzz/corpus/$(TARGET)
	@build/fuzz/fuzzer/$(TARGET) -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=1024 \
	  -malloc_limit_mb=512 -max_len=8192 -print_final_stats=1 -use_value_profile=1 \
	  -artifact_prefix=build/fuzz/found/$(TARGET)- -dict=tests/fuzz/words.dict $(FUZZ_$(TARGET)) \
	  build/fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

# The smallest set of what was learnt that reaches the same code goes to tests/fuzz/corpus.
fuzz-merge: fuzzer
	@rm -rf build/fuzz/merged && mkdir -p build/fuzz/merged
	@build/fuzz/fuzzer/$(TARGET) -set_cover_merge=1 -use_counters=0 -max_len=2048 build/fuzz/merged tests/fuzz/corpus/$(TARGET) build/fuzz/corpus/$(TARGET)
	@rm -rf tests/fuzz/corpus/$(TARGET) && mv build/fuzz/merged tests/fuzz/corpus/$(TARGET)

# ---- other looks at the tests ------------------------------------------------------------
CHECK_PACKAGES := valgrind
.PHONY: coverage valgrind
coverage: packages
	@$(MAKE) --no-print-directory $(jobs) B=build/cov LEVELS=baseline OPT="-O1 -g" \
	  CFLAGS="--coverage -fprofile-update=atomic" LDFLAGS="--coverage -Wl,--exclude-libs,ALL" build tests
	@find build/cov -name '*.gcda' -delete
	@sh tests/all.sh build/cov
	@lua5.4 tests/coverage.lua build/cov $(MISSED)

# Without AVX-512, which it does not know.
valgrind: packages
	@sh tests/install.sh needed $(CHECK_PACKAGES)
	@$(MAKE) --no-print-directory $(jobs) B=build/baseline LEVELS=baseline build tests
	@sh tests/valgrind.sh build/baseline
