#!/usr/bin/env bash
# Fails when a page of the documentation links to a file or a heading that does not exist, or docs/README.md has no link to
# a page of docs. Links to other sites are not fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

# anchors FILE prints the anchors of its headings, as GitHub makes them.
anchors() {
  awk '/^ *```/ {code = !code} !code && /^#+ / {sub(/^#+ +/, ""); print}' "$1" |
    sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g' | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

broken=0
complain() { echo "links: $1" >&2; broken=1; }
while IFS= read -r page; do
  while IFS= read -r link; do
    case $link in '' | http://* | https://* | mailto:*) continue ;; esac
    path=${link%%#*} anchor=
    [[ $link != *#* ]] || anchor=${link#*#}
    target=$page
    [[ -z $path ]] || target=$(dirname "$page")/$path
    if [[ ! -e $target ]]; then
      complain "$page links to $link, which does not exist"
    elif [[ -n $anchor && $target == *.md ]] && ! anchors "$target" | grep -qxF -- "$anchor"; then
      complain "$page links to $link: no such heading"
    fi
  done < <(awk '/^ *```/ {code = !code} !code' "$page" | sed -E 's/`[^`]*`//g' | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//' || true)
done < <(git ls-files '*.md')

while IFS= read -r page; do
  grep -qF "](${page#docs/})" docs/README.md || complain "docs/README.md has no link to $page"
done < <(git ls-files 'docs/*.md' | grep -v '^docs/README.md$')
exit "$broken"
