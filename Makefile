SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The first of these that is there; any Python from 3.11 on will do.
PYTHON ?= $(or $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name)))),python3.11)
BIN := .venv/bin
NPM := npm --prefix js
BUNDLE := latentlens/static/widget.js
LAB := $(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" \
	--LabApp.default_url=/lab/tree/notebooks/01-quickstart.ipynb
LESSONS := $(patsubst notebooks/%.ipynb,build/lessons/%.done,$(wildcard notebooks/*.ipynb))
# Such as --extra-index-url, where torch without CUDA is kept elsewhere.
PIP_FLAGS ?=

# Tests share two cores with a kernel and a browser, so idle threads must not spin; benches take
# one thread each.
TEST := OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -q -rs
BENCH := OMP_NUM_THREADS=1 $(BIN)/python

##@ Use
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## set up and open JupyterLab on the quickstart notebook
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] || [ "$$(uname)" = Darwin ]; then \
		screen=; else screen=--no-browser; \
		echo "No screen found: open the address that follows in a browser."; fi; \
	root=; [ "$$(id -u)" != 0 ] || root=--allow-root; \
	exec $(LAB) $$screen $$root

##@ Work
setup: .venv/.done $(BUNDLE) ## the environment and the bundle, as every other target needs them

quick: check quick-unit js-test ## check + unit + js, under a minute

# The longest first, so that `make -j2 test` keeps two cores busy to the end.
test: check browser-test unit js-test wheel-test notebook-test ## everything; what CI runs

check: setup ## lint, format, types, generated files current
	$(BIN)/ruff format --check --quiet . || { echo "Format differs: run 'make fix'."; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python js/gen_protocol.py --check
	$(NPM) run --silent check

fix: setup ## repair what lint and format can
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .
	$(NPM) run --silent fix

schema: setup ## write the browser's types from latentlens/protocol/
	$(BIN)/python js/gen_protocol.py

golden: setup ## write the answers that both query engines must give
	for file in tests/golden/make_*.py; do $(BIN)/python "$$file"; done

dev: setup ## JavaScript rebuilt on change, JupyterLab with hot reload
	trap 'kill %1' EXIT; $(NPM) run watch & \
	root=; [ "$$(id -u)" != 0 ] || root=--allow-root; \
	ANYWIDGET_HMR=1 $(LAB) $$root

play: js/node_modules/.done ## the panes on made-up state in a plain page
	$(NPM) run play

bench: setup ## ratios, both sides in one run
	for file in benchmarks/*.py; do echo "== $$file"; $(BENCH) "$$file"; done
	$(NPM) run --silent bench

##@ Hand over
wheel: setup ## wheel and sdist into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

docs: setup $(LESSONS) ## pages from docstrings and lessons into build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml

# torch keeps its version: newer ones may bring CUDA's libraries; change its line by hand.
lock: tools ## write constraints.txt from a clean environment
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	LATENTLENS_SKIP_JS=1 build/lock/bin/pip install -q $(PIP_FLAGS) \
		-c <(grep '^torch==' constraints.txt) -e '.[dev]'
	build/lock/bin/pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/lock

clean: ## remove what was built, the environment included
	rm -rf .venv build dist latentlens/static js/node_modules js/play/build tests/browser/out
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The parts of `make test`, and of `make quick`.
quick-unit: setup
	$(TEST) -m 'not (browser or notebook or wheel or data or slow)'

unit: setup
	$(TEST) -m 'not (browser or notebook or wheel)'

js-test: js/node_modules/.done
	$(NPM) run --silent test

wheel-test: setup
	$(TEST) -m wheel tests

notebook-test: setup
	$(TEST) -m notebook tests

browser-test: setup
	$(TEST) -m browser tests

# A stamp is a file, so that what is done is not done again.
tools:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is missing: get it from python.org or your system's packages."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: on Debian and Ubuntu, 'apt-get install python3-venv' brings it."; exit 1; }
	@node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null || { \
		echo "Node.js 20 or newer is missing: get it from nodejs.org or your system's packages."; exit 1; }
	@command -v npm >/dev/null || { \
		echo "npm is missing: it comes with Node.js from nodejs.org; on Debian, 'apt-get install npm' brings it."; exit 1; }

# The hook would build the bundle too; here it is a target of its own.
.venv/.done: pyproject.toml constraints.txt js/hatch_build.py | tools $(BUNDLE)
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/pip install -q $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

# A lesson runs anew when it or the package has changed.
build/lessons/%.done: notebooks/%.ipynb docs/lessons.py $(shell find latentlens -name '*.py') | setup
	$(BIN)/python docs/lessons.py $*
	touch $@

js/node_modules/.done: js/package.json js/package-lock.json | tools
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	touch $@

$(BUNDLE): js/node_modules/.done js/build.mjs $(shell find js/src -type f)
	$(NPM) run --silent build

.PHONY: help demo quick test check fix schema golden dev play bench wheel docs lock clean \
	quick-unit unit js-test wheel-test notebook-test browser-test setup tools
