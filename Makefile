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
STD       = -std=c++20 -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wformat-security $(WERROR)
CPPFLAGS += -I. -Ilib -MMD -MP -D_GLIBCXX_ASSERTIONS -D_GNU_SOURCE
CXXFLAGS += $(STD) $(OPTIMIZE) $(HARDEN) $(SANITIZE) -pthread
LDFLAGS  += -pie -Wl,--as-needed -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE)
LDLIBS   += -levent_core -lssl -lcrypto -lldns -ldb-5.3 -lpcre2-8 -lidn2 -lunistring -lcrypt -largon2

# What makes a bug in a program harder to use; t/hardening looks whether it is there. glibc's checks need an optimised build,
# and make g++ 12 warn falsely of what std::string does.
IS_CLANG  = $(findstring clang,$(CXX))
HARDEN    = -fPIE -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=$(if $(IS_CLANG),pattern,zero) \
            $(if $(filter x86_64,$(shell uname -m)),-fcf-protection=full,-mbranch-protection=standard) \
            $(if $(SANITIZE)$(filter -O0,$(OPTIMIZE)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) \
            $(if $(IS_CLANG),,-Wno-array-bounds -Wno-stringop-overread -Wno-stringop-overflow)

PROGS    := $(filter-out t/% lib/%,$(patsubst %/main.cc,%,$(wildcard */main.cc */*/main.cc)))
LIB_OBJS := $(patsubst %.cc,$B/%.o,$(shell find lib -name '*.cc'))
UNIT     := $(patsubst %.cc,$B/%.o,$(shell find t/unit -name '*.cc'))
BINS     := $(addprefix $B/bin/,$(notdir $(PROGS)))

# Programs that go by other names, too.
LINKS    := lmtp:smtp mailq:sendmail newaliases:sendmail

all: $(BINS) $B/man/man5/postconf.5
	@for link in $(LINKS); do ln -sf $${link#*:} $B/bin/$${link%:*}; done

$B/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(EXTRA) -c -o $@ $<


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

# The headers that most sources need are compiled once for all; not by clang, which thus tells when a source lacks one.
STD_H    := algorithm array chrono functional map memory optional set string string_view system_error variant vector
$B/std.h.gch:
	@mkdir -p $(@D)
	@printf '#include <%s>\n' $(STD_H) > $B/std.h
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -x c++-header -o $@ $B/std.h
ifeq ($(IS_CLANG),)
$(LIB_OBJS) $(PROG_OBJS): EXTRA = -include $B/std.h
$(LIB_OBJS) $(PROG_OBJS): $B/std.h.gch
endif

unit: $B/unit
	$B/unit

# The system tests drive the real programs; what they share is in t/lib.
SYSTEM   := $(patsubst %.cc,$B/%.o,$(wildcard t/system/*.cc t/lib/*.cc))
SYSTEM_BINARY := $(if $(wildcard t/system/*.cc),$B/system)
$B/system: $(SYSTEM) $B/libmta.a
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Tests are compiled for a short build: not optimised, Catch2's large header once for all, and undefined behaviour looked for
# only in what they test.
TESTS    := $(filter-out %/main.o,$(UNIT) $(SYSTEM))
OF_TESTS  = -O0 -U_FORTIFY_SOURCE $(if $(SANITIZE),-fno-sanitize=undefined)
$(TESTS): EXTRA = $(OF_TESTS) -include $B/catch2.h
$(TESTS): $B/catch2.h.gch
$B/catch2.h.gch:
	@mkdir -p $(@D)
	@printf '%s\n' '#define CATCH_CONFIG_EXTERNAL_INTERFACES' '#include <catch2/catch.hpp>' > $B/catch2.h
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(OF_TESTS) -x c++-header -o $@ $B/catch2.h

# Fuzz targets (t/fuzz), each a program of its own under libFuzzer. One more program, $B/replay, gives all of them the inputs of
# t/fuzz/corpus again, in any build: with the sanitizers that it has.
FUZZ_TARGETS := $(basename $(notdir $(wildcard t/fuzz/*.cc)))
FUZZ_LIB     := $(patsubst %.cc,$B/%.o,$(wildcard t/fuzz/lib/*.cc))
FUZZ_PROGS   := $(filter $(PROGS),$(patsubst %/,%,$(sort $(dir $(wildcard $(shell sed -n 's/^.include "\(.*\)"$$/\1/p' t/fuzz/*.cc))))))
FUZZ_REPLAY  := $(patsubst %,$B/t/fuzz/replay/%.o,$(FUZZ_TARGETS))
$B/libfuzzed.a: $(patsubst %.cc,$B/%.o,$(filter-out %/main.cc,$(foreach p,$(FUZZ_PROGS),$(wildcard $p/*.cc))))
	@rm -f $@
	$(AR) rcs $@ $^
$B/fuzz/%: $B/t/fuzz/%.o $(FUZZ_LIB) $B/libfuzzed.a $B/libmta.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
fuzzers: $(addprefix $B/fuzz/,$(FUZZ_TARGETS))
.SECONDARY: $(patsubst %,$B/t/fuzz/%.o,$(FUZZ_TARGETS))

$B/t/fuzz/replay/%.o: t/fuzz/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(EXTRA) -DLLVMFuzzerTestOneInput=fuzz_$* -c -o $@ $<
$(FUZZ_REPLAY) $(FUZZ_LIB): EXTRA = -O0 -U_FORTIFY_SOURCE
$B/t/fuzz/targets.inc: FORCE
	@mkdir -p $(@D)
	@printf 'TARGET(%s)\n' $(FUZZ_TARGETS) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$B/t/fuzz/replay/main.o: CPPFLAGS += -I$B/t/fuzz
$B/t/fuzz/replay/main.o: $B/t/fuzz/targets.inc
$B/replay: $B/t/fuzz/replay/main.o $(FUZZ_REPLAY) $(FUZZ_LIB) $B/libfuzzed.a $B/libmta.a
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What the tests under overload fill a queue with.
$B/queuefill: $B/t/overload/queuefill.o $B/libmta.a
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Daemons that an attacker has taken over: their sessions are not the real ones, all the rest is.
EVIL := $(patsubst t/sandbox/evil_%.cc,$B/evil/%,$(wildcard t/sandbox/evil_*.cc))
$B/evil/%: $B/t/sandbox/evil_%.o $B/t/sandbox/evil.o $B/libprogs.a $B/libmta.a | all
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $B/$*/main.o $B/t/sandbox/evil_$*.o $B/t/sandbox/evil.o $B/libprogs.a $B/libmta.a $(LDLIBS)
evil: $(EVIL)
.SECONDARY: $(patsubst %.cc,$B/%.o,$(wildcard t/sandbox/*.cc))

# The load generator of the benchmark.
$B/mailload: $(patsubst %.cc,$B/%.o,$(wildcard t/bench/mailload/*.cc)) $B/libmta.a
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

# The disk of t/powercut, where libfuse is.
RECORDER := $(if $(shell pkg-config --exists fuse3 2> /dev/null && echo yes),$B/recorder)
$B/recorder: t/proof/recorder.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(shell pkg-config --cflags fuse3) $(LDFLAGS) -o $@ $< $(shell pkg-config --libs fuse3)

# Makes system calls fail in the programs that t/faults tests; preloaded, so it has no sanitizer.
$B/faults.so: t/faults/shim.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++20 -O1 -g1 -Wall -Wextra -Wshadow $(WERROR) -D_GNU_SOURCE -shared -fPIC -o $@ $<

docs: $B/man/man5/postconf.5
	B=$B t/docs

# Installation. Commands are for people, all other programs are started by master. An existing configuration stays as it is.
prefix     ?= /usr
sysconfdir ?= /etc
COMMANDS   := buuta postalias postcat postconf postlog postmap postqueue postsuper sendmail
IS_COMMAND := $(filter $(COMMANDS),$(notdir $(PROGS)))
IS_DAEMON  := $(filter-out $(COMMANDS),$(notdir $(PROGS)))
ROOT        = $(DESTDIR)$(prefix)

install: all $B/man/man5/postconf.5
	install -d $(ROOT)/sbin $(ROOT)/bin $(ROOT)/lib/buuta/sbin $(ROOT)/lib/systemd/system $(DESTDIR)$(sysconfdir)/buuta
	install -m 755 $(addprefix $B/bin/,$(IS_COMMAND)) $(ROOT)/sbin
	install -m 755 $(addprefix $B/bin/,$(IS_DAEMON)) $(ROOT)/lib/buuta/sbin
	ln -sf smtp $(ROOT)/lib/buuta/sbin/lmtp
	ln -sf ../sbin/sendmail $(ROOT)/bin/mailq
	ln -sf ../sbin/sendmail $(ROOT)/bin/newaliases
	ln -sf ../sbin/sendmail $(ROOT)/lib/sendmail
	for page in man/man?/* $(wildcard $B/man/man?/*); do \
	    section=$${page##*.}; \
	    install -D -m 644 "$$page" "$(ROOT)/share/man/man$$section/$${page##*/}" || exit 1; \
	done
	for file in $(notdir $(wildcard conf/*.cf)); do \
	    [ -e "$(DESTDIR)$(sysconfdir)/buuta/$$file" ] && continue; \
	    install -m 644 "conf/$$file" "$(DESTDIR)$(sysconfdir)/buuta/$$file" || exit 1; \
	    [ "$$file $(prefix)" = "main.cf /usr" ] || [ "$$file" != main.cf ] || printf '%s\n' '' '# Where the programs are.' \
	        'daemon_directory = $(prefix)/lib/buuta/sbin' 'command_directory = $(prefix)/sbin' >> "$(DESTDIR)$(sysconfdir)/buuta/main.cf"; \
	done
	[ -e "$(DESTDIR)$(sysconfdir)/aliases" ] || install -m 644 conf/aliases "$(DESTDIR)$(sysconfdir)/aliases"
	sed -e 's|@prefix@|$(prefix)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' conf/buuta.service > $(ROOT)/lib/systemd/system/buuta.service

# The users that the daemons become; they share a group, which may reach the sockets in private/. vmail owns virtual mailboxes.
USERS := buuta buuta-front buuta-keys buuta-dns buuta-smtp buuta-auth
install-users:
	getent group buuta > /dev/null || groupadd --system buuta
	for user in $(USERS); do \
	    getent passwd "$$user" > /dev/null || \
	        useradd --system --gid buuta --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$$user" || exit 1; \
	done
	getent passwd vmail > /dev/null || \
	    useradd --system --user-group --home-dir /var/vmail --no-create-home --shell /usr/sbin/nologin vmail
	[ -e /var/vmail ] || install -d -m 750 -o vmail -g "$$(id -gn vmail)" /var/vmail

# As many jobs as processors, unless -j says otherwise.
JOBS      = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

# The two commands of the README install what is missing before they build.
packages-build:
	@t/install-packages build
packages-run:
	@t/install-packages build run
packages-test:
	@t/install-packages build run test
packages-clang:
	@t/install-packages build test clang
packages-tidy:
	@t/install-packages build tidy
packages-fuzz:
	@t/install-packages build fuzz
packages-bench:
	@t/install-packages build bench $(BENCH_PEERS)

# ONCE=1 ends after the steps.
run: packages-run
	@$(MAKE) --no-print-directory $(JOBS) B=$B all
	@[ "$$(id -u)" != 0 ] || $(MAKE) --no-print-directory -s install-users
	@B=$B t/run $(if $(ONCE),--once)

check: packages-test
	@$(MAKE) --no-print-directory $(JOBS) B=$B SANITIZE='$(SANITIZE)' OPTIMIZE='$(OPTIMIZE)' tests
	@[ "$$(id -u)" != 0 ] || $(MAKE) --no-print-directory -s install-users
	@B=$B t/check
# What takes longer, and prints figures.
check-long: packages-test
	@$(MAKE) --no-print-directory $(JOBS) B=$B SANITIZE='$(SANITIZE)' OPTIMIZE='$(OPTIMIZE)' tests
	@[ "$$(id -u)" != 0 ] || $(MAKE) --no-print-directory -s install-users
	@B=$B t/check --long
tests: all $B/unit $(SYSTEM_BINARY) $B/mailload $(if $(SANITIZE),$B/replay) $B/queuefill $B/faults.so $(EVIL) $(RECORDER)

# Beside Debian's Postfix and Dovecot, on 127.0.0.1, as root. BENCH_QUICK=1: three minutes. BENCH_PEERS="postfix dovecot exim opensmtpd
# cyrus courier": all that it knows; the last four in Debian roots made for them. Other parameters: t/bench/run.
bench: packages-bench
	@$(MAKE) --no-print-directory $(JOBS) B=$B all $B/mailload
	@$(MAKE) --no-print-directory -s install-users
	@B=$B t/bench/run

# The same under address and undefined-behaviour sanitizers: by clang, so that the fuzzers need no build of their own.
SANITIZED := B=$B-asan CXX=clang++ OPTIMIZE='-O1 -g1' SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all'
asan: packages-clang
	@$(MAKE) --no-print-directory $(SANITIZED) check

# The other compiler has warnings of its own.
clang: packages-clang
	@$(MAKE) --no-print-directory $(JOBS) B=$B-clang CXX=clang++ OPTIMIZE=-O0 tests

# Static checks of all sources.
tidy: packages-tidy $B/params.inc
	@B=$B t/tidy

# Each target for FUZZ_SECONDS, two at a time; other parameters: t/fuzz/run. t/fuzz/minimise keeps what was found.
FUZZ_SECONDS  ?= 60
fuzz: packages-fuzz
	@$(MAKE) --no-print-directory $(JOBS) $(SANITIZED) fuzzers
	@B=$B-asan FUZZ_SECONDS=$(FUZZ_SECONDS) t/fuzz/run

# What the corpora reach of the files that each target is for.
fuzz-coverage: packages-fuzz
	@$(MAKE) --no-print-directory $(JOBS) B=$B-coverage CXX=clang++ OPTIMIZE=-O0 SANITIZE='-fprofile-instr-generate -fcoverage-mapping' $B-coverage/replay
	@B=$B-coverage t/fuzz/coverage

clean:
	rm -rf $B $B-asan $B-clang $B-coverage

.PHONY: all evil unit docs tests check check-long asan clang run bench fuzz fuzz-coverage fuzzers tidy packages-tidy packages-build packages-run packages-test packages-clang packages-fuzz \
        packages-bench install install-users clean FORCE
-include $(shell find $B -name '*.d' 2>/dev/null)
