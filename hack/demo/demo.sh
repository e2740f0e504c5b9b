#!/usr/bin/env bash
# The main job, end to end: a signed callback becomes an archived MP4 in a real Kubernetes cluster. Exit code 0 says
# that it did. The cluster is left running; `make demo-down` ends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../cluster.sh
source hack/cluster.sh

namespace=demo
toolbox() { kubectl -n "$namespace" exec -i deployment/s3 -c toolbox -- "$@"; }

# secrets makes the demo's Secrets once, of random values.
secrets() {
  kubectl -n "$namespace" get secret demo-callback >/dev/null 2>&1 ||
    kubectl -n "$namespace" create secret generic demo-callback --from-literal=key="$(random 40)"
  s3_secret "$namespace"
}

# deploy_demo sets up the S3 server and what a user would write.
deploy_demo() {
  say "namespace $namespace: an S3 server, a RecordingSource, two StorageLocations, a RecordingPipeline"
  kubectl apply -f hack/demo/manifests/namespace.yaml
  secrets
  mkdir -p dist/demo
  overlay dist/demo ../../hack/demo/manifests
  kubectl apply -k dist/demo
  kubectl -n "$namespace" rollout status deployment/s3 --timeout=120s
  kubectl -n "$namespace" wait storagelocation/recordings storagelocation/archive recordingpipeline/lecture recordingsource/demo \
    --for=condition=Ready --timeout=90s
}

# record makes a recording as SparkRTC leaves it in the bucket: an HLS set in a folder of its own.
record() {
  say "a recording: 65 s of ffmpeg's test source with sound, 1280x720, in HLS segments of 10 s, put into the bucket 'recordings'"
  toolbox sh -eu -c '
    name=$1 folder=$2
    rm -rf /tmp/record && mkdir -p /tmp/record && cd /tmp/record
    ffmpeg -hide_banner -loglevel error -f lavfi -i testsrc2=size=1280x720:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 \
      -t 65 -c:v libx264 -preset ultrafast -g 250 -keyint_min 250 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 96k \
      -f hls -hls_time 10 -hls_playlist_type vod -hls_segment_filename "$name-%03d.ts" "$name.m3u8"
    mkdir -p "/data/recordings/$folder" && cp ./* "/data/recordings/$folder/"
    du -bc ./*.ts | tail -1 | cut -f1
  ' sh "$1" "$2" | tee dist/demo/size
}

send() { # EVENT [FLAGS]
  bin/kubectl-recordings send "$1" demo --namespace "$namespace" --url "$url" --task "$job" --room room01 "${@:2}"
}

# failed shows what a person would look at, and ends the demo.
failed() {
  say "the recording did not get to Succeeded; what there is to see:"
  kubectl -n "$namespace" describe recordingfile "$file" || true
  kubectl -n "$namespace" get jobs,pods || true
  kubectl -n "$namespace" logs -l recording.sparkrtc.dev/file="$file" --all-containers --prefix --tail=30 || true
  kubectl -n recording-system logs -l app.kubernetes.io/name=recording-operator --prefix --tail=40 || true
  exit 1
}

stop_watching() { [[ -z ${watch:-} ]] || kill "$watch" 2>/dev/null || true; }
trap 'stop_watching; stop_forwarding' EXIT

mkdir -p dist/demo bin
cluster_up
images_load
operator_deploy
deploy_demo
go build -trimpath -o bin/ ./cmd/kubectl-recordings

stamp=$(date -u +%Y-%m-%d-%H-%M-%S)
job=job-$stamp folder=Record/live/camera_$stamp
callback_base
url=$base$(kubectl -n "$namespace" get recordingsource demo -o jsonpath='{.status.callbackPath}')

say "START, signed, through the Service: $url"
send start --stream camera
kubectl -n "$namespace" get recordingtasks
kubectl -n "$namespace" get recordingfiles -w &
watch=$!
record "camera_$stamp" "$folder" >/dev/null
say "COMPLETE and OVER"
send complete --stream camera --bucket recordings --object "$folder/camera_$stamp.m3u8" --size "$(tail -1 dist/demo/size)" --duration 65 \
  --width 1280 --height 720
send over
file=$(kubectl -n "$namespace" get recordingfiles --field-selector "spec.object.key=$folder/camera_$stamp.m3u8" -o jsonpath='{.items[0].metadata.name}')
kubectl -n "$namespace" wait "recordingfile/$file" --for=condition=Ready --timeout=300s >/dev/null || failed
stop_watching

say "kubectl -n $namespace get recordings"
kubectl -n "$namespace" get recordings
say "kubectl -n $namespace get recordingfiles -o wide"
kubectl -n "$namespace" get recordingfiles -o wide
say "kubectl -n $namespace describe recordingfile $file"
kubectl -n "$namespace" describe recordingfile "$file"
mp4=$(kubectl -n "$namespace" get recordingfile "$file" -o jsonpath='{.status.steps[0].outputs[0].uri}')
result=${mp4#s3://} # bucket/room/stream/start-file/step/name
say "the archive: $(dirname "$(dirname "$result")")"
toolbox find "/data/$(dirname "$(dirname "$result")")" -type f -printf '%s %P\n'
say "ffprobe $mp4"
toolbox sh -eu -c 'ffprobe -hide_banner "/data/$1" 2>&1' sh "$result"

say "done: a signed callback became an archived MP4"
case $CLUSTER in
  # A bare machine has no kubectl of its own.
  localkube) use="export KUBECONFIG=$KUBECONFIG PATH=$PWD/.localkube/bin:\$PATH" with="" ;;
  kind) use="export KUBECONFIG=$KUBECONFIG" with=" CLUSTER=kind" ;;
  current) use="that of your kubeconfig" with=" CLUSTER=current" ;;
esac
cat <<EOF

  the cluster       $use
  callback URL      $url${forward:+ (after kubectl -n recording-system port-forward service/recording-operator-callback 18090:80)}
  recordings        kubectl -n $namespace get recordings
  one of them       kubectl -n $namespace describe recordingfile $file
  what a field is   kubectl explain recordingfile.spec.reported
  by room           kubectl -n $namespace get rec --field-selector spec.reported.room=room01
  send a callback   bin/kubectl-recordings -n $namespace send start demo --task $job-2 --stream camera
  process it again  edit the pipeline (kubectl -n $namespace edit rpl lecture) and run 'make demo$with' again
  end it all        make demo-down$with
EOF
