# Sourced by the demo and the end-to-end tests: a cluster with the operator and an S3 server in it.
# shellcheck shell=bash
#
#   CLUSTER  kind: a cluster in Docker, created when it does not exist; localkube: a cluster of our own on this machine;
#            current: the one of the current kubeconfig, whose nodes must be able to pull from IMAGE_REGISTRY.
#            Default: kind where kind and Docker are there, else localkube.

# shellcheck source=lib.sh
source hack/lib.sh

KIND_NAME=recording-operator
# choose_cluster takes kind where it is installed and Docker runs.
choose_cluster() {
  if command -v kind >/dev/null && timeout 5 docker info >/dev/null 2>&1; then echo kind; else echo localkube; fi
}
CLUSTER=${CLUSTER:-$(choose_cluster)}

cluster_up() {
  case $CLUSTER in
    localkube)
      say "a single-node cluster of our own (the first time, Kubernetes is built from source: about ten minutes)"
      hack/localkube.sh up
      use_localkube
      ;;
    kind)
      command -v kind >/dev/null || die "CLUSTER=kind needs kind and Docker; without them use CLUSTER=localkube (as root) or CLUSTER=current"
      say "the kind cluster $KIND_NAME"
      kind get clusters 2>/dev/null | grep -qx "$KIND_NAME" || kind create cluster --name "$KIND_NAME"
      KUBECONFIG=$PWD/dist/kind.kubeconfig
      kind get kubeconfig --name "$KIND_NAME" >"$KUBECONFIG"
      export KUBECONFIG
      ;;
    current)
      command -v kubectl >/dev/null || die "CLUSTER=current needs kubectl"
      kubectl version >/dev/null || die "CLUSTER=current: the cluster of the current kubeconfig does not answer"
      [[ -n ${IMAGE_REGISTRY:-} ]] || die "CLUSTER=current: set IMAGE_REGISTRY to a registry that you can push to and the cluster can pull from"
      ;;
    *) die "CLUSTER must be localkube, kind or current, not '$CLUSTER'" ;;
  esac
}

# use_localkube points kubectl at the cluster of our own.
use_localkube() {
  KUBECONFIG=$(bin/localkube kubeconfig)
  PATH=$(bin/localkube build | tail -1):$PATH
  export KUBECONFIG PATH
}

# Image names as the cluster knows them.
image_name() { echo "${IMAGE_REGISTRY:+$IMAGE_REGISTRY/}$1"; }
image() { echo "$(image_name "$1"):dev"; }

# images_load builds the images and gives them to the cluster; more of them may follow, as NAME:TARGET.
images_load() {
  say "the images operator, worker, trigger and versitygw (the first time about twelve minutes)"
  mkdir -p dist
  local name target
  for pair in recording-operator:operator recording-worker:worker recording-trigger:trigger recording-s3:versitygw "$@"; do
    name=${pair%%:*} target=${pair##*:}
    hack/images/build.sh "$target" "$(image "$name")" "dist/$target.tar"
    image_load "$(image "$name")" "dist/$target.tar"
  done
}

image_load() { # IMAGE ARCHIVE
  case $CLUSTER in
    localkube) load_once "$2" ;;
    kind) kind load image-archive "$2" --name "$KIND_NAME" ;;
    current) docker load -q -i "$2" && docker push -q "$1" ;;
  esac
}

# load_once loads an archive that this cluster has not seen yet.
load_once() {
  local stamp
  stamp=.localkube/$(basename "$1").loaded
  cmp -s "$1.inputs" "$stamp" && return
  bin/localkube load-image "$1"
  cp "$1.inputs" "$stamp"
}

operator_deploy() {
  say "the operator, by config/crd and config/default"
  operator_overlay . dev dist/operator.tar
  { kubectl apply -k config/crd && kubectl apply -k dist/deploy; } >dist/deploy/apply.log || { cat dist/deploy/apply.log; return 1; }
  local name
  for name in receiver controller-manager; do
    kubectl -n recording-system rollout status "deployment/recording-operator-$name" --timeout=180s
  done
}

# operator_overlay CHECKOUT TAG ARCHIVE writes a kustomization, CHECKOUT/dist/deploy, that has the operator of a checkout with the
# images of this cluster. ARCHIVE is that of the operator's image: its content is part of the pods' template, so that new
# images roll out under the same name.
operator_overlay() {
  mkdir -p "$1/dist/deploy"
  cp "$1/config/manager/images_configuration.yaml" "$1/dist/deploy/" # kustomize reads it from below the kustomization alone
  cat >"$1/dist/deploy/kustomization.yaml" <<EOF
resources: [../../config/default]
images:
- {name: recording-operator, newName: $(image_name recording-operator), newTag: $2}
- {name: recording-worker, newName: $(image_name recording-worker), newTag: $2}
- {name: recording-trigger, newName: $(image_name recording-trigger), newTag: $2}
configurations: [images_configuration.yaml]
patches:
- target: {kind: Deployment, name: recording-operator-(receiver|controller-manager)}
  patch: |
    - {op: add, path: /spec/template/metadata/annotations/image-inputs, value: "$(cut -c1-16 "$3.inputs")"}
EOF
}

random() { head -c 256 /dev/urandom | base64 -w0 | tr -dc 'a-zA-Z0-9' | cut -c1-"$1"; }

# s3_secret makes the credentials of a namespace's S3 server once, of random values.
s3_secret() {
  kubectl -n "$1" get secret s3-credentials >/dev/null 2>&1 ||
    kubectl -n "$1" create secret generic s3-credentials \
      --from-literal=accessKeyID="$(random 20)" --from-literal=secretAccessKey="$(random 40)"
}

# overlay writes a kustomization into DIR that gives RESOURCE the images of this cluster.
overlay() { # DIR RESOURCE
  mkdir -p "$1"
  cat >"$1/kustomization.yaml" <<EOF
resources: [$2]
images:
- {name: recording-s3, newName: $(image_name recording-s3), newTag: dev}
EOF
}

# callback_base finds the way to the callback Service and sets base: directly where this machine is the node, else by
# a forwarded port, which stop_forwarding ends.
callback_base() {
  if [[ $CLUSTER == localkube ]]; then
    base=http://$(kubectl -n recording-system get service recording-operator-callback -o jsonpath='{.spec.clusterIP}')
    return
  fi
  kubectl -n recording-system port-forward service/recording-operator-callback 18090:80 >dist/port-forward.log &
  forward=$!
  until grep -q Forwarding dist/port-forward.log; do
    kill -0 "$forward" || die "the port of the callback Service could not be forwarded"
    sleep 0.2
  done
  base=http://localhost:18090
}

stop_forwarding() { [[ -z ${forward:-} ]] || kill "$forward" 2>/dev/null || true; }

# e2e_up starts a cluster for the end-to-end tests: with the operator, an S3 server in namespace e2e, and images that tests
# run; more of them may follow, as NAME:TARGET.
e2e_up() {
  mkdir -p dist/e2e bin
  cluster_up
  images_load recording-captions:captions "$@"
  operator_deploy
  s3_namespace
  callback_base
}

# s3_namespace makes namespace e2e, with an S3 server in it.
s3_namespace() {
  say "namespace e2e: an S3 server"
  kubectl create namespace e2e --dry-run=client -o yaml | kubectl apply -f -
  kubectl label --overwrite namespace e2e pod-security.kubernetes.io/enforce=restricted >/dev/null
  s3_secret e2e
  overlay dist/e2e ../../hack/demo/manifests/s3
  kubectl apply -n e2e -k dist/e2e
  kubectl -n e2e rollout status deployment/s3 --timeout=120s
}

# e2e_test TAGS FLAG... runs the tests in that cluster.
e2e_test() {
  local tags=$1
  shift
  say "go test -tags $tags ./test/e2e"
  CLUSTER=$CLUSTER CALLBACK_BASE=$base CAPTIONS_IMAGE=$(image recording-captions) CGO_ENABLED=0 \
    go test -tags "$tags" -count=1 -timeout 30m -v "$@" ./test/e2e
}
