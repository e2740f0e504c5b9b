#!/usr/bin/env bash
# End-to-end tests of an upgrade: the last version that CHANGELOG.md names is built from git and runs in a cluster beside what is
# checked out. Arguments go to `go test`. The cluster is left running; `make cluster-down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=cluster.sh
source hack/cluster.sh
# shellcheck source=changelog.sh
source hack/changelog.sh
trap stop_forwarding EXIT

# previous_load builds the images of an earlier version from its own sources, by its own scripts.
previous_load() { # VERSION COMMIT
  say "the images of $1, commit ${2:0:12}, from git"
  if [[ $(git -C "$checkout" rev-parse HEAD 2>/dev/null) != "$2" ]]; then
    rm -rf "$checkout"
    git clone --quiet --shared --no-checkout . "$checkout"
    git -C "$checkout" checkout --quiet --detach "$2"
  fi
  local name target archive
  for pair in recording-operator:operator recording-worker:worker recording-trigger:trigger; do
    name=${pair%%:*} target=${pair##*:} archive=$checkout/dist/previous-${pair##*:}.tar
    VERSION=$1 "$checkout/hack/images/build.sh" "$target" "$(image_name "$name"):$1" "$archive"
    image_load "$(image_name "$name"):$1" "$archive"
  done
  operator_overlay "$checkout" "$1" "$checkout/dist/previous-operator.tar"
}

checkout=dist/previous
last=$(last_version)
read -r version commit <<<"$last"
if ! in_this_clone "$commit"; then
  die "$version is commit $commit, which this clone has not: get it with git fetch --unshallow"
fi
mkdir -p dist/e2e bin
cluster_up
images_load
operator_deploy
s3_namespace
callback_base
previous_load "$version" "$commit"
PREVIOUS_CHECKOUT=$PWD/$checkout PREVIOUS_VERSION=$version e2e_test e2e,upgrade -run '^TestUpgrade_' "$@"
say "the upgrade from $version passes"
