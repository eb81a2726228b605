# Two commands need nothing set up by hand:
#   make compare SCENARIO=support-bot        (QUICK=1 for a first look in a few minutes)
#   make test
VENV   := .venv
# The first that runs (a version manager's shim may be on the path and fail); the lock was made with 3.11.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '' 2>/dev/null && echo $$p && break; done)
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
SCENARIO ?= support-bot
QUICK  ?=
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-test compare validate test quick-test check format docs clean

help: ## show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## create .venv and install the locked packages

setup-test: $(VENV)/.installed-test ## the same with what tests and checks need

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing the locked packages into $(VENV) (once, a few minutes)"
	@$(PIP) install -qq -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@$(PIP) install -qq -c constraints.txt -e '.[test]'
	@touch $@

compare: setup ## compare the variants of SCENARIO and write its report
	$(BIN)/harness compare $(SCENARIO) $(if $(QUICK),--quick) $(ARGS)

validate: setup ## check the files of SCENARIO
	$(BIN)/harness validate $(SCENARIO)

test: $(VENV)/.installed-test ## all tests (under ten minutes on two cores)
	$(BIN)/python -m pytest $(ARGS)

quick-test: $(VENV)/.installed-test ## the tests that need no model and no browser (seconds)
	$(BIN)/python -m pytest -m 'not model and not browser and not slow' $(ARGS)

check: $(VENV)/.installed-test ## lint, format, types, layers and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(VENV)/.installed-test ## format the code and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environment and caches (never runs or weights)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
