# Everything a newcomer needs. `make help` lists it.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.SECONDARY:
.PHONY: help demo test test-extras long check format bench peers postgres clean python

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## run two strategies over the embedded real prices and write their reports
	$(BIN)/onetape demo

# Two processes share the tests; the kernel is compiled before, as each would else compile it. JOBS=0 runs them in one.
JOBS ?= 2
PYTEST = -m pytest -n $(JOBS) --dist worksteal --durations=25

test: $(VENV)/.installed-dev  ## run the tests of the core, for which no extra is installed
	$(BIN)/python -m tests.warm
	$(BIN)/python $(PYTEST)

# Extras that have tests of their own, marked `extra(name=...)`. Each has an environment of its own, so that their pins may conflict.
EXTRAS := data postgres

test-extras: $(EXTRAS:%=test-%)  ## run the tests of all extras, each in its environment

test-%: .venv-%/.installed  ## run the tests of one extra, e.g. test-data; none may be skipped
	$(BIN)/python -m tests.warm
	.venv-$*/bin/python $(PYTEST) --extra $*

# Tapes run once more with ordinary numba, which checks bounds and shares none of the kernel's ways of compiling.
long: $(VENV)/.installed-dev  ## run what is too long for `make test`, with new seeds (ONETAPE_SEED=... repeats them)
	@export ONETAPE_SEED=$${ONETAPE_SEED:-$$(date +%s)}; echo "Seeds are drawn from ONETAPE_SEED=$$ONETAPE_SEED"; set -x; \
	$(BIN)/python -m tests.warm; \
	$(BIN)/python $(PYTEST) -m "long and not extra"; \
	ONETAPE_PLAIN_NUMBA=1 $(BIN)/python $(PYTEST) tests/tapes

# Types of all extras are checked at once, in an environment that has those with types.
check: $(VENV)/.installed-dev .venv-types/.installed  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	.venv-types/bin/python -m mypy

format: $(VENV)/.installed-dev  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed  ## measure the kernel and the engine
	$(BIN)/onetape bench

PEERS := $(basename $(notdir $(wildcard framework/bench/peers/*.txt)))

peers: $(PEERS:%=.venv-peers/%/.installed)  ## install the peers that `onetape bench --peers` measures beside us, each apart
	@echo "Measure with: onetape bench --peers"

# What cannot be installed leaves its reason behind, is shown as skipped by the bench, and is tried again by the next `make peers`.
.venv-peers/%/.installed: framework/bench/peers/%.txt | python
	@echo "Setting up .venv-peers/$*"
	@test -x .venv-peers/$*/bin/python || $(PYTHON) -m venv .venv-peers/$*
	@if .venv-peers/$*/bin/python -m pip install --disable-pip-version-check --progress-bar off -r $< >.venv-peers/$*/pip.log 2>&1; \
	then rm -f .venv-peers/$*/failed.txt; touch $@; \
	else grep -m1 ERROR .venv-peers/$*/pip.log >.venv-peers/$*/failed.txt || tail -n 1 .venv-peers/$*/pip.log >.venv-peers/$*/failed.txt; \
	  echo "  skipped: $$(cat .venv-peers/$*/failed.txt)"; fi

APT := $(if $(filter 0,$(shell id -u)),,sudo -n )apt-get

postgres:  ## install the PostgreSQL server that the tests start for themselves, where Debian's packages can be installed
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi; \
	echo "Installing the package postgresql"; \
	{ $(APT) update -qq && DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq --no-install-recommends postgresql; } >/dev/null \
	|| echo "It could not be installed: the tests that need it are skipped."

clean:  ## remove the environment and the caches; runs/ stays
	rm -rf $(VENV) $(EXTRAS:%=.venv-%) .venv-types .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find framework research strategies tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps, so that set-up runs once; they are renewed when pyproject.toml changes.
# pip says too much or nothing: one line for each package that it fetches, its errors whole.
PIP = -m pip install --disable-pip-version-check --progress-bar off --editable
SHORTEN = awk '/^ +(Downloading|Using cached)/ {sub(/.*\//, "", $$2); sub(/-(cp|py)[0-9].*|\.tar\.gz/, "", $$2); print "  " $$2, $$3, $$4; fflush()} /^Installing c/ {print "  installing"; fflush()}'

$(VENV)/.installed: pyproject.toml | python
	@echo "Setting up $(VENV); the first time this fetches about 200 MB (numpy, numba, pandas, pyarrow and friends)."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) . | $(SHORTEN)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | python
	@echo "Setting up $(VENV) with what the tests and checks need; the first time this fetches about 300 MB."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) '.[dev]' | $(SHORTEN)
	@touch $(VENV)/.installed $@

# It sees what the tests have, and what the extra brings stands before that: other versions of the same packages too.
TYPES = data,postgres
.venv-%/.installed: pyproject.toml $(VENV)/.installed-dev
	@echo "Setting up .venv-$* with the extra $(if $(filter types,$*),$(TYPES),$*)"
	@test -x .venv-$*/bin/python || $(BIN)/python -m venv --without-pip .venv-$*
	@.venv-$*/bin/python tests/layer.py $(BIN)/python
	@.venv-$*/bin/python $(PIP) '.[$(if $(filter types,$*),$(TYPES),$*)]' | $(SHORTEN)
	@touch $@

python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or say which: make PYTHON=python3.12 <target>"; exit 1; }
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; sys.exit(sys.version_info < (3, 11) and "OneTape needs Python 3.11 or newer; $(PYTHON) is " + v + ". Say which: make PYTHON=python3.12 <target>")'
