#!/usr/bin/env bash
# Builds the images of a version into dist/images. The argument is the version. The operator and the trigger are built for
# amd64 and arm64; the worker for the platforms that WORKER_ARCHS names, by default that of this machine: its ffmpeg is not
# built for another one.
set -euo pipefail
cd "$(dirname "$0")/.."

build() { # NAME TARGET ARCH
  VERSION=$version ARCH=$3 hack/images/build.sh "$2" "$1:$version" "dist/images/$1-$3.tar"
}

version=$1
for arch in amd64 arm64; do
  build recording-operator operator "$arch"
  build recording-trigger trigger "$arch"
done
read -ra worker_archs <<<"${WORKER_ARCHS:-$(go env GOHOSTARCH)}"
for arch in "${worker_archs[@]}"; do
  build recording-worker worker "$arch"
done
