# install.mk: installing, taking away, and packages. Included by the Makefile.
#
#   make install     PREFIX=/usr/local, DESTDIR= a folder that stands for /
#   make uninstall   with the same words
#   make dist        build/lander-VERSION.tar.gz, which builds elsewhere
#   make deb         Debian packages in build/deb
#
#   LIBDIR, LUA_CMOD    where libraries and the module for lua5.4 go

version := $(shell sed -n 's/^.define LANDER_VERSION  *"\(.*\)"$$/\1/p' src/lander.h)

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
# The system's lua5.4 looks in its own folder and in /usr/local.
system_cmod := $(shell pkg-config --variable=INSTALL_CMOD lua5.4 2>/dev/null)
LUA_CMOD ?= $(if $(filter /usr,$(PREFIX)),$(or $(system_cmod),$(PREFIX)/lib/lua/5.4),$(PREFIX)/lib/lua/5.4)
BASH_COMPLETION ?= $(DATADIR)/bash-completion/completions
ZSH_COMPLETION ?= $(DATADIR)/zsh/site-functions
FISH_COMPLETION ?= $(DATADIR)/fish/vendor_completions.d

# ---- what is made for it from the command's own tables ----------------------------------
pages := $(B)/pages
page_files := $(pages)/lander.1 $(pages)/lander.bash $(pages)/lander.zsh $(pages)/lander.fish \
  $(pages)/lander.lua $(pages)/README.md

$(pages)/lander.1: $(B)/lander
	@mkdir -p $(@D)
	$(call say,$@)$(B)/lander help --man > $@.tmp && mv $@.tmp $@
$(pages)/lander.bash $(pages)/lander.zsh $(pages)/lander.fish: $(pages)/lander.%: $(B)/lander
	@mkdir -p $(@D)
	$(call say,$@)$(B)/lander help --completion=$* > $@.tmp && mv $@.tmp $@
# Annotations for editors (LuaCATS), from the descriptions of layers and solvers.
$(pages)/lander.lua: lua/annotate.lua $(B)/lander
	@mkdir -p $(@D)
	$(call say,$@)$(B)/lander lua/annotate.lua > $@.tmp && mv $@.tmp $@

# The manual's pages lie beside it there.
$(pages)/README.md: README.md
	@mkdir -p $(@D)
	$(call say,$@)sed 's,\](doc/,](,g; s,\[doc/,[,g' $< > $@.tmp && mv $@.tmp $@

# ---- what goes where: source, place ------------------------------------------------------
share := $(DATADIR)/lander
doc_files := $(wildcard doc/*.md doc/*.png doc/curves/*.svg)
script_files := $(wildcard scripts/*.lua)
programs := $(B)/lander:$(BINDIR)/lander
libraries := $(B)/liblander.so:$(LIBDIR)/liblander.so.$(abi) \
  $(B)/lander.so:$(LUA_CMOD)/lander.so
others := $(B)/liblander.a:$(LIBDIR)/liblander.a \
  src/lander.h:$(INCLUDEDIR)/lander.h \
  $(pages)/lander.pc:$(LIBDIR)/pkgconfig/lander.pc \
  $(pages)/lander.1:$(DATADIR)/man/man1/lander.1 \
  $(pages)/lander.bash:$(BASH_COMPLETION)/lander \
  $(pages)/lander.zsh:$(ZSH_COMPLETION)/_lander \
  $(pages)/lander.fish:$(FISH_COMPLETION)/lander.fish \
  $(pages)/lander.lua:$(share)/library/lander.lua \
  $(foreach f,$(wildcard models/*.lua),$(f):$(share)/$(f)) \
  $(foreach f,$(script_files),$(f):$(share)/$(f)) \
  $(pages)/README.md:$(DATADIR)/doc/lander/README.md \
  $(foreach f,$(doc_files),$(f):$(DATADIR)/doc/lander/$(f:doc/%=%))
links := $(LIBDIR)/liblander.so

source_of = $(firstword $(subst :, ,$(1)))
place_of = $(DESTDIR)$(lastword $(subst :, ,$(1)))
# In quotes, for a DESTDIR with a space in it: without them uninstall would remove others' files.
put = install -D -m $(2) $(call source_of,$(1)) "$(call place_of,$(1))"

# The places in it are those of this installation, so it is made each time.
define pkg_config
prefix=$(PREFIX)
libdir=$(LIBDIR)
includedir=$(INCLUDEDIR)
luacats=$(share)/library

Name: Lander
Description: Training engine for neural networks
Version: $(version)
Cflags: -I$${includedir}$(if $(filter double,$(REAL)), -DLANDER_REAL_DOUBLE)
Libs: -L$${libdir} -llander
Libs.private: $(LIBS)
endef

.PHONY: install uninstall pages dist deb
pages: packages
	@$(MAKE) --no-print-directory $(jobs) build $(page_files)

install: pages
	$(file >$(pages)/lander.pc,$(pkg_config))
	@set -e; $(foreach f,$(programs),$(call put,$(f),755);) \
	  $(foreach f,$(libraries) $(others),$(call put,$(f),644);) \
	  ln -sf liblander.so.$(abi) "$(DESTDIR)$(links)"
	@echo "installed in $(DESTDIR)$(PREFIX)"
	@case "$(DESTDIR):$$(id -u)" in :0) ldconfig 2>/dev/null || true ;; esac

# Folders go where they are empty then: our own, and in a prefix that isn't the system's all others.
own_folders := $(share)/library $(share)/models $(share)/scripts $(share) \
  $(DATADIR)/doc/lander/curves $(DATADIR)/doc/lander
places := $(foreach f,$(programs) $(libraries) $(others),$(lastword $(subst :, ,$(f))))
below_prefix := $(if $(filter /usr /usr/local,$(PREFIX)),,$(sort \
  $(patsubst $(PREFIX)/%,%,$(filter $(PREFIX)/%,$(dir $(places))))))

uninstall:
	@rm -f $(foreach f,$(programs) $(libraries) $(others),"$(call place_of,$(f))") "$(DESTDIR)$(links)"
	@if cd "$(DESTDIR)$(PREFIX)" 2>/dev/null; then for d in $(below_prefix); do \
	  rmdir -p "$$d" 2>/dev/null || true; done; fi
	@for d in $(own_folders); do rmdir "$(DESTDIR)$$d" 2>/dev/null || true; done

# ---- for LuaRocks: the module alone (lander-VERSION-1.rockspec) ---------------------------
.PHONY: rock install-rock
rock: $(B)/lander.so
install-rock:
	@install -D -m 644 $(B)/lander.so $(LUA_CMOD)/lander.so

# ---- a tarball, from git or, where there is none, from the tree --------------------------
name := lander-$(version)
dist:
	@mkdir -p build
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
	  git archive --format=tar --prefix=$(name)/ HEAD; \
	else \
	  tar -c --exclude=./build --exclude=./runs --transform='s,^\.,$(name),' .; \
	fi | gzip -n -9 > build/$(name).tar.gz
	@echo "build/$(name).tar.gz"

deb: packages
	@sh packaging/deb.sh $(version) $(abi)
