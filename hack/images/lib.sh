# What build.sh needs with either tool. Sourced, not run.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo and cache are build.sh's

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }

# long WORDS COMMAND... runs a command that takes its time: it says so, says every
# 15 seconds that it goes on, and shows the command's own words only if it fails.
long() {
  local what=$1 began=$SECONDS log ticker rc=0
  shift
  log=$(mktemp)
  say "$what"
  (
    exec 9>&- >/dev/null
    while sleep 15; do say "... still at it after $((SECONDS - began)) s: $what"; done
  ) &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || rc=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ "$rc" -ne 0 ]; then
    tail -n 40 "$log" >&2
    say "failed (exit code $rc): $what"
  fi
  rm -f "$log"
  return "$rc"
}

choose_tool() {
  if [ -n "${IMAGE_TOOL:-}" ]; then
    echo "$IMAGE_TOOL"
  elif docker info >/dev/null 2>&1; then
    echo docker
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo buildah
  else
    echo "build.sh: no Docker daemon answers, and building without one takes root on Debian: start Docker, or run this as root on Debian" >&2
    return 1
  fi
}

# install_packages PROGRAM... installs the Debian packages of the same names that are missing.
install_packages() {
  local missing=() p
  for p in "$@"; do command -v "$p" >/dev/null || missing+=("$p"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  long "installing Debian packages: ${missing[*]}" apt_install "${missing[@]}"
}

# The first try fails mostly because the lists of packages are missing or old.
apt_install() {
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@")
  "${install[@]}" || { apt-get update && "${install[@]}"; }
}

# inputs_of DOCKERFILE prints a hash for each file that the Dockerfile copies from
# the project. Files that git ignores are left out: they are no part of the project.
inputs_of() {
  local dockerfile=$1 paths
  mapfile -t paths < <(
    sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$dockerfile" |
      awk 'toupper($1) == "COPY" || toupper($1) == "ADD" {
        n = 0; from = 0
        for (i = 2; i <= NF; i++) { if ($i ~ /^--from/) from = 1; if ($i !~ /^--/) w[++n] = $i }
        if (!from) for (i = 1; i < n; i++) print w[i]
      }'
  )
  (
    cd "$repo" || exit
    sha256sum "$dockerfile" | cut -d' ' -f1
    sha256sum .dockerignore 2>/dev/null || true
    # A file that git knows may have been removed from the work tree: then its name is all there is.
    git ls-files -z --cached --others --exclude-standard -- "${paths[@]}" | sort -zu |
      xargs -0 --no-run-if-empty sha256sum 2>&1 || true
  )
}
