#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time each. An input that fails is written below testdata/fuzz of its
# package: commit it with the fix, and every later `go test` tries it.
set -euo pipefail
cd "$(dirname "$0")/.."
for_each=${1:-30s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz runs one fuzz test of a package. Go before 1.27 sometimes fails at the very end of the time without having found
# anything (golang.org/issue/75804); that is no failure. By default it would spend a minute on making an input smaller that
# is of interest, which is all the time there is.
fuzz() {
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$for_each" -fuzzminimizetime 100x "$1" 2>&1 | tee "$log" && return
  grep -qx ' *context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"
}

grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' api cmd internal test | sort | while IFS=: read -r file function; do
  name=${function#func }
  echo "fuzzing ${file%/*} $name for $for_each"
  fuzz "./${file%/*}" "$name" </dev/null
done
