# The only list of commands. Everything runs from a bare clone with Python 3.11+, pip and a C compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup browser run demo test check sweep bench docs clean

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

# Pages are tried in a real Chromium, the system's own; where it cannot be installed their tests are skipped and say so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } || \
		echo "no Chromium: tests of the pages will be skipped"

run: setup       ## the Studio on http://127.0.0.1:8300 with eight virtual modules and the OTA platform; Ctrl-C ends it
	$(BIN)/moduline studio --modules 8 --root .studio --open

demo: setup      ## scripts -> package -> gang burn of eight virtual modules -> they run; under two minutes
	$(BIN)/moduline demo

test: setup browser ## everything CI asks: lint, types, import contracts, tests
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m 'not sweep' -rfEsxXR

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
