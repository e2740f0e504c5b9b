# Finds the last version that CHANGELOG.md names. Sourced, not run.
# shellcheck shell=bash

# last_version prints the version and its commit, as the first heading with both has them.
last_version() {
  local found
  found=$(sed -nE 's/^## (v[0-9][^ ]*) \(commit ([0-9a-f]{40})\)$/\1 \2/p' CHANGELOG.md | head -n 1)
  [[ -n $found ]] || die "CHANGELOG.md names no version with its commit, as in: ## v0.1.0 (commit <40 digits>)"
  echo "$found"
}

# in_this_clone says whether a commit is there. A shallow clone has not every one.
in_this_clone() { git cat-file -e "$1^{commit}" 2>/dev/null; }
