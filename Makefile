# `make run` opens the dashboard, `make test` runs the tests; both create .venv first. `make help` lists the rest.
PYTHON ?= python3.11
WORKSPACE ?= workspace
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
# annoy compiles for the very processor it is built on unless it is told not to.
export ANNOY_COMPILER_ARGS ?= -D_CRT_SECURE_NO_WARNINGS,-O3,-ffast-math,-fno-associative-math,-mtune=generic,-std=c++14
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Threads that share a core mostly wait for each other; a training takes as many as cores are free.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: run run-time install test test-fast check format licences audit docs hooks bench bench-scale peers screenshots clean help

run: $(VENV)/.installed  ## open the dashboard on http://localhost:8501 (Ctrl-C stops it)
	@LONGTAIL_WORKSPACE=$(WORKSPACE) $(BIN)/streamlit run app.py --server.port $(PORT) || [ $$? -eq 1 -o $$? -eq 130 ]

run-time: $(VENV)/.installed  ## install what the dashboard runs on, pinned, and nothing for its tests

install: $(VENV)/.installed $(VENV)/.installed-dev .venv-stores/.installed  ## install everything, pinned

$(VENV)/.installed: requirements.txt requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt --constraint requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-spark.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --requirement requirements-dev.txt --requirement requirements-spark.txt --constraint requirements.lock
	@touch $@

.venv-stores/.installed: tests/support/stores-requirements.txt
	@test -x .venv-stores/bin/python || $(PYTHON) -m venv .venv-stores
	.venv-stores/bin/pip install --quiet --requirement tests/support/stores-requirements.txt
	@touch $@

# Tests that run beside others wait for a clock that others slow down: what fails there is run once more, alone, and has to pass.
test: install  ## run all tests, on every core; what failed is run once more by itself
	$(BIN)/python -m pytest -n auto || { test $$? -eq 1 && $(BIN)/python -m pytest -v --last-failed --last-failed-no-failures none --maxfail 5; }

test-fast: install  ## run the tests that need no browser, no database server and no training
	$(BIN)/python -m pytest -n auto -m "not browser and not postgres and not slow"

check: install  ## check lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## fix lint and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

licences: install  ## list every package with its licence; fails on one stronger than LGPL
	$(BIN)/python -m tools.licences

audit: install  ## check pins, licences, known vulnerabilities and secrets; says what it could not check
	@test -x .venv-audit/bin/pip-audit || ($(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install --quiet pip-audit==2.10.1) || true
	$(BIN)/python -m tools.audit

docs: install  ## write the reference of every module to build/docs
	$(BIN)/python -m tools.reference

hooks: install  ## run the checks before every commit
	$(BIN)/pre-commit install

bench: install  ## measure the main figures again and write them to docs/benchmarks.md
	$(BIN)/python -m benchmarks.main_job
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.modalities
	$(BIN)/python -m benchmarks.training_cost

bench-scale: install  ## measure the table of speed and scale: some five hours (LARGEST=100000: two), or other sizes (PRODUCTS="10000 100000")
ifdef PRODUCTS
	$(BIN)/python -m benchmarks.scale --products $(PRODUCTS)
else
	$(BIN)/python -m benchmarks.scale.table $(if $(LARGEST),--largest $(LARGEST))
endif

.venv-peers/.installed: benchmarks/peer-requirements.txt
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --requirement benchmarks/peer-requirements.txt
	@touch $@

peers: install .venv-peers/.installed  ## measure published models on the same products; cornac's in an environment of their own
	$(BIN)/python -m benchmarks.peers

screenshots: install  ## take the pictures in README.md and docs/
	$(BIN)/python -m benchmarks.screenshots

clean:  ## remove .venv, build/ and caches
	rm -rf $(VENV) .venv-stores .venv-audit build .pytest_cache .mypy_cache .ruff_cache

help:  ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 20
