#!/usr/bin/env bash
# Prints the folder with the API server, etcd and kubectl that envtest runs: those that setup-envtest downloads or,
# where nothing can be downloaded, those that are built from source. Both are kept outside the checkout.
#
#   KUBEBUILDER_ASSETS  is printed as it is when it is set
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  echo "$KUBEBUILDER_ASSETS"
  exit 0
fi
require_go
version=$(sed -nE 's/^\tk8s.io\/kubernetes v([0-9]+\.[0-9]+)\..*/\1/p' hack/localkube/kube/go.mod).x

# setup_envtest PATTERN FLAG... looks for binaries of this version.
setup_envtest() { "$setup" "$@" --bin-dir "$project_cache/setup-envtest/assets" "$version"; }

setup=$(tool setup-envtest sigs.k8s.io/controller-runtime/tools/setup-envtest)
if ! setup_envtest use --installed-only >/dev/null 2>&1 && timeout 5 "$setup" list "$version" >/dev/null 2>&1; then
  long "downloading the API server and etcd $version for envtest" setup_envtest use || true
fi
if assets=$(setup_envtest use --installed-only --print path 2>/dev/null); then
  echo "$assets"
  exit 0
fi
hack/localkube.sh build --only envtest | tail -n 1
