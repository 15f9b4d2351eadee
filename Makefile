# User commands. They write to .venv, data_root/ and dagster_home/ of this checkout.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
# Most tests mainly wait, and half a dozen start many processes.
TEST_WORKERS ?= 2
BIN := .venv/bin
INSTALLED := .venv/.installed
MIGRATED := dagster_home/.migrated

export DAGSTER_HOME := $(CURDIR)/dagster_home
export ECG_ASSETS_DATA ?= $(CURDIR)/data_root
# Hundreds of processes import the same modules; the environment may disable Python's bytecode cache.
unexport PYTHONDONTWRITEBYTECODE
# Dagster's command line starts the code server with the first `python` on PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo ui test soak tpu-check lint types bench clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18
	@echo
	@echo "  Real records:  ECG_SOURCE=/folder/with/train.csv make demo   (ECG_RECORDS=50 reads at most 50)"

setup: $(INSTALLED) $(MIGRATED) ## Create .venv with the pinned dependencies, and Dagster's database

demo: setup ## Materialise every asset once, from synthetic records (or ECG_SOURCE) to an evaluated checkpoint
	@"$(BIN)/ecg-assets" demo

ui: setup ## Start Dagster's UI and daemon on http://127.0.0.1:3000
	"$(BIN)/ecg-assets" ui --port 3000

test: setup lint types ## Run lint, type checks and the whole test suite
	"$(BIN)/pytest" -n $(TEST_WORKERS) --dist loadgroup --no-loadscope-reorder

soak: setup ## Test long series of kills and cancels at random moments, and 10,000 damaged files
	"$(BIN)/pytest" -m soak

tpu-check: $(INSTALLED) ## Check the shipped configs with the TPU compiler; the first time takes most of an hour
	"$(BIN)/python" -m benchmarks.speed.tpu_plans

lint: $(INSTALLED)
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/lint-imports" --no-cache

types: $(INSTALLED)
	"$(BIN)/mypy"

bench: $(INSTALLED) ## Measure speed (docs/benchmarks.md) and the cost of Dagster (docs/cost.md)
	OMP_NUM_THREADS=1 "$(BIN)/python" -m benchmarks.speed.run
	OMP_NUM_THREADS=1 "$(BIN)/python" -m benchmarks.dagster.cost

$(INSTALLED): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || { \
	  echo "\"$(PYTHON)\" is $$("$(PYTHON)" --version 2>&1); Python 3.11 or 3.12 is needed." >&2; \
	  echo "Install one and name it:  make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11" >&2; exit 1; }
	@test -x "$(BIN)/python" || "$(PYTHON)" -m venv .venv || { \
	  echo "\"$(PYTHON)\" cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned dependencies into .venv (the first time some gigabytes are downloaded)"
	@"$(BIN)/python" -m pip install --disable-pip-version-check --no-input -c constraints.txt -e '.[dev]' \
	  | sed -u -n -E 's/^ +Downloading ([^ ]+) (\(.*\)).*/  \1 \2/p; s/^(Installing collected packages|Successfully installed).*/  \1/p'
	@touch $@

# Two concurrent first runs on a fresh home crash, so the databases are created here, once, under a lock.
$(MIGRATED): $(INSTALLED)
	@flock dagster_home/.lock bash -c 'test "$@" -nt "$(INSTALLED)" || \
	  { echo "Preparing dagster_home"; "$(BIN)/dagster" instance migrate >dagster_home/.migrate.log 2>&1 || \
	  { cat dagster_home/.migrate.log >&2; exit 1; }; touch "$@"; }'

clean: ## Remove .venv and caches; keep data_root/ and Dagster's history
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build ./*.egg-info
	find ecg_assets ecg_assets_tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Kept: results in data_root/ and Dagster's history in dagster_home/; remove them by hand"
