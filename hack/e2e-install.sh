#!/usr/bin/env bash
# End-to-end tests of installing: the commands of all pages, and the chart's life with Helm, typed at a cluster without
# the operator. Arguments go to `go test`. The cluster is left running without it; `make cluster-down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=cluster.sh
source hack/cluster.sh

# The images of two versions, under the names that the release gives them; their sources are the same.
registry=registry.example.com/media
release_images() {
  say "the images of v0.1.0 and v0.2.0 for the release in the test"
  local name target
  for pair in recording-operator:operator recording-worker:worker recording-trigger:trigger; do
    name=${pair%%:*} target=${pair##*:}
    for version in v0.1.0 v0.2.0; do
      VERSION=$version hack/images/build.sh "$target" "$registry/$name:$version" "dist/install/$target-$version.tar"
      image_load "$registry/$name:$version" "dist/install/$target-$version.tar"
    done
  done
}

[[ $CLUSTER != current ]] || die "CLUSTER=current is not for this test: it installs and removes the operator"
require_programs jq openssl
mkdir -p dist/install bin/install
cluster_up
images_load
release_images
s3_namespace
go -C hack/release build -o "$PWD/bin/install/" helm.sh/helm/v4/cmd/helm
go build -trimpath -ldflags "-X main.version=v0.1.0" -o bin/install/ ./cmd/kubectl-recordings
PATH=$PWD/bin/install:$PATH
say "go test -tags e2e ./hack/release"
go -C hack/release test -tags e2e -count=1 -timeout 30m -v -run '^(TestGetStarted_|TestChart_Lifecycle|TestPages_CommandsWork)' "$@" .
