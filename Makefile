# The commands of this project. `make` alone lists them. No target needs root.
#
# Stamps under .make/ remember what is installed and built; each depends on the files it was made from,
# so a second `make run` skips straight to the server.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
WEB := ui/web
PAGE := $(WEB)/dist/index.html
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
WEB_INPUTS := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null | sed 's/ /\\ /g')

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help run test check fix docs bench gpu-check clean install web

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*  *## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: $(STAMPS)/runtime $(PAGE)  ## install what is missing, start the server, which fetches its model
	@exec $(BIN)/splice serve $(ARGS)

install: $(STAMPS)/dev $(PAGE)  ## install everything that the tests need

web: $(PAGE)  ## build the playground

test: install  ## everything that CI does
	@.ci/find-chromium >/dev/null
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(STAMPS)/dev $(STAMPS)/npm  ## lint, format, types, layers, front end
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	cd $(WEB) && npm run --silent check
	cd $(WEB) && npm test --silent

fix: $(STAMPS)/dev  ## repair what ruff can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMPS)/dev  ## write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

bench: $(STAMPS)/dev  ## list the benchmarks, or run one: make bench NAME=keystrokes ARGS="--trace FILE"
	$(BIN)/python -m benchmarks $(or $(NAME),--help) $(ARGS)

# On a machine with an NVIDIA GPU torch has to be a build with CUDA. That is what the index gives by default on
# Linux; where pip is set up for CPU builds, install another into $(VENV) over this one. Nothing else is downloaded.
gpu-check: $(STAMPS)/dev  ## the tests that need an NVIDIA GPU, and its table; without one: what was not run
	$(BIN)/python -m pytest -v -m gpu $(PYTEST_ARGS)
	$(BIN)/python -m benchmarks gpu $(ARGS)

clean:  ## remove what was installed and built here (models stay in the user's cache)
	rm -rf $(VENV) $(STAMPS) $(WEB)/node_modules $(WEB)/dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@.ci/make-venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# torch comes first and alone: any other package would choose its build for us.
$(STAMPS)/torch: $(STAMPS)/venv constraints.txt
	@echo "Installing torch (a large download on the first run)"
	@$(PIP) install "$$(grep '^torch==' constraints.txt)" 2> >(grep -v 'is ignored' >&2)
	@$(PIP) install -qq -c constraints.txt hatchling editables
	@touch $@

$(STAMPS)/runtime: $(STAMPS)/torch pyproject.toml
	@echo "Installing Splice"
	@$(PIP) install -qq --no-build-isolation -c constraints.txt -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/torch pyproject.toml
	@echo "Installing Splice with its tools"
	@$(PIP) install -qq --no-build-isolation -c constraints.txt -e '.[dev,benchmarks]'
	@touch $@ $(STAMPS)/runtime

$(STAMPS)/node:
	@.ci/find-node
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/npm: $(WEB)/package.json $(WEB)/package-lock.json | $(STAMPS)/node
	@echo "Installing the front end's packages"
	@cd $(WEB) && npm ci --include=dev --silent --no-audit --no-fund
	@touch $@

$(PAGE): $(STAMPS)/npm $(WEB_INPUTS)
	@echo "Building the playground"
	@cd $(WEB) && said=$$(npm run --silent build 2>&1) || { echo "$$said" >&2; exit 1; }
	@touch $@
