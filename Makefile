# make demo and make test do their own set-up: a virtual environment in .venv and what the project needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test bench pictures lint format down clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(VENV)/.ready ## start the mesh and the mall, with jason's and fox's branches, and show what each sees
	@$(BIN)/meshmall demo

test: $(VENV)/.ready-dev ## run the tests
	@$(BIN)/python -m pytest --cov --cov-report= && $(BIN)/python -m tests.support.coverage

bench: $(VENV)/.ready-dev ## measure: speed, start, memory; prints a table, writes bench/results/*.json
	@$(BIN)/python -m bench

pictures: $(VENV)/.ready-dev ## take the pictures of the docs again, from the running program
	@$(BIN)/python -m bench.pictures

lint: $(VENV)/.ready-dev ## formatter, linter, type checker, import rules
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(VENV)/.ready-dev ## let ruff format and mend
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

down: ## stop what make demo started
	@if [ -x $(BIN)/meshmall ]; then $(BIN)/meshmall down; fi

clean: down ## stop, and remove the virtual environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "mesh-mall needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "creating the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	@echo "installing what mesh-mall needs (once; half a minute)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[mongodb]'
	@$(BIN)/python -c 'import meshmall.cli' && $(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "installing what the tests need (once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[mongodb,dev]'
	@$(BIN)/python -c 'import pytest, ruff'
	@touch $@
