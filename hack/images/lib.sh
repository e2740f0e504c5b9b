# What build.sh needs with either tool. Sourced, not run.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo is build.sh's

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

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
