#!/usr/bin/env bash
# Ends the demo's cluster, or removes from a cluster what the demo put there. The images stay in dist/ for the next demo.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../cluster.sh
source hack/cluster.sh

case $CLUSTER in
  localkube) hack/localkube.sh down ;;
  kind) kind delete cluster --name "$KIND_NAME" ;;
  current)
    kubectl delete namespace demo --ignore-not-found
    kubectl delete -k config/default --ignore-not-found
    echo "the definitions stay, with every recording object of other namespaces; to remove them: kubectl delete -k config/crd"
    ;;
  *) die "CLUSTER must be localkube, kind or current, not '$CLUSTER'" ;;
esac
rm -rf dist/demo dist/deploy dist/kind.kubeconfig
