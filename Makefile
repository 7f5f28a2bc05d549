# Two commands do everything on a fresh machine: `make demo` and `make test`.
# What they need beyond Rust (the wasm target, Python and npm packages) they fetch themselves.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
CARGO ?= cargo

.PHONY: help build demo test unit sdk mcp examples docs edge fuzz check lint bench fmt clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

build: ## the release binary, target/release/glovebox
	$(CARGO) build --release --locked

demo: build ## builds, starts the server and a scripted model, and runs the quickstart through the official Python SDK
	demo/run.sh target/release/glovebox

test: unit sdk mcp examples edge fuzz ## every test: the crates', the guests', the official SDKs and MCP clients, the kits, the examples, the fuzzers

unit: ## the Rust tests
	scripts/cargo-test.sh

sdk: build ## the official Python and TypeScript SDKs against a running server
	tests/sdk/run.sh target/release/glovebox

mcp: build ## the official MCP clients against a running server and `glovebox mcp`
	tests/mcp/run.sh target/release/glovebox

examples: build ## every example tool, and a new project in each language, built and tested in clean folders
	scripts/examples-test.sh target/release/glovebox

docs: build ## every page of docs/ that has commands, followed to the letter in clean folders; fetches compilers
	scripts/docs-test.sh target/release/glovebox

edge: build ## the service without a compiler (examples/edge) answers; prints its size, memory and start
	scripts/bench-edge.sh target/release/glovebox

fuzz: ## fuzzes what reads untrusted bytes (manifests, tar files, paths): the same inputs each time, new ones with SECONDS=600
	scripts/fuzz.sh $(SECONDS)

lint: ## format, clippy with warnings denied, licences and advisories
	$(CARGO) fmt --all --check
	cd tools-wasm && $(CARGO) fmt --all --check
	cd examples/edge && $(CARGO) fmt --all --check
	cd fuzz && $(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	scripts/deny.sh --install

check: lint test ## what CI runs

bench: ## the benches, as ratios beside what a user would otherwise pick; writes BENCHMARKS.md
	scripts/bench.sh

fmt: ## formats all workspaces
	$(CARGO) fmt --all
	cd tools-wasm && $(CARGO) fmt --all
	cd examples/edge && $(CARGO) fmt --all
	cd fuzz && $(CARGO) fmt --all

clean: ## removes what was built here (the guests' cache in ~/.cache/glovebox stays)
	$(CARGO) clean
