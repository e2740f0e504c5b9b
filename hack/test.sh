#!/usr/bin/env bash
# Runs the tests with the race detector, and gets everything that they need first: a real API server and etcd (built
# from source once, then kept), ffmpeg and an S3 server. Arguments go to `go test`.
#
# The worker runs ffmpeg as its image has it (hack/ffmpeg). Without arguments but ./..., the tests of the worker run once
# more with Debian's, which is older. FFMPEG makes the recordings; it needs all formats. WORKER_FFMPEG is not built when set.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/recording-operator

say() { printf '==> %s (%ds)\n' "$*" "$SECONDS"; }

command -v go >/dev/null || { echo "test: Go 1.26 is needed: https://go.dev/dl" >&2; exit 1; }

# install installs Debian packages where that is possible, and says what to do where it is not.
install() {
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    say "installing $*"
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$cache/apt.log" 2>&1; then
      apt-get update -q >"$cache/apt.log" 2>&1
      DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$cache/apt.log" 2>&1 ||
        { tail -20 "$cache/apt.log" >&2; exit 1; }
    fi
  else
    echo "test: these are needed, install them first: $*" >&2
    exit 1
  fi
}

# tool builds the command of a module that pins it, once for each version of the module.
tool() { # MODULE PACKAGE
  local out
  out=$cache/$1/$(cat "hack/$1/go.mod" "hack/$1/go.sum" | sha256sum | cut -c1-12)/$1
  if [[ ! -x $out ]]; then
    say "building $1 (one to two minutes the first time)" >&2
    mkdir -p "$(dirname "$out")"
    (cd "hack/$1" && CGO_ENABLED=0 go build -o "$out.new" "$2")
    mv "$out.new" "$out"
  fi
  echo "$out"
}

mkdir -p "$cache"
command -v gcc >/dev/null || install gcc libc6-dev # the race detector is linked by it
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || install ffmpeg
worker_ffmpeg=${WORKER_FFMPEG:-$(hack/ffmpeg/build.sh)/ffmpeg}
VERSITYGW=$(tool versitygw github.com/versity/versitygw/cmd/versitygw)
if [[ -z ${KUBEBUILDER_ASSETS:-} ]]; then
  say "API server and etcd for envtest (about eight minutes the first time)"
  KUBEBUILDER_ASSETS=$(hack/localkube.sh build --only envtest | tail -1)
fi
export VERSITYGW KUBEBUILDER_ASSETS REQUIRE_MEDIA=1 REQUIRE_STORAGE=1 REQUIRE_ENVTEST=1

say "go test -race"
export CGO_ENABLED=1
WORKER_FFMPEG=$worker_ffmpeg go test -race -timeout 20m "$@"
if [[ $* == ./... ]]; then
  mapfile -t packages < <(grep -rl --include='*_test.go' WORKER_FFMPEG internal | xargs -n1 dirname | sort -u)
  say "go test -race with Debian's ffmpeg: ${packages[*]}"
  env -u WORKER_FFMPEG go test -race -timeout 20m "${packages[@]/#/./}"
fi
say "done"
