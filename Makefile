# make run: install once, then serve the page on http://127.0.0.1:7860; after the first time it needs no network.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
NO_CALLS := GRADIO_ANALYTICS_ENABLED=False HF_HUB_DISABLE_TELEMETRY=1

.PHONY: run test test-slow lint space
.DELETE_ON_ERROR:

run: $(VENV)/.runtime
	$(NO_CALLS) $(PY) app.py

test: $(VENV)/.dev $(VENV)/.chromium
	$(NO_CALLS) $(PY) -m pytest -n 2 -m "not slow" $(ARGS)

test-slow: $(VENV)/.dev $(VENV)/.chromium .tf517/.done
	$(NO_CALLS) $(PY) -m pytest -n 2 -m slow $(ARGS)

# make space NAME=owner/name [PUBLIC=1]: uploads this repository as a Space; HF_TOKEN must be able to write.
space: $(VENV)/.dev
	@test -n "$(NAME)" || { echo "make space NAME=owner/name" >&2; exit 1; }
	$(PY) -m cxr.training.space $(NAME) $(if $(PUBLIC),--public)

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with: make PYTHON=python3.11")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; } \
		|| { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt .ci/install | $(PY)
	.ci/install $(PY) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	.ci/install $(PY) requirements.txt requirements-dev.txt
	@touch $@

$(VENV)/.chromium: .ci/chromium | $(PY)
	.ci/chromium
	@if command -v chromium >/dev/null; then touch $@; fi

# The transformers that fine-tuning uses, beside the Space's one: PYTHONPATH=.tf517.
.tf517/.done: | $(PY)
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --target .tf517 transformers==5.17.0
	@touch $@
