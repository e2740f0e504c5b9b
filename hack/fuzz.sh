#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."
for_each=${1:-30s}
for package in $(go list ./...); do
  for name in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "fuzzing $package $name for $for_each"
    go test -run '^$' -fuzz "^$name\$" -fuzztime "$for_each" "$package"
  done
done
