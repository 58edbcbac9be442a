# Every command of a developer. `make` alone prints this list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
.PHONY: help setup demo smoke soak test test-fast coverage soak-model mutants mutants-rest lint types migrations audit bench bench-quick bench-full lock clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Install everything that is needed; quick when nothing changed
	@bin/setup

demo: setup ## Run the whole app in a sandbox shop; Ctrl-C stops it (DEMO_PORT moves its ports)
	@exec bin/demo

smoke: setup ## Drive the main job with real purchases and compare every balance
	@exec bin/smoke

soak: setup ## Kill processes under load and compare every balance (LONG=1: a long one; SEED=n: the same again)
	@LONG="$(LONG)" SEED="$(SEED)" bin/soak

test: lint types migrations ## Run every check: what CI runs
	@$(PY) -m pytest -n 2 --dist loadgroup
	@bin/smoke
	@bin/soak

test-fast: lint types migrations ## The checks to run while working: no browser, no whole journeys
	@$(PY) -m pytest -n 2 --dist loadgroup -m "not slow"

coverage: setup ## The tests, and what of the code they leave out; judges nothing
	@$(PY) -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

soak-model: setup ## Long stories for app and reference ledger, a million refund histories (STEPS, SEED, REFUNDS)
	@MODEL_STEPS=$(or $(STEPS),100000) MODEL_SEED=$(SEED) MODEL_REFUNDS=$(or $(REFUNDS),1000000) \
		$(PY) -m pytest -n 0 -s tests/model

mutants: setup ## Change the pure modules in 2,700 ways and see that a test notices each; minutes
	@$(PY) -m pip install -q --disable-pip-version-check mutmut==3.8.1
	@HYPOTHESIS_PROFILE=mutants REDIS_URL=redis://127.0.0.1:1/0 $(PY) -m mutmut run --max-children 2
	@$(PY) -m mutmut results

mutants-rest: setup ## Random changes of the rest, judged with a database; resumable, hours (SEED, COUNT)
	@$(PY) -m pip install -q --disable-pip-version-check mutmut==3.8.1
	@HYPOTHESIS_PROFILE=mutants bin/mutants-rest $(or $(SEED),1) $(or $(COUNT),300)

lint: setup ## Style, and the direction of imports
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports

types: setup ## Static types
	@$(PY) -m mypy

migrations: setup ## No model change without its migration
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run

audit: setup ## Check the ledger's invariants in the database
	@bin/manage audit

bench: setup ## Measure the speed beside that of other ways, in some 25 minutes (NAMES="ack me": only these)
	@$(PY) -m bench usual $(NAMES)

bench-quick: setup ## The same with little work and one run each, in less than 5 minutes
	@$(PY) -m bench quick $(NAMES)

bench-full: setup ## The same with ten million movements; needs 15 GB free
	@$(PY) -m bench full $(NAMES)

lock: setup ## Pin requirements.in and requirements-dev.in with hashes
	@bin/lock

clean: ## Remove what was installed and built; the data folder var/ stays
	@rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
