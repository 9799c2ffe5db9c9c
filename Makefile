# Every target installs or fetches what it needs. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build demo dashboards dist test test-long golden fuzz bench lint clean prerequisites prerequisites-tests cargo-deny cargo-cyclonedx
.PHONY: bench-idle bench-types bench-instructions prerequisites-benches gungraun-runner

CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9
# The version of the crate `gungraun` in Cargo.toml.
GUNGRAUN_VERSION := 0.20.0
# Jars of the broker that the tests start (tests/support/kafka.rs). The stamp is written last, when all are there.
KAFKA_LIBS := target/kafka/libs
KAFKA_STAMP := $(KAFKA_LIBS)/.complete
# Packages of Python that tests ask for (tests/watched).
PYTHON := target/python
PYTHON_STAMP := $(PYTHON)/.complete

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

# The commit in foreshock_build_info. Tests are built without it: every commit would build them again.
build demo dist bench: export BUILD_COMMIT := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

build: prerequisites ## build the release binary
	cargo build --release

dist: prerequisites cargo-cyclonedx ## pack binary, manual, SBOM, rules, dashboards and documents with their SHA-256 into target/dist
	deploy/dist.sh

demo: prerequisites ## run the whole product on a simulated exchange, nothing else needed
	cargo run --profile demo --bin foreshock -- demo

# A failure of a test that draws random numbers prints a command with TEST_SEED=N, which repeats it
# (tests/support/environment.rs).
test: prerequisites-tests $(KAFKA_STAMP) $(PYTHON_STAMP) ## run every test, those on a real Kafka broker included
	cargo test --features failpoints

test-long: export TEST_LONG := 1
test-long: test ## run every test, with more faults and longer flows

golden: export TEST_GOLDEN := write
golden: prerequisites ## write the golden alerts anew, after a change that is meant: read the difference and commit it
	cargo test --features failpoints --test alert_snapshot
	@git diff --stat -- tests/golden

dashboards: prerequisites-tests $(PYTHON_STAMP) ## write Grafana's dashboards anew, after a change of grafana/source
	$(PYTHON)/bin/python grafana/generate.py

fuzz: prerequisites ## fuzz decoding, configuration, snapshots, the stages' frames and the engine for FUZZ_SECONDS (60) each
	fuzz/run

bench: prerequisites-tests $(KAFKA_STAMP) bench-idle ## measure the service on a real Kafka broker, in ten minutes; writes target/bench.json
	cargo bench --bench service

bench-idle: prerequisites ## measure the memory of a symbol and of an account without flow
	cargo bench --no-default-features --bench idle

bench-types: prerequisites ## measure the time of an event in the engine, by its type; needs 4 GB of memory
	cargo bench --bench types

bench-instructions: prerequisites-benches gungraun-runner ## count the instructions of decoding and of the engine
	cargo bench --no-default-features --bench instructions

lint: prerequisites cargo-deny ## check format, lints, licences, docs and the wall around the pure engine
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features failpoints -- -D warnings
	cargo fetch --locked
	cargo deny --offline check bans licenses sources
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items
	cargo check --no-default-features --lib

clean: ## remove everything that was built or fetched into target/
	cargo clean

prerequisites:
	@deploy/prerequisites.sh

prerequisites-tests:
	@deploy/prerequisites.sh --tests

prerequisites-benches:
	@deploy/prerequisites.sh --benches

cargo-cyclonedx:
	@cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx --version $(CARGO_CYCLONEDX_VERSION)

cargo-deny:
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny --version $(CARGO_DENY_VERSION)

gungraun-runner:
	@gungraun-runner --version 2>/dev/null | grep -qF '$(GUNGRAUN_VERSION)' || cargo install --locked --force gungraun-runner --version $(GUNGRAUN_VERSION)

$(KAFKA_STAMP): tests/kafka/pom.xml | prerequisites-tests
	rm -rf $(KAFKA_LIBS)
	mvn -B -q -ntp -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$(KAFKA_LIBS)
	touch $@

$(PYTHON_STAMP): tests/requirements.txt | prerequisites-tests
	rm -rf $(PYTHON)
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install -q --no-deps --disable-pip-version-check -r $<
	touch $@
