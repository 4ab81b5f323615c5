# `make run` and `make test` do all set-up themselves; they need Python 3.11+, cargo and node, nothing else.
#
#   make run [WORKSPACE=path]   the main job on a real package (Django, unless told otherwise)
#   make test                   everything that CI runs
#   make bench                  ours beside a peer, on the same files
#   make setup                  only the set-up        make format   put the source in order
#   make lock                   newest allowed versions into the lock files

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
VSCODE := editors/vscode

export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(VIRTUAL_ENV)/bin:$(PATH)
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# The one profile of development, tests and CI. Wheels for people are built with `release`.
CARGO_PROFILE := quick
# The same values as in .cargo/config.toml, for maturin, which does not read that file.
export PYO3_CONFIG_FILE := $(CURDIR)/rust/pyo3.config
export PYO3_BUILD_EXTENSION_MODULE := 1
# uv does not read pip's settings, so tell it where this machine keeps its packages.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

ENGINE_SOURCES := Cargo.toml Cargo.lock rust/pyproject.toml rust/pyo3.config rust/fingerprint.rs \
    $(shell find rust/crates \( -name '*.rs' -o -name Cargo.toml \))
PYTHON_FOLDERS := server incremental rust/python tests bench tools

.PHONY: help setup engine run test bench lint format lock rust-test vscode clean

help:
	@sed -n 's/^#   //p' Makefile

# --- set-up: every step leaves a stamp, so that the next one starts in no time ---

setup: $(STAMPS)/packages

engine: $(STAMPS)/engine

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11: name a newer one, as in make PYTHON=python3.12" >&2; exit 2; }
	@echo "== virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/uv: requirements/uv.txt $(STAMPS)/venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(STAMPS)/requirements: requirements/dev.txt $(STAMPS)/uv
	@echo "== Python packages"
	@uv pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/engine: $(ENGINE_SOURCES) $(STAMPS)/requirements
	@echo "== engine: $$($(BIN)/python tools/build_seed.py fill)"
	@cd rust && maturin develop --profile $(CARGO_PROFILE) --locked --uv
	@$(BIN)/python tools/build_seed.py keep
	@touch $@

$(STAMPS)/packages: server/pyproject.toml incremental/pyproject.toml $(STAMPS)/engine
	@uv pip install --quiet --no-deps --no-build-isolation -e incremental -e server
	@touch $@

$(VSCODE)/node_modules/.package-lock.json: $(VSCODE)/package-lock.json
	@echo "== packages of the VS Code extension"
	@cd $(VSCODE) && npm ci --no-audit --no-fund
	@touch $@

# --- the jobs ---

run: setup
	@$(BIN)/python bench/main_job.py $(WORKSPACE)

bench: setup
	@$(BIN)/python -m bench

# pytest comes last: its closing line is the summary.
test: setup lint rust-test vscode
	@echo "== pytest"
	@$(BIN)/python -m pytest

lint: setup
	@echo "== ruff" && ruff check $(PYTHON_FOLDERS) && ruff format --check $(PYTHON_FOLDERS)
	@echo "== pyright" && pyright --project pyproject.toml
	@echo "== import contracts" && lint-imports --no-logo
	@echo "== rustfmt" && cargo fmt --all --check
	@echo "== clippy" && cargo clippy --profile $(CARGO_PROFILE) --workspace --all-targets --locked -- -D warnings
	@$(BIN)/python tools/build_seed.py keep

# anatomy_python only converts: it is tested from Python, and an extension module does not link as a test program.
rust-test: setup
	@echo "== cargo test"
	@cargo test --profile $(CARGO_PROFILE) --workspace --exclude anatomy_python --locked

vscode: setup $(VSCODE)/node_modules/.package-lock.json
	@echo "== VS Code extension"
	@cd $(VSCODE) && npm run --silent check && npm run --silent package && CODEANATOMY_SERVER="$(VIRTUAL_ENV)/bin/codeanatomy" npm test --silent

format: setup
	@ruff check --fix $(PYTHON_FOLDERS); ruff format $(PYTHON_FOLDERS); cargo fmt --all

lock: $(STAMPS)/uv
	@uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  requirements/uv.in -o requirements/uv.txt
	@uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  --group pyproject.toml:dev incremental/pyproject.toml server/pyproject.toml \
	  --no-emit-package codeanatomy --no-emit-package codeanatomy-incremental --no-emit-package codeanatomy-engine \
	  -o requirements/dev.txt
	@for each in requirements/accuracy/*.in; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header $$each -o $${each%.in}.txt; done
	@cargo update
	@cd $(VSCODE) && npm update --no-audit --no-fund

clean:
	rm -rf $(VENV) target $(VSCODE)/node_modules $(VSCODE)/dist $(VSCODE)/build rust/python/codeanatomy_engine/_native.abi3.so
