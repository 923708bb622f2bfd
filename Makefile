# The only list of commands. Everything runs from a bare clone with Python 3.11+, pip and a C compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup run demo test check sweep bench docs clean

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(STAMP)  ## create .venv with the `moduline` command in it

# Some systems ship Python without ensurepip; virtualenv from PyPI does the same there.
$(STAMP): pyproject.toml hatch_build.py $(wildcard native/delta/*.[ch])
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || \
		{ rm -rf $(VENV); $(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps rauc-hawkbit==0.2.0 # its DDI class; GLib stays out
	@touch $(STAMP)

run: setup       ## the demo, then leave the rack of virtual modules up to talk to
	$(BIN)/moduline demo --keep

demo: setup      ## scripts -> package -> gang burn of eight virtual modules -> they run; under two minutes
	$(BIN)/moduline demo

test: setup      ## everything CI asks: lint, types, import contracts, tests
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m 'not sweep'

check: setup     ## lint, format, strict types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd onboard && ../$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

sweep: setup     ## long sweeps: every cut, many double cuts
	$(BIN)/python -m pytest -n 2 -m sweep --timeout 3600

bench: setup     ## performance, one file per question; compares with bench/baseline.json
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@for question in bench/*.py; do echo "== $$question"; $(BIN)/python $$question || exit 1; done

docs: setup      ## regenerate docs/reference from the code
	$(BIN)/python docs/generate.py

clean:           ## remove what setup made
	rm -rf $(VENV)
