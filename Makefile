# make demo, make test and make lint do their own set-up: a virtual environment in .venv with everything they need.
# Empty: the first that was built with optimisations (tools/find_python.sh), otherwise the first of 3.11 or later.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-namespaces test-user test-loopback test-long test-oldest soak audit referee-api referee-cluster referee-rules conformance bench pictures lint lint-javascript \
	format lock docs docs-serve down clean

# Whole meshes whose outcome depends on privilege: these run as root and as an ordinary user.
NAMESPACE_TESTS := tests/with_namespaces tests/with_envoy/namespaces \
	$(addprefix tests/e2e/,test_scenario.py test_adoption.py test_own_system.py)
# Whole meshes whose outcome depends on how pods are connected: these run without namespaces, too.
LOOPBACK_TESTS := $(addprefix tests/e2e/,test_scenario.py test_route.py test_protocols.py test_outbound.py)
# mkdocs prints an advertisement of its successor otherwise.
MKDOCS := NO_MKDOCS_2_WARNING=1 DOCS_REFERENCE=$(VENV)-docs/reference $(VENV)-docs/bin/mkdocs
AS_USER := $(BIN)/python -m tools.as_ordinary_user
# The checkout is not the ordinary user's to write to. AGAIN is what runs when a test failed; CI sets it.
USER_PYTEST := $(BIN)/python -m pytest -o cache_dir=$$HOME/.pytest_cache
AGAIN ?= false

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(VENV)/.ready ## start the mesh and the mall, and show what jason, fox and everybody else see
	@$(BIN)/meshmall demo

test: $(VENV)/.ready-dev ## run the tests
	@$(BIN)/python -m pytest --cov --cov-report= && $(BIN)/python -m tests.support.coverage

test-namespaces: $(VENV)/.ready-dev ## some of them, with pods in network namespaces
	@MESHMALL_NETWORK=namespaces $(BIN)/python -m pytest $(NAMESPACE_TESTS)

test-user: $(VENV)/.ready-dev ## the same as an ordinary user, also when root types it
	@$(AS_USER) env MESHMALL_NETWORK=namespaces sh -c '$(USER_PYTEST) $(NAMESPACE_TESTS) || $(AGAIN)'

test-loopback: $(VENV)/.ready-dev ## some of them, with pods on loopback addresses
	@MESHMALL_NETWORK=loopback $(BIN)/python -m pytest $(LOOPBACK_TESTS)

test-long: $(VENV)/.ready-dev ## run the tests that take long: whole installations, clients that are compiled first
	@$(BIN)/python -m pytest -m slow

soak: $(VENV)/.ready-dev ## isolation and reliability in their long setting (hours; docs/reliability.md)
	@ISOLATION_REQUESTS=100000 $(BIN)/python -m pytest -n 2 tests/with_envoy/test_isolation.py tests/with_envoy/namespaces/test_isolation.py
	@$(BIN)/python -m tools.reliability

test-oldest: $(VENV)/.ready-dev ## the unit tests with the oldest dependencies that pyproject.toml allows
	@$(BIN)/python -m tools.oldest $(VENV)-oldest && $(VENV)-oldest/bin/python -m pytest tests/unit

audit: $(VENV)/.ready-dev ## known vulnerabilities of what requirements-dev.lock installs (needs pipx)
	@pipx run pip-audit --requirement requirements-dev.lock --require-hashes --disable-pip

referee-api: $(VENV)/.ready-dev ## ask a real kube-apiserver what the tests have recorded, and renew it (needs Go)
	@$(BIN)/python -m tools.referee_api

referee-cluster: $(VENV)/.ready-dev ## the mall and rendered branches on a real API server with a real istiod (needs root, Go)
	@$(BIN)/python -m tools.referee_cluster

conformance: $(VENV)/.ready-dev ## run the Gateway API's conformance suite against a fresh mesh (needs Go, and ports 80 and 443)
	@$(BIN)/python -m tools.conformance $(CONFORMANCE)

referee-rules: $(VENV)/.ready-dev ## compare 20,000 drawn requests with a real istiod (needs Go; REQUESTS=, SEED=, RECORD=1 renews the answers)
	@$(BIN)/python -m tools.referee_rules $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(SEED),--seed $(SEED)) $(if $(RECORD),--record)

bench: $(VENV)/.ready-dev ## measure speed, start-up and memory; prints a table, writes bench/results/*.json
	@$(BIN)/python -m bench

pictures: $(VENV)/.ready-dev ## retake the screenshots in the docs from the running program
	@$(BIN)/python -m bench.pictures

lint: $(VENV)/.ready-dev lint-javascript ## formatter, linters, type checkers, import rules, house rules
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/python -m tools.house_rules

# Nothing is built from the JavaScript: Node.js is only needed to check it.
lint-javascript:
	@if command -v npm >/dev/null; then \
	  { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent; } && npm run --silent check; \
	else echo "npm is not installed: the JavaScript is not checked"; fi

format: $(VENV)/.ready-dev ## format the code, and fix what can be fixed automatically
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: $(VENV)/.ready-dev ## update requirements-dev.lock to the newest versions that pyproject.toml allows (needs uv)
	@$(BIN)/python -m tools.lock --write

docs: $(VENV)-docs/.ready ## build the site of the docs in site/; a broken link or anchor fails
	@$(BIN)/python -m tools.docs.reference $(VENV)-docs/reference
	@# Not --quiet, which silences what --strict counts.
	@$(MKDOCS) build --strict 2>$(VENV)-docs/log && echo "site/index.html" || { grep -v INFO $(VENV)-docs/log >&2; exit 1; }

docs-serve: $(VENV)-docs/.ready ## show the site at http://127.0.0.1:8000/ while you write
	@$(BIN)/python -m tools.docs.reference $(VENV)-docs/reference && $(MKDOCS) serve

down: ## stop what make demo started
	@if [ -x $(BIN)/meshmall ]; then $(BIN)/meshmall down; fi

clean: down ## stop, and remove the virtual environment
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-docs node_modules site

$(VENV)/bin/python:
	@case "$$(uname -sm)" in "Linux x86_64"|"Linux aarch64") ;; \
	  *) echo "mesh-mall needs Linux on x86-64 or aarch64; this is $$(uname -sm)" >&2; exit 1;; esac
	@python='$(PYTHON)'; what="$$python"; \
	if [ -z "$$python" ]; then \
	  answer="$$(sh tools/find_python.sh)"; python="$$(echo "$$answer" | cut -f1)"; what="$$(echo "$$answer" | cut -f2) ($$python)"; \
	  [ -n "$$python" ] || { echo "mesh-mall needs Python 3.11 or later, with venv; none is on PATH. Try: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }; \
	fi; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "mesh-mall needs Python 3.11 or later; '$$python' is $$("$$python" -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }; \
	echo "creating the virtual environment in $(VENV) with $$what"; \
	"$$python" -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	@echo "installing mesh-mall and its dependencies (once, half a minute)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[mongodb]'
	@$(BIN)/python -c 'import meshmall.cli' && $(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@echo "installing what the tests need (once)"
	@if $(BIN)/python -m tools.lock; then \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock; \
	else \
	  echo "requirements-dev.lock is not of this pyproject.toml: installing the newest versions (make lock updates it)"; \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[mongodb,dev]'; \
	fi
	@$(BIN)/python -c 'import pytest, ruff'
	@touch $@

$(VENV)-docs/.ready: requirements-docs.lock $(VENV)/.ready
	@echo "installing what builds the docs (once)"
	@$(BIN)/python -m venv $(VENV)-docs
	@$(VENV)-docs/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@
