# Each target sets up what it needs. `make demo` and `make test` are the two commands of the README.
VENV := .venv
PYTHON := $(VENV)/bin/python
SHELL := /bin/bash

.PHONY: demo test test-fast lint docs pictures clean system

demo: $(VENV)/.installed
	$(VENV)/bin/khabar demo

# Two processes share the tests, file by file: while one waits for a server or a browser, the other works.
test: lint $(VENV)/.installed-test system
	$(PYTHON) -m pytest -n 2 --dist loadfile

test-fast: $(VENV)/.installed-test
	$(PYTHON) -m pytest -m "not live and not slow" -q

lint: $(VENV)/.installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/.installed
	$(PYTHON) docs/reference.py > docs/commands.md

# The README's pictures, from the demonstration's own pages in a real Chromium.
pictures: $(VENV)/.installed-test system
	$(PYTHON) docs/pictures.py

clean:
	rm -rf $(VENV) .venv-bench khabar-demo dist .khabar

# Debian's Chromium, Arabic fonts and PostgreSQL for the tests; needs root (or sudo) only when they are missing.
system:
	@command -v chromium >/dev/null && fc-list 2>/dev/null | grep -q "Noto Naskh Arabic" && \
	  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  { s=$$( [ $$(id -u) = 0 ] || echo sudo ); $$s apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $$s apt-get install -y -qq chromium fonts-noto-core fontconfig git postgresql >/dev/null; }

$(VENV)/bin/python:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "khabar needs Python 3.11 or newer" >&2; exit 2; }
	@python3 -m venv $(VENV) 2>/dev/null || \
	  { rm -rf $(VENV); s=$$( [ $$(id -u) = 0 ] || echo sudo ); $$s apt-get update -qq && \
	    $$s apt-get install -y -qq python3-venv >/dev/null && python3 -m venv $(VENV); }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing khabar into $(VENV) (about a minute the first time)"
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing khabar and what its tests need into $(VENV)"
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/.installed

# Run the demonstration, and keep its simulated judgements as the repository's own.
.PHONY: demo-annotations
demo-annotations: demo
	cp khabar-demo/annotations/demo/*.jsonl annotations/demo/
	cp khabar-demo/annotations/splits.jsonl annotations/

# Compare the text core with other tools, in an environment of their own; a tool that does not install is
# reported as not run. camel-tools goes in without what its models need, which is gigabytes.
BENCH := .venv-bench
MB := 20
PIP_BENCH = $(BENCH)/bin/python -m pip install -qq --disable-pip-version-check
.PHONY: bench
bench: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/text.py --mb $(MB) $(if $(OLD),--old $(OLD)) --json

$(BENCH)/.installed: pyproject.toml constraints.txt
	@python3 -m venv $(BENCH) && echo '*' > $(BENCH)/.gitignore
	@$(PIP_BENCH) -c constraints.txt -e .
	@$(PIP_BENCH) arabic-norm==0.1.0 || true
	@$(PIP_BENCH) justext==3.0.2 trafilatura==2.3.1 lxml_html_clean==0.4.6 || true
	@$(PIP_BENCH) emoji==2.16.0 six==1.17.0 && $(PIP_BENCH) --no-deps camel-tools==1.6.0 || true
	@touch $@
