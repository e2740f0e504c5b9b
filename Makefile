# The recording operator. `make help` lists every target.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Where demo and e2e run: kind, localkube (a cluster of our own on this machine) or current (that of the kubeconfig).
# Default: kind where kind and Docker are there, else localkube.
CLUSTER ?=

# What is slow to make is kept outside the checkout, by the content of what it is made from.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/recording-operator
TOOLS := $(CACHE)/tools/$(shell cat hack/tools/go.mod hack/tools/go.sum hack/tools/*/*.go | sha256sum | cut -c1-12)
CONTROLLER_GEN := $(TOOLS)/controller-gen
GOLANGCI_LINT := $(TOOLS)/golangci-lint
CRD_REF_DOCS := $(TOOLS)/crd-ref-docs

# Modules of their own are for what must not be a dependency of the operator. The linter reads those with code, but for one:
# a word that is new in hack/localkube means to build Kubernetes again.
MODULES := . hack/tools hack/argo-workflows hack/compatibility hack/govulncheck hack/kueue hack/localkube hack/localkube/kube \
	hack/monitoring hack/release hack/setup-envtest hack/versitygw test/rtcsdk
LINTED := . hack/compatibility hack/monitoring hack/release hack/tools test/rtcsdk

export CGO_ENABLED ?= 0

##@ General

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make \033[36m<target>\033[0m\n"} \
		/^[a-zA-Z0-9_-]+:.*?##/ {printf "  \033[36m%-22s\033[0m %s\n", $$1, $$2} \
		/^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)}' $(MAKEFILE_LIST)

##@ The two commands

.PHONY: demo
demo: ## A signed callback becomes an archived MP4 in a real cluster, set-up included (CLUSTER=localkube|kind|current).
	@CLUSTER=$(CLUSTER) hack/demo/demo.sh

.PHONY: test
test: ## Unit and envtest tests with the race detector, set-up included.
	@hack/test.sh ./...

# What these packages test needs an API server, all of it. With -short they run nothing, and to link them takes longest.
ENVTEST_SUITES = $(sort $(dir $(shell grep -rl --include='*_test.go' apiserver.Main api internal test)))

.PHONY: test-short
test-short: ## Unit tests alone, in seconds: no API server, S3 server, ffmpeg, race detector or waiting for time-outs.
	@go test -short -ldflags='-s -w' $(filter-out $(ENVTEST_SUITES:%/=sparkrtc.dev/recording-operator/%),$(shell go list ./...))

##@ The demo and its cluster

.PHONY: demo-down
demo-down: ## End the cluster of the demo, or remove the demo from yours; images stay in dist/.
	@CLUSTER=$(CLUSTER) hack/demo/down.sh

.PHONY: cluster-up
cluster-up: ## Start the single-node cluster of our own; its kubeconfig is .localkube/kubeconfig.
	@hack/localkube.sh up

.PHONY: cluster-down
cluster-down: ## Stop it, and leave nothing behind.
	@hack/localkube.sh down

.PHONY: images
images: ## Build the images of the operator and of the steps into dist/.
	@hack/images/build.sh operator recording-operator:dev dist/operator.tar
	@hack/images/build.sh worker recording-worker:dev dist/worker.tar
	@hack/images/build.sh trigger recording-trigger:dev dist/trigger.tar

.PHONY: install
install: ## Install the CRDs into the current cluster.
	kubectl apply -k config/crd

.PHONY: deploy
deploy: install ## Install the CRDs and deploy the operator into the current cluster; its images must be there.
	kubectl apply -k config/default

##@ Releasing

# Where the plugin's archives will be; the krew manifest names it.
DOWNLOADS ?= https://sparkrtc.dev/recording-operator/releases/$(VERSION)

.PHONY: dist
dist: ## Write manifests, chart, plugin, SBOMs and checksums into dist/ (VERSION=v0.1.0 REGISTRY=registry.example.com/media).
	@hack/dist.sh "$(VERSION)" "$(REGISTRY)" "$(DOWNLOADS)"

.PHONY: dist-images
dist-images: ## Build the images of VERSION, which `make dist` then names by digest.
	@hack/dist-images.sh "$(VERSION)"

##@ Development

.PHONY: build
build: ## Build the commands into bin/.
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: install-plugin
install-plugin: ## Install the kubectl plugin, `kubectl recordings`, where `go install` puts programs.
	@hack/install-plugin.sh $(VERSION)

.PHONY: generate
generate: $(CONTROLLER_GEN) $(CRD_REF_DOCS) ## Generate deep copies, CRDs, RBAC, the dashboard, templates of the chart and the API reference.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager paths=./internal/controller/... output:rbac:artifacts:config=config/rbac/manager
	$(CONTROLLER_GEN) rbac:roleName=receiver paths=./cmd/receiver output:rbac:artifacts:config=config/rbac/receiver
	cd hack/monitoring && go run ./dashboard ../../config/grafana/recording-operator.json
	cd hack/release && go run ./templates ../../config ../../config/chart/templates
	$(CRD_REF_DOCS) --log-level=ERROR --source-path=api --config=hack/crd-ref-docs.yaml --renderer=markdown --output-path=docs/reference/api.md

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code.
	$(GOLANGCI_LINT) fmt ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint the code of every module, the API included.
	@for module in $(LINTED); do \
		echo "golangci-lint run in $$module"; (cd "$$module" && $(GOLANGCI_LINT) run ./...) || exit 1; done

.PHONY: tidy
tidy: ## Tidy every module.
	@for module in $(MODULES); do \
		echo "go mod tidy in $$module"; (cd "$$module" && go mod tidy) || exit 1; done

.PHONY: verify
verify: ## Generate, format, lint and tidy; fail when that changes anything.
	@hack/verify.sh

.PHONY: test-e2e
test-e2e: ## End-to-end tests on localkube: real kubelet, containers, ffmpeg and S3 server.
	@CLUSTER=$(CLUSTER) hack/e2e.sh

.PHONY: test-e2e-integrations
test-e2e-integrations: ## The operator beside the real controllers of Argo Workflows and Kueue, and a stand-in for Tekton's.
	@CLUSTER=$(CLUSTER) hack/e2e-integrations.sh

.PHONY: test-e2e-upgrade
test-e2e-upgrade: ## Upgrade from the last version of CHANGELOG.md, built from git, while files are processed; old worker beside new manager.
	@CLUSTER=$(CLUSTER) hack/e2e-upgrade.sh

.PHONY: test-e2e-install
test-e2e-install: ## Type the commands of all pages; install, upgrade, roll back and uninstall the chart with Helm.
	@CLUSTER=$(CLUSTER) hack/e2e-install.sh

.PHONY: test-media
test-media: ## Recordings of every shape, good and damaged, through the worker; decoded and played in Chromium; 16 min on 2 CPUs, 11 with SHORT=1 (SEED=n COUNT=n FOR=1m).
	@hack/media.sh

.PHONY: test-ui
test-ui: ## The page of `kubectl recordings ui` in headless Chromium, against a real API server; pictures are in dist/ui.
	@hack/ui.sh

.PHONY: test-load
test-load: build ## Measure callbacks beside bare creates on one API server (LOAD="-clients 32 -n 8000 -alone 1000 -files 0 -rounds 1").
	@mkdir -p dist
	KUBEBUILDER_ASSETS=$$(hack/envtest.sh) go run ./test/load $(LOAD)

.PHONY: test-chaos
test-chaos: build ## Break everything under load for DURATION (2m): nothing may be lost, doubled or forged (SEED=n for the same again).
	@mkdir -p dist
	KUBEBUILDER_ASSETS=$$(hack/envtest.sh) go run ./test/chaos -duration $(or $(DURATION),2m) $(if $(SEED),-seed $(SEED)) $(CHAOS)

.PHONY: test-neighbors
test-neighbors: build ## Measure what a tenant that attacks does to one that works: callbacks p99 under 250 ms, files at most twice as late (NEIGHBORS="-only callbacks").
	@mkdir -p dist
	KUBEBUILDER_ASSETS=$$(hack/envtest.sh) go run ./test/neighbors $(NEIGHBORS)

.PHONY: bench-media
bench-media: ## Measure the worker on large recordings beside bare ffmpeg: times, memory, MB/s (BENCH="-only day -runs 1").
	@mkdir -p bin
	@go build -trimpath -o bin/bench-media ./test/media/bench
	@bin/bench-media $(BENCH)

.PHONY: fuzz
fuzz: ## Fuzz what reads untrusted input, FUZZTIME (30s) each.
	@hack/fuzz.sh $(or $(FUZZTIME),30s)

.PHONY: envtest-assets
envtest-assets: ## Get what envtest needs and print the folder for KUBEBUILDER_ASSETS.
	@hack/envtest.sh

$(TOOLS)/%:
	@echo "building $* (the linter takes about three minutes the first time; kept in $(TOOLS))"
	@mkdir -p $(TOOLS)
	@cd hack/tools && go build -o $@.new $(if $(filter golangci-lint,$*),./golangci-lint,$(shell cd hack/tools && go list -f '{{.ImportPath}}' tool 2>/dev/null | grep '/$*$$'))
	@mv $@.new $@
