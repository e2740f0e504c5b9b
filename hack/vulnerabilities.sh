#!/usr/bin/env bash
# Fails when code of the operator, the receiver, the worker or the plugin calls a function with a known vulnerability.
# Without the vulnerability database, as on a machine without internet access, it says so and checks nothing.
#
#   GOVULNDB  another database, for example file:///srv/vulndb
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib.sh
source hack/lib.sh

require_go
govulncheck=$(tool govulncheck golang.org/x/vuln/cmd/govulncheck)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
rc=0
timeout 300 "$govulncheck" ${GOVULNDB:+-db "$GOVULNDB"} ./... >"$log" 2>&1 || rc=$?
case $rc in
  0) say "no call of a function with a known vulnerability" ;;
  3) cat "$log" >&2; exit 1 ;; # govulncheck's exit code for findings
  *) say "known vulnerabilities were NOT checked (exit code $rc): $(grep -m1 . "$log")" ;;
esac
