# What a person types. `make` alone lists it. The steps themselves are in .ci/, so that they can be read and run alone.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests: 0 runs them in one. Timings are steadier so.
WORKERS ?= 0
# More arguments for pytest: make test ARGS="-k follow"
ARGS ?=

PACKAGED := pyproject.toml README.md LICENSE
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help run lab test check bench fmt docs lock clean system-packages peers

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## start the server on http://localhost:8420 (the first start installs what it needs into .venv)
	@exec $(BIN)/fediverse-node serve

lab: $(VENV)/.runtime ## five servers with people on this machine, and an inspector of all that passes between them
	@exec $(BIN)/fediverse-node lab up 5 $(ARGS)

test: system-packages $(VENV)/.dev peers ## run all tests (WORKERS=2 for two processes, ARGS="-k follow" to choose)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(VENV)/.dev ## formatting, lint, types, who imports whom, house rules, generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/house_rules.py
	$(BIN)/python .ci/docs.py --check

bench: $(VENV)/.dev ## measure: inbox, delivery, timelines, memory (takes minutes; use a quiet machine)
	$(BIN)/python -m tests.bench $(ARGS)

fmt: $(VENV)/.dev ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## write the documents that are made from the code
	$(BIN)/python .ci/docs.py

lock: $(VENV)/.dev ## choose the newest dependencies and write them down with their hashes
	$(LOCK) --upgrade --output-file requirements.txt pyproject.toml
	$(LOCK) --upgrade --build-deps-for editable --only-build-deps --output-file requirements-build.txt pyproject.toml
	$(LOCK) --upgrade --extra test --extra check --constraint requirements.txt --constraint requirements-build.txt \
		--output-file requirements-dev.txt pyproject.toml

clean: ## remove what can be made again; ./data stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +

system-packages:
	@.ci/system-packages

peers:
	@.ci/peers

# The stamps live in .venv, so removing it forgets them.
$(VENV)/.runtime: requirements.txt requirements-build.txt $(PACKAGED) .ci/venv
	@PYTHON="$(PYTHON)" .ci/venv $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-build.txt $(PACKAGED) .ci/venv
	@PYTHON="$(PYTHON)" .ci/venv $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.runtime
