#!/usr/bin/env bash
# Compares the CustomResourceDefinitions with those of an earlier version, by default the last one that CHANGELOG.md names:
# fields are added and never removed, and no rule is tightened (docs/upgrade.md). Names each exception, and fails. In a
# clone that has not that version's commit, as a shallow one, it says so and compares nothing.
#
#   hack/compatibility.sh [COMMIT]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh
# shellcheck source=changelog.sh
source hack/changelog.sh

last=$(last_version)
read -r version commit <<<"$last"
[[ $# -eq 0 ]] || version=$1 commit=$1
if ! in_this_clone "$commit"; then
  echo "compatibility: NOTHING WAS COMPARED: $version is commit $commit, which this clone has not; git fetch --unshallow gets it" >&2
  exit 0
fi
compare=$(tool compatibility .)
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$commit" config/crd/bases | tar -x -C "$before"
if ! "$compare" "$before/config/crd/bases" config/crd/bases; then
  die "the definitions are not compatible with those of $version (commit $commit); see docs/upgrade.md"
fi
echo "compatibility: the definitions have all that those of $version (commit ${commit:0:12}) have"
