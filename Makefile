# `make` alone lists the targets, grouped in the order of use.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

# Python 3.13: on PATH, or pyenv's, even where pyenv is not set up or another version is chosen.
PYTHON := $(shell for python in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python3.13 /usr/local/bin/python3.13 \
    /usr/bin/python3.13 /opt/homebrew/bin/python3.13 python3; do \
    "$$python" -c 'import sys; sys.version_info[:2] == (3, 13) or sys.exit(1); print(sys.executable)' 2>/dev/null \
    && break; done)
# The functions' processor in AWS. What runs on this machine is built for this machine.
ARCHITECTURE ?= arm64
UV := $(CURDIR)/.venv-tools/bin/uv
SAM := $(CURDIR)/.venv-tools/bin/sam
RUN := .venv/bin/python -m

# Nothing but what a lock names by its hash, and nothing that would run code of its own to be built.
SYNC := $(UV) pip sync --quiet --require-hashes --only-binary :all:

# One environment for one purpose; rebuilt when its lock has changed.
TOOLS := .venv-tools/.made
DEV := .venv/.made
PROJECT := .venv/.installed
LOCAL := .venv-local/.made
FUZZ := .venv-fuzz/.made
SCAN := .venv-scan/.made

# Tests start many processes: Python's bytecode is cached, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
export SAM_CLI_TELEMETRY := 0
export ARCHITECTURE
export UV

.PHONY: help
help: # The list of targets: those with ##, under their groups ##@
	@awk -F ':.*## ' '/^##@ / {printf "%s%s\n", gap, substr($$0, 5); gap = "\n"} \
	    /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it

.PHONY: run
run: setup ## Play a busy trading hour of each brand through the whole stack, and compare every order
	@$(RUN) tools.local.run

.PHONY: up
up: setup ## Keep the stack running on this machine until Ctrl-C, and show what arrives
	@$(RUN) tools.local.up

.PHONY: orders
orders: setup ## Have the simulated platform of `make up` place orders and drop some of their webhooks
	@$(RUN) tools.local.orders

.PHONY: orders-to-pick
orders-to-pick: setup ## Have the simulated platform of `make up` place orders that wait for answers
	@$(RUN) tools.local.orders_to_pick

.PHONY: catalogue
catalogue: setup ## Have the simulated platform of `make up` open a store of 500 products, and write lists to load
	@$(RUN) tools.local.catalogue

.PHONY: sftp-server
sftp-server: setup ## Be the SFTP server of the platform of `make up`, and pick up what the uploader sends (needs OpenSSH)
	@$(RUN) tools.local.sftp

.PHONY: invoke
invoke: setup ## Call a function of `make up` with EVENT=events/webhook/received.json, in Docker if it runs and DOCKER is not 0
	@$(if $(EVENT),,$(error name the event: make invoke EVENT=events/webhook/received.json))$(RUN) tools.local.invoke "$(EVENT)"

##@ Work on it

.PHONY: dev
dev: setup ## Set up, and run the quick checks before each commit (.pre-commit-config.yaml)
	@.venv/bin/pre-commit install

.PHONY: test
test: setup ## All tests but the slow ones, within 3 minutes
	@$(RUN) pytest -q -n auto --dist loadgroup -m "not slow" --hypothesis-profile=test $(ARGS)

.PHONY: test-fast
test-fast: setup ## The unit and property tests, within half a minute
	@$(RUN) pytest -q -n auto --dist loadgroup -m "not slow" --hypothesis-profile=fast tests/unit tests/property $(ARGS)

.PHONY: watch
watch: setup ## At each save, the tests beside the changed file (or ARGS=tests/unit/orders), mostly within three seconds
	@$(RUN) tools.watch $(ARGS)

.PHONY: verify
verify: lint ## Lint and every test, in half an hour on two cores
	@$(MAKE) --output-sync=none -j2 verify-edges verify-the-rest

# Two of about the same length, side by side.
.PHONY: verify-edges verify-the-rest
verify-edges:
	@$(RUN) pytest -q tests/integration tests/e2e $(ARGS)
verify-the-rest:
	@$(RUN) pytest -q tests/unit tests/property tests/contracts tests/tools tests/console $(ARGS)

.PHONY: format
format: setup ## Put the code into the one style
	@$(RUN) ruff check --quiet --fix .
	@$(RUN) ruff format --quiet .

# Side by side, the longest first. All of them run, whichever fails.
LINT := lint-template lint-types lint-policies lint-secrets lint-style lint-imports lint-locks
.PHONY: lint $(LINT)
lint: setup $(SCAN) ## Style, types, imports, the template, the locks, and secrets that should not be there
	@$(MAKE) --keep-going --output-sync=target -j4 $(LINT)
lint-template:
	@$(SAM) validate --lint
	@$(SAM) validate --lint --template-file catalogue.yaml
lint-types:
	@$(RUN) mypy
lint-policies:
	@.venv-scan/bin/checkov --config-file tools/supply_chain/checkov.yaml
lint-secrets:
	@$(RUN) tools.supply_chain.secret_scan
lint-style:
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --quiet --check .
lint-imports:
	@report=$$(.venv/bin/lint-imports --no-cache --no-logo) || { echo "$$report"; exit 1; }
lint-locks:
	@$(RUN) tools.supply_chain.rules

SEEDS ?= 200
FROM ?= 1
.PHONY: simulate
simulate: setup ## Break everything that can break, seed after seed: SEEDS=200 FROM=1, or SEED=7 to replay one
	@$(RUN) tools.simulation \
	    $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --from $(FROM)) $(ARGS)

.PHONY: mutants
mutants: setup ## Plant bugs in our code and see each one caught
	@$(RUN) tools.simulation.mutants $(ARGS)

.PHONY: promises
promises: setup ## Break each promise of README and guarantees, and see its test fail
	@$(RUN) tools.promises $(ARGS)

.PHONY: coverage
coverage: setup ## Which lines and branches the tests run, and which tests cannot fail
	@$(RUN) tools.coverage $(ARGS)

.PHONY: mutation
mutation: setup ## Change one thing at a time in our code and templates, and see a test notice (ARGS="--only answers.rules")
	@$(RUN) tools.mutation $(ARGS)

FUZZ_SECONDS ?= 600
.PHONY: fuzz
fuzz: $(FUZZ) ## Strange input for FUZZ_SECONDS=600, or REPLAY=tests/tools/fuzz/corpus/... to try one again
	@PYTHONPATH=layers/partner_orders:. .venv-fuzz/bin/python -m tools.fuzz \
	    $(if $(REPLAY),--replay $(REPLAY),--seconds $(FUZZ_SECONDS)) $(ARGS)

.PHONY: bench
bench: setup ## Measure what we cost beside the floor and the peer: docs/performance.md, in half an hour
	@$(RUN) tools.bench $(ARGS)

RATE ?= 50
MINUTES ?= 3
.PHONY: load
load: setup ## Post RATE=50 events a second for MINUTES=3 to a stack of its own, and account for each: on this machine, or ENV=staging
	@$(RUN) tools.load $(or $(ENV),local) --rate $(RATE) --minutes $(MINUTES) $(ARGS)

.PHONY: events
events: setup ## Write events/ again, from what the simulated platform would send
	@$(RUN) tools.local.events

.PHONY: screenshots
screenshots: setup ## Draw the pictures of docs/images/ from a run on this machine (needs Chromium)
	@$(RUN) tools.local.screenshots

.PHONY: setup
setup: $(TOOLS) $(DEV) $(PROJECT) $(LOCAL) ## Make the environments that the other targets need (they call this themselves)

LOCK := pip compile --quiet --upgrade --python-version 3.13 --generate-hashes --no-header
.PHONY: lock
lock: $(TOOLS) ## Lock the newest versions of all packages, with hashes
	@$(UV) $(LOCK) --universal layers/partner_orders/requirements.in -o layers/partner_orders/requirements.txt
	@$(UV) $(LOCK) --python-platform aarch64-manylinux2014 layers/sftp/requirements.in -o layers/sftp/requirements.txt
	@for name in uv tools dev local fuzz scan bench; do $(UV) $(LOCK) --universal requirements/$$name.in -o requirements/$$name.txt; done

.PHONY: audit
audit: $(SCAN) ## Ask the advisory database about every locked package (needs the internet)
	@for lock in layers/*/requirements.txt requirements/*.txt; do \
	    case $$lock in */denied.txt) continue;; esac; echo "audit: $$lock"; \
	    .venv-scan/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $$lock; done

.PHONY: clean
clean: ## Remove what was built and cached; the environments stay
	@rm -rf .aws-sam .local .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find functions layers partner_orders_console tools tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

##@ Deliver it

.PHONY: build
build: $(TOOLS) ## Build for AWS and open what was built; `make deploy` does this itself
	@.venv-tools/bin/python -m tools.deploy.build $(ARCHITECTURE)

.PHONY: deploy
deploy: setup ## Build, check, deploy and examine a stack: ENV=staging, or ENV=local for the one of `make up`
	@$(if $(ENV),,$(error name an environment of samconfig.toml: make deploy ENV=staging))$(RUN) tools.deploy "$(ENV)" $(ARGS)

.PHONY: deploy-catalogue
deploy-catalogue: setup ## The same for the catalogue beside a deployed stack: ENV=staging, or ENV=local
	@$(if $(ENV),,$(error name an environment of samconfig.toml: make deploy-catalogue ENV=staging))$(RUN) tools.deploy "$(ENV)" --catalogue $(ARGS)

.PHONY: smoke
smoke: setup ## Deploy a stack of its own, try it, and remove it: ENV=staging, or ENV=local
	@$(if $(ENV),,$(error name an environment of samconfig.toml: make smoke ENV=staging))$(RUN) tools.deploy "$(ENV)" --smoke $(ARGS)

DIST ?= dist
.PHONY: wheel
wheel: setup ## Build the command line as a wheel, into DIST=dist
	@$(UV) build --quiet --wheel --offline --no-build-isolation --python .venv --out-dir $(DIST) .

.PHONY: python
python:
	@$(if $(PYTHON),,$(error Python 3.13 is needed, with venv: from your system, or by pyenv install 3.13))

$(TOOLS): requirements/uv.txt requirements/tools.txt | python
	@echo "setup: tools that build and deploy"
	@test -x $(UV) || { "$(PYTHON)" -m venv .venv-tools \
	    && .venv-tools/bin/python -m pip install --quiet --disable-pip-version-check \
	        --require-hashes --only-binary :all: -r requirements/uv.txt; }
	@$(SYNC) --python .venv-tools requirements/tools.txt
	@touch $@

$(DEV): requirements/dev.txt $(TOOLS)
	@echo "setup: packages, tests and checks"
	@test -x .venv/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .venv
	@$(SYNC) --python .venv $<
	@touch $@

# Built by the locked build backend, without asking any index.
$(PROJECT): pyproject.toml $(DEV)
	@$(UV) pip install --quiet --python .venv --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(LOCAL): requirements/local.txt $(TOOLS)
	@echo "setup: the local AWS"
	@test -x .venv-local/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .venv-local
	@$(SYNC) --python .venv-local $<
	@touch $@

$(FUZZ): requirements/fuzz.txt $(TOOLS)
	@echo "setup: the fuzzer"
	@test -x .venv-fuzz/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .venv-fuzz
	@$(SYNC) --python .venv-fuzz $<
	@touch $@

$(SCAN): requirements/scan.txt $(TOOLS)
	@echo "setup: the scanners"
	@test -x .venv-scan/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .venv-scan
	@$(SYNC) --python .venv-scan $<
	@touch $@
