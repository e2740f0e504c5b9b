#!/usr/bin/env bash
# Builds the images of a version, for the platform of this machine, into dist/images. The argument is the version.
set -euo pipefail
cd "$(dirname "$0")/.."

for pair in recording-operator:operator recording-worker:worker recording-trigger:trigger; do
  name=${pair%%:*} target=${pair##*:}
  VERSION=$1 hack/images/build.sh "$target" "$name:$1" "dist/images/$name.tar"
done
