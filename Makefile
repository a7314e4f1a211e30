# Everything from nothing: `make demo`, `make test`. See CONTRIBUTING.md.
PYTHON := .venv/bin/python
.PHONY: demo lab test lint format docs bench bench-quick fuzz lock venv clean

demo:
	@sh scripts/venv.sh requirements/demo.lock
	@$(PYTHON) -m examples.shop.demo

venv:
	@sh scripts/venv.sh requirements/dev.lock

lab: venv
	@sh scripts/lab.sh
	@$(PYTHON) -m lab

test: venv
	@sh scripts/debian.sh
	@sh scripts/provider.sh
	@$(PYTHON) -m pytest -q -n auto --dist loadfile

lint: venv
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@PYTHONPATH=src .venv/bin/lint-imports
	@$(PYTHON) scripts/docs.py --check

format: venv
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

docs: venv
	@$(PYTHON) scripts/docs.py

bench: venv
	@sh scripts/debian.sh
	@$(PYTHON) -m bench

bench-quick: venv
	@sh scripts/debian.sh
	@$(PYTHON) -m bench --quick

fuzz: venv
	@HYPOTHESIS_PROFILE=fuzz $(PYTHON) -m pytest -q -m fuzz --timeout 3600
	@sh scripts/fuzz.sh

lock:
	@sh scripts/lock.sh

clean:
	rm -rf .venv demo dist build
