#!/usr/bin/env bash
# End-to-end tests: the operator in a real cluster, with real containers, ffmpeg and S3 server. Arguments go to
# `go test`. The cluster is left running; `make cluster-down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=cluster.sh
source hack/cluster.sh
trap stop_forwarding EXIT

mkdir -p dist/e2e bin
cluster_up
images_load recording-captions:captions
operator_deploy
say "namespace e2e: an S3 server"
kubectl create namespace e2e --dry-run=client -o yaml | kubectl apply -f -
kubectl label --overwrite namespace e2e pod-security.kubernetes.io/enforce=restricted >/dev/null
s3_secret e2e
overlay dist/e2e ../../hack/demo/manifests/s3
kubectl apply -n e2e -k dist/e2e
kubectl -n e2e rollout status deployment/s3 --timeout=120s
callback_base
say "go test ./test/e2e"
CLUSTER=$CLUSTER CALLBACK_BASE=$base CAPTIONS_IMAGE=$(image recording-captions) CGO_ENABLED=0 go test -tags e2e -count=1 -timeout 30m -v "$@" ./test/e2e
