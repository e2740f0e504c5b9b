#!/usr/bin/env bash
# Fails when code or documentation uses words that this project does not: metaphors where Kubernetes has a term, and
# British spelling. hack/words.txt lists them, each with what to write instead.
set -euo pipefail
cd "$(dirname "$0")/.."

found=0
while IFS=$'\t' read -r pattern instead; do
  [[ -n $pattern && $pattern != \#* ]] || continue
  if git grep -n -I -i -w -E "$pattern" -- '*.go' '*.md' '*.sh' '*.yaml' '*.yml' Makefile Dockerfile; then
    echo "words: write \"$instead\" instead of \"$pattern\"" >&2
    found=1
  fi
done <hack/words.txt
exit "$found"
