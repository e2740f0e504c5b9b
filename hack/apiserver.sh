#!/usr/bin/env bash
# Builds the API server of another Kubernetes version from its published module (10 minutes the first time), and prints a
# folder for KUBEBUILDER_ASSETS that has it beside the etcd and kubectl of today. docs/install.md says which versions work:
#
#   KUBEBUILDER_ASSETS=$(hack/apiserver.sh v1.31.14) go test ./api/... ./internal/ingest ./internal/controller ./test/security
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

version=${1:-}
[[ $version =~ ^v1\.[0-9]+\.[0-9]+$ ]] || die "usage: hack/apiserver.sh VERSION, for example v1.31.14"
require_go
assets=$project_cache/kubernetes/$version-apiserver
if [[ ! -x $assets/kube-apiserver ]]; then
  module=$(mktemp -d)
  trap 'rm -rf "$module"' EXIT
  {
    echo "module apiserver"
    echo "go 1.26.0"
    echo "require k8s.io/kubernetes $version"
    # Kubernetes replaces its libraries by folders of its own repository: here by what was published of them.
    manifest=$(go mod download -json "k8s.io/kubernetes@$version" | sed -nE 's/^\t"GoMod": "(.*)",$/\1/p')
    sed -nE "s#^\t(k8s\.io/[a-z0-9-]+) => \./staging.*#replace \1 => \1 v0.${version#v1.}#p" "$manifest"
  } >"$module/go.mod"
  cat >"$module/main.go" <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
GO
  long "finding the modules of Kubernetes $version" go -C "$module" mod tidy
  package=k8s.io/component-base/version
  minor=${version#v1.}
  mkdir -p "$assets"
  CGO_ENABLED=0 long "building the API server of Kubernetes $version (10 minutes)" \
    go -C "$module" build -trimpath -o "$assets/kube-apiserver.new" \
    -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%.*}" .
  mv "$assets/kube-apiserver.new" "$assets/kube-apiserver"
fi
today=$(hack/envtest.sh)
ln -sf "$today/etcd" "$today/kubectl" "$assets/"
echo "$assets"
