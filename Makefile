# `make demo` and `make test` need nothing but Swift 6, make and a network: they set up the rest.

PREFIX ?= /usr/local
IMAGE ?=
export PREFIX DESTDIR IMAGE

RESULTS ?= sr3-x4 sr3-x4-real deblur files scaling training gpu training-notes benchmarks parts integers deep-features
HARNESS ?=
export TIME RUNS

.PHONY: help deps build demo test bench fuzz lint results install uninstall clean

help: ## Show this list
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-12s%s\n", $$1, $$2 }'

deps: ## Set up the machine: system packages, libtorch in .deps
	@Scripts/setup.sh

build: deps ## Build the optimised restore executable
	@Scripts/build.sh

demo: deps ## Super-resolve a picture into demo/; IMAGE=photo.jpg takes your own
	@Scripts/demo.sh

test: deps lint ## Check the formatting, build, run all tests
	@Scripts/test.sh

bench: build ## Time inference beside PyTorch, write Results/benchmarks.md (3 minutes)
	@Results/remake-benchmarks.sh

fuzz: deps ## Fuzz every reader of files for TIME=60 seconds or RUNS=N executions; HARNESS=png for one
	@Scripts/fuzz.sh $(HARNESS)

lint: ## Check the formatting of the Swift code
	@Scripts/lint.sh

results: build ## Remake all of Results/ (hours); RESTORE_DATA=DIR, RESULTS=deblur for a part
	@for name in $(RESULTS); do Results/remake-$$name.sh || exit 1; done

install: ## Install under PREFIX (/usr/local), below DESTDIR if that is set
	@Scripts/install.sh install

uninstall: ## Remove what install put under PREFIX
	@Scripts/install.sh uninstall

clean: ## Remove what was built and the demo's pictures; .deps stays
	rm -rf .build .build-test .build-fuzz Benchmarks/.build demo
