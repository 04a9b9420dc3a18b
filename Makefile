# `make` on a machine with Python 3.11, 3.12 or 3.13 and nothing else prepared. `make help` tells what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# One stamp for one lock: another lock, another stamp, and the environment is brought up to date.
READY := $(VENV)/.ready-$(shell cksum < requirements.lock | cut -d' ' -f1)
export PATH := $(abspath $(BIN)):$(PATH)
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
PYTEST_ARGS ?=
# Two workers keep two cores busy: a build in SQL uses one. `make test WORKERS=0` runs in one process, where pdb works.
WORKERS ?= 2
# What sqlfluff can read: macros it cannot.
SQL := $(wildcard dbt_project/models dbt_project/tests dbt_project/analyses)

.PHONY: help demo test test-all test-spark test-bi lint format lock docs wheel clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[.a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv: $(READY) ## Make the Python environment from requirements.lock

# A name such as python3.12 may be a shim that does not run, so each candidate is run and asked its version.
$(READY):
	@python=""
	for candidate in $${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
	  then python="$$candidate"; break; fi
	done
	if [ -z "$$python" ]; then
	  echo "No Python 3.11, 3.12 or 3.13 with venv was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1
	fi
	if ! $(BIN)/python -c '' >/dev/null 2>&1; then
	  echo "Making $(VENV) with $$($$python --version) ..."; "$$python" -m venv --clear $(VENV)
	fi
	echo "Installing from requirements.lock (about 3 GB on disk, a few minutes the first time) ..."
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.ready-*
	touch $@
.ONESHELL:

demo: $(READY) ## Build the demo shop's forecasts and its report
	@salesfc demo

test: $(READY) ## Run the tests (the ones that take long are in test-all)
	@pytest -n $(WORKERS) $(PYTEST_ARGS)

test-all: $(READY) ## Run every test, the long ones too
	@pytest -m "" -n $(WORKERS) $(PYTEST_ARGS)

test-bi: $(READY) ## Drive Superset and Streamlit end to end (installs them beside .venv, 1.4 GB)
	@pytest -m "" tests/bi $(PYTEST_ARGS)

# Java 17 must be there. Spark goes into the same environment: its lock moves nothing that the other one names.
SPARK_READY := $(VENV)/.spark-ready-$(shell cksum < requirements-spark.lock | cut -d' ' -f1)
$(SPARK_READY): $(READY)
	@echo "Installing Spark (about 0.5 GB) ..."
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements-spark.lock
	rm -f $(VENV)/.spark-ready-*
	touch $@

test-spark: $(SPARK_READY) ## Install Spark beside the rest and run its tests
	@pytest -m "" tests/spark $(PYTEST_ARGS)

lint: $(READY) ## Check style, types, SQL and who imports whom
	@ruff check --quiet --output-format concise .
	ruff format --check --quiet . || { echo "Run 'make format'." >&2; exit 1; }
	mypy
	lint-imports --no-cache
	SALESFC_DB=:memory: sqlfluff lint --nocolor --disable-progress-bar $(SQL)

format: $(READY) ## Put Python and SQL into the house style
	@ruff check --fix --quiet . || true
	ruff format --quiet .
	SALESFC_DB=:memory: sqlfluff format --disable-progress-bar $(SQL)

lock: $(READY) ## Choose versions anew and write requirements.lock
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --upgrade --quiet \
	  --no-emit-package salesfc-plugin --no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock
	uv pip compile pyproject.toml --extra dev --extra spark --constraint requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --quiet --no-emit-package salesfc-plugin --no-emit-index-url --no-emit-find-links \
	  --no-header --output-file requirements-spark.lock

docs: $(READY) ## Build the documentation into site/, dbt's own in site/dbt.html
	@salesfc vars --markdown > docs/vars.md
	salesfc tables --markdown > docs/tables.md
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	mkdir -p output
	dbt --quiet docs generate --static
	cp target/static_index.html site/dbt.html
	echo "Documentation: $(abspath site/index.html)"

wheel: $(READY) ## Build the wheel into dist/
	@python -m hatchling build --target wheel

clean: ## Remove what is built; forecasts, models and reports in output/ stay
	@rm -rf target logs dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
