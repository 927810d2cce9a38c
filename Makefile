# Lander. Two commands do everything on a fresh machine: `make demo` and `make test`.
#
#   make            build: build/lander, build/liblander.{so,a}, build/lander.so for lua5.4
#   make demo       train LeNet on Fashion-MNIST, from a rate that is far too high
#   make test       all tests; the last line is "N passed, N failed"
#   make bench      how long a step takes here, each layer beside what the machine can do,
#                   and how fast data come
#   make bench-compare BASE=main    this tree beside another revision
#   make bench-peers                Lander beside PyTorch
#   make study      how well diverging runs are noticed and recovered: the tables of
#                   doc/divergence.md (long; it goes on where it was stopped)
#   make fuzz TARGET=idx SECONDS=600    looks for a file that breaks a reader (tests/fuzz)
#   make install    PREFIX=/usr/local DESTDIR=; uninstall, dist, deb: see install.mk
#   make coverage   how many lines of src the tests run, by gcov
#   make valgrind   programs of the tests under valgrind
#   make lint       clang-format and luacheck
#   make clean
#   make help       this list
#
#   REAL=double     the same engine in double, in build/double
#   SAN=1, TSAN=1   with the sanitizers, in build/san or build/tsan

MAKEFLAGS += --no-builtin-rules

# ---- what has to be installed: the one list ------------------------------------------
PACKAGES := lua5.4 liblua5.4-dev zlib1g-dev libedit-dev pkgconf lua-unit procps
# Nice to have: where it can't be had, the small subset in tests/data takes its place.
DATA_PACKAGES := dataset-fashion-mnist
# Nice to have: what reads PNG and JPEG, opened when a picture is read; tests without it are
# left out.
PICTURE_PACKAGES := libpng16-16 libturbojpeg0
# For bench-peers alone.
PEER_PACKAGES := python3-torch libopenblas0-openmp

# ---- where things go -------------------------------------------------------------------
REAL ?= float
variant := $(if $(filter double,$(REAL)),/double)$(if $(SAN),/san)$(if $(TSAN),/tsan)
B ?= build$(variant)

# ---- flags -----------------------------------------------------------------------------
CC ?= cc
CXX ?= c++
OBJCOPY ?= objcopy
WARN := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OPT ?= -O2 -g
CFLAGS_ALL := -std=c11 -D_POSIX_C_SOURCE=200809L $(WARN) $(OPT) -fPIC -fvisibility=hidden \
  -ffp-contract=fast -MMD -MP -pthread $(CFLAGS)
ifeq ($(REAL),double)
CFLAGS_ALL += -DLANDER_REAL_DOUBLE
endif
ifdef SAN
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
ifdef TSAN
CFLAGS_ALL += -fsanitize=thread
LDFLAGS += -fsanitize=thread
endif

multiarch := $(shell $(CC) -print-multiarch 2>/dev/null)
LUA_CFLAGS ?= $(shell pkg-config --cflags lua5.4 2>/dev/null || echo -I/usr/include/lua5.4)
LUA ?= lua5.4
LUA_LIBDIR  := $(shell pkg-config --variable=libdir lua5.4 2>/dev/null || echo /usr/lib/$(multiarch))
LIBLUA ?= $(LUA_LIBDIR)/liblua5.4.a
LIBS := -lz -lm -ldl -pthread

# ---- sources: every .c of a floor -------------------------------------------------------
FLOORS := base tensor layers net solver data
core_src := $(foreach f,$(FLOORS),$(sort $(wildcard src/$(f)/*.c)))
core_src := $(filter-out src/tensor/kernels.c,$(core_src))
binding_src := $(sort $(wildcard src/binding/*.c))
cli_src := $(sort $(wildcard src/cli/*.c))
lua_src := $(sort $(wildcard lua/lander/*.lua lua/command/*.lua models/*.lua))

# The inner loops are compiled once for each instruction set and chosen at run time.
# LEVELS=baseline: for any processor alone (valgrind knows no AVX-512, for one).
machine := $(shell $(CC) -dumpmachine)
# No one looks at the processor's floating-point exceptions; if one could, gcc would make
# no vectors of loops that choose (NaN and infinity are as they should be all the same).
# Nor does anyone look at errno, which a square root would otherwise be called for.
KERNEL_FLAGS := -O3 -fno-trapping-math -fno-math-errno
LEVELS ?= baseline $(if $(filter x86_64%,$(machine)),avx2 avx512)
ifeq ($(LEVELS),baseline)
CFLAGS_ALL += -DLANDER_BASELINE
endif
KERNEL_FLAGS_baseline :=
KERNEL_FLAGS_avx2   := -mavx2 -mfma -mtune=haswell
KERNEL_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512

core_obj := $(core_src:src/%.c=$(B)/%.o) $(LEVELS:%=$(B)/tensor/kernels_%.o)
binding_obj := $(binding_src:src/%.c=$(B)/%.o) $(B)/binding/embedded.o
cli_obj := $(cli_src:src/%.c=$(B)/%.o)

# As many jobs as processors, unless make was told how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

.PHONY: help all build demo test bench bench-compare bench-peers study lint clean packages data-packages
all: packages
	@$(MAKE) --no-print-directory $(jobs) build

# What stands at the head of this file.
help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

build: $(B)/lander $(B)/lander.so $(B)/liblander.so $(B)/liblander.a
	@:

demo: packages data-packages
	@$(MAKE) --no-print-directory $(jobs) build
	@$(B)/lander scripts/demo.lua

# Everything again in the double build, where gradients are checked tightly.
test: packages
	@sh tests/install.sh wanted $(PICTURE_PACKAGES)
	@$(MAKE) --no-print-directory $(jobs) build tests
	@$(if $(SAN)$(TSAN),,$(MAKE) --no-print-directory $(jobs) build tests REAL=double)
	@sh tests/all.sh $(B) $(if $(SAN)$(TSAN),,$(B)/double)

# A machine at rest is needed.
bench: all data-packages
	@$(B)/lander scripts/bench/steps.lua --json=$(B)/bench.jsonl
	@$(B)/lander scripts/bench/layers.lua --json=$(B)/bench.jsonl
	@for net in lenet resnet20 gpt_tiny; do \
	  $(B)/lander scripts/bench/memory.lua --net=$$net; done
	@$(B)/lander scripts/bench/start.lua --program=$(B)/lander
	@$(B)/lander scripts/bench/data.lua
	@$(B)/lander scripts/bench/guard.lua

BASE ?= HEAD
bench-compare: all
	@sh scripts/bench/compare.sh $(B)/lander $(BASE) --json=$(B)/bench.jsonl

# PyTorch in its best configuration: with the OpenBLAS that uses its own kind of threads, and
# that chooses its kernels itself.
openmp_dir = /usr/lib/$(multiarch)/openblas-openmp
pytorch = env LD_LIBRARY_PATH=$(openmp_dir) /usr/bin/python3 scripts/bench/pytorch.py
bench-peers: all
	@sh tests/install.sh needed $(PEER_PACKAGES)
	@env -u OPENBLAS_CORETYPE $(B)/lander scripts/bench/turns.lua --json=$(B)/bench.jsonl \
	  "lander=$(B)/lander scripts/bench/steps.lua" "pytorch=$(pytorch)"

# At fixed rates, and with a schedule that goes down.
study: all data-packages
	@$(B)/lander scripts/study/divergence.lua
	@$(B)/lander scripts/study/divergence.lua --policy=cosine --part=detect,recover --seeds=1 \
	  --out=runs/study_cosine

lint:
	@clang-format --dry-run --Werror $(wildcard src/*.h src/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/embed/*.[ch] tests/embed/*.cc tests/tools/*.c)
	@luacheck --quiet lua models scripts tests

packages:
	@sh tests/install.sh needed $(PACKAGES)
data-packages: | packages
	@sh tests/install.sh wanted $(DATA_PACKAGES)

# One short line a file; V=1 shows whole commands.
say = $(if $(V),,@echo '  $(1)';)

# ---- compiling ---------------------------------------------------------------------------
$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(LUA_CFLAGS) -c $< -o $@

$(LEVELS:%=$(B)/tensor/kernels_%.o): $(B)/tensor/kernels_%.o: src/tensor/kernels.c
	@mkdir -p $(@D)
	$(call say,$< for $*)$(CC) $(CFLAGS_ALL) $(KERNEL_FLAGS) $(KERNEL_FLAGS_$*) -DKERNELS=kernels_$* -DKERNELS_NAME='"$*"' \
	  -c $< -o $@

$(B)/embedded.c: lua/embed.lua lua/probe.lua $(lua_src)
	@mkdir -p $(@D)
	$(call say,lua/ and models/ into $@)$(LUA) $(filter %.lua,$^) > $@.tmp && mv $@.tmp $@

$(B)/binding/embedded.o: $(B)/embedded.c
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) -c $< -o $@

# The binding with weak references to Lua: a host without Lua links and runs the library,
# and one that has Lua gives it to luaopen_lander.
$(B)/binding_weak.o: $(binding_obj)
	$(call say,$@)$(CC) -nostdlib -r -o $@ $^ && \
	  $(OBJCOPY) $$(nm -u $@ | sed -n 's/^ *U \(luaL*_.*\)/--weaken-symbol=\1/p') $@

abi := $(shell sed -n 's/^.define LANDER_ABI \([0-9]*\)$$/\1/p' src/lander.h)

$(B)/liblander.so: $(core_obj) $(B)/binding_weak.o
	$(call say,$@)$(CC) -shared -Wl,-soname,liblander.so.$(abi) $(LDFLAGS) -o $@ $^ $(LIBS)
	@ln -sf liblander.so $@.$(abi)

# One object, in which names without LANDER_API are local: so that an internal name, such as
# error_set, can't meet one of the host's.
$(B)/liblander.a: $(core_obj) $(B)/binding_weak.o
	$(call say,$@)rm -f $@ && $(CC) -nostdlib -r -o $(B)/liblander.o $^ && \
	  $(OBJCOPY) --localize-hidden $(B)/liblander.o && $(AR) rcs $@ $(B)/liblander.o

# The same with all names, for the tests that look inside.
$(B)/internals.a: $(core_obj) $(binding_obj)
	$(call say,$@)rm -f $@ && $(AR) rcs $@ $^

# The module for a stock lua5.4: Lua's own functions come from the program that loads it.
$(B)/lander.so: $(core_obj) $(binding_obj)
	$(call say,$@)$(CC) -shared $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/lander: $(cli_obj) $(core_obj) $(binding_obj)
	$(call say,$@)$(CC) $(LDFLAGS) -Wl,--export-dynamic -o $@ $^ $(LIBLUA) $(LIBS) -ledit

# ---- tests: C programs against the floors, and hosts against the library -----------------
unit_src := $(sort $(wildcard tests/unit/test_*.c))
unit_bin := $(unit_src:tests/unit/%.c=$(B)/unit/%)
# The one in C++ where there is a compiler for it.
cpp_host := $(if $(shell command -v $(CXX) 2>/dev/null),tests/embed/classify.cc)
host_src := $(sort $(wildcard tests/embed/*.c)) $(cpp_host)
host_bin := $(patsubst tests/embed/%,$(B)/embed/%,$(basename $(host_src)))

.PHONY: tests
tests: $(unit_bin) $(host_bin) $(B)/tools/terminal

# A pseudo-terminal with someone who types, for the tests of the REPL.
$(B)/tools/%: tests/tools/%.c
	@mkdir -p $(@D)
	$(call say,$<)$(CC) -std=c11 $(WARN) $(OPT) -o $@ $<

$(B)/unit/%: tests/unit/%.c tests/unit/unit.h $(B)/internals.a
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(LUA_CFLAGS) $(LDFLAGS) -Isrc -o $@ $< $(B)/internals.a \
	  $(LUA_LIBDIR)/liblua5.4.a $(LIBS)

# A host sees lander.h and the shared library, nothing else.
host_build = $(LDFLAGS) -Isrc -o $@ $< -L$(B) -llander -Wl,-rpath,'$$ORIGIN/..' -lm
$(B)/embed/%: tests/embed/%.c tests/embed/check.h src/lander.h $(B)/liblander.so
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(host_build)

$(B)/embed/%: tests/embed/%.cc src/lander.h $(B)/liblander.so
	@mkdir -p $(@D)
	$(call say,$<)$(CXX) -std=c++11 -Wall -Wextra -Wpedantic -Werror \
	  $(filter -D% -fsanitize% -O% -g,$(CFLAGS_ALL)) $(host_build)

# These two have Lua as well: the shared one, which gives liblander.so what it wants of it.
$(B)/embed/sandbox $(B)/embed/test_states: $(B)/embed/%: tests/embed/%.c tests/embed/check.h \
  src/lander.h $(B)/liblander.so
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(LUA_CFLAGS) $(host_build) -llua5.4

# This one is linked with the archive.
$(B)/embed/test_static: tests/embed/test_static.c src/lander.h $(B)/liblander.a
	@mkdir -p $(@D)
	$(call say,$<)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -Isrc -o $@ $< $(B)/liblander.a $(LIBS)

include install.mk
include checks.mk

clean:
	rm -rf build

-include $(wildcard $(B)/*/*.d)
