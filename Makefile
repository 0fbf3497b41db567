# CaseNet: `make demo` needs Python 3.11 or later and make; everything else is installed into .venv.
SHELL := /bin/bash
PORT ?= 8000
WORKERS ?= 2
BIN := .venv/bin
LOCK := env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_INDEX -u UV_FIND_LINKS \
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q
PAGE_SOURCES := $(shell find static casenet/words -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/__pycache__/*' 2>/dev/null)

.PHONY: demo demo-reset dev test check fix faults image-test bench lock clean page
.DELETE_ON_ERROR:

demo: .venv/.demo .venv/.casenet static/dist/.digest  ## start everything with an invented ward
	@exec $(BIN)/casenet demo --port $(PORT)

demo-reset: .venv/.demo .venv/.casenet  ## throw the demo's data away and start anew
	@$(BIN)/casenet demo --reset
	@$(MAKE) --no-print-directory demo

dev: .venv/.dev .venv/.casenet static/dist/.digest  ## an environment to work in
	@echo "Ready: source .venv/bin/activate, or make test."

test: dev check  ## everything that must hold; .ci/run calls this
	@.ci/chromium
	@.ci/step "The phone page's own tests" .ci/npm test
	@echo "── Tests"
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -q

check: dev  ## formats, lint, types, floors
	@.ci/step "Format" $(BIN)/ruff format --check .
	@.ci/step "Lint" $(BIN)/ruff check .
	@.ci/step "Floors" $(BIN)/lint-imports
	@.ci/step "Types (Python)" $(BIN)/pyright
	@.ci/step "Types (TypeScript)" .ci/npm run check

fix: .venv/.dev  ## format, and repair what can be repaired
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

faults: dev  ## kill -9 of everything, many rounds, and faults that last (FAULTS_ROUNDS=, FAULTS_SEED=)
	@$(BIN)/pytest tests/faults/rounds.py -q

image-test: .venv/.dev .venv/.casenet  ## build the image and walk docs/operating.md with it (Docker, ports 80 and 443)
	@$(BIN)/pytest tests/image/walk.py -q

bench: dev  ## measure what is promised (benchmarks/)
	@$(BIN)/python -m benchmarks

lock: .venv/.dev  ## write the lock files anew; a test holds that they name no host
	$(LOCK) pyproject.toml -o requirements/production.txt
	$(LOCK) --extra demo pyproject.toml requirements/demo.in -o requirements/demo.txt
	$(LOCK) --extra demo pyproject.toml requirements/demo.in requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/node.in -o requirements/node.txt

page: static/dist/.digest  ## build the phone page

clean:  ## remove everything that can be made again; the demo's data in var/ stays
	rm -rf .venv build dist static/dist static/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Stamps: what stands in .venv. The development set contains the demo's, so it counts for both.
.venv/.python:
	@.ci/environment python

.venv/.demo: requirements/demo.txt | .venv/.python
	@if [ .venv/.dev -nt requirements/dev.txt ]; then touch $@; else .ci/environment packages requirements/demo.txt $@; fi

.venv/.dev: requirements/dev.txt | .venv/.python
	@.ci/environment packages requirements/dev.txt $@

.venv/.casenet: pyproject.toml hatch_build.py | .venv/.python
	@.ci/environment project $@

static/dist/.digest: $(PAGE_SOURCES) hatch_build.py | .venv/.python
	@.ci/environment page
	@touch $@
