#!/usr/bin/env bash
# Builds the images of a version for amd64 and arm64 into dist/images. The argument is the version.
set -euo pipefail
cd "$(dirname "$0")/.."

build() { # NAME TARGET ARCH
  VERSION=$version ARCH=$3 hack/images/build.sh "$2" "$1:$version" "dist/images/$1-$3.tar"
}

version=$1
for arch in amd64 arm64; do
  build recording-operator operator "$arch"
  build recording-trigger trigger "$arch"
  build recording-worker worker "$arch"
done
