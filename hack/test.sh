#!/usr/bin/env bash
# Runs the tests with the race detector, and gets everything that they need first: a real API server and etcd
# (downloaded, or built from source once), ffmpeg and an S3 server. Arguments go to `go test`.
#
# The worker runs ffmpeg as its image has it (hack/ffmpeg). Without arguments but ./..., the tests of the worker run once
# more with Debian's, which is older. FFMPEG makes the recordings; it needs all formats. WORKER_FFMPEG is not built when set.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

require_go
require_programs gcc # the race detector is linked by it
[[ -e /usr/include/stdlib.h ]] || install_packages libc6-dev
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || install_packages ffmpeg
worker_ffmpeg=${WORKER_FFMPEG:-$(hack/ffmpeg/build.sh)/ffmpeg}
VERSITYGW=$(tool versitygw github.com/versity/versitygw/cmd/versitygw)
KUBEBUILDER_ASSETS=$(hack/envtest.sh)
export VERSITYGW KUBEBUILDER_ASSETS REQUIRE_MEDIA=1 REQUIRE_STORAGE=1 REQUIRE_ENVTEST=1

say "go test -race"
export CGO_ENABLED=1
WORKER_FFMPEG=$worker_ffmpeg go test -race -timeout 20m "$@"
if [[ $* == ./... ]]; then
  mapfile -t packages < <(grep -rl --include='*_test.go' programs.WorkerFFmpeg internal | xargs -n1 dirname | sort -u)
  say "go test -race with Debian's ffmpeg: ${packages[*]}"
  env -u WORKER_FFMPEG go test -race -timeout 20m "${packages[@]/#/./}"
  say "go test of what makes a release"
  go -C hack/release test ./...
  go -C hack/compatibility test ./...
  say "go test of alerts and the dashboard"
  go -C hack/monitoring test ./...
  say "go test beside the official SDK"
  go -C test/rtcsdk test ./...
fi
say "done"
