# Buuta: everything is built by this one file. A new source file needs no edit here, a new program only a folder.
# Parameters: B (build directory), CXX, WERROR, SANITIZE, DESTDIR, prefix.

B        ?= build
CXX      ?= g++
ifeq ($(origin CXX),default)
CXX      := g++
endif
WERROR   ?= -Werror
OPTIMIZE ?= -O2 -g1
SANITIZE ?=
STD       = -std=c++20 -Wall -Wextra -Wshadow -Wnon-virtual-dtor $(WERROR) -fstack-protector-strong
CPPFLAGS += -I. -Ilib -MMD -MP -D_GLIBCXX_ASSERTIONS -D_GNU_SOURCE
CXXFLAGS += $(STD) $(OPTIMIZE) $(SANITIZE) -pthread
LDFLAGS  += -Wl,--as-needed $(SANITIZE)
LDLIBS   += -levent_core -lssl -lcrypto -lldns -ldb-5.3 -lpcre2-8 -lidn2 -lunistring -lcrypt -largon2

PROGS    := $(filter-out t/% lib/%,$(patsubst %/main.cc,%,$(wildcard */main.cc */*/main.cc)))
LIB_OBJS := $(patsubst %.cc,$B/%.o,$(shell find lib -name '*.cc'))
UNIT     := $(patsubst %.cc,$B/%.o,$(shell find t/unit -name '*.cc'))
BINS     := $(addprefix $B/bin/,$(notdir $(PROGS)))

all: $(BINS) $B/man/man5/postconf.5

$B/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

$B/libmta.a: $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

# A program is its folder's sources and the library.
define program
$B/bin/$(notdir $1): $(patsubst %.cc,$B/%.o,$(wildcard $1/*.cc)) $B/libmta.a
	@mkdir -p $$(@D)
	$$(CXX) $$(CXXFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach p,$(PROGS),$(eval $(call program,$p)))

# postconf knows the parameters of all programs: it includes every header that declares some.
$B/params.inc: FORCE
	@mkdir -p $(@D)
	@awk -f conf/postconf/params.awk $(sort $(wildcard */*.h */*/*.h)) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$B/conf/postconf/catalog.o: CPPFLAGS += -I$B
$B/conf/postconf/catalog.o: $B/params.inc

$B/man/man5/postconf.5: $B/bin/postconf
	@mkdir -p $(@D)
	$B/bin/postconf --manual > $@.new && mv $@.new $@

# The unit tests also link the parts of programs that have tests: everything but their main functions.
PROG_OBJS := $(patsubst %.cc,$B/%.o,$(filter-out %/main.cc,$(foreach p,$(PROGS),$(wildcard $p/*.cc))))
$B/libprogs.a: $(PROG_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^
$B/unit: $(UNIT) $B/libprogs.a $B/libmta.a
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(UNIT) $B/libprogs.a $B/libmta.a $(LDLIBS)

unit: $B/unit
	$B/unit

docs: $B/man/man5/postconf.5
	B=$B t/docs

clean:
	rm -rf $B

.PHONY: all unit docs clean FORCE
-include $(shell find $B -name '*.d' 2>/dev/null)
