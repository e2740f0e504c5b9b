# Installs the controllers that the tests of the integrations need, from the manifests in their modules. Sourced, not run.
# shellcheck shell=bash

# module_folder MODULE IMPORT_PATH FOLDER TARGET copies a folder of the source of what hack/MODULE pins.
module_folder() {
  local root
  root=$(go -C "hack/$1" mod download -json "$2" | sed -nE 's/^\t"Dir": "(.*)",?$/\1/p')
  [[ -d $root/$3 ]] || die "$2 has no folder $3"
  rm -rf "$4"
  mkdir -p "$4"
  cp -r "$root/$3/." "$4"
  chmod -R u+w "$4" # the module cache is read-only
}

# install_from FOLDER NAMESPACE DEPLOYMENT INPUTS applies a kustomization. The content of the image is part of the pods' template, so
# that a new image rolls out under the same name.
install_from() {
  cat >>"$1/kustomization.yaml" <<EOF
- target: {kind: Deployment, name: $3}
  patch: |
    - {op: add, path: /spec/template/metadata/annotations, value: {image-inputs: "$(cut -c1-16 "$4")"}}
EOF
  # Server-side: the annotation that kubectl keeps otherwise is too small for these definitions.
  kubectl apply --server-side --force-conflicts -k "$1" >"$1/apply.log" || { cat "$1/apply.log"; return 1; }
  kubectl -n "$2" rollout status "deployment/$3" --timeout=300s
}

# kueue_install installs Kueue for Jobs alone. It makes its own certificates. Its aggregated API is left out: deleting a
# namespace, as each test does, would wait for it.
kueue_install() {
  say "Kueue, by the config of its module"
  local out=dist/integrations/kueue
  module_folder kueue sigs.k8s.io/kueue config $out/config
  cat >$out/config/components/manager/controller_manager_config.yaml <<EOF
apiVersion: config.kueue.x-k8s.io/v1beta2
kind: Configuration
health: {healthProbeBindAddress: ":8081"}
metrics: {bindAddress: ":8443"}
webhook: {port: 9443}
leaderElection: {leaderElect: false}
integrations: {frameworks: [batch/job]}
EOF
  cat >$out/kustomization.yaml <<EOF
resources: [config/default]
images:
- {name: us-central1-docker.pkg.dev/k8s-staging-images/kueue/kueue, newName: $(image_name recording-kueue), newTag: dev}
patches:
- target: {kind: APIService}
  patch: |
    {\$patch: delete, apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: any}}
- target: {kind: MutatingWebhookConfiguration}
  patch: |
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: any}
    webhooks: [{name: mpod.kb.io, \$patch: delete}, {name: mdeployment.kb.io, \$patch: delete}, {name: mstatefulset.kb.io, \$patch: delete}]
- target: {kind: ValidatingWebhookConfiguration}
  patch: |
    apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata: {name: any}
    webhooks: [{name: vpod.kb.io, \$patch: delete}, {name: vdeployment.kb.io, \$patch: delete}, {name: vstatefulset.kb.io, \$patch: delete}]
- target: {kind: Deployment, name: kueue-controller-manager}
  patch: |
    - {op: replace, path: /spec/template/spec/containers/0/imagePullPolicy, value: IfNotPresent}
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --feature-gates=VisibilityOnDemand=false}
    - {op: replace, path: /spec/template/spec/containers/0/resources, value: {requests: {cpu: 50m, memory: 128Mi}}}
EOF
  install_from $out kueue-system kueue-controller-manager dist/kueue.tar.inputs
}

# argo_install installs the controller of Argo Workflows for all namespaces, without its server. The Workflows of the tests have
# no containers, so that the image of its executor is never started.
argo_install() {
  say "Argo Workflows, by the manifests of its module"
  local out=dist/integrations/argo-workflows
  module_folder argo-workflows github.com/argoproj/argo-workflows/v4 manifests $out/manifests
  kubectl create namespace argo --dry-run=client -o yaml | kubectl apply -f -
  cat >$out/kustomization.yaml <<EOF
namespace: argo
resources:
- manifests/base/crds/minimal
- manifests/base/workflow-controller
- manifests/cluster-install-no-crds/workflow-controller-rbac
images:
- {name: quay.io/argoproj/workflow-controller, newName: $(image_name recording-argo-workflows), newTag: dev}
patches:
- target: {kind: Deployment, name: workflow-controller}
  patch: |
    - {op: replace, path: /spec/template/spec/containers/0/args, value: [--executor-image=none]}
EOF
  install_from $out argo workflow-controller dist/argo-workflows.tar.inputs
}
