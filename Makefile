# One command each on a fresh Linux machine with Python >= 3.11, make and a C compiler.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LITELLM := .venv-litellm
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test eval calibrate mutations lint format debian parts clean

help:            ## show this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 12

$(VENV)/demo.stamp: pyproject.toml
	@echo "installing into $(VENV) (first run: about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/engines.stamp: $(VENV)/demo.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo,engines]'
	@touch $@

$(VENV)/kubernetes.stamp: $(VENV)/demo.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo,kubernetes]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp
	@echo "installing what the tests need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check --group test
	@touch $@

$(LITELLM)/stamp: tests/support/litellm_requirements.txt
	@echo "installing LiteLLM for the tests of its route target into $(LITELLM) ..."
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile -r $<
	@touch $@

demo: $(VENV)/demo.stamp $(if $(findstring llamacpp,$(ARGS)),$(VENV)/engines.stamp) $(if $(findstring httproute,$(ARGS)),$(VENV)/kubernetes.stamp) ## run the demonstration: drift, rollback, proof (ARGS="--headless --json")
	@$(BIN)/fullback demo $(ARGS)

debian:          ## install the Debian packages that some tests use (needs root)
	@sh tests/install_debian.sh

parts: $(VENV)/test.stamp ## start building the real parts that take minutes, beside whatever else runs
	@nohup $(BIN)/python -m tests.support.apiserver >/dev/null 2>&1 &

lint: $(VENV)/test.stamp ## style, types, import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/test.stamp ## rewrite the sources in the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Whole demonstrations run last and alone: they measure time. 5 is "no test selected", which ARGS may well mean.
test: debian parts lint $(LITELLM)/stamp ## everything the tests need, then every test (ARGS="-k name")
	@$(BIN)/pytest -m "not alone" --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS) || [ $$? -eq 5 ]
	@$(BIN)/pytest -m alone $(ARGS) || [ $$? -eq 5 ]

eval: $(VENV)/test.stamp ## how far signals agree with labelled data (DATA=folder with refusals/, corrections/, structured/)
	@test -d "$(DATA)" || { echo "make eval DATA=folder: a folder with refusals/, corrections/ and structured/"; exit 2; }
	@$(BIN)/python -m tests.agreement.refusal_eval "$(DATA)/refusals"
	@$(BIN)/python -m tests.agreement.correction_eval "$(DATA)/corrections"
	@$(BIN)/python -m tests.agreement.schema_suite "$(DATA)/structured" --generated 800
	@$(BIN)/python -m tests.agreement.repetition_eval --texts 40

calibrate: $(VENV)/demo.stamp ## prove the statistical promises by simulation (twenty minutes; ARGS=--quick: a minute)
	@$(BIN)/fullback calibrate $(ARGS)

mutations: $(VENV)/test.stamp $(LITELLM)/stamp ## break the code in some 360 ways and see a named test notice each (an hour; ARGS=statistics: a part)
	@$(BIN)/python -m tests.mutations $(ARGS)

clean:           ## remove the virtual environment and caches
	@rm -rf $(VENV) $(LITELLM) .pytest_cache .mypy_cache .ruff_cache .hypothesis
