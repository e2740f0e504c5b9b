#!/usr/bin/env bash
# Builds an image of this project into an archive that `localkube load-image`,
# `kind load image-archive` and `docker load` take. Run with --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)

usage() {
  cat <<'EOF'
Usage: hack/images/build.sh TARGET TAG OUTPUT.tar

Builds the image of one target and saves it, under the name TAG, to OUTPUT.tar.

  TARGET      operator, worker or trigger, of the Dockerfile at the root of the project;
              versitygw, captions, kueue or argo-workflows, of hack/images/Dockerfile.TARGET
  TAG         the image's name, e.g. recording-operator:dev
  OUTPUT.tar  where to save it, in the format of "docker save"

Nothing is done when OUTPUT.tar was made from the same inputs: the files that the
Dockerfile copies, the tool and the base images. FORCE=1 builds all the same.

With a Docker daemon this is "docker build" and "docker save". Without one, as root
on Debian, it is buildah; the base images, which come from a registry otherwise, are
then made here: debian:bookworm-slim from Debian's packages, and golang from this
machine's Go. They are kept in ${XDG_CACHE_HOME:-~/.cache}/recording-operator/images,
as are buildah's layers, out of sight of any other user of containers on this machine.
Remove that directory to get fresh ones.

Environment:
  IMAGE_TOOL  docker or buildah, to choose one (default: docker when its daemon answers)
  FORCE       1 builds even when nothing changed
  VERSION     what the built programs say their version is (default: dev)
  ARCH        amd64 or arm64: the platform of the image (default: that of this machine). The operator, the
              trigger and the worker are built for both on either; the others need Docker with emulation of the
              other platform
EOF
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
if [ $# -ne 3 ]; then
  usage >&2
  exit 2
fi
target=$1 tag=$2 output=$(realpath -m "$3") version=${VERSION:-dev}
case $(uname -m) in x86_64) host_arch=amd64 ;; aarch64) host_arch=arm64 ;; *) host_arch=$(uname -m) ;; esac
arch=${ARCH:-$host_arch}

dockerfile=$repo/Dockerfile
if [ -f "$here/Dockerfile.$target" ]; then
  dockerfile=$here/Dockerfile.$target
fi
[ -f "$dockerfile" ] || { echo "build.sh: there is no $dockerfile" >&2; exit 1; }
grep -qiE "^FROM .* AS $target\$" "$dockerfile" || {
  echo "build.sh: $dockerfile has no target $target; it has: $(sed -nE 's/^FROM .* AS (.*)/\1/Ip' "$dockerfile" | paste -sd' ')" >&2
  exit 1
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/recording-operator/images
mkdir -p "$cache" "$(dirname "$output")"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
tool=$(choose_tool)
if [ "$tool" = buildah ]; then
  # shellcheck source-path=SCRIPTDIR source=base.sh
  . "$here/base.sh"
  if [ "$arch" != "$host_arch" ] && ! [[ $target =~ ^(operator|trigger|worker)$ ]]; then
    echo "build.sh: without Docker, $target is built for $host_arch alone on this machine" >&2
    exit 1
  fi
fi

# One build at a time: two would make the same base images and fill the same caches.
exec 9>"$cache/.lock"
flock -n 9 || { say "another build is under way; waiting for it"; flock 9; }

bases=$tool
if [ "$tool" = buildah ]; then
  require_programs buildah mmdebstrap
  bases=$(base_keys "$dockerfile")
fi
inputs=$( (inputs_of "$dockerfile"; echo "$target $tag $version $arch $bases") | sha256sum | cut -d' ' -f1)
if [ "${FORCE:-}" != 1 ] && [ -f "$output" ] && [ "$(cat "$output.inputs" 2>/dev/null)" = "$inputs" ]; then
  say "$output is up to date"
  exit 0
fi
rm -f "$output.inputs" "$output.tmp"

case $tool in
  docker)
    long "building $tag (target $target) with docker" \
      docker build --platform "linux/$arch" --file "$dockerfile" --target "$target" --tag "$tag" \
      --build-arg VERSION="$version" "$repo"
    long "saving $tag" docker save --output "$output.tmp" "$tag"
    ;;
  buildah)
    make_bases "$dockerfile"
    build_with_buildah "$dockerfile" "$target" "$tag" "$output.tmp"
    ;;
esac
mv "$output.tmp" "$output"
# Nodes pull the image of a trigger for pods that do next to nothing.
if [ "$target" = trigger ] && [ "$(stat -c %s "$output")" -gt 30000000 ]; then
  die "$output has more than 30 MB"
fi
echo "$inputs" >"$output.inputs"
say "built $tag into $output ($(du -h "$output" | cut -f1))"
