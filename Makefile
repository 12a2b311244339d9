# Everything a person does with Millstream by hand. `make` alone lists it.
# Needs nothing but Python 3.11 or later and make: `setup` builds .venv, and every other target calls it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# The machine's own certificates: plants stand behind proxies that sign with theirs.
UV := VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/uv --system-certs
ROOMS := assets canonical connectors console mappings mdm orchestration pipeline planning quality rules sandbox store
SEED ?= 1
# Tests run side by side, a file's tests in one process: they share its servers. In the order of the folders, so that
# the long files (end to end, faults) do not come last and alone.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
CANDIDATES := $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3

.PHONY: help setup demo demo-tryton test test-long check types bench docs faults lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.installed ## build .venv (once for each change of the lock)

.venv/bin/python:
	@for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "building .venv with $$("$$candidate" --version)" >&2; \
	    exec "$$candidate" -m venv .venv; \
	  fi; \
	done; \
	echo "make setup: found no Python 3.11 or later that can build environments." >&2; \
	echo "Install python3.11 (on Debian and Ubuntu python3-venv as well), or name one: make setup PYTHON=/path/to/python" >&2; \
	exit 1

.venv/.uv: requirements/uv.txt | .venv/bin/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/uv.txt
	@touch $@

.venv/.locked: requirements/lock.txt .venv/.uv
	@echo "installing the locked packages (a minute or two the first time)" >&2
	@$(UV) pip install --quiet --require-hashes --compile-bytecode -r requirements/lock.txt || { \
	  echo "uv could not; trying pip, which follows this machine's own pip settings" >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/lock.txt; }
	@touch $@

.venv/.installed: pyproject.toml .venv/.locked
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@echo "compiling the planner (a minute or two)" >&2
	@$(BIN)/python -c 'from planning.promise.fast import warm; warm()' & promising=$$!; \
	$(BIN)/python -c 'from planning.fast import warm; warm()' || { kill $$promising; exit 1; }; \
	wait $$promising
	@touch $@

demo: setup ## four simulated systems, three passes of the stream, and what came of it
	@$(BIN)/millstream demo

demo-tryton: setup ## the same stream on a real ERP: Tryton in its own process
	@$(BIN)/millstream demo --tryton

test: setup ## unit, property, integration, end-to-end and architecture tests
	@$(PYTEST) -m "not long"

test-long: setup ## every test, the long ones included
	@$(PYTEST)

check: setup ## ruff, mypy, import contracts, and the configuration files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) types
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/millstream check

types: setup
	@$(BIN)/mypy $(ROOMS) benchmarks

bench: setup ## measure, beside a peer; rewrites benchmarks/results.md
	@$(BIN)/python -m benchmarks.run

docs: setup ## check the documentation: links, commands, glossary
	@$(BIN)/python -m pytest -q tests/architecture/test_documents.py

faults: setup ## one hostile run with kills (SEED=n); prints the ledgers as JSON
	@$(BIN)/python tests/faults/run.py --seed $(SEED)

lock: .venv/.uv ## resolve the dependencies of pyproject.toml anew
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --all-extras pyproject.toml -o requirements/lock.txt

clean: ## remove what was built: .venv, caches, local state
	@rm -rf .venv .venv-tryton .millstream .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
