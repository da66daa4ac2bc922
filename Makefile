# candleloop: `make up` starts everything on this machine, `make test` runs every test.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CODE := api benchmarks candleloop cli client config jobs tests workers

# The web page needs Node; without it everything else works and this says what was left out.
IF_NODE := @if ! command -v npm >/dev/null; then echo "No Node here: the web page is left out."; exit 0; fi; \
  node web/scripts/prepare.mjs --install &&

.PHONY: help up test test-slow compose-test check fuzz format openapi bench bench-loop screenshots clean lock
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

up: $(INSTALLED) ## start the web page, API, workers, relay, Redis, MLflow and dashboard; Ctrl+C stops them
	@exec $(BIN)/candleloop up

test: $(INSTALLED) ## run every test
	$(BIN)/python -m pytest
	$(IF_NODE) cd web && npm test --silent && npm run --silent e2e

test-slow: $(INSTALLED) ## run the tests that install a counterpart from the package index; takes minutes
	$(BIN)/python -m pytest -m installs

compose-test: $(INSTALLED) ## bring the containers up, try them, take them down; needs Docker
	@$(BIN)/python -m tests.compose.try_stack

check: $(INSTALLED) ## style and types
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(IF_NODE) cd web && npm run --silent check

bench: $(INSTALLED) ## measure what the README claims
	@for file in $$(ls benchmarks/[!_]*.py | grep -v bench_loop); do \
	  echo "== $$file"; $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done
	$(IF_NODE) cd web && npm run --silent bench

screenshots: $(INSTALLED) ## take the pictures of docs/images anew, from the demo series; takes minutes
	$(IF_NODE) cd web && npm run --silent pictures

bench-loop: $(INSTALLED) ## measure what the queue saves (ARGS=--quick: a few minutes)
	@$(BIN)/python -m benchmarks.bench_loop $(ARGS)

fuzz: $(INSTALLED) ## damage a million bytes of vendor files and hold what is read against what is written
	$(BIN)/python -m tests.support.reader_fuzz --bytes 1000000

format: $(INSTALLED) ## bring the code into its style
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)
	$(IF_NODE) cd web && npm run --silent format

openapi: $(INSTALLED) ## describe the API in web/openapi.json, from which the web page's types are made
	$(BIN)/python -m api.openapi_file web/openapi.json
	$(IF_NODE) cd web && npm run --silent api

lock: $(INSTALLED) ## pin the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev pyproject.toml -o requirements.lock

clean: ## remove the environment and caches; the data in .candleloop stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist ./*.egg-info
	rm -rf web/node_modules web/.next
	find . -name __pycache__ -type d -not -path './web/*' -prune -exec rm -rf {} +

# The environment: made once, and again when a dependency changes.
$(INSTALLED): requirements.lock pyproject.toml scripts/environment
	@scripts/environment $(VENV)
	@touch $@
