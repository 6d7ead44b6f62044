# `make` lists the targets. Only setup, demo and test are needed by most people.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
PBX ?= simulated
PYTEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(VENV)/.runtime ## prepare .venv, so that .venv/bin/callserver runs

$(VENV)/.runtime: requirements.lock pyproject.toml
	@PYTHON=$(PYTHON) tests/setup/venv.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.tests: $(VENV)/.runtime tests/requirements.lock
	@PYTHON=$(PYTHON) tests/setup/venv.sh $(VENV) tests/requirements.lock
	@touch $@

.PHONY: system
system: $(VENV)/.tests ## install the system packages and the Asterisk folder that the tests and bench use
	@tests/setup/system.sh
	@$(BIN)/python -m callserver.demo.asterisk

.PHONY: demo
demo: setup ## a day of calls in fast motion (PBX=asterisk: with a real Asterisk and SIPp)
ifeq ($(PBX),asterisk)
	@tests/setup/system.sh sip-tester debootstrap
	@$(BIN)/python -m callserver.demo.asterisk
endif
	@$(BIN)/callserver demo --pbx $(PBX) $(ARGS)

.PHONY: lint
lint: $(VENV)/.tests ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy callserver
	@$(BIN)/lint-imports

.PHONY: test
test: system lint ## everything: set-up, linters, and the whole suite with real Asterisk, Valkey, PostgreSQL
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(ARGS)

.PHONY: unit
unit: $(VENV)/.tests ## the fast part of the suite: no Asterisk, no PostgreSQL, no image
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup -m "not e2e and not postgres and not image" $(ARGS)

.PHONY: simulate
simulate: $(VENV)/.tests ## live many random days of calls and faults in virtual time (DAYS=100, SEED=n: one, told)
	@$(BIN)/python -m tests.simulation --days $(or $(DAYS),100) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: faults
faults: $(VENV)/.tests ## kill servers, Redis and SQL at every step of a call; `make test` takes a sample
	@FAULTS=all $(BIN)/python -m pytest tests/faults $(ARGS)

.PHONY: scale
scale: $(VENV)/.tests ## close a month of 100 000 numbers and 1 000 000 calls, killed ten times; `make test` a small one
	@$(BIN)/python -m tests.scale $(ARGS)

.PHONY: bench
bench: $(VENV)/.tests ## measure (QUICK=1 for under 50 s, JSON=FILE for the figures)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

.PHONY: image
image: ## build the container image (Docker, Podman, or buildah without an engine)
	@tests/setup/image.sh

.PHONY: lock
lock: ## resolve the lock files anew
	@tests/setup/lock.sh $(VENV)

.PHONY: clean
clean: ## remove .venv, caches and demo data of this checkout
	@rm -rf $(VENV) .callserver .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist ./*.egg-info
