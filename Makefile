# The project's front door. `make run`, `make test` and `make demo` do all their own set-up.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV    := .venv
OUTSIDE := .venv-outside
BIN     := $(VENV)/bin
UV_FLAGS := --quiet --require-hashes
UNREACHED = echo "The packages could not be installed. Is the package index reached from here (HTTPS_PROXY, PIP_INDEX_URL and \
UV_INDEX_URL are heeded), and is room left on the disk? Then say make again: it goes on where it was." >&2; exit 1

.PHONY: help setup dev run test demo check bench train lock clean outside screenshots

help:  ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# A shim such as pyenv's answers to the name and then fails, so every candidate is run before it is believed.
$(VENV)/bin/uv:
	@for p in "$${PYTHON:-}" python3.14 python3.13 python3.12 python3 "$$HOME"/.pyenv/versions/3.1[2-9]*/bin/python3; do
	  if [ -n "$$p" ] && "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then found=$$p; break; fi
	done
	if [ -z "$${found:-}" ]; then
	  echo "dragoman needs Python 3.12 or newer; none was found. Set PYTHON=/path/to/python3.12 and try again." >&2; exit 1
	fi
	echo "creating $(VENV) with $$($$found --version)"
	"$$found" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || { $(UNREACHED); }

# What a user needs, and on top of it what a developer needs: the same versions, so neither undoes the other.
$(VENV)/.synced: locks/run.lock pyproject.toml | $(VENV)/bin/uv
	@echo "installing the locked dependencies"
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install $(UV_FLAGS) -r locks/run.lock || { $(UNREACHED); }
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.synced-dev: locks/dev.lock $(VENV)/.synced
	@echo "installing what the tests need"
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install $(UV_FLAGS) -r locks/dev.lock || { $(UNREACHED); }
	touch $@

$(OUTSIDE)/.synced: locks/outside.lock | $(VENV)/bin/uv
	@echo "installing the official SDKs and the foreign verifier (tests only)"
	$(BIN)/python -m venv --without-pip $(OUTSIDE)
	VIRTUAL_ENV=$(OUTSIDE) $(BIN)/uv pip sync $(UV_FLAGS) locks/outside.lock || { $(UNREACHED); }
	touch $@

setup: $(VENV)/.synced  ## create .venv with the `dragoman` command

dev: $(VENV)/.synced-dev

outside: $(OUTSIDE)/.synced

run: setup  ## start dragoman on its embedded default, state in ./.dragoman
	@exec $(BIN)/dragoman run --home .dragoman $(ARGS)

demo: setup  ## the whole story offline; make demo TEXT='your own sentence'
	@$(BIN)/dragoman demo $(if $(TEXT),--text "$${TEXT}",) $(ARGS)
export TEXT

check: dev  ## ruff, mypy, import contracts
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: dev outside  ## everything that CI runs
	@BIN=$(BIN) bash tests/run

bench: setup  ## the ratios of docs/performance.md, measured here
	@$(BIN)/dragoman bench $(ARGS)

screenshots: setup dev  ## the pictures of docs/console.md, made anew by the browser tests
	@folder=$$(mktemp -d) && DRAGOMAN_SCREENSHOTS=$$folder $(BIN)/pytest -q -k pictures tests/proxy/console/test_accessibility.py \
	  && $(BIN)/python -m tests.proxy.console.pictures $$folder docs/console; rm -rf $$folder

train: setup  ## train the name model again; make train CORPORA=folder (see redaction/train)
	@$(BIN)/python -m redaction.train $(or $(CORPORA),../shared/data) $(ARGS)

lock: $(VENV)/bin/uv  ## renew the locks from pyproject.toml
	@compile="$(BIN)/uv pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade"
	$$compile --group pyproject.toml:dev --extra postgresql --extra parquet --extra ray pyproject.toml -o locks/dev.lock
	$${compile/--upgrade/} --extra postgresql --extra parquet pyproject.toml -c locks/dev.lock -o locks/run.lock
	$$compile --group pyproject.toml:outside -o locks/outside.lock

clean:  ## remove the environments and caches (never .dragoman)
	@rm -rf $(VENV) $(OUTSIDE) .mypy_cache .ruff_cache .pytest_cache .hypothesis
