# make demo   serve the showcase on http://127.0.0.1:8000
# make demo-cluster   the same by two processes that share the chat over Redis, on ports 8000 and 8001
# make test   install and run everything that CI runs
#
# Needs Python 3.11 or later and make. All of it happens in .venv, which is made when missing.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
RAN := $(VENV)/ran.txt
HOST ?= 127.0.0.1
PORT ?= 8000

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: help node demo demo-cluster test check lint format types cov suite stripped docs site bench fuzz surface test-all clean

help:
	@sed -n '/^[a-z-]*:.*##/s/:.*##/\t/p' Makefile | sort | expand -t 14

# --- installing: a stamp file for each set, renewed when what it depends on changes

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later found. Type: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt --upgrade pip

$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[all]' --group dev
	@touch $@ $(VENV)/demo.stamp

node: $(VENV)/node/node_modules/ws ## install what tests use of npm

$(VENV)/node/node_modules/ws: | $(BIN)/python
	npm install --prefix $(VENV)/node --no-audit --no-fund --no-save --no-package-lock ws@8.23.0

# --- using

demo: $(VENV)/demo.stamp ## serve the showcase on http://127.0.0.1:8000
	$(BIN)/portico run examples.showcase:app --host $(HOST) --port $(PORT)

demo-cluster: $(VENV)/demo.stamp ## serve it twice, on ports 8000 and 8001, with one chat over Redis
	$(BIN)/python -m examples.showcase.cluster $(PORT)

# --- checking: each target runs alone; `test` runs them all and says what it ran

test: $(VENV)/dev.stamp ## everything that CI runs
	@rm -f $(RAN)
	@$(MAKE) --no-print-directory lint types cov stripped docs
	@printf '\nRan, all green, on %s:\n' "$$($(BIN)/python -V)"; cat $(RAN)

check: test ## the same as test

lint: $(VENV)/dev.stamp ## ruff, formatting, import rules, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	@echo '  lint      ruff check, ruff format, import-linter, codespell' >> $(RAN)

format: $(VENV)/dev.stamp ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev.stamp ## mypy --strict, pyright strict, every public name typed
	$(BIN)/mypy --strict
	$(BIN)/pyright --pythonpath $(BIN)/python
	PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes portico --ignoreexternal # it takes the python on PATH
	@echo '  types     mypy --strict, pyright strict, pyright --verifytypes 100 %' >> $(RAN)

cov: $(VENV)/dev.stamp ## the suite with branch coverage, asyncio and trio, warnings are errors
	PYTHONASYNCIODEBUG=1 PORTICO_RAN=$(RAN) $(BIN)/coverage run -m pytest -q
	$(BIN)/coverage report
	@echo '  coverage  100 % of lines and branches' >> $(RAN)

suite: $(VENV)/dev.stamp ## the suite alone
	PYTHONASYNCIODEBUG=1 PORTICO_RAN=$(RAN) $(BIN)/python -m pytest -q

stripped: $(VENV)/dev.stamp ## the suite under python -OO
	PYTHONOPTIMIZE=2 PORTICO_RAN=$(RAN) $(BIN)/python -m pytest -q -p no:cacheprovider

docs: $(VENV)/dev.stamp ## run every example; build the site with warnings as errors
	PORTICO_RAN=$(RAN) $(BIN)/python -m pytest -q -p no:randomly --doctest-modules README.md CONTRIBUTING.md docs src
	$(BIN)/mkdocs build --strict --site-dir $(VENV)/site
	@echo '  site      mkdocs build --strict' >> $(RAN)

site: $(VENV)/dev.stamp ## read the docs on http://127.0.0.1:8001
	$(BIN)/mkdocs serve --dev-addr 127.0.0.1:8001

surface: $(VENV)/dev.stamp ## write the list of public names, tests/public.txt
	$(BIN)/python -m tests.surface

bench: $(VENV)/dev.stamp ## speed, as ratios to hand-written ASGI
	$(BIN)/python benchmarks/bench.py

fuzz: $(VENV)/dev.stamp ## the property tests, with many more examples
	$(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile=fuzz --timeout=0

test-all: ## the suite on each Python from 3.11 that is there (on PATH, or of pyenv)
	@for version in 3.11 3.12 3.13 3.14; do \
		found=; \
		for python in python$$version $(HOME)/.pyenv/versions/$$version.*/bin/python; do \
			if $$python -c '' 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then printf '\n== Python %s: not here\n' $$version; continue; fi; \
		printf '\n== Python %s: %s\n' $$version $$found; \
		$(MAKE) --no-print-directory suite stripped PYTHON=$$found VENV=.venv/$$version || exit 1; \
	done

clean: ## remove what the checks leave behind, not .venv
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* build dist site
