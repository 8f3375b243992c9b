# Everything a developer runs. Needs Python 3.11 or newer and make; the first target sets up .venv by itself.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROOTS := schemas/foldlog engine/foldlog processors/foldlog connectors/foldlog connectors/foldlog_pytest
CODE := $(ROOTS) tests benchmarks examples .ci
# Kills of `make chaos`.
N ?= 200
# Processes of `make test`. Most tests of tests/integration wait: three left a quarter of two cores idle.
JOBS ?= 4
# The commit that `make bench` compares with; without one, it is the bare loop.
BASE ?=

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format bench dev chaos clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## Set up .venv with the versions of constraints.txt.

# The stamp is newer than what it was made from, or it is made again.
$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "foldlog needs Python 3.11 or newer: rm -r $(VENV), then make PYTHON=python3.11 venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt \
		--editable '.[dev]'
	@touch $@

demo: $(READY) ## Run thousands of real orders through durable workflows on a real Kafka.
	$(BIN)/python -m examples.order.demo

test: $(READY) ## Run every test, in JOBS=4 processes beside a real Kafka that they share.
	$(BIN)/foldlog dev --port 0 -- $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint: $(READY) ## Check style, types, lengths, and the files of docker/.
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/python .ci/check_lengths.py $(CODE)
	$(BIN)/foldlog check examples benchmarks
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml
	$(BIN)/kubernetes-validate --quiet --strict docker/kubernetes.yaml

format: $(READY) ## Rewrite the code in the project's style.
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(READY) ## Measure against a bare loop, or with BASE=COMMIT against that commit.
	$(BIN)/python -m $(if $(BASE),benchmarks.regression --base '$(BASE)',benchmarks.throughput)

dev: $(READY) ## Run a Kafka with foldlog's topics on 127.0.0.1:9092 until Ctrl-C.
	$(BIN)/foldlog dev

chaos: $(READY) ## Kill processes at random N times and check every invariant (N=200).
	$(BIN)/python -m tests.integration.processor.chaos --kills $(N)

clean: ## Delete caches and what was built; .venv stays.
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .foldlog dist build
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
