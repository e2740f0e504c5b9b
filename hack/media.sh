#!/usr/bin/env bash
# Proves the media processing of the worker: every shape of recording with every preset, recordings drawn at random, and
# a sample of the results played in a browser. Installs what it needs. Encoded material is kept in the cache, outside the
# checkout. Arguments go to `go test`, for example -media.only=reconnect.
#
#   SHORT=1 hack/media.sh              tries H264 and archive where they differ from Remux alone, as CI does
#   SEED=7 COUNT=500 hack/media.sh     draws 500 recordings with seed 7 instead of the fixed seed
#   SEED=7 FOR=10m hack/media.sh       draws other recordings for ten minutes in one process, without the worker around it
#   UPDATE=1 hack/media.sh             writes the table of docs/media.md as well
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p dist
# shellcheck source=lib.sh
source hack/lib.sh

require_go
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || install_packages ffmpeg
CHROMIUM=${CHROMIUM:-$(command -v chromium-headless-shell || command -v chromium || true)}
if [[ -z $CHROMIUM ]]; then
  # A subshell: without Chromium everything else is proven all the same.
  (install_packages chromium-headless-shell) || say "results are not played: chromium-headless-shell cannot be installed"
  CHROMIUM=$(command -v chromium-headless-shell || true)
fi
# The worker runs the ffmpeg of its image on the shapes, and Debian's, which is older, on what is drawn.
worker_ffmpeg=${WORKER_FFMPEG:-$(hack/ffmpeg/build.sh)/ffmpeg}
unset WORKER_FFMPEG
export CHROMIUM REQUIRE_MEDIA=1 REQUIRE_CORPUS=1 REQUIRE_PLAYER=1
# Without SEED and FOR, the same recordings are drawn each time: a run that passed passes again.
seed=${SEED:-888}
drawn=(-media.drawn=3000)
[[ -z ${FOR:-} ]] || drawn=(-media.for="$FOR")

more=()
[[ -z ${SHORT:-} ]] || more+=(-media.short)
[[ -z ${UPDATE:-} ]] || more+=(-media.bare -media.docs="$PWD/docs/media.md")

failed=0
say "every shape with every preset"
WORKER_FFMPEG=$worker_ffmpeg go test ./test/media -run 'TestTruth|TestChecker|TestCorpus' -timeout 40m -media.report="$PWD/dist/media.json" "${more[@]}" "$@" || failed=1
say "recordings drawn with seed $seed, in one process"
go test ./test/media -run 'TestDrawnInProcess' -timeout 120m -media.seed="$seed" "${drawn[@]}" -v | tail -n 40 || failed=1
say "recordings drawn with seed $seed; SEED=$seed draws them again"
go test ./test/media -run 'TestDrawn$' -timeout 120m -media.seed="$seed" -media.count="${COUNT:-300}" -media.report="$PWD/dist/media-drawn.json" || failed=1
if [[ -n $CHROMIUM ]]; then
  say "results played in $("$CHROMIUM" --version 2>/dev/null | head -1)"
  go test ./test/media -run 'TestPlayer' -timeout 20m ${SHORT:+-media.only=camera_on_later,muted_15s,simulcast_up,fmp4_map_change,reconnect_8s} || failed=1
fi
say "done; reports are dist/media.json and dist/media-drawn.json"
exit $failed
