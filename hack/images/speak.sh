#!/bin/sh
# Speaks its arguments, one word every 1.5 s, each after 0.5 s of silence, and prints the sound as base64: WAV of 16 kHz.
set -eu

cd /tmp
# espeak-ng complains of a machine without a sound card: only the sound is printed, or what went wrong.
exec 3>&1 >log 2>&1
trap '[ $? = 0 ] || cat log >&3' EXIT
: >list
number=0
for word in "$@"; do
  espeak-ng -v en-us -s 130 -w "$number.spoken.wav" "$word"
  ffmpeg -nostdin -loglevel error -y -i "$number.spoken.wav" -af adelay=500,apad=whole_dur=1.5 -t 1.5 -ac 1 -ar 16000 "$number.wav"
  echo "file $number.wav" >>list
  number=$((number + 1))
done
ffmpeg -nostdin -loglevel error -y -f concat -safe 0 -i list -c copy speech.wav
base64 speech.wav >&3
