# Every target sets up what it needs: `make train` and `make test` each work as the first command in a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ZOO := $(BIN)/zoo

# torch is pinned for the build's own environment too, or that one takes whatever release is newest.
# The two variables say the same to older and to newer releases of pip.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BUILT_FROM := setup.py pyproject.toml constraints.txt $(shell find csrc -type f 2>/dev/null)

.PHONY: help train test lint format bench check clean

help:
	@echo "make train   set up $(VENV), train the default DCGAN on the digits that come with zoo, say where the pictures are"
	@echo "make test    set up $(VENV), run the whole test suite"
	@echo "make lint    formatting, ruff, mypy"
	@echo "make check   what CI runs: lint, then test"
	@echo "make clean   remove $(VENV) and what was built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "zoo needs Python 3.10 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(BIN)/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --editable ".[test,lint]"
	@touch $@ $(VENV)/.train

train: $(VENV)/.train
	$(ZOO) train dcgan

test: $(VENV)/.test
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint test

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find zoo -name '*.so' -delete
