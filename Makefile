# Longtail. `make run` opens the dashboard, `make test` runs the tests; both make .venv when it is not there.
PYTHON ?= python3.11
WORKSPACE ?= workspace
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
# annoy compiles for the very processor it is built on unless it is told not to.
export ANNOY_COMPILER_ARGS ?= -D_CRT_SECURE_NO_WARNINGS,-O3,-ffast-math,-fno-associative-math,-mtune=generic,-std=c++14
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# implicit crawls when BLAS spawns threads under its own.
export OPENBLAS_NUM_THREADS := 1

.PHONY: run install test check format bench peers screenshots clean

run: $(VENV)/.installed  ## open the dashboard on http://localhost:8501 (Ctrl-C stops it)
	@LONGTAIL_WORKSPACE=$(WORKSPACE) $(BIN)/streamlit run app.py --server.port $(PORT) || [ $$? -eq 1 -o $$? -eq 130 ]

install: $(VENV)/.installed $(VENV)/.installed-dev  ## everything, pinned

$(VENV)/.installed: requirements.txt requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt --constraint requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --requirement requirements-dev.txt --constraint requirements.lock
	@touch $@

test: install  ## all tests
	$(BIN)/python -m pytest

check: install  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy engine ui pages app.py

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install  ## the figures quoted in README.md
	$(BIN)/python -m benchmarks.main_job
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.modalities
	$(BIN)/python -m benchmarks.training_cost

.venv-peers/.installed: benchmarks/cornac-requirements.txt
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --requirement benchmarks/cornac-requirements.txt
	@touch $@

peers: install .venv-peers/.installed  ## cornac's models on the same targets, in an environment of their own
	$(BIN)/python -m benchmarks.peers

screenshots: install  ## the pictures in README.md
	$(BIN)/python -m benchmarks.screenshots

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
