# Building without Docker and without a registry. Sourced by build.sh, not run.
#
# Nothing here names a host: Debian's mirror, the Go module proxy and the trusted
# certificates are those that this machine uses, read from its settings when a base
# image is made. Only the golang image knows the last two, and it never leaves here.
# shellcheck shell=bash
# shellcheck disable=SC2154  # arch, host_arch, cache, repo and version are build.sh's

debian_suite=bookworm
debian_image=docker.io/library/debian:bookworm-slim

# Storage of our own: an image that is called debian but was made here must not be
# found by anybody else's build.
buildah_() {
  TMPDIR=$cache/tmp buildah --root "$cache/storage" --runroot "$cache/run" --storage-driver "$(storage_driver)" "$@"
}

# An overlay cannot lie on an overlay, as when this runs in a container itself.
storage_driver() {
  if [ "$(stat -f -c %T "$cache")" = overlayfs ]; then echo vfs; else echo overlay; fi
}

# mirrors prints the lines of sources.list for the packages of Debian that this machine uses.
mirrors() {
  local signed=/usr/share/keyrings/debian-archive-keyring.gpg
  # shellcheck disable=SC2016  # apt's variables, not the shell's
  apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)|$(COMPONENT)' 'Created-By: Packages' |
    awk -F'|' -v suite="$debian_suite" -v signed="$signed" \
      '$1 == "Debian" && index($2, suite) == 1 { print "deb [signed-by=" signed "] " $3 " " $2 " " $4 }' | sort -u
}

golang_version() { sed -nE 's/^FROM (--platform=\S+ )?golang:([0-9.]+).*/\2/p' "$1" | head -n1; }

# base_keys DOCKERFILE identifies the base images that a build uses.
base_keys() {
  debian_key
  if [ -n "$(golang_version "$1")" ]; then golang_key; fi
}

debian_key() { (echo "debian $debian_suite"; mirrors) | sha256sum | cut -c1-12; }

golang_key() {
  (debian_key; go env GOVERSION GOROOT GOPROXY GOSUMDB GONOSUMDB GOPRIVATE; cat /etc/ssl/certs/ca-certificates.crt) | sha256sum | cut -c1-12
}

# tidy_storage removes the containers and mounts of builds that failed. build.sh's
# lock says that nobody uses them.
tidy_storage() {
  buildah_ rm --all >/dev/null 2>&1 || true
  umount "$cache/storage/overlay" 2>/dev/null || true
}

mkdir -p "$cache/tmp" # beside the storage, because layers are large

# make_bases DOCKERFILE makes the base images that are not there yet.
make_bases() {
  local want have
  trap tidy_storage EXIT
  tidy_storage # of a build that was killed
  make_debian
  want=$(golang_version "$1")
  [ -n "$want" ] || return 0
  command -v go >/dev/null || { echo "build.sh: go is not in PATH; the golang image is made from it" >&2; return 1; }
  have=$(go env GOVERSION)
  case $have in
    "go$want" | "go$want".*) make_golang "docker.io/library/golang:$want-$debian_suite" ;;
    *) echo "build.sh: the Dockerfile builds with Go $want, and this machine has $have: install Go $want" >&2; return 1 ;;
  esac
}

# has_base IMAGE KEY: the image is there and was made from what KEY stands for.
has_base() {
  [ "$(buildah_ inspect --type image --format '{{index .OCIv1.Config.Labels "recording-operator.base"}}' "$1" 2>/dev/null)" = "$2" ]
}

make_debian() {
  local key tarball container
  key=$(debian_key)
  has_base "$debian_image" "$key" && return 0
  tarball=$cache/debian-$debian_suite-$key.tar
  if [ ! -f "$tarball" ]; then
    mirrors >"$cache/sources.list"
    if [ -s "$cache/sources.list" ]; then
      long "making the base image debian:bookworm-slim (about 30 s; once)" bootstrap "$tarball.tmp" "$cache/sources.list"
    else
      # Not a Debian of this release: mmdebstrap knows where Debian is.
      long "making the base image debian:bookworm-slim (about 30 s; once)" bootstrap "$tarball.tmp"
    fi
    mv "$tarball.tmp" "$tarball"
  fi
  container=$(buildah_ from scratch)
  buildah_ add --quiet "$container" "$tarball" / >/dev/null
  buildah_ config --cmd bash --label recording-operator.base="$key" "$container"
  long "storing $debian_image" buildah_ commit --rm "$container" "$debian_image"
}

bootstrap() {
  local out=$1
  shift
  # As Debian's own slim image: without documentation and translations.
  mmdebstrap --variant=minbase --format=tar \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$debian_suite" "$out" "$@"
}

make_golang() {
  local image=$1 key container root
  key=$(golang_key)
  has_base "$image" "$key" && return 0
  root=$(go env GOROOT)
  container=$(buildah_ from --pull-never "$debian_image")
  long "making the base image ${image##*/}: packages" \
    buildah_ run --isolation chroot "$container" -- sh -c \
    'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*'
  long "making the base image ${image##*/}: Go" \
    add_without_tests "$container" "$root" /usr/local/go
  # The certificates that this machine trusts, for its way to the module proxy.
  buildah_ copy --quiet "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
  buildah_ config \
    --env PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env GOPATH=/go --env GOTOOLCHAIN=local --env GOFLAGS=-buildvcs=false \
    --env GOPROXY="$(go env GOPROXY)" --env GOSUMDB="$(go env GOSUMDB)" \
    --env GONOSUMDB="$(go env GONOSUMDB)" --env GOPRIVATE="$(go env GOPRIVATE)" \
    --workingdir /go --cmd bash --label recording-operator.base="$key" "$container"
  long "storing $image" buildah_ commit --rm "$container" "$image"
}

# add_without_tests CONTAINER DIR PLACE: Go's own tests are a third of it, and no build needs them.
add_without_tests() {
  local archive=$cache/go.tar
  tar --directory "$2" --exclude ./test --exclude ./doc --exclude ./pkg/obj --create --file "$archive" .
  buildah_ add --quiet "$1" "$archive" "$3"
  rm -f "$archive"
}

# qualified NAME spells an image's name out, as Docker and Kubernetes understand it.
qualified() {
  case $1 in
    localhost/* | *.*/* | *:*/*) echo "$1" ;;
    */*) echo "docker.io/$1" ;;
    *) echo "docker.io/library/$1" ;;
  esac
}

build_with_buildah() {
  local dockerfile=$1 target=$2 tag out=$4 modules builds
  tag=$(qualified "$3")
  local volumes=()
  if [ -n "$(golang_version "$dockerfile")" ]; then
    # This machine's modules, compiled packages and ffmpeg make the build quick. They are
    # given to a RUN as it is, and to one with --mount=type=cache, for which buildah
    # looks below its temporary directory for one named after the target.
    modules=$(go env GOMODCACHE) builds=$(go env GOCACHE)
    mkdir -p "$modules" "$builds" "$cache/tmp/buildah-cache/go/pkg" "$cache/tmp/buildah-cache/root/.cache"
    ln -sfn "$modules" "$cache/tmp/buildah-cache/go/pkg/mod"
    ln -sfn "$builds" "$cache/tmp/buildah-cache/root/.cache/go-build"
    # The tests build ffmpeg too; it need not be built again here.
    mkdir -p "$cache/../ffmpeg" "$cache/tmp/buildah-cache/root/.cache/recording-operator"
    ln -sfn "$(realpath "$cache/../ffmpeg")" "$cache/tmp/buildah-cache/root/.cache/recording-operator/ffmpeg"
    volumes=(--volume "$modules:/go/pkg/mod" --volume "$builds:/root/.cache/go-build")
  fi
  long "building $tag (target $target) with buildah" \
    buildah_ bud --isolation chroot --pull-never --layers "${volumes[@]}" \
    --platform "linux/$arch" --build-arg VERSION="$version" \
    --build-arg BUILDPLATFORM="linux/$host_arch" --build-arg TARGETOS=linux --build-arg TARGETARCH="$arch" \
    --file "$dockerfile" --target "$target" --tag "$tag" "$repo"
  long "saving $tag" buildah_ push --quiet "$tag" "docker-archive:$out:$tag"
}
