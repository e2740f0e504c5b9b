#!/usr/bin/env bash
# End-to-end tests: the operator in a real cluster, with real containers, ffmpeg and S3 server. Arguments go to
# `go test`. The cluster is left running; `make cluster-down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=cluster.sh
source hack/cluster.sh
trap stop_forwarding EXIT

e2e_up
e2e_test e2e "$@"
