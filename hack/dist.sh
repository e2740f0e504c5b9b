#!/usr/bin/env bash
# Writes what a release consists of into dist/. The arguments are the version, the registry of the images, and the URL
# under which the plugin's archives will be. docs/releasing.md says what the files are.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

require_go
version=$1 registry=$2 downloads=$3
[[ -n $registry ]] || die "REGISTRY must be set, for example: make dist VERSION=v0.1.0 REGISTRY=registry.example.com/media"
ffmpeg=$(hack/ffmpeg/build.sh | tail -1) # for its SBOM
mkdir -p bin dist
go -C hack/release build -o ../../bin/release .
# The time of the commit: the same sources make the same files.
bin/release -repo . -out dist -version "$version" -registry "$registry" -downloads "$downloads" -ffmpeg "$ffmpeg" \
  -time "$(git log -1 --format=%ct)"
