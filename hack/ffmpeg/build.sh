#!/usr/bin/env bash
# Builds ffmpeg with only what the steps use, and prints the folder that it is in. Run with --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../images/lib.sh
. "$here/../images/lib.sh"

usage() {
  cat <<'HELP'
Usage: hack/ffmpeg/build.sh

Builds ffmpeg from Debian's source package, with the components that
hack/ffmpeg/components.sh lists and no others, and prints the folder with

  ffmpeg       linked statically: it runs in an image without anything else
  version      of the source package
  copyright/   of ffmpeg and of the libraries that are linked in

The program is kept in ${XDG_CACHE_HOME:-~/.cache}/recording-operator/ffmpeg, by the
content of this folder; a second run prints the folder at once. The first takes three to
five minutes. FORCE=1 builds again, which takes up Debian's latest fixes.

It runs on Debian, as root where packages are missing. hack/ffmpeg/README.md says why.

Environment:
  ARCH   amd64 or arm64: the platform that it is built for (default: that of this machine). For another one,
         Debian's cross compiler is installed, and the libraries are unpacked beside the source
  FORCE  1 builds even when there is one
HELP
}

case "${1:-}" in
  "") ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

# The suite that has the source package, and the version that is wanted of it.
suite=trixie
series=7.1

# shellcheck source-path=SCRIPTDIR source=components.sh
. "$here/components.sh"

host=$(dpkg --print-architecture 2>/dev/null || uname -m)
arch=${ARCH:-$host}
# Debian's libx264 for arm64 is not position independent.
case $arch in
  amd64) machine=x86_64 static=-static-pie ;;
  arm64) machine=aarch64 static=-static ;;
  "$host") machine=$(uname -m) static=-static-pie ;; # nobody has tried it
  *) echo "ffmpeg: ARCH is amd64 or arm64, not \"$arch\"" >&2; exit 2 ;;
esac

# The compiler and the programs that unpack the source. Then the libraries: Debian has each of them as a static one.
tools=(gcc libc6-dev make nasm pkg-config dpkg-dev xz-utils)
libraries=(libx264-dev libopus-dev libmp3lame-dev libwebp-dev libaom-dev zlib1g-dev)
# root is where the libraries are: this machine's own, or, of another platform, unpacked below the work folder.
root='' cross=() strip=strip
if [[ $arch != "$host" ]]; then
  strip=$machine-linux-gnu-strip
  tools+=("gcc-${machine//_/-}-linux-gnu" "libc6-dev-$arch-cross")
fi

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
key=$(cd "$here" && cat build.sh components.sh - <<<"$codename $arch" | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/recording-operator/ffmpeg
out=$cache/$key

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock -n 9 || { say "another build of ffmpeg is under way; waiting for it"; flock 9; }
if [[ -x $out/ffmpeg && ${FORCE:-} != 1 ]]; then
  echo "$out"
  exit 0
fi

command -v apt-get >/dev/null || {
  echo "ffmpeg: this needs Debian, for its source package and its libraries; elsewhere take them out of an image: docker build --target ffmpeg --output type=local,dest=DIR ." >&2
  exit 1
}
work=$(mktemp -d "$cache/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" # of apt_

# install_missing installs those Debian packages that are not there.
install_missing() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $(id -u) == 0 ]] || { echo "ffmpeg: these Debian packages are needed, install them first: ${missing[*]}" >&2; exit 1; }
  long "installing Debian packages: ${missing[*]}" apt_install "${missing[@]}"
}

# unpack_libraries gets the libraries of another platform: apt, with that platform for its own, checks them against the signed
# lists.
unpack_libraries() {
  local package foreign=(-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::status=/dev/null)
  mirrors deb "$codename" >"$work/sources.list" &&
    mkdir -p "$work/debs" "$root" &&
    apt_ "${foreign[@]}" update &&
    (cd "$work/debs" && apt_ "${foreign[@]}" download "${libraries[@]}") || return
  for package in "$work"/debs/*.deb; do
    dpkg-deb --extract "$package" "$root" || return
  done
}

# apt_ is apt with a source list and state of its own: the machine's are not touched. Nothing without a good signature
# is taken, whatever the machine's settings say.
apt_() {
  apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
    -o Acquire::AllowInsecureRepositories=false -o Acquire::AllowDowngradeToInsecureRepositories=false \
    -o APT::Get::AllowUnauthenticated=false -o APT::Sandbox::User=root "$@"
}

# mirrors KIND SUITE prints the list of deb or deb-src for a suite, at the mirrors that this machine has its own Debian packages from.
mirrors() {
  # shellcheck disable=SC2016  # apt's variables, not the shell's
  apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' -v from="$codename" -v kind="$1" -v to="$2" -v signed=/usr/share/keyrings/debian-archive-keyring.gpg '
      $1 != "Debian" { next }
      $2 == from { print kind " [signed-by=" signed "] " $3 " " to " main" }
      $2 == from "-security" { print kind " [signed-by=" signed "] " $3 " " to "-security main" }' | sort -u
}

# download gets the newest source package of the series; apt checks it against the signed lists. The commands are joined
# because `set -e` does not hold in what long runs; so are those of the steps below.
download() {
  mirrors deb-src "$suite" >"$work/sources.list" &&
    if [[ ! -s $work/sources.list ]]; then
      apt-get -q update && mirrors deb-src "$suite" >"$work/sources.list" # apt knows a mirror's origin from its lists
    fi &&
    if [[ ! -s $work/sources.list ]]; then echo "this machine's apt has no mirror of Debian $codename"; return 1; fi &&
    apt_ update &&
    apt_ --only-source --print-uris source ffmpeg | sed -nE 's/.* ffmpeg_([^ _]+)\.dsc .*/\1/p' | head -1 >"$work/version" &&
    if ! grep "^${series//./\\.}\." "$work/version"; then echo "$suite has another ffmpeg than $series"; return 1; fi &&
    (cd "$work" && apt_ --only-source --download-only source ffmpeg) &&
    dpkg-source --no-check --extract "$work/ffmpeg_$(cat "$work/version").dsc" "$work/ffmpeg"
}

# list KIND NAME... prints configure's option for each component.
list() {
  local kind=$1
  shift
  printf -- "--enable-$kind=%s\n" "$@"
}

# configure asks for a static program, position independent where it can be, with the hardening that Debian builds its own with. A component
# that this version does not have is a warning to ffmpeg's configure; here it is a mistake in the list.
configure() {
  local options
  mapfile -t options < <(
    list protocol "${protocols[@]}"
    list demuxer "${demuxers[@]}"
    list muxer "${muxers[@]}"
    list decoder "${decoders[@]}"
    list encoder "${encoders[@]}"
    list parser "${parsers[@]}"
    list bsf "${bitstream_filters[@]}"
    list filter "${filters[@]}"
  )
  if [[ -n $root ]]; then
    # libmp3lame is looked for by its header, the others by pkg-config.
    cross=(--enable-cross-compile --target-os=linux --arch="$machine" --cross-prefix="$machine-linux-gnu-" --pkg-config=pkg-config
      --extra-cflags="-I$root/usr/include" --extra-ldflags="-L$root/usr/lib/$machine-linux-gnu")
    export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/$machine-linux-gnu/pkgconfig
  fi
  (cd "$work/ffmpeg" &&
    ./configure "${cross[@]}" --disable-everything --disable-autodetect --disable-network --disable-doc --disable-debug --disable-ffplay --disable-ffprobe \
      --disable-avdevice --disable-postproc \
      --enable-pthreads --enable-zlib --enable-gpl \
      --enable-libx264 --enable-libopus --enable-libmp3lame --enable-libwebp --enable-libaom \
      --pkg-config-flags=--static --enable-pic \
      --extra-cflags="-O2 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$work=." \
      --extra-ldflags="$static -Wl,-z,relro,-z,now" \
      "${options[@]}" 2>&1 | tee "$work/configure.log" &&
    ! grep 'did not match anything' "$work/configure.log")
}

build() { nice make -C "$work/ffmpeg" -j "$(nproc)" ffmpeg; }

# keep moves the program to its place whole, so that a build that was ended leaves nothing half done.
keep() {
  local new=$work/out package
  mkdir -p "$new/copyright" &&
    install -s --strip-program="$strip" -t "$new" "$work/ffmpeg/ffmpeg" &&
    install -m 0644 "$work/version" "$new/version" &&
    install -m 0644 "$work/ffmpeg/debian/copyright" "$new/copyright/ffmpeg" || return
  for package in "${libraries[@]}"; do
    install -m 0644 "$root/usr/share/doc/$package/copyright" "$new/copyright/$package" || return
  done
  chmod 0755 "$new" &&
    { [[ -n $root ]] || "$new/ffmpeg" -version; } &&
    rm -rf "$out" &&
    mv "$new" "$out"
}

if [[ $arch == "$host" ]]; then
  install_missing "${tools[@]}" "${libraries[@]}"
else
  install_missing "${tools[@]}"
  root=$work/root
  long "downloading the libraries for $arch" unpack_libraries
fi
long "downloading the source of ffmpeg $series (Debian $suite; about 15 s)" download
long "configuring ffmpeg $(cat "$work/version") (about 15 s)" configure
long "building ffmpeg (three to five minutes; once)" build
long "keeping it in $out" keep
echo "$out"
