# Everything on a fresh machine that has Python >= 3.11 and git:
#   make demo    sets up and runs the main job (EXIT=1 stops afterwards)
#   make test    sets up and passes the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
# Stand-ins for Terraform's providers, Litestream and checkov, where Terraform is installed.
TERRAFORM_VENVS := .venv-terraform
TERRAFORM_STAMP := $(if $(shell command -v terraform),$(TERRAFORM_VENVS)/.complete)

# Tests start many servers: without bytecode each of them would compile the program again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo course env test test-fast test-slow test-terraform check lock lock-terraform clean bench

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
	$(BIN)/python -m pytest -n 2 --dist loadscope

# The ring to run while writing: under 90 seconds on two cores.
test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow and not heavy"

test-slow: $(STAMP) $(TERRAFORM_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadscope -m slow

# The modules against schemas of google's provider: validated, and not accepted by Google.
test-terraform: $(STAMP) $(TERRAFORM_STAMP)
	$(BIN)/python -m pytest tests/terraform -m "slow or not slow"

$(TERRAFORM_VENVS)/.complete: tests/terraform/requirements.txt tests/terraform/checkov-requirements.txt
	tests/terraform/provision.sh $(TERRAFORM_VENVS) $(PYTHON)
	touch $@

check: $(STAMP)
	$(BIN)/ruff format --check server tests bench demo scripts
	$(BIN)/ruff check server tests bench demo scripts
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

# Needs uv; the lock names no index.
lock:
	uv pip compile -q pyproject.toml --extra dev --generate-hashes --no-header -o requirements-dev.txt

lock-terraform:
	cd tests/terraform && uv pip compile -q --no-deps --no-annotate --generate-hashes --no-header requirements.in -o requirements.txt
	cd tests/terraform && uv pip compile -q --no-annotate --generate-hashes --no-header checkov.in -o checkov-requirements.txt

bench: $(STAMP)
	for script in bench/*.py; do $(BIN)/python -m bench.$$(basename $$script .py); done

clean:
	rm -rf $(VENV) $(TERRAFORM_VENVS) .demo .state
