# Everything on a fresh machine that has Python >= 3.11 and git:
#   make demo    sets up and runs the main job (EXIT=1 stops afterwards)
#   make test    sets up and passes the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

.PHONY: demo course env test test-fast test-slow check lock clean bench

$(STAMP): requirements-dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(STAMP)
	$(BIN)/python -m demo.run $(if $(EXIT),--exit)

# The course's own nine flow files, unmodified: make course REPO=/path/to/data-engineering-zoomcamp
course: $(STAMP)
	$(BIN)/python -m demo.course --course-repo $(REPO)

# Passwords for docker-compose.yml, made for this machine: make env LOCAL_GCP=1 adds local Google Cloud
env:
	$(PYTHON) scripts/compose_env.py $(if $(LOCAL_GCP),--local-gcp)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# The ring to run while writing: under 90 seconds on two cores.
test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not heavy"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

check: $(STAMP)
	$(BIN)/ruff format --check server tests bench demo scripts
	$(BIN)/ruff check server tests bench demo scripts
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

# Needs uv; the lock names no index.
lock:
	uv pip compile -q pyproject.toml --extra dev --generate-hashes --no-header -o requirements-dev.txt

bench: $(STAMP)
	for script in bench/*.py; do $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) .demo .state
