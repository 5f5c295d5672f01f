# Everything one does here, one target each. `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(wildcard methodologies backend miniprogram_api migrations wsgi.py tests tools bench)
TYPED := $(wildcard methodologies backend miniprogram_api wsgi.py tools)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test lint docs bench chaos lock clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-8s %s\n", $$1, $$2 }'

setup: ## virtual environment with what the program needs (PYTHON=… picks the interpreter)
	@$(PYTHON) tools/setup.py requirements.txt

setup-dev:
	@$(PYTHON) tools/setup.py requirements.txt requirements-dev.txt

run: setup ## the whole backend in sandbox mode; PORT, DATABASE_URL and REDIS_URL are honoured
	@exec $(BIN)/flask sandbox run

test: lint ## lint, then every test, on real PostgreSQL and Redis where they can be had
	$(BIN)/pytest -n auto --dist worksteal

lint: setup-dev ## style and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(TYPED)

docs: setup ## the catalogue of methodologies as a static site: build/docs/index.html
	@$(BIN)/python -m tools.catalogue build/docs

bench: setup-dev ## benchmarks; they print ratios, not promises
	$(BIN)/python -m bench

chaos: setup-dev ## events and a million operations on points under kills; CHAOS="--events 1000", BANK="--operations 50000"
	@$(BIN)/python -m bench.chaos $(CHAOS)
	@$(BIN)/python -m bench.chaos.bank $(BANK)

lock: ## new lock files from requirements*.in; the only target that needs uv
	@command -v uv >/dev/null || { echo "uv is needed: $(PYTHON) -m pip install uv"; exit 1; }
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt

# One lock for every platform and every Python from 3.11.0 on, saying nothing of where the packages came from.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## remove the virtual environment, what was built and every cache; data in instance/ stays
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
