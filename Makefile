# Two commands: `make demo` runs the main job without a cluster, `make test` passes the tests.
.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo
CLUSTER := target/cluster

.PHONY: help demo test test-unit flakes lint chaos profiled bench bench-fleet bench-instructions fuzz generate cluster cluster-down

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

demo: ## two demonstration servers behind one endpoint, no cluster needed
	./scripts/demo.sh

test: ## all that CI runs: unit, property, real API server, real clients
	./scripts/test.sh

test-unit: ## what needs no API server and no network
	$(CARGO) test --workspace --lib --bins

flakes: ## the fast suite (test-unit) ten times: none may fail
	./scripts/flakes.sh

lint: ## formatting, clippy with warnings denied, licences and bans
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if command -v gofmt >/dev/null; then test -z "$$(gofmt -l tests/cluster)"; else echo "Go is not installed: tests/cluster unchecked"; fi
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; else echo "cargo-deny is not installed: licences and bans unchecked (the dependency test still refuses ring, OpenSSL and native-tls)"; fi

chaos: ## a fleet under faults, every call in three ledgers: three seeds of ten minutes (CHAOS_SEED, CHAOS_SECONDS)
	@tests/cluster/build.sh >/dev/null
	$(CARGO) build --workspace --bins
	$(CARGO) test -p portolan-tests --test chaos long_runs -- --ignored --nocapture

profiled: ## the programs as they are released, compiled by a profile of what runs: target/profiled
	./scripts/profiled.sh

bench: ## CPU per call and list, and latency, beside nginx in the same run
	./scripts/bench.sh

bench-fleet: ## edits, memory and starts of a fleet with 1,000 and 10,000 servers and routes
	./scripts/bench-fleet.sh

bench-instructions: ## user instructions per call, beside the committed baseline
	./scripts/bench-instructions.sh

fuzz: ## every fuzz target for five minutes (nightly toolchain, cargo-fuzz)
	./scripts/fuzz.sh

generate: ## the CRDs' YAML in the chart
	$(CARGO) run -q -p portolan-crds --bin crdgen -- --out charts/portolan/crds

cluster: ## a real API server, left running; kubeconfig in target/cluster/
	@"$$(tests/cluster/build.sh)" up --dir "$(CURDIR)/$(CLUSTER)/run" --detach
	@cp $(CLUSTER)/run/kubeconfig $(CLUSTER)/kubeconfig && echo "export KUBECONFIG=$(CURDIR)/$(CLUSTER)/kubeconfig"

cluster-down: ## stop it and leave nothing
	@"$$(tests/cluster/build.sh)" down --dir "$(CURDIR)/$(CLUSTER)/run"
