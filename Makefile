# Đình: `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
export CTEST_OUTPUT_ON_FAILURE = 1

.PHONY: help setup build run test plans demo seed-load bench bench-feedback bench-cluster cluster faults fuzz format lint buf tidy asan tsan clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## install what is missing (Debian 12 packages)
	@deploy/scripts/setup.sh

build: setup ## build everything (PRESET=dev|release|asan|tsan)
	@[ -f $(BUILD)/build.ninja ] || cmake --preset $(PRESET)
	@ninja -C $(BUILD) -j $(JOBS)

run: build ## start the standalone platform in development mode on 127.0.0.1:8080
	@exec $(BUILD)/bin/dinh serve --data-dir var --dev

test: build ## run every test
	@cd $(BUILD) && ctest -j $(JOBS) --no-tests=error

plans: build ## how PostgreSQL finds rows among a million (PLAN_ROWS=1000000)
	@for service in feedback procedures payments; do \
	  DINH_TEST_ENGINE=postgres DINH_PLAN_ROWS=$(PLAN_ROWS) $(BUILD)/bin/$${service}_service_test --gtest_filter='*PlansTest.No*' || exit 1; \
	done

PLAN_ROWS ?= 1000000

demo: build ## play the story against a freshly started platform
	@$(BUILD)/bin/dinh demo

N ?= 1000000

seed-load: build ## fill var/ with N made-up reports (N=1000000), for load tests
	@$(BUILD)/bin/dinh seed-load --data-dir var --reports $(N)

bench: build ## measure the platform (not timed as a test)
	@deploy/scripts/bench.sh $(BUILD)

bench-feedback: build ## measure reports on a store of a million (DINH_BENCH_REPORTS)
	@deploy/scripts/bench.sh $(BUILD) _feedback

fuzz: ## fuzz every parser (FUZZ_SECONDS=60 each, FUZZ_TARGETS="json_parse …" for some)
	@deploy/scripts/fuzz.sh $(FUZZ_TARGETS)

cluster: build ## PostgreSQL, Redis, Prometheus and two of each process on loopback: story, a report's life, stop
	@$(BUILD)/bin/dinh_cluster $(CLUSTER_FLAGS)

bench-cluster: build ## measure the cluster shape beside pgbench on the same machine (DINH_BENCH_REPORTS)
	@$(BUILD)/bin/dinh_bench_cluster $(PARTS)

FAULTS_MINUTES ?= 60
FAULTS_SEED ?= 1

faults: build ## break a cluster under load for FAULTS_MINUTES=60 (FAULTS_SEED=1) and check that nothing acknowledged is lost
	@$(BUILD)/bin/dinh_faults --minutes $(FAULTS_MINUTES) --seed $(FAULTS_SEED) $(FAULTS_FLAGS)

format: ## format the sources
	@deploy/scripts/lint.sh format-fix

lint: setup ## format check, buf lint, clang-tidy of changed files
	@deploy/scripts/lint.sh format
	@deploy/scripts/lint.sh buf
	@deploy/scripts/lint.sh tidy

buf: setup ## proto lint and breaking-change check
	@deploy/scripts/lint.sh buf

tidy: setup ## clang-tidy of all files (slow)
	@deploy/scripts/lint.sh tidy all

asan: ## every test under address and undefined behaviour sanitizers
	@$(MAKE) test PRESET=asan

TSAN_TESTS := base_test config_test telemetry_test db_test cache_test auth_test

tsan: setup ## the tests without gRPC under the thread sanitizer
	@[ -f build/tsan/build.ninja ] || cmake --preset tsan
	@ninja -C build/tsan -j $(JOBS) $(TSAN_TESTS)
	@cd build/tsan && ctest --no-tests=error -R '^($(subst $(eval) ,|,$(TSAN_TESTS)))$$'

clean: ## remove build/ (data under var/ stays)
	@rm -rf build
