# Everything runs in .venv, which is made on first use. `make demo` and `make test` are all you need.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
MANIFESTS := requirements-dev.txt constraints.txt pyproject.toml core/pyproject.toml $(wildcard plugins/*/pyproject.toml)

.PHONY: install demo test lint format bench docs clean

install: $(STAMP)

$(STAMP): $(MANIFESTS)
	@echo "== installing traits and its plugins into .venv (once; a few minutes on a new machine)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(STAMP)
	@echo "== k-means on 1,911 emoji: extract, train, materialize, probe, report"
	@$(BIN)/traits run --config docs/demo.toml

test: $(STAMP)
	@echo "== the full test suite"
	@$(BIN)/pytest -n 2 --dist worksteal

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

bench: $(STAMP)
	@for script in benchmarks/*.py; do $(BIN)/python $$script --json; done

docs: $(STAMP)
	@$(BIN)/pytest tests/docs

clean:
	rm -rf .venv traits-home .pytest_cache .mypy_cache .ruff_cache .hypothesis
