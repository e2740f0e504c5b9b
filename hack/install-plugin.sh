#!/usr/bin/env bash
# Installs the kubectl plugin and what completes its command line where `go install` puts programs, and checks that
# kubectl will find both. The argument is the version.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(go env GOBIN)
[[ -n $dir ]] || dir=$(go env GOPATH | cut -d: -f1)/bin
mkdir -p "$dir"
go build -trimpath -ldflags "-s -w -X main.version=$1" -o "$dir/kubectl-recordings" ./cmd/kubectl-recordings
install -m 0755 cmd/kubectl-recordings/kubectl_complete-recordings "$dir/"
echo "installed $dir/kubectl-recordings and $dir/kubectl_complete-recordings"

found=$(command -v kubectl-recordings || true)
if [[ -z $found ]]; then
  # shellcheck disable=SC2016 # it is to be expanded by the shell that it is pasted into
  printf '%s is not on the PATH: kubectl will not find the plugin. Add it, for example:\n\n  export PATH="$PATH:%s"\n\n' "$dir" "$dir"
elif [[ ! $found -ef $dir/kubectl-recordings ]]; then
  echo "another one comes first on the PATH and hides it: $found" >&2
  exit 1
else
  echo "try: kubectl recordings --help"
fi
command -v kubectl >/dev/null || echo "there is no kubectl on the PATH; without it, call kubectl-recordings itself"
