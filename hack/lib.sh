# What the scripts share: progress, Debian packages, and tools that are built once. Sourced, not run.
# shellcheck shell=bash

project_cache=${XDG_CACHE_HOME:-$HOME/.cache}/recording-operator
mkdir -p "$project_cache"

# One clock for the whole command: the scripts that a script calls count on from its beginning.
export COMMAND_BEGAN=${COMMAND_BEGAN:-$EPOCHSECONDS}

say() {
  local elapsed=$((EPOCHSECONDS - COMMAND_BEGAN))
  printf '==> [%d:%02d] %s\n' $((elapsed / 60)) $((elapsed % 60)) "$*" >&2
}
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# long WORDS COMMAND... runs a command that takes its time. On a terminal, one line shows the time and the command's last
# output; elsewhere a line a minute says that the command still runs. The whole output is shown only if it fails.
long() {
  local what=$1 began=$SECONDS log ticker rc=0
  shift
  log=$(mktemp)
  say "$what"
  ticking "$what" "$log" &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || rc=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  if [[ $rc -ne 0 ]]; then
    tail -n 40 "$log" >&2
    say "failed after $((SECONDS - began)) s (exit code $rc): $what"
  fi
  rm -f "$log"
  return "$rc"
}

# ticking WORDS LOG shows that a command still runs, until it is killed.
ticking() {
  local began=$SECONDS line width
  exec 9>&- >/dev/null # a lock that the caller holds is not this process' to keep
  if [[ ! -t 2 ]]; then
    while sleep 60; do say "still running after $((SECONDS - began)) s: $1"; done
    return
  fi
  width=$(tput cols 2>/dev/null || echo 80)
  while sleep 1; do
    line=$(tail -c 400 "$2" | tr '\r' '\n' | tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 1 || true)
    line=$(printf '    %d:%02d  %s' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) "$line")
    printf '\r\033[K%s' "${line:0:$((width - 1))}" >&2
  done
}

# require_programs PROGRAM... installs the Debian packages of the same names that are missing.
require_programs() {
  local missing=() name
  for name in "$@"; do command -v "$name" >/dev/null || missing+=("$name"); done
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

# install_packages PACKAGE... installs Debian packages where that is possible. It says what to do where it is not.
install_packages() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "these Debian packages are needed, install them first: $*"
  fi
  long "installing Debian packages: $*" apt_install "$@"
}

# The first try fails mostly because the lists of packages are missing or old, or because an installation was interrupted.
apt_install() {
  # A machine that was just started is often installing updates, and holds the lock.
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@")
  "${install[@]}" || { DEBIAN_FRONTEND=noninteractive dpkg --configure -a && apt-get update && "${install[@]}"; }
}

# require_go fails where Go is missing or too old to get the version that go.mod names; Go 1.21 and later get it themselves.
require_go() {
  local have
  have=$(go env GOVERSION 2>/dev/null || true)
  [[ $(printf '%s\n' "$have" go1.26 | sort -V | head -n 1) == go1.26 ]] || die "Go 1.26 is needed, and this machine has ${have:-none}: https://go.dev/dl"
}

# tool MODULE PACKAGE builds the command of a module below hack that pins it, once for each version of the module, and
# prints where it is.
tool() {
  local out
  out=$project_cache/$1/$(cat "hack/$1/go.mod" "hack/$1/go.sum" | sha256sum | cut -c1-12)/$1
  if [[ ! -x $out ]]; then
    mkdir -p "$(dirname "$out")"
    long "building $1 (one to two minutes the first time)" go -C "hack/$1" build -o "$out.new" "$2" || return
    mv "$out.new" "$out"
  fi
  echo "$out"
}
