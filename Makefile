# make venv   everything ready in .venv: Debian packages (as root), tools, the gnt commands
# make check  style, types, layers and all tests that need no lab: before each commit
# make test   everything, as CI runs it (root)
# make simulate SEEDS=1000 FIRST=0   the store and the engine under simulated accidents, by seed
# make fuzz SECONDS=300 PARSERS=   every parser (or some) against inputs that are made up
# make fuzz-htools COUNT=2000 FIRST=0 PROGRAMS=   made-up clusters: the same answers as Debian's htools?
# make coverage  every branch of the configuration's and the engine's code is tested, or it fails
# make mutate PERCENT=100 FROM=0   small changes of the code that the tests must notice: the score
# make demo   a cluster of three nodes on this machine, with a real guest; make demo-down ends it
# make sanitize  kernels and loaders with the address and undefined-behaviour sanitizers (some minutes)
# make bench-htools   htools beside Debian's, with the gates (REFERENCE=900: also its long runs)
# make bench-many     gnt-cluster verify of 200 lab nodes with 4,000 instances (5 minutes)
# make bench  the figures of the README;  make clean  back to a clean checkout
# Delivery (wheel sdist zipapp onedir onefile man): packaging/deliver.mk

VENV := .venv
PY := $(VENV)/bin/python
EXTENSION := $(wildcard htools_ext/*.pyx htools_ext/*.pxd htools_ext/*.h)
# Two tests at once on two cores; a module stays on one worker, so that its lab is made once.
PYTEST := $(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := check
.PHONY: venv lint check test simulate fuzz fuzz-htools coverage mutate demo demo-down bench bench-many bench-htools sanitize changelog clean

venv: $(VENV)/.made $(VENV)/.built

$(VENV)/.made: pyproject.toml setup.py packaging/apt-packages packaging/prepare.sh
	@sh packaging/prepare.sh $(VENV)
	@touch $@ $(VENV)/.built

$(VENV)/.built: $(EXTENSION) | $(VENV)/.made
	@echo "== extension"
	@$(PY) setup.py -q build_ext --inplace >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
	@rm -f build.log; touch $@

lint: venv
	@echo "== ruff";          $(VENV)/bin/ruff check -q
	@echo "== import-linter"; $(VENV)/bin/lint-imports --no-cache >.lint.log || { cat .lint.log; exit 1; }; rm -f .lint.log
	@echo "== mypy";          $(VENV)/bin/mypy --no-error-summary

check: lint
	@echo "== tests without a lab"
	@$(PYTEST) -m "not lab and not slow and not later"

test: lint
	@echo "== guests for the lab"
	@$(PY) -m gnt.lab.main image boot >/dev/null
	@$(PY) -m gnt.lab.main image linux >/dev/null
	@$(PY) -m gnt.lab.main image machine >/dev/null
	@echo "== all tests"
	@timeout --foreground 1800 $(PYTEST) -o faulthandler_timeout=300
	@echo "== branches and mutants"
	@timeout --foreground 480 $(PY) -m tests.mutation --branches --percent $(SAMPLE)

SEEDS := 1000
FIRST := 0

simulate: venv
	@$(PY) -m tests.simulation $(SEEDS) $(FIRST)

# Parsers against inputs that are made up, guided by coverage; what is new goes to the corpus.
SECONDS := 300
PARSERS :=

fuzz: venv
	@$(PY) -m tests.fuzz $(SECONDS) $(PARSERS)

# Made-up clusters and options: htools' answers and Debian's (some five cases in a second).
COUNT := 2000
PROGRAMS :=

fuzz-htools: venv
	@$(PY) -m tests.htools.differ $(COUNT) $(FIRST) $(PROGRAMS)

# Every branch of the configuration's and the engine's code, by tests that need no lab.
coverage: venv
	@$(PY) -m tests.mutation --branches --percent 0

# One small change of the configuration's and the engine's code at a time: do the tests notice?
PERCENT := 100
FROM := 0
SAMPLE := 2

mutate: venv
	@$(PY) -m tests.mutation --from $(FROM) --percent $(PERCENT)

demo: venv
	@sh packaging/demo.sh

demo-down: venv
	@sh packaging/demo.sh down

# The figures are printed as ratios, with their gates; the fan-out runs beside other tools.
OTHERS := .venv-bench

bench: venv $(OTHERS)/.made
	@$(PY) -m tests.bench --others $(OTHERS)/bin/python

sanitize: venv
	@sh tests/htools/sanitize.sh $(PY)

REFERENCE := 60

bench-many: venv
	@$(PY) tests/bench/many.py

bench-htools: venv
	@$(PY) tests/bench/htools.py --reference $(REFERENCE)

$(OTHERS)/.made: | $(VENV)/.made
	@echo "== the tools that gnt is compared with"
	@$(PY) -m venv --clear $(OTHERS)
	@$(OTHERS)/bin/pip install -q --disable-pip-version-check ansible-core pyinfra parallel-ssh \
	  >$(OTHERS)/pip.log 2>&1 || { tail -n 20 $(OTHERS)/pip.log; exit 1; }
	@touch $@

changelog: venv
	@$(PY) packaging/changelog.py

clean:
	@rm -rf $(VENV) $(OTHERS) build dist *.egg-info build.log .lint.log .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache .coverage* htools_ext/*.so htools_ext/*.c
	@find . -name __pycache__ -prune -exec rm -rf {} +

include packaging/deliver.mk
