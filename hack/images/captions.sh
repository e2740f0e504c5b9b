#!/bin/sh
# Writes captions of the words that are spoken in the first input, one cue for each: captions.vtt.
#
#   WORDS  the words that it knows, between blanks; required
#
# It is the program of a step of kind container, see docs/containers.md.
set -eu

: "${WORDS:?must have the words that may be spoken}"
model=/usr/share/pocketsphinx/model/en-us
input=$(find /recording/input/0-* -name '*.mp4' -o -name '*.m3u8' | head -n 1)
[ -n "$input" ] || { echo "the first input has no MP4 and no playlist" >&2; exit 65; }

ffmpeg -nostdin -loglevel error -y -i "$input" -vn -ac 1 -ar 16000 /tmp/speech.wav
{
  echo '#JSGF V1.0;'
  echo 'grammar words;'
  echo "public <words> = ( $(echo "$WORDS" | sed 's/  */ | /g') )+;"
} >/tmp/words.gram

pocketsphinx_continuous -hmm "$model/en-us" -dict "$model/cmudict-en-us.dict" -jsgf /tmp/words.gram \
  -infile /tmp/speech.wav -time yes -logfn /tmp/log >/tmp/heard || { tail -n 5 /tmp/log >&2; exit 1; }

# A line for each word: the word, when it begins and ends, in seconds, and how likely it is. Silence and noise are in brackets.
awk '
  function time(s) { return sprintf("%02d:%02d:%06.3f", s / 3600, s % 3600 / 60, s % 60) }
  BEGIN { print "WEBVTT" }
  NF == 4 && $1 !~ /^[<[(]/ && $2 ~ /^[0-9.]+$/ && $3 ~ /^[0-9.]+$/ {
    sub(/\([0-9]+\)$/, "", $1)
    printf "\n%s --> %s\n%s\n", time($2), time($3), $1
    words++
  }
  END { if (!words) exit 77 }
' /tmp/heard >/recording/output/captions.vtt || { code=$?; echo "no word was heard" >&2; exit "$code"; }
grep -c -- '-->' /recording/output/captions.vtt >/recording/results/words
