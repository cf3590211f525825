# Everything a newcomer, a developer and CI run. `make help` lists it.

VENV ?= $(or $(WILSON_VENV),.venv)
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-$(shell cksum < requirements.lock | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.dev-$(shell cksum < requirements-dev.lock | cut -d' ' -f1)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run demo test lint types contracts check bench lock clean browser dovecot

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(RUN_STAMP) ## Start the demo: the whole program on this machine, no account needed
	@$(BIN)/wilson demo $(ARGS)

demo: run

test: $(DEV_STAMP) browser dovecot ## Install what the tests need, and run all of them
	@$(BIN)/python -m pytest $(ARGS)

lint: $(DEV_STAMP) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV_STAMP) ## Check types, strictly
	@$(BIN)/mypy

contracts: $(DEV_STAMP) ## Check who may import whom
	@$(BIN)/lint-imports

check: lint types contracts test ## All that CI runs

bench: $(DEV_STAMP) ## Print figures beside their floors
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## Renew the locked dependencies (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	  --extra demo pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	  --extra demo --extra dev pyproject.toml -o requirements-dev.lock

browser: # Chromium for the acceptance tests, from Debian's package where that is possible
	@sh scripts/browser.sh

dovecot: # Dovecot for the tests of IMAP mailboxes, likewise
	@sh scripts/dovecot.sh

$(VENV)/bin/python:
	@sh scripts/environment.sh "$(VENV)"

$(RUN_STAMP): $(VENV)/bin/python requirements.lock
	@echo "installing what Wilson needs into $(VENV) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_STAMP): $(VENV)/bin/python requirements-dev.lock
	@echo "installing what the tests need into $(VENV) …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.dev-* && touch $@

clean: ## Remove the environment and what the demo left
	rm -rf "$(VENV)" .wilson var/demo
