# Builds, tests, installs and shows vecstore. `make help` lists the targets.
# SPDX-License-Identifier: Apache-2.0

SWIFT ?= swift
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

# The other programs of a toolchain that is not on PATH.
ifneq ($(findstring /,$(SWIFT)),)
export PATH := $(dir $(abspath $(SWIFT))):$(PATH)
endif

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# Builds share the Swift build directory, which one process locks, and use all processors.
ifndef AT_ONCE
.NOTPARALLEL:
endif

# The header is the one place where the version stands.
version_part = $(shell sed -n 's/^#define VECSTORE_VERSION_$(1) //p' include/libvecstore.h)
VERSION_MAJOR := $(call version_part,MAJOR)
VERSION := $(VERSION_MAJOR).$(call version_part,MINOR).$(call version_part,PATCH)
LIBRARY := libvecstore.so.$(VERSION)
SONAME := libvecstore.so.$(VERSION_MAJOR)

PYTHON := .venv/bin/python
STAGE := $(CURDIR)/build/stage

# The release build has a build directory of its own: other flags in the same one would compile everything again.
# No $ORIGIN in the run path; the Swift runtime inside the library, so that none is needed where it runs.
RELEASE := --configuration release --scratch-path .build/lib --disable-local-rpath -Xswiftc -static-stdlib
# What would end the host program if it found something takes time at each access; the tests run with it.
RELEASE += -Xswiftc -enforce-exclusivity=unchecked
LINK := -soname=$(SONAME) --version-script=abi/exports.map --gc-sections
# The Swift runtime cannot be unloaded. All symbols are bound at the start, so the tables can be write-protected.
LINK += -z nodelete -z relro -z now
# lld, which comes with the toolchain, packs the 15,000 relative relocations of the Swift runtime: 6% of the file.
ifneq ($(wildcard $(dir $(realpath $(shell command -v $(SWIFT))))ld.lld),)
RELEASE += -Xswiftc -use-ld=lld
LINK += --icf=safe -z pack-relative-relocs
endif

# Prints what fails; all that the tests say goes to a file.
SWIFT_TEST := SWIFT='$(SWIFT)' scripts/test-swift

# Directories too: they change where a file comes or goes.
SOURCES := Package.swift abi/exports.map $(shell find Sources include)
PYTHON_SOURCES := $(shell find bindings/python -path '*/build' -prune -o -name '*.py' -print -o -name '*.toml' -print)

.PHONY: all
all: build/$(LIBRARY) ## Build build/libvecstore.so (release; the default)

.PHONY: setup
setup: ## Install what is missing: Debian packages, the Python environment; check the Swift toolchain
	@SWIFT='$(SWIFT)' scripts/setup

# Swift does not see that a C header with inline functions changed: the kernels that include it must look changed too.
.build/kernel-headers: $(wildcard Sources/CVecShims/include/*.h)
	@mkdir -p .build
	@touch Sources/VecKernelsBaseline/*.swift $@

build/$(LIBRARY): $(SOURCES) Makefile .build/kernel-headers | setup
	$(SWIFT) build $(RELEASE) $(addprefix -Xlinker ,$(LINK)) --product vecstore
	@mkdir -p build
	strip --strip-unneeded -o $@.new .build/lib/release/libvecstore.so
	@mv -f $@.new $@
	@ln -sfn $(LIBRARY) build/$(SONAME)
	@ln -sfn $(SONAME) build/libvecstore.so
	@echo "$@: $$(stat -c %s $@) bytes"

# The Python package, with the library inside, as a user gets it from pip.
.venv/.vecstore: build/$(LIBRARY) $(PYTHON_SOURCES)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall \
		./bindings/python
	@touch $@

# An installation, for what builds against one.
.PHONY: stage
stage: build/$(LIBRARY)
	@$(MAKE) --no-print-directory install PREFIX='$(STAGE)' DESTDIR='' >/dev/null

.PHONY: demo
demo: .venv/.vecstore ## Set up, build, and answer questions about 5,000 Debian packages, from an index, a collection and a cache
	@$(PYTHON) examples/python/demo.py
	@$(PYTHON) examples/python/points.py
	@$(PYTHON) examples/python/cache.py

.PHONY: test
test: test-swift test-c test-one-processor test-readme test-examples ## Run every test; test-sanitizers runs some of them once more
	@echo "All tests passed."

# Each of these uses one processor, most of the time: two run at a time. Nothing that they need is left to be built by two of them.
.PHONY: test-one-processor
test-one-processor: .venv/.vecstore
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target AT_ONCE=1 \
		test-crash test-python test-qemu test-arm64 test-format test-abi

.PHONY: test-swift
test-swift: | setup ## Tests of the Swift modules
	$(SWIFT_TEST) .build/test-swift.log

.PHONY: test-c
test-c: all ## Tests of the C interface
	Tests/c/run

.PHONY: test-crash
test-crash: all ## Collections under kill, failing system calls and loss of power; CRASH_ROUNDS=10 does ten times as much
	$(PYTHON) Tests/crash/run

.PHONY: test-python
test-python: .venv/.vecstore ## Tests of the Python package
	$(PYTHON) -m pytest -q bindings/python/tests

.PHONY: test-format
test-format: .venv/.vecstore ## Files of indexes and quantizers, read by docs/file-format.md alone; collections of each version
	$(PYTHON) -m pytest -q Tests/format

.PHONY: test-abi
test-abi: all ## Exported symbols, dependencies, header, install and uninstall, leaks between instruction sets
	$(PYTHON) Tests/abi/run

.PHONY: test-readme
test-readme: .venv/.vecstore ## The examples in README.md
	$(PYTHON) Tests/readme/run

# In the build directory of the tests, so that the library is compiled once for both; what was planned there was for another package.
SWIFT_EXAMPLE := $(SWIFT) run --package-path examples/swift --disable-build-manifest-caching --scratch-path .build

.PHONY: test-examples
test-examples: .venv/.vecstore stage ## The programs in examples/
	PKG_CONFIG_PATH='$(STAGE)/lib/pkgconfig' $(MAKE) -C examples/c clean run
	$(SWIFT_EXAMPLE) demo examples/data
	$(SWIFT_EXAMPLE) points examples/data
	$(SWIFT_EXAMPLE) cache examples/data
	$(PYTHON) examples/python/demo.py --all >/dev/null
	$(PYTHON) examples/python/points.py >/dev/null
	$(PYTHON) examples/python/files.py >/dev/null
	$(PYTHON) examples/python/cache.py >/dev/null
	$(PYTHON) examples/python/cache.py memory: >/dev/null

.PHONY: test-qemu
test-qemu: | setup ## The kernels on each instruction set, and on old processors that qemu plays
	$(SWIFT) build $(RELEASE) --product vecstore-kernel-check
	scripts/test-qemu .build/lib/release/vecstore-kernel-check

.PHONY: test-arm64
test-arm64: | setup ## The kernels on arm64, which qemu plays
	Tests/arm64/run

# The kernels check their bounds by fenced memory: not under a sanitizer.
ASAN := --skip VecKernelsTests
# What asks how much is found, or whether all comes out the same again, goes where other tests go, and takes a quarter of the time.
ASAN += --skip '\.(GraphRecallTests|CalibrationTests)/' --skip 'IVFResultTests/(recall|estimates)'
ASAN += --skip '(KMeansTests/fixedPoint|GridRounderTests/direction)'
ASAN += --skip 'GraphLifeTests/churn' --skip 'AutoPlanTests/bounds' --skip 'QuantizerTests/(threads|loss|scalarError)'
ASAN += --skip 'CentroidGraphTests/(assignment|nearest)' --skip 'SearchTests/threads' --skip 'GraphResultTests/approximateDistances'
ASAN += --skip '(GraphStorageTests/sameBytes|IVFLifeTests/reproducible)' --skip 'SignCodesTests/(recall|estimates)'
ASAN += --skip 'QuantizerFileTests/roundTrip' --skip 'QuantizerTests/(distances|cancel)' --skip 'MemoryTests/everyMode'
ASAN += --skip 'IVFResultTests/(shortLists|range|batches|instructionSets)'
# ThreadSanitizer has them, where they take less of its time.
ASAN += --skip 'CollectionStressTests' --skip '\.(RedisAway|RedisCluster|RedisFailure|RedisComplaint|RedisTLS)Tests/'
# Results, which other runs compare; reading and freeing memory is the same in the tests that are left.
ASAN += --skip '\.(IVFResultTests|QuantizerTests|CentroidGraphTests|KMeansTests)/'
# Six servers that have to agree within some seconds who is alive need a processor for that.
ASAN += --skip '\.(ClusterCache|ClusterValues)Tests/'
# The same code under many more changes than it takes to come by all of it.
ASAN += --skip '/findsWhatADictionaryFinds' --skip 'IntegerIndexTests/rowsComeInTheOrderOfValues' --skip 'KeywordIndexTests/countsWhat'
ASAN += --skip 'PostingTests/(rowsComeAndGo|rowsInOrderAreKept|rowsThatComeAtOnceAreKept)' --skip 'ExternalRowsTests/sameResults'
ASAN += --skip 'WaitingRowsTests/(whileSearchesGoOnTheGraphKeepsUpWithWriters|sameResults)' --skip 'GraphRangeTests/withinRadius' --skip 'GraphFilterTests/recall'
ASAN += --skip 'SearchTests/(largeBatch|oneQuery|selfDistance|wastedCodes)' --skip '(\.RangeTests/all|RowEncoderTests/bound|\.FilterTests/fractions)'
ASAN += --skip 'CollectionGraphTests/graphs' --skip 'RepairTests/nothingIsFound' --skip 'EntryTableTests/halfPrecision' --skip 'SaveTests/sameBytes'
# What has threads. The rest takes minutes there and has nothing to find.
TSAN := --filter '\.(StressTests|CollectionStressTests|QuantizerStressTests|ThreadPoolTests|ErrorBoxTests|SnapshotTests|BLASTests|IndexTests|ListTests)/'
TSAN += --filter 'IVFBalanceTests/searches'
TSAN += --filter '\.(Redis(Client|Failure|Cluster|TLS)|SharedCache)Tests/'
TSAN += --filter '\.(EntryTable|RedisComplaint|RedisAway)Tests/'
TSAN += --filter '\.(ValueCache|RedisValues|DirectoryValues|RateLimiter|RedisRateLimiter)Tests/'
# ThreadSanitizer ends a child of fork that starts threads: the other runs have that test.
TSAN += --skip 'ThreadPoolTests/fork'

# Each compiles all of it anew: ten minutes each on two processors.
.PHONY: test-sanitizers
test-sanitizers: test-asan test-tsan ## The Swift tests under AddressSanitizer and ThreadSanitizer

# Package.swift leaves out what they do not need.
test-asan test-tsan: export VECSTORE_SANITIZING := 1

.PHONY: test-tsan
test-tsan: | setup ## The tests with threads under ThreadSanitizer
	$(SWIFT_TEST) .build/test-tsan.log --sanitize=thread --scratch-path .build/tsan $(TSAN)

# Where memory came from is told less deeply, which takes a tenth of the time.
.PHONY: test-asan
test-asan: export ASAN_OPTIONS := malloc_context_size=4
test-asan: | setup ## The Swift tests under AddressSanitizer
	$(SWIFT_TEST) .build/test-asan.log --sanitize=address --scratch-path .build/asan $(ASAN)

.PHONY: bench
bench: | setup ## Speed of each kernel beside the limits of this machine
	$(SWIFT) build $(RELEASE) --product vecstore-kernel-bench
	.build/lib/release/vecstore-kernel-bench

.PHONY: bench-peers
bench-peers: all ## vecstore beside the libraries named in benchmarks/README.md (half an hour or more)
	benchmarks/run exact
	benchmarks/run ann

# What `install` puts where, from `packaging/NAME.in`.
PC := $(LIBDIR)/pkgconfig/vecstore.pc
CMAKE := $(LIBDIR)/cmake/vecstore
# A directory inside the prefix is written as ${prefix}/..., so that pkg-config can move it.
in_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
fill = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call in_prefix,$(LIBDIR))|' \
	-e 's|@INCLUDEDIR@|$(call in_prefix,$(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@VERSION_MAJOR@|$(VERSION_MAJOR)|' -e 's|@LIBRARY@|$(LIBRARY)|' -e 's|@SONAME@|$(SONAME)|' \
	-e "s|@LIBDIR_TO_INCLUDEDIR@|$$(realpath -m --relative-to='$(LIBDIR)' '$(INCLUDEDIR)')|" packaging/$(1)
# The cache of the dynamic linker, where this is an installation for this machine.
refresh_cache = @if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then PATH="$$PATH:/sbin:/usr/sbin" ldconfig; fi

.PHONY: install
install: ## Install below PREFIX (/usr/local), LIBDIR, INCLUDEDIR; DESTDIR is put before them
# A library that is built already is taken as it is: root need not build, nor have Swift.
	@[ -e build/$(LIBRARY) ] || $(MAKE) all
	install -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(CMAKE)' '$(DESTDIR)$(INCLUDEDIR)'
	install -m 755 build/$(LIBRARY) '$(DESTDIR)$(LIBDIR)/$(LIBRARY)'
	ln -sfn $(LIBRARY) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sfn $(SONAME) '$(DESTDIR)$(LIBDIR)/libvecstore.so'
	install -m 644 include/libvecstore.h '$(DESTDIR)$(INCLUDEDIR)/libvecstore.h'
	@$(call fill,vecstore.pc.in) >'$(DESTDIR)$(PC)'
	@$(call fill,vecstoreConfig.cmake.in) >'$(DESTDIR)$(CMAKE)/vecstoreConfig.cmake'
	@$(call fill,vecstoreConfigVersion.cmake.in) >'$(DESTDIR)$(CMAKE)/vecstoreConfigVersion.cmake'
	chmod 644 '$(DESTDIR)$(PC)' '$(DESTDIR)$(CMAKE)'/*
	$(refresh_cache)

.PHONY: uninstall
uninstall: ## Remove what install installed, with the same PREFIX, LIBDIR, INCLUDEDIR and DESTDIR
	rm -f '$(DESTDIR)$(LIBDIR)/$(LIBRARY)' '$(DESTDIR)$(LIBDIR)/$(SONAME)' '$(DESTDIR)$(LIBDIR)/libvecstore.so' \
		'$(DESTDIR)$(INCLUDEDIR)/libvecstore.h' '$(DESTDIR)$(PC)' \
		'$(DESTDIR)$(CMAKE)/vecstoreConfig.cmake' '$(DESTDIR)$(CMAKE)/vecstoreConfigVersion.cmake'
	if [ -d '$(DESTDIR)$(CMAKE)' ]; then rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(CMAKE)'; fi
	$(refresh_cache)

.PHONY: clean
clean: ## Remove what was built
	rm -rf build .build .venv/.vecstore examples/c/demo examples/c/semantic_cache bindings/python/build bindings/python/*.egg-info

.PHONY: distclean
distclean: clean ## Remove the Python environments too
	rm -rf .venv benchmarks/.venv

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
