# SPDX-License-Identifier: Apache-2.0

KERNEL   ?= 6.12
KERNELS  ?= 5.10 6.1 6.12 7
FUZZTIME ?= 30s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

GOBUILD = CGO_ENABLED=0 go build -trimpath
LDFLAGS = -X main.version=$(VERSION)
export KERNELS

.PHONY: help build build-arm64 generate check-generate deps lint test vm-test shell-vm vm-kernels \
	demo demo-vm fuzz clean bin/vmrun

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/hopdump, one static binary
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/hopdump ./cmd/hopdump

build-arm64: ## bin/hopdump-arm64, the same for arm64
	GOARCH=arm64 $(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/hopdump-arm64 ./cmd/hopdump

generate: ## compile the BPF programs and write the Go code that goes with them
	go generate ./bpf

check-generate: generate ## fail if the committed BPF objects are not up to date
	git diff --exit-code -- bpf
	test -z "$$(git status --porcelain -- bpf)"

deps: ## install what is missing for build, tests and generate (Debian)
	script/deps.sh all

lint: ## gofmt, go vet, and golangci-lint and shellcheck where they are installed
	@test -z "$$(gofmt -l .)" || { echo "gofmt changes:"; gofmt -l .; exit 1; }
	go vet ./...
	@! command -v golangci-lint >/dev/null || golangci-lint run
	@! command -v shellcheck >/dev/null || shellcheck $$(find script test -name "*.sh")

test: ## everything: dependencies, vet, all tests here, then in a machine for each of KERNELS
	script/test.sh

vm-test: ## end-to-end tests in a virtual machine: make vm-test KERNEL=6.1
	script/vm-test.sh $(KERNEL)

shell-vm: build bin/vmrun ## a shell in a virtual machine with hopdump: make shell-vm KERNEL=7
	bin/vmrun -kernel $(KERNEL) -shell -nic -file bin/hopdump:/bin/hopdump \
		-tools ip,tc,bridge,nft,tcpdump,ping,ethtool,bpftool

vm-kernels: ## fetch the kernels of the virtual machines, or newer ones
	for kernel in $(KERNELS); do test/vm/kernel.sh -u $$kernel || exit; done

demo: build ## show what hopdump does, on this machine (root)
	script/demo.sh

demo-vm: build bin/vmrun ## show what hopdump does, in a virtual machine
	script/demo.sh vm

fuzz: ## every fuzz target for FUZZTIME
	script/fuzz.sh $(FUZZTIME)

clean: ## remove what was built; kernels stay in the cache
	rm -rf bin

bin/vmrun:
	$(GOBUILD) -o $@ ./test/vm/run
