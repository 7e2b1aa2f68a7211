# Milepost's front desk. Only Python 3.11+, git and make are needed; everything else comes with `make install`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test lint types wheel check bench reference llm-test eval eval-llm plan-quality nightly clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml requirements-dev.lock scripts/install.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/install.sh
	@touch $@

demo: install
	@$(BIN)/python examples/demo.py

test: install
	$(BIN)/python -m pytest -m "not nightly" -n $(WORKERS) --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	BIN=$(BIN) sh scripts/check_floors.sh

types: install
	sh scripts/links.sh
	$(BIN)/mypy
	$(BIN)/basedpyright --project .links

wheel: install
	$(BIN)/python scripts/check_wheel.py

check: lint types test wheel

bench: install
	$(BIN)/python benchmarks/ingest.py

reference: install
	$(BIN)/python scripts/make_reference.py

plan-quality: install
	$(BIN)/python scripts/plan_quality.py $(LOGS)

llm-test: install
	$(BIN)/python scripts/llm_test.py

eval: install
	$(BIN)/python scripts/eval_offline.py

eval-llm: install
	$(BIN)/python scripts/eval_llm.py $(MORE)

nightly: install
	$(BIN)/python -m pytest -m nightly -n $(WORKERS) --dist worksteal

clean:
	rm -rf $(VENV) build dist *.egg-info
