#!/usr/bin/env bash
# Builds the localkube command when its source has changed, and runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
(cd hack/localkube && CGO_ENABLED=0 go build -o ../../bin/localkube .)
exec bin/localkube "$@"
