# trikd: Triplet Knowledge Distillation as gRPC services.
#
# `make run` trains a trio on Fashion-MNIST, `make test` checks everything. The first call fetches what the machine lacks.
# Required: npm with Node.js >= 18, python3 with pip or venv, g++ and make.
#
# Variables:
#   EXAMPLE=FILE       configuration for `make run`                                   [examples/fashion-mnist.yaml]
#   ARGS=...           further arguments for `make run`, `make minio`, `make observe`, `make bench` and `make regression`; --keep for `make cluster`
#   SEEDS=N            seeds of `make simulate`                                       [10000]
#   SEED=N TRACE=1     one seed for `make simulate`, with a trace of its events
#   FAULTS=N           faults of `make faults` at named points                        [60]
#   TROUBLES=N         network troubles of `make faults`                              [20]
#   ROUNDS=N           leaders struck by `make faults` on the path of a promotion     [300]
#   KILLS=N            replicas killed by `make faults` and `make replicas`           [20]
#   ATTACK_SECONDS=N   length of each attack of `make attacks`                        [60]
#   BUSY_SECONDS=N     how long the store refuses requests in `make e2e`              [60]
#   RUNS=N TRIOS=N     runs of `make many`, and the trios that they share             [100, 4]
#   TRIOS=N            trios of `make up`, 1 or 2                                     [1]
#   MINUTES=N          length of `make soak` after its warm-up                        [75]
#   ROTATIONS=N        how often `make rotation` replaces all certificates            [20]
#   EVERY=SECONDS      time between two rotations; needs ROTATIONS                    [30]
#   AGAINST=DIR        the clone that `make regression` compares with
#   TRIKD_CACHE=DIR    folder of what was fetched                                     [~/.cache/trikd]
#   TRIKD_DATA=DIR     folder with data in the IDX format, instead of the fetched one
#   TENSORFLOW=gpu     the TensorFlow with CUDA kernels; remembered until TENSORFLOW=cpu
#   IMAGE=NAME:TAG     name of the image that `make image` builds                     [trikd:latest]
#
# Targets:

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --jobs=2

EXAMPLE ?= examples/fashion-mnist.yaml
TRIKD_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trikd
override TRIKD_CACHE := $(abspath $(TRIKD_CACHE))
export TRIKD_CACHE
export PYTHONDONTWRITEBYTECODE := 1

NODE_VERSION := 24.21.0
TENSORFLOW_VERSION := 2.21.0
TORCH_VERSION := 2.15.0

# The machine's Node.js is used if it runs TypeScript without a build (>= 22.18) and has the headers for the addon.
NODE_HEADERS := $(shell node -p 'const f = require("path").resolve(process.execPath, "../../include/node"); \
	process.features.typescript && require("fs").existsSync(f + "/node_api.h") ? f : ""' 2>/dev/null)
ifeq ($(NODE_HEADERS),)
NODE := $(TRIKD_CACHE)/node-$(NODE_VERSION)
NODE_HEADERS := $(NODE)/include/node
export PATH := $(NODE)/bin:$(PATH)
endif

# The TensorFlow that the addon is linked to, and its folder: a change of either links it again.
BUILD := packages/engine/build
LINKED := $(BUILD)/tensorflow
TENSORFLOW ?= $(or $(firstword $(file <$(LINKED))),cpu)
ifeq ($(filter cpu gpu,$(TENSORFLOW)),)
$(error TENSORFLOW must be cpu or gpu, it is $(TENSORFLOW))
endif
TENSORFLOW_HOME := $(TRIKD_CACHE)/tensorflow-$(TENSORFLOW)-$(TENSORFLOW_VERSION)
CUDA := $(if $(filter gpu,$(TENSORFLOW)),$(TRIKD_CACHE)/cuda-$(TENSORFLOW_VERSION))
OBJECTS := $(patsubst packages/engine/native/%.cc,$(BUILD)/%.o,$(wildcard packages/engine/native/*.cc))
PYTORCH := $(TRIKD_CACHE)/pytorch-$(TORCH_VERSION)
IMAGE ?= trikd:latest
LAYERS ?= build/image/$(TENSORFLOW)
IMAGE_TARGET := $(if $(filter gpu,$(TENSORFLOW)),cuda,cpu)
PACKAGES := node_modules/.package-lock.json
PROTOCOL := packages/protocol/src/gen/descriptors.ts
PAGE := services/dashboard/dist/report.html
BUNDLED := build/packages/index.json
PAGE_SOURCES := $(shell find services/dashboard packages/core/src/tasks packages/core/src/stages packages/core/src/methods packages/core/src/models packages/core/src/spec packages/events/src -type f -not -path '*/dist/*' -not -path '*/build/*' -not -name '*.tsbuildinfo')
SIMULATION := $(if $(SEEDS),--seeds=$(SEEDS)) $(if $(SEED),--seed=$(SEED)) $(if $(TRACE),--trace)

# Servers and tools that tests start, built from their Go modules by scripts/fetch-go-tool.py.
GO_TOOLS := minio mc toxiproxy grpcurl otelcol
# S3 servers that trikd is tried with besides MinIO.
S3_SERVERS := versitygw gofakes3
# What tests of the deployment use.
CHART_TOOLS := kubernetes jobset-crds kueue-crds cert-manager-crds gateway-crds prometheus-crds helm helm-unittest kube-score
# What a whole cluster is made of besides.
CLUSTER_TOOLS := jaeger coredns crane pause jobset jobset-chart kueue kueue-chart

.PHONY: help setup run test check protocol generate fix unit pytorch integration s3servers simulate e2e browser kubernetes cluster faults replicas many attacks soak rotation minio observe up down alerts sbom audit bench regression results agreement build engine image imagelayers data emoji mnist photos safetensors onnxruntime tritonclient tensorboard schemas chromium tools charttools clustertools clean FORCE

help: ## this text
	@sed -E '/^$$/,$$d; s/^# ?//' Makefile; sed -nE 's/^([a-z0-9]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 16

setup: build engine data safetensors onnxruntime tritonclient tensorboard ## fetch and build whatever is missing
	@:

run: build engine $(if $(shell grep -s 'kind: *idx' $(EXAMPLE)),data) ## train EXAMPLE: four services, a table of progress
	@exec scripts/foreground.sh node services/cli/dist/main.js run $(EXAMPLE) $(ARGS)

test: $(PROTOCOL) engine imagelayers data safetensors onnxruntime tritonclient tensorboard schemas chromium tools charttools ## everything that must pass, but `make cluster`; the last line counts
	@exec node scripts/test.ts

check: $(PROTOCOL) ## format, lint, types, protos, generated references
	@exec node scripts/test.ts check

unit: $(PROTOCOL) engine safetensors onnxruntime tensorboard ## tests beside the sources
	@exec node scripts/test.ts unit

pytorch: $(PROTOCOL) engine safetensors onnxruntime $(PYTORCH) ## exported models run in PyTorch, and its outputs recorded for `make unit`; 6 GB of cache
	@rm -f test/golden/exported_models.safetensors
	@PYTORCH=$(PYTORCH)/bin/python exec node_modules/.bin/vitest run --project unit-computing test/golden/exported_models.test.ts

integration: $(PROTOCOL) engine tools tritonclient ## services in one process, faults included
	@exec node scripts/test.ts integration

s3servers: $(PROTOCOL) tools ## the contract of a store on every S3 server that it is tried with; the first time builds two of them
	@python3 scripts/fetch-go-tool.py $(S3_SERVERS) > /dev/null
	@S3_SERVERS='minio $(S3_SERVERS)' exec node_modules/.bin/vitest run --project integration test/integration/s3-servers.test.ts

simulate: $(PROTOCOL) engine ## the whole system in virtual time: SEEDS with faults, or one SEED with its TRACE
	@exec node --no-warnings --import ./test/simulation/sources.ts test/simulation/main.ts $(SIMULATION)

e2e: build engine imagelayers data emoji tools tritonclient ## real processes, killed and resumed
	@CASES=all BUSY_SECONDS=$${BUSY_SECONDS:-60} exec node scripts/test.ts end-to-end

browser: build engine chromium onnxruntime ## the dashboard in a Chromium without a window
	@exec node scripts/test.ts browser

kubernetes: $(PROTOCOL) engine schemas charttools ## the chart and the placement before the API server of a Kubernetes
	@exec node scripts/test.ts kubernetes

cluster: build engine imagelayers tools charttools clustertools ## trikd in a Kubernetes of two nodes on this machine, as root; ARGS=--keep leaves it running, without tests, and ARGS='--keep --bare' without trikd
	@exec $(if $(filter --keep,$(ARGS)),scripts/foreground.sh node scripts/run-cluster.ts $(ARGS),node scripts/test.ts cluster)

faults: build engine data tools ## real processes, struck at named points and by the network; more of it than in `make test`
	@FAULTS=$${FAULTS:-60} TROUBLES=$${TROUBLES:-20} ROUNDS=$${ROUNDS:-300} KILLS=$${KILLS:-20} exec node scripts/test.ts faults

replicas: build engine data ## one of two replicas of a learner, killed KILLS times in one run: the same bits
	@KILLS=$${KILLS:-20} exec node_modules/.bin/vitest run --project faults test/faults/replica-kills.test.ts

attacks: build engine ## real services in training, attacked for a minute in each way; wants a quiet machine
	@ATTACK_SECONDS=$${ATTACK_SECONDS:-60} exec node scripts/test.ts attacks

many: build engine ## RUNS queued on TRIOS: in order, then with a trio killed every 20 s and the leader every minute
	@RUNS=$${RUNS:-100} TRIOS=$${TRIOS:-4} exec node_modules/.bin/vitest run --project end-to-end test/e2e/many-runs.test.ts

soak: build engine $(BUILD)/malloc_trim.node ## MINUTES of training; fails when a process grows
	@exec node test/soak/soak.ts $(MINUTES)

rotation: build engine ## ROTATIONS of all certificates during training; fails when a step fails
	@exec node test/soak/rotation.ts $(ROTATIONS) $(EVERY)

minio: build ## an object store on this machine, until Ctrl-C; ARGS='--port 9000 --data FOLDER'
	@exec scripts/foreground.sh node scripts/run-minio.ts $(ARGS)

up: | $(NODE) ## everything in containers, with Docker Compose: deploy/compose; TRIOS=2 for two trios
	@node scripts/compose.ts up $(if $(TRIOS),--trios $(TRIOS))

down: | $(NODE) ## end what `make up` started; ARGS=--volumes removes its data, too
	@node scripts/compose.ts down $(ARGS)

observe: build ## a collector and a Jaeger on this machine, until Ctrl-C; ARGS='--otlp 4317 --jaeger 16686'
	@exec scripts/foreground.sh node scripts/observe.ts $(ARGS)

alerts: ## the alert rules and their tests, by promtool; the first time builds it, 6 minutes
	@promtool=$$(python3 scripts/fetch-go-tool.py promtool) && $$promtool check rules deploy/alerts.yaml && \
		$$promtool test rules deploy/alerts.test.yaml

sbom: | $(NODE) ## what all is made of, as CycloneDX, in build/sbom.cdx.json
	@mkdir -p build && node scripts/sbom.ts > build/sbom.cdx.json && echo build/sbom.cdx.json

audit: | $(NODE) ## asks the registry for known vulnerabilities of what the services run on; not every registry answers
	npm audit --omit=dev

fix: $(PROTOCOL) ## format, and apply the fixes of the linter
	node_modules/.bin/biome check --write

protocol: $(PROTOCOL) ## TypeScript from proto/, which every build makes, too
	@:

generate: $(PROTOCOL) ## docs/configuration.md and the chart's schema from the schemas, docs/cli.md from the help
	node_modules/.bin/tsc -b
	node scripts/config-reference.ts > docs/configuration.md
	node scripts/cli-reference.ts > docs/cli.md
	node scripts/chart-schema.ts > deploy/helm/trikd/values.schema.json
	node scripts/chart-reference.ts > deploy/helm/trikd/README.md

bench: build engine data $(PYTORCH) ## times and scores beside PyTorch; wants a quiet machine and 6 GB of cache
	@exec node bench/main.ts --python $(PYTORCH)/bin/python $(ARGS)

regression: build engine ## fails if a step here is slower than in AGAINST=FOLDER, another clone that is built, both in turns
	@exec node bench/regression.ts --against "$(AGAINST)" $(ARGS)

results: build engine data emoji ## train what docs/results.md is made of and is missing, for hours, and write the page
	@for study in few-images emoji identities precision; do node services/cli/dist/main.js study examples/studies/$$study.yaml --out docs/results/$$study $(ARGS) || exit; done
	@node scripts/results-page.ts > docs/results.md

agreement: build engine data $(PYTORCH) ## kd and TriKD here and in PyTorch: losses step by step, accuracy over seeds
	@exec node bench/agreement/main.ts --python $(PYTORCH)/bin/python $(ARGS)
	@node scripts/results-page.ts > docs/results.md

engine: $(BUILD)/trikd_engine.node ## the native addon on TensorFlow's C library
	@:

image: imagelayers ## the image of all services, built without a daemon, in build/image/trikd.tar
	@node scripts/build-image.ts archive $(LAYERS) build/image/trikd$(if $(filter cuda,$(IMAGE_TARGET)),-cuda).tar \
		--target $(IMAGE_TARGET) --reference $(IMAGE)

# What the Dockerfile copies. The addon is linked once more, to find TensorFlow in its own folder.
imagelayers: build engine $(TRIKD_CACHE)/node-$(NODE_VERSION) $(TENSORFLOW_HOME) $(CUDA)
	@mkdir -p build/image $(LAYERS)
	@$(CXX) -shared -s -o build/image/trikd_engine.node $(OBJECTS) -L$(TENSORFLOW_HOME)/tensorflow \
		-l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$$ORIGIN'
	@node scripts/build-image.ts layers $(LAYERS) --node $(TRIKD_CACHE)/node-$(NODE_VERSION) \
		--tensorflow $(TENSORFLOW_HOME)/tensorflow --addon build/image/trikd_engine.node $(if $(CUDA),--cuda $(CUDA))

data: $(if $(TRIKD_DATA),FORCE,$(TRIKD_CACHE)/fashion-mnist) ## Fashion-MNIST
	@$(if $(TRIKD_DATA),python3 scripts/fetch-fashion-mnist.py,:)

emoji: ## emoji as identities to verify, and as nine classes: 32 x 32 pictures in colour
	@python3 scripts/fetch-emoji.py

mnist: ## MNIST
	@python3 scripts/fetch-mnist.py

photos: build ## patches of seven photographs, 32 x 32 in colour
	@python3 scripts/fetch-photo-patches.py

onnxruntime: ## the Python package onnxruntime, which tests run exported models with
	@python3 scripts/fetch-python-packages.py onnxruntime > /dev/null

safetensors: ## the Python package safetensors, which tests compare files with
	@python3 scripts/fetch-safetensors.py > /dev/null

schemas: ## the Python package kubernetes-validate, which has the schemas of versions of Kubernetes
	@python3 scripts/fetch-python-packages.py kubernetes-validate > /dev/null

tensorboard: ## the Python package tensorboard, which a test opens our curves with
	@python3 scripts/fetch-python-packages.py tensorboard > /dev/null

tritonclient: ## the Python package tritonclient, with which tests serve models and ask ours
	@python3 scripts/fetch-python-packages.py tritonclient > /dev/null
	@python3 scripts/fetch-python-packages.py geventhttpclient > /dev/null

chromium: ## a Chromium for the browser tests, unless there is one
	@python3 scripts/fetch-chromium.py > /dev/null

build: $(PROTOCOL) $(PAGE) $(BUNDLED) ## TypeScript to JavaScript, the page of the dashboard, and packages of npm in few files
	@node_modules/.bin/tsc -b

clean: ## remove what was built here; the cache stays
	rm -rf node_modules build $(BUILD) packages/protocol/src/gen packages/*/dist services/*/dist services/dashboard/build packages/*/*.tsbuildinfo services/*/*.tsbuildinfo

# Prerequisites. A fetched folder appears complete or not at all, and is never rebuilt by date.

# Not `npm ci`: npm 11 requires the optional packages of all platforms in the lock file, and not every registry has them.
$(PACKAGES): package-lock.json | $(NODE)
	npm install --no-save --loglevel=error
	@touch $@

$(TRIKD_CACHE)/node-$(NODE_VERSION):
	@python3 scripts/fetch-node.py $(NODE_VERSION)

$(TENSORFLOW_HOME):
	@python3 scripts/fetch-tensorflow.py $(TENSORFLOW) $(TENSORFLOW_VERSION)

$(TRIKD_CACHE)/cuda-$(TENSORFLOW_VERSION):
	@python3 scripts/fetch-cuda.py $(TENSORFLOW_VERSION)

tools:
	@python3 scripts/fetch-go-tool.py $(GO_TOOLS) > /dev/null

clustertools:
	@python3 scripts/fetch-go-tool.py $(CLUSTER_TOOLS) > /dev/null
	@python3 scripts/fetch-container-runtime.py > /dev/null

charttools:
	@python3 scripts/fetch-go-tool.py $(CHART_TOOLS) > /dev/null

$(TRIKD_CACHE)/fashion-mnist:
	@python3 scripts/fetch-fashion-mnist.py

# A folder is newer than what was removed from it. The descriptors are written last, so that they stand for all of the generated code.
$(PROTOCOL): $(shell find proto) buf.yaml buf.gen.yaml $(PACKAGES)
	@node_modules/.bin/buf generate
	@set=$$(node_modules/.bin/buf build --as-file-descriptor-set --exclude-source-info --output - | base64 --wrap=0) && \
		echo "export const FILE_DESCRIPTOR_SET = '$$set';" > $@

# The page first, then the report, whose file is the target of both.
$(PAGE): $(PAGE_SOURCES) $(PROTOCOL)
	@node_modules/.bin/vite build services/dashboard --logLevel warn
	@node_modules/.bin/vite build services/dashboard --logLevel warn --mode report

$(BUNDLED): scripts/bundle-packages.ts $(PACKAGES)
	@node scripts/bundle-packages.ts
	@touch $@

$(PYTORCH):
	@python3 scripts/fetch-pytorch.py $(TORCH_VERSION)

$(BUILD)/trikd_engine.node: $(OBJECTS) $(LINKED)
	@echo "linking $@ to TensorFlow $(TENSORFLOW_VERSION) ($(TENSORFLOW))"
	@$(CXX) -shared -o $@ $(OBJECTS) -L$(TENSORFLOW_HOME)/tensorflow -l:libtensorflow_cc.so.2 \
		-l:libtensorflow_framework.so.2 -Wl,-rpath,"$$(realpath $(TENSORFLOW_HOME))/tensorflow"

$(BUILD)/malloc_trim.node: test/soak/malloc-trim.c | $(NODE)
	@mkdir -p $(@D)
	@$(CC) -std=c17 -O2 -Wall -Wextra -shared -fPIC -I$(NODE_HEADERS) -o $@ $<

$(BUILD)/%.o: packages/engine/native/%.cc | $(NODE) $(TENSORFLOW_HOME)
	@mkdir -p $(BUILD) && echo "compiling $<"
	@$(CXX) -O2 -std=c++17 -ffp-contract=off -fPIC -Wall -Wextra -MMD -MP -Ipackages/engine/native/include -isystem $(NODE_HEADERS) \
		-isystem $(TENSORFLOW_HOME)/tensorflow/include -c -o $@ $<

$(LINKED): FORCE | $(TENSORFLOW_HOME)
	@mkdir -p $(BUILD); line="$(TENSORFLOW) $$(realpath $(TENSORFLOW_HOME))"; \
		[ "$$(cat $@ 2>/dev/null)" = "$$line" ] || echo "$$line" > $@

-include $(OBJECTS:.o=.d)
