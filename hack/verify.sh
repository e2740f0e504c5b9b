#!/usr/bin/env bash
# Runs every generator, formatter and linter, and fails when that leaves a difference or an untracked file.
set -euo pipefail
cd "$(dirname "$0")/.."

before=$(git status --porcelain)
if [[ -n $before ]]; then
  echo "verify: commit or stash these first, so that a difference can be told:" >&2
  echo "$before" >&2
  exit 1
fi

# The documentation names the tests that hold what it says.
unknown=$(comm -23 \
  <(grep -rhoE '`(Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*`' --include='*.md' README.md docs hack | tr -d '`' | sort -u) \
  <(grep -rhoE --include='*_test.go' '^func (Test|Fuzz|Benchmark)[A-Za-z0-9_]*' api cmd internal test hack | sed 's/^func //' | sort -u))
if [[ -n $unknown ]]; then
  echo "verify: the documentation names tests that do not exist:" >&2
  echo "$unknown" >&2
  exit 1
fi

# A program that was built at the top of the checkout is soon committed by mistake.
large=$(git ls-files -z | xargs -0 -r du --apparent-size --block-size=1K -- | awk '$1 > 1024')
if [[ -n $large ]]; then
  echo "verify: files of more than 1 MiB are no source (size in KiB):" >&2
  echo "$large" >&2
  exit 1
fi

# A license that touches `package` would be the package's documentation. A build constraint comes first.
unlicensed=$(git ls-files -z '*.go' | xargs -0 awk -v header="$(cat hack/boilerplate.go.txt)"$'\n\n' '
  function judge() { if (file != "" && text != header) print file }
  FNR == 1 { judge(); file = FILENAME; text = ""; lines = 0 }
  FNR == 1 && /^\/\/go:build / { getline; next }
  lines++ < 3 { text = text $0 "\n" }
  END { judge() }')
if [[ -n $unlicensed ]]; then
  echo "verify: these do not begin with hack/boilerplate.go.txt and an empty line:" >&2
  echo "$unlicensed" >&2
  exit 1
fi

hack/words.sh
make generate fmt tidy
if [[ -n $(git status --porcelain) ]]; then
  echo "verify: generated, formatted or tidied files differ from what is committed; run 'make generate fmt tidy' and commit:" >&2
  git status --short >&2
  git --no-pager diff --stat >&2
  git --no-pager diff >&2
  exit 1
fi
make lint
(cd hack/localkube && go vet ./...)
GOOS=windows go build ./internal/cli # the plugin is for Windows, too
hack/compatibility.sh
hack/links.sh
hack/vulnerabilities.sh
for script in hack/*.sh hack/*/*.sh .ci/run; do bash -n "$script"; done
# Where there is no kubectl, the one that is built for envtest does.
command -v kubectl >/dev/null || PATH=$(hack/envtest.sh):$PATH
for base in crd rbac receiver manager network-policy default samples prometheus grafana persistent-spool namespaced; do kubectl kustomize "config/$base" >/dev/null; done
echo "verify: nothing differs"
