//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// elsewhere are the commands that this test leaves to others, by how they begin.
var elsewhere = map[string]string{
	"make ":                              "CI runs the targets",
	"helm ":                              "TestChart_Lifecycle",
	"docker ":                            "needs a registry; the images' own tests build them",
	"skopeo ":                            "needs a registry",
	"for ":                               "needs a registry",
	"done ":                              "needs a registry",
	"KUBEBUILDER_ASSETS=":                "the tests of the API at the oldest Kubernetes; takes a build of it",
	"export KUBECONFIG=":                 "of a shell in the checkout",
	"kubectl create namespace media ":    "made before all else, by this line",
	"kubectl delete -f ":                 "TestGetStarted_SixCommands",
	"kubectl delete crd ":                "TestGetStarted_SixCommands",
	"kubectl delete node ":               "a word on what happens then",
	"kubectl get workflows ":             "Argo's kind: TestArgo_RunsAWorkflowAndReadsItsResult",
	"kubectl describe workload ":         "Kueue's kind: TestKueue_FilesWaitForQuota",
	"kubectl apply -k config/persistent": "takes the user's images: TestChart renders it",
}

var (
	comment = regexp.MustCompile(`\s#\s.*`)
	// synopsis is a line that shows what may be given, not what is typed.
	synopsis = regexp.MustCompile(`\[[-A-Z]|[^$]\([a-zA-Z-]+[^)]* \| |…|\bNAME\.\.\.|\bFILE( |$)|^kubectl recordings process --source SOURCE`)
	// bare is a command that a sentence names without what it works on.
	bare = regexp.MustCompile(`^kubectl ((recordings )?[a-z]+( --[a-z]+)?|auth can-i|apply -f -)$`)
	// goesOn are the commands that do not end by themselves.
	goesOn = regexp.MustCompile(`^kubectl (recordings (ui|watch)|(-n recording-system )?port-forward)\b`)
	// creates are the commands that need something not to be there yet.
	creates = regexp.MustCompile(`^kubectl -n media create (secret|rolebinding)( generic)? ([a-z-]+)`)
)

// asTyped is what a person types for a line of a page; empty: nothing.
func asTyped(line pageLine) string {
	text := strings.TrimSpace(comment.ReplaceAllString(line.text, ""))
	for beginning := range elsewhere {
		if strings.HasPrefix(text+" ", beginning) {
			return ""
		}
	}
	switch {
	case synopsis.MatchString(text):
		return ""
	case line.mention && bare.MatchString(text):
		return strings.TrimSuffix(text, " -f -") + " --help"
	case goesOn.MatchString(text):
		// 124: timeout has ended it.
		return "timeout 5 " + strings.TrimSuffix(text, " &") + " || [ $? = 124 ]"
	}
	if made := creates.FindStringSubmatch(text); made != nil {
		return "kubectl -n media delete " + made[1] + " " + made[3] + " --ignore-not-found\n" + text
	}
	return text
}

// typist types the commands of the pages at a cluster with the operator and a room of recordings.
type typist struct {
	shell
	// mine puts the user's endpoint, buckets and credentials into a line.
	mine *strings.Replacer
	// number of the command.
	number int
}

// beginning of what is typed into each shell: the plugin and kubectl work in the namespace of the pages.
const beginning = "export KUBECONFIG=$PWD/kubeconfig HOME=$PWD url=http://localhost:8091 s3=http://localhost:7071\n"

func newTypist(t *testing.T) *typist {
	t.Helper()
	p := &typist{shell: newShell(t)}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	p.mine = p.recorded()
	p.run(`mkdir -p .local/bin && ln -s ` + filepath.Join(root, "config") + ` config
		cp "$KUBECONFIG" kubeconfig && kubectl --kubeconfig kubeconfig config set-context --current --namespace media
		for kind in ServiceMonitor PrometheusRule; do
			lower=$(echo $kind | tr A-Z a-z)
			kubectl apply -f - <<EOF
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${lower}s.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: $kind, plural: ${lower}s}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
EOF
		done
		kubectl apply -f install.yaml && kubectl recordings doctor --wait && kubectl apply -f first.yaml -n media`)
	t.Cleanup(func() {
		_, _ = p.try("kubectl delete crd servicemonitors.monitoring.coreos.com prometheusrules.monitoring.coreos.com")
	})

	// A second pipeline waits for a person. The storage location and the sources have names of the pages.
	p.run(beginning + `kubectl apply -f - <<'EOF'
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingPipeline
metadata: {name: reviewed}
spec: {steps: [{name: release, approve: {message: "Fit for the students?"}}]}
---
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingSource
metadata: {name: webinar}
spec:
  callback: {keys: [{secretRef: {name: classroom-callback, key: key}}]}
  routes: [{pipelineRef: {name: reviewed}}]
EOF
		kubectl get sloc archive -o json | jq '{apiVersion, kind, metadata: {name: "obs"}, spec}' | kubectl apply -f -`)
	p.forward("-n recording-system service/recording-operator-callback 8091:80")
	p.forward("-n e2e service/s3 7071:7070")
	p.eventually(`kubectl recordings send complete classroom --url $url --task first --room room01 --stream camera --bucket recordings --object Record/camera.m3u8
		kubectl wait rec --all --for=condition=Ready --timeout=110s`)
	// One that is not there, and a callback that is refused.
	p.eventually(`kubectl recordings send complete classroom --url $url --task first --stream gone --bucket recordings --object Record/gone.m3u8`)
	p.eventually(`echo '{"event_type": "RECORD_FILE_COMPLETE", "job_id": "first"}' > refused.json
		kubectl recordings send classroom --url $url -f refused.json || true
		kubectl get rcb -o name | grep .`)
	return p
}

// forward has a port of the cluster on this machine until the test ends. Pods come and go in between.
func (p *typist) forward(what string) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = p.within(ctx, "kubectl port-forward "+what+" || sleep 1")
		}
	}()
	p.t.Cleanup(func() { stop(); <-done })
}

// eventually types lines until they succeed: what the cluster is to do before takes a moment.
func (p *typist) eventually(lines string) {
	p.t.Helper()
	output := ""
	err := wait.PollUntilContextTimeout(p.t.Context(), time.Second, 2*time.Minute, true, func(context.Context) (bool, error) {
		var err error
		output, err = p.try(beginning + lines)
		return err == nil, nil
	})
	if err != nil {
		p.t.Fatalf("%v\n%s", err, output)
	}
}

// capture is a callback as it arrives, headers and body.
func (p *typist) capture() {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		raw, err := httputil.DumpRequest(request, true)
		if err == nil {
			err = os.WriteFile(filepath.Join(p.dir, "captured.http"), raw, 0o600)
		}
		if err != nil {
			p.t.Error(err)
		}
	}))
	defer receiver.Close()
	_, _ = p.try(beginning + "kubectl recordings send start classroom --task task-1 --stream camera --url " + receiver.URL)
	p.run("cp captured.http request.http")
}

// isPlugin says that a command is one of the plugin's.
func isPlugin(command, name string) bool {
	return regexp.MustCompile(`^kubectl recordings (-n media )?` + name + `\b`).MatchString(command)
}

// prepare makes what a command needs that the one before it may have used up.
func (p *typist) prepare(command string) {
	p.t.Helper()
	switch {
	case strings.HasSuffix(command, " --help"):
	case isPlugin(command, "approve"):
		p.eventually(fmt.Sprintf("key=Record/review-%d.m3u8", p.number) + `
			kubectl recordings send complete webinar --url $url --task review --stream review --bucket recordings --object $key
			kubectl get rec --field-selector spec.object.key=$key -o jsonpath='{.items[0].metadata.name}' > review
			kubectl recordings queue -o json | grep -q "$(cat review)"`)
	case isPlugin(command, "process"): // what has a file already is refused
		p.run(fmt.Sprintf("kubectl -n e2e exec deployment/s3 -c toolbox -- cp /data/recordings/Record/camera.m3u8 /data/recordings/Record/old-%d.m3u8", p.number))
	case isPlugin(command, "verify"):
		p.capture()
	case strings.Contains(command, "classroom-07"):
		p.run(beginning + `kubectl delete rcb classroom-07 --ignore-not-found
			body=$(echo '{"event_type": "RECORD_FILE_COMPLETE", "job_id": "first", "obs_bucket": "recordings", "obs_object": "Record/again.m3u8"}' | base64 -w0)
			kubectl get rcb -o json | jq --arg body "$body" '.items[0] | {apiVersion, kind, metadata: {name: "classroom-07"}, spec: (.spec | .body = $body)}' | kubectl create -f - --as system:serviceaccount:recording-system:recording-operator-receiver`) // nobody else may
	case strings.Contains(command, "FILE_WITH_THE_KEY"):
		p.run("openssl rand -hex 24 > FILE_WITH_THE_KEY")
	case command == "kubectl apply -k deploy":
		kustomization := blocks(readPage(p.t, "install.md"), "yaml")[0]
		if !strings.HasPrefix(kustomization, "# deploy/kustomization.yaml") {
			p.t.Fatalf("docs/install.md has %s", kustomization)
		}
		p.run("mkdir -p deploy && cat > deploy/kustomization.yaml <<'EOF'\n" + kustomization + "EOF")
	}
}

// ours puts what the room has in the place of a page's examples.
func (p *typist) ours(command string) string {
	file := "$(kubectl get rec --field-selector spec.object.key=Record/camera.m3u8 -o jsonpath='{.items[0].metadata.name}')"
	switch {
	case isPlugin(command, "approve"):
		file = "$(cat review)"
		command = regexp.MustCompile(`<step>|STEP\b`).ReplaceAllString(command, "release")
	case isPlugin(command, "process"):
		command = strings.Replace(command, "camera.m3u8", fmt.Sprintf("old-%d.m3u8", p.number), 1)
	case isPlugin(command, "discover"):
		command += " --endpoint $s3" // the plugin reads the bucket from here
	case strings.Contains(command, " rsrc "):
		file = "classroom"
	case strings.Contains(command, " sloc "):
		file = "obs"
	}
	command = regexp.MustCompile(`camera-[a-z2-7]{16}\b|<name>|NAME\b`).ReplaceAllLiteralString(command, file)
	command = regexp.MustCompile(`<source>|SOURCE\b`).ReplaceAllString(command, "classroom")
	command = regexp.MustCompile(`<step>|STEP\b`).ReplaceAllString(command, "mp4")
	command = strings.NewReplacer("<namespace>", "media", "KIND", "transcode", "--url https://recordings.example.com", "--url $url",
		"8090:80", "8092:80", "doctor --url --help", "doctor --url $url").Replace(command)
	return p.mine.Replace(command)
}

// TestPages_CommandsWork types the commands of every page, one after the other, at a cluster: each succeeds.
func TestPages_CommandsWork(t *testing.T) {
	p := newTypist(t)
	pages := allPages(t)
	delete(pages, "docs/get-started.md") // TestGetStarted_SixCommands types it
	count := 0
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if name == "docs/registration.md" {
			// The service is not to be called: no manager may connect to this endpoint.
			source := strings.Replace(blocks(pages[name], "yaml")[0], "  service:\n", "  service:\n    endpoint: https://rtc-api.invalid\n", 1)
			p.run(beginning + "kubectl create secret generic sparkrtc-api --from-literal=a=b; kubectl apply -f - <<'EOF'\n" + source + "EOF")
		}
		for _, line := range pageLines(pages[name]) {
			command := asTyped(line)
			if command == "" {
				continue
			}
			count++
			t.Run(name+"/"+line.text, func(t *testing.T) {
				p := &typist{shell: shell{t, p.dir}, mine: p.mine, number: count}
				p.prepare(command)
				p.eventually(p.ours(command))
			})
		}
		// What a page has changed is not there for the others.
		p.run(beginning + "kubectl delete secret --all; kubectl apply -f first.yaml")
	}
	t.Logf("%d commands", count)
	if count < 150 {
		t.Errorf("%d commands were typed", count)
	}
}
