# Everything a person or CI does here. `make run` is all that a first visitor needs.
# ARGS go to the command (make run ARGS="--port-offset 100"); ONLY picks a part of the benchmarks (make bench ONLY=gateway).
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
PY := $(VENV)/bin/python
JOBS ?= 2
ARGS ?=
ONLY ?=
export VENV

.PHONY: help run env test check bench docs format clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## start the whole platform (stays in the foreground; Ctrl-C stops it)
	@.ci/environment run
	@exec $(PY) manage.py up $(ARGS)

env: ## the virtual environment with everything for development
	@.ci/environment dev

test: env ## every test: on SQLite, on PostgreSQL, end to end, in a browser
	@.ci/tests $(JOBS) $(ARGS)

check: env ## format, lint, types, floors, migrations, generated documents, secrets
	@.ci/checks

format: env ## rewrite the code in the project's format
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

docs: env ## rewrite the generated references in docs/reference and docs/coverage
	@$(PY) manage.py reference --write
	@$(PY) -m tests.integrator.coverage --write

bench: env ## measure beside nginx and Envoy; writes var/bench.json and docs/performance.md
	@$(PY) -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

clean: ## remove caches and the environment, never var/
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
