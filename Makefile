# Wavetank's commands. `make help` lists them.

CARGO ?= cargo
RUNS ?= runs

.PHONY: help demo test lint fmt build bench fidelity real-serf fuzz exactness clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## build, run a built-in scenario over several seeds, write a report to open
	$(CARGO) run --release --quiet -p wavetank-cli -- run first-crash --seeds 20 --png --out $(RUNS)/demo

build: ## build the program (target/release/wavetank)
	$(CARGO) build --release -p wavetank-cli

test: lint ## every check: format, lints, documentation, all tests
	$(CARGO) test --workspace --profile vopr --quiet
	$(CARGO) doc --workspace --no-deps --quiet

lint: ## format and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

fmt: ## format the code
	$(CARGO) fmt --all

fidelity: ## compare with measurements of real clusters (a few minutes)
	$(CARGO) run --release --quiet -p wavetank-tests --bin fidelity

real-serf: ## real Serf agents on loopback beside their simulation (under five minutes)
	$(CARGO) run --release --quiet -p wavetank-tests --bin real_serf

bench: ## ratios against a bare loop and a peer, in one run
	$(CARGO) run --release --quiet -p wavetank-benches --bin bench

fuzz: ## a million inputs for the scenario parser
	$(CARGO) run --profile vopr --quiet -p wavetank-tests --bin fuzz_scenarios -- --inputs 1000000

clean: ## remove what was built and the runs
	$(CARGO) clean
	rm -rf $(RUNS)
