# Two commands do everything: `make demo` and `make test`. Both prepare what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := .build
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
RUST := $(shell find crates -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock

.PHONY: demo test check setup verify-data nightly bench clean

demo: setup
	$(BIN)/tacit demo

test: setup
	cargo test --release --quiet --workspace
	$(BIN)/python -m pytest -q -m "not nightly"

check: setup
	cargo fmt --all --check
	cargo clippy --release --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check src tests bench examples
	$(BIN)/ruff check src tests bench examples
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

nightly: setup
	$(BIN)/python -m pytest -q
	@if cargo +nightly fuzz --version >/dev/null 2>&1; then \
	  for target in $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))); do \
	    cargo +nightly fuzz run $$target -- -max_total_time=10 || exit 1; done; \
	else echo "cargo-fuzz is not installed: its targets are skipped"; fi

bench: setup
	$(BIN)/python -m bench all

verify-data: setup
	TACIT_REQUIRE_DATA=1 $(BIN)/python -m pytest -q tests/data

setup: $(STAMP)/package

$(STAMP)/tools:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: apt-get install python3.11 python3.11-venv, then make PYTHON=python3.11"; exit 1; }
	@command -v cc >/dev/null || { echo "A C linker is missing: apt-get install gcc"; exit 1; }
	@command -v cargo >/dev/null || { echo "Rust is missing: curl --proto =https --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- --default-toolchain 1.95"; exit 1; }
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/venv: $(STAMP)/tools constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) maturin
	@touch $@

$(STAMP)/package: $(STAMP)/venv pyproject.toml $(RUST)
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(STAMP) $(VENV) target src/tacit/*.so
