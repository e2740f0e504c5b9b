#!/usr/bin/env bash
# Tests the page of `kubectl recordings ui` in headless Chromium, against a real API server, and puts pictures of it into
# dist/ui. Installs what it needs. Arguments go to `go test`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

require_go
CHROMIUM=${CHROMIUM:-$(command -v chromium-headless-shell || command -v chromium || true)}
if [[ -z $CHROMIUM ]]; then
  install_packages chromium-headless-shell
  CHROMIUM=$(command -v chromium-headless-shell)
fi
mkdir -p dist/ui
KUBEBUILDER_ASSETS=${KUBEBUILDER_ASSETS:-$(hack/envtest.sh)}
export CHROMIUM KUBEBUILDER_ASSETS REQUIRE_BROWSER=1 REQUIRE_ENVTEST=1 PICTURES=$PWD/dist/ui
say "the page in $("$CHROMIUM" --version 2>/dev/null | head -1)"
go test ./test/ui -count=1 -timeout 10m "$@"
say "pictures are in dist/ui"
