#!/usr/bin/env bash
# End-to-end tests of what other projects do with the operator's objects: the real controllers of Argo Workflows and of Kueue,
# and a stand-in for Tekton's. Arguments go to `go test`. The first time, building both takes some twenty minutes. The
# cluster is left running, with both in it; `make cluster-down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=cluster.sh
source hack/cluster.sh
# shellcheck source=integrations.sh
source hack/integrations.sh
trap stop_forwarding EXIT

e2e_up recording-kueue:kueue recording-argo-workflows:argo-workflows
kueue_install
argo_install
e2e_test e2e,integrations -run '^Test(Argo|Tekton|Kueue)_' "$@"
say "the integrations pass"
