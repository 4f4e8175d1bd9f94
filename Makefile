# make demo and make test are all a newcomer needs; make check is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ZOO := $(BIN)/zoo --home .demo
STEPS ?= 400

.PHONY: demo test check docs format clean

$(BIN)/.installed: pyproject.toml zoo/engine/native.c zoo/engine/product.h
	@echo "installing into $(VENV): about a gigabyte, for torch; a minute or two"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(BIN)/.installed-dev: pyproject.toml $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(BIN)/.installed  ## the main job on real text, in a home of its own (.demo)
	@PATH="$(CURDIR)/$(BIN):$$PATH" STEPS=$(STEPS) sh docs/demo.sh

test: $(BIN)/.installed-dev  ## the tests
	$(BIN)/python -m pytest -n 2 -q

check: $(BIN)/.installed-dev  ## format, lint, types, layers, docs in step, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check -I docs README.md docs/*.md
	$(MAKE) test

docs: $(BIN)/.installed-dev  ## write the generated parts of README.md and docs/
	$(BIN)/cog -r -I docs README.md docs/*.md

format: $(BIN)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .demo build dist *.egg-info
