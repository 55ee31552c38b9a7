# The commands of the project. `make study` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= python3
CORES ?= $(shell nproc)
VENV := .venv
INSTALLED := $(VENV)/.installed
VALIDATOR := .venv-validator/.installed
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help environments study test test-parts test-workflows test-slurm faults kills archive-changes check figures bench bench-scale lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

study: $(INSTALLED) ## run the studies of config/config.yaml, to results/<study>/report.html
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES)

test: $(INSTALLED) $(VALIDATOR) ## run the tests
	@$(MAKE) --no-print-directory --jobs 2 test-parts test-workflows

test-parts: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest -n $(CORES) --dist loadscope --ignore tests/workflow --ignore tests/faults

# Whole workflows share their long runs, so one process has them all; most of them keep one core busy,
# which leaves the others to the tests of the parts.
test-workflows: $(INSTALLED) $(VALIDATOR)
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest tests/workflow tests/faults

test-slurm: $(INSTALLED) ## run the tests that start a Slurm cluster (needs root and Slurm's packages)
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest tests/slurm

faults: $(INSTALLED) ## damage every file of a finished study in every way, one run of Snakemake for each
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest tests/faults/every_fault.py

kills: $(INSTALLED) ## kill whole runs a hundred times at random moments
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest -s tests/faults/every_kill.py

archive-changes: $(INSTALLED) ## change an archive five hundred times, with every hash computed anew
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest -s tests/workflow/every_archive_change.py

check: $(INSTALLED) ## linters, formatters and the type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

figures: $(INSTALLED) ## draw the playbook's figures anew, to docs/figures/ and docs/figures.md
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m figures --cores $(CORES)

bench: $(INSTALLED) ## measure what the workflow costs against a bare script, as ratios
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m benchmarks

bench-scale: $(INSTALLED) ## measure studies of 100, 1,000 and 10,000 trials
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m benchmarks.scale

lock: ## resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --extra slurm --extra cluster-generic --extra dev --custom-compile-command 'make lock' --quiet pyproject.toml -o requirements.lock
	echo roc-validator==0.13.0 | uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --quiet - -o tests/archive/validator.lock
	echo pip==26.3 | uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --quiet - -o envs/pip.lock

clean: ## remove the environments; results stay
	rm -rf $(VENV) $(dir $(VALIDATOR))

environments: $(INSTALLED) $(VALIDATOR)

# The pip that comes with Python 3.11 spends most of an installation on looking through what the index
# has for other machines; a newer one comes first, pinned like all the rest.
PINNED := --quiet --no-compile --require-hashes
define new_environment
$(PYTHON) -m venv --clear $(1)
$(1)/bin/python -m pip install $(PINNED) -r envs/pip.lock
$(1)/bin/python -m pip install $(PINNED) -r $(2)
endef

# Bytecode is compiled here once, whatever PYTHONDONTWRITEBYTECODE says: without it every start of
# Snakemake compiles its own sources again. The packages' own tests are nothing that anyone imports.
$(INSTALLED): requirements.lock envs/pip.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(call new_environment,$(VENV),requirements.lock)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib src
	touch $@

# What checks the RO-Crate of an archive wants older packages than ours, so it has an environment of
# its own. Without it its test is skipped.
$(VALIDATOR): tests/archive/validator.lock envs/pip.lock
	$(call new_environment,$(@D),$<)
	touch $@
