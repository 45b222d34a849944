# From a fresh clone, with Python 3.11 or newer and make: `make demo` or `make test`. Each command makes the environment
# it needs in .venv (once) and says what it does. Another interpreter: make test PYTHON=python3.12. Another Qt binding:
# make test QT=pyside6.

PYTHON ?=
QT ?= pyqt6
BIN := .venv/bin
ENVIRONMENT := PYTHON="$(PYTHON)" QT="$(QT)" scripts/environment.sh

# Every warning is an error; -n: so is a name that leads nowhere.
SPHINX := $(BIN)/python -m sphinx -W -n --keep-going

.PHONY: help demo test fuzz lint napari bench pictures docs docs-links clean

help:
	@echo "make demo     refine the bundled samples, print scores, draw pictures into demo-output/"
	@echo "make test     run the tests"
	@echo "make fuzz     pass 50 000 things at random to everything that is public (an hour)"
	@echo "make lint     check style (ruff), types (mypy), words (typos) and workflows (zizmor)"
	@echo "make napari   open napari with the plugin and a sample"
	@echo "make bench    run the benchmarks: tables on the terminal, JSON into benchmark-output/ (up to an hour)"
	@echo "make pictures draw the pictures of README and pages anew, from the samples in napari"
	@echo "make docs     build the site into docs/_build/html: runs tutorials and examples, needs no network"
	@echo "make docs-links  follow every link of the site (needs the network)"
	@echo "make clean    remove .venv and everything the commands made"

demo: .venv/.made-base
	@$(BIN)/napari-coarse-crf demo

test: .venv/.made-dev
	@echo "Running the tests"
	@scripts/run-tests.sh $(BIN)/python

fuzz: .venv/.made-dev
	@echo "Passing 50 000 things at random to everything that is public, for an hour or so"
	@FUZZ_EXAMPLES=50000 $(BIN)/python -m pytest tests/fuzz -q

lint: .venv/.made-dev
	@echo "Checking style, types, words and workflows"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/typos
	@$(BIN)/zizmor --offline --quiet .github

napari: .venv/.made-napari
	@echo "Opening napari"
	@$(BIN)/python scripts/open_napari.py

bench: .venv/.made-dev
	@$(BIN)/python benchmarks/bench.py
	@scripts/on-a-display.sh $(BIN)/python benchmarks/responsiveness.py
	@scripts/on-a-display.sh $(BIN)/python benchmarks/plugin_memory.py
	@scripts/on-a-display.sh $(BIN)/python benchmarks/rounds.py
	@scripts/on-a-display.sh $(BIN)/python benchmarks/soak.py

pictures: .venv/.made-dev
	@echo "Drawing the pictures of README and pages"
	@scripts/on-a-display.sh $(BIN)/python scripts/pictures.py

docs: .venv/.made-docs
	@echo "Building the site into docs/_build/html"
	@$(SPHINX) -b html docs docs/_build/html
	@echo "It begins with docs/_build/html/index.html"

docs-links: .venv/.made-docs
	@echo "Following the links"
	@$(SPHINX) -b linkcheck docs docs/_build/linkcheck

clean:
	@echo "Removing .venv, caches and what the commands made"
	@rm -rf .venv build dist demo-output benchmark-output .coverage coverage.xml docs/_build docs/generated
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made-%: pyproject.toml scripts/environment.sh scripts/system-packages.sh
	@$(ENVIRONMENT) $*
