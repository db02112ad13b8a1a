# make demo   the whole pipeline on the built-in demo, then where the report is
# make test   the whole test suite
# make lint   formatting, lint, types
PYTHON ?= python3
VENV   ?= .venv
# Stages run as `python -m stages.…`: the environment's python must come first.
export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: demo test lint install
demo: install
	dvc repro
	@echo
	@echo "The report: file://$(abspath reports/index.html)"

test: install
	pytest

lint: install
	ruff format --check stages tests
	ruff check stages tests
	mypy

install: $(VENV)/.installed

# The weights come with the install: everything after it works offline.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("llmvs needs Python 3.11 or newer; name one with make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	$(VENV)/bin/llmvs weights
	touch $@
