#!/usr/bin/env bash
# Compares the CustomResourceDefinitions with those of an earlier release (by default the last tag before this commit):
# fields are added and never removed, and no rule is tightened (docs/upgrade.md). Names each exception, and fails.
#
#   hack/compatibility.sh [TAG]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

release=${1:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)}
if [[ -z $release ]]; then
  echo "compatibility: no release has been tagged, so there is nothing to compare with"
  exit 0
fi
compare=$(tool compatibility .)
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$release" config/crd/bases | tar -x -C "$before"
if ! "$compare" "$before/config/crd/bases" config/crd/bases; then
  die "the definitions are not compatible with those of $release; see docs/upgrade.md"
fi
echo "compatibility: the definitions have all that those of $release have"
