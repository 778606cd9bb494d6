.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.setup-done

.PHONY: help setup test test-api-schema test-sdk-oldest test-faults demo up bench-api bench-cpu bench-orchestrator bench-perf clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make demo VIDEO=mine.mp4 OUT=results/mine   your own video, a zip of videos, or several of them"

setup: $(READY) ## Install everything into .venv; needs only Python >= 3.11 with venv
	@echo "Ready. Now: make demo"

$(READY): uv.lock pyproject.toml sdk/pyproject.toml deploy/setup.sh
	@sh deploy/setup.sh
	@touch $@

test: $(READY) ## Run all checks: lint, format, types, import rules, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	@for model in model_repository/*/1/model.py; do $(BIN)/mypy $$model || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/pytest

test-api-schema: $(READY) ## Hold the API against its description for longer (EXAMPLES=100 per operation)
	MAREY_SCHEMA_EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/pytest tests/integration/test_api_schema.py

test-sdk-oldest: $(READY) ## Test the SDK on the oldest Python that it promises, if there is one here
	@sh sdk/test_oldest.sh

test-faults: $(READY) ## Hurt a running stack in every known way (SEEDS=5: five times each, SEEDS=5-9: other instants, SHARDS=8: in as many processes)
	MAREY_FAULT_SEEDS=$(or $(SEEDS),1) $(BIN)/$(if $(SHARDS),python -m tests.faults.shards $(SHARDS),pytest tests/faults)

demo: $(READY) ## Track the athletes of examples/clips (or VIDEO=...) and write the results (OUT=...)
	@$(BIN)/marey demo $${VIDEO:+--video "$$VIDEO"} $${OUT:+--out "$$OUT"}

up: $(READY) ## Run the whole service here until Ctrl-C
	@$(BIN)/marey up

bench-cpu: $(READY) ## Compare the service with a hand-written script on this machine
	@$(BIN)/python -m bench.cpu

bench-api: $(READY) ## Measure the API beside a bare route with the same SQL
	@$(BIN)/python -m bench.api

bench-orchestrator: $(READY) ## Measure what a frame batch costs beside its inference
	@$(BIN)/python -m bench.orchestrator

bench-perf: $(READY) ## Put Triton under NVIDIA's perf_analyzer, the ensemble and each network
	@sh bench/perf_setup.sh
	@$(BIN)/python -m bench.perf

clean: ## Remove the environments and caches; results and service data stay
	rm -rf .venv .venv-oldest .uv .perf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
