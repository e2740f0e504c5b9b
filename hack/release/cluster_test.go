//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The tests of this file type the commands of the pages at a cluster without the operator, which has what SparkRTC and the user
// bring: images that it can pull, and an S3 server in namespace e2e. hack/e2e-install.sh sets it up.
const (
	clusterVersion  = "v0.1.0"
	nextVersion     = "v0.2.0"
	clusterRegistry = "registry.example.com/media"
	systemNamespace = "recording-system"
)

// shell types lines into a shell in a folder, one shell for all of them, and returns what it printed.
type shell struct {
	t   *testing.T
	dir string
}

func (s shell) run(lines string) string {
	s.t.Helper()
	output, err := s.try(lines)
	if err != nil {
		s.t.Fatalf("%v\n%s\n%s", err, lines, output)
	}
	return output
}

func (s shell) try(lines string) (string, error) {
	s.t.Helper()
	// Also while a test is cleaned up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), 10*time.Minute)
	defer cancel()
	return s.within(ctx, lines)
}

func (s shell) within(ctx context.Context, lines string) (string, error) {
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", lines)
	command.Dir = s.dir
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = time.Second // what is in the background keeps the pipes
	err := command.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return output.String(), err
}

// readPage is a page of the documentation.
func readPage(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// blocks are the code blocks of a page in a language, without their indentation.
func blocks(page, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		found = append(found, regexp.MustCompile("(?m)^"+match[1]).ReplaceAllString(match[2], ""))
	}
	return found
}

// pageCommand is the one line of a page's code blocks that begins so.
func pageCommand(t *testing.T, page, beginning string) string {
	t.Helper()
	for _, block := range blocks(readPage(t, page), "console") {
		for line := range strings.SplitSeq(strings.ReplaceAll(block, "\\\n", " "), "\n") {
			if strings.HasPrefix(line, beginning) {
				return line
			}
		}
	}
	t.Fatalf("docs/%s has no command that begins with %q", page, beginning)
	return ""
}

// released writes manifests and chart of a version into the folder.
func (s shell) released(version string) {
	s.t.Helper()
	r := newRelease(s.t)
	r.out, r.version, r.registry = s.dir, version, clusterRegistry
	if _, err := r.manifests(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if _, err := r.chart(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// clean removes what a test left in the cluster.
func (s shell) clean() {
	for _, line := range []string{
		"helm uninstall recording-operator -n recording-system --ignore-not-found",
		"kubectl delete -f operator.yaml --ignore-not-found --timeout=2m",
		"kubectl delete crd -l app.kubernetes.io/name=recording-operator --timeout=1m",
		"kubectl delete namespace media --ignore-not-found --timeout=2m",
	} {
		if output, err := s.try(line); err != nil {
			s.t.Logf("%s: %v\n%s", line, err, output)
		}
	}
}

// newShell is a folder with the release, at a cluster without the operator.
func newShell(t *testing.T) shell {
	t.Helper()
	s := shell{t, t.TempDir()}
	s.released(clusterVersion)
	s.clean()
	if left := s.run("kubectl get crd -o name -l app.kubernetes.io/name=recording-operator"); left != "" {
		t.Fatalf("the cluster has definitions of the operator:\n%s", left)
	}
	t.Cleanup(func() {
		if t.Failed() {
			output, _ := s.try("kubectl get pods,jobs -A; kubectl -n media describe rec,rsrc,sloc; kubectl -n recording-system logs -l app.kubernetes.io/name=recording-operator --tail=30 --prefix")
			t.Log(output)
		}
		s.clean()
	})
	return s
}

// recorded makes what docs/get-started.md takes for granted: a recording in a bucket, and first.yaml with the user's own endpoint,
// buckets and credentials. It returns what puts these into a line of the pages.
func (s shell) recorded() *strings.Replacer {
	s.t.Helper()
	manifests := blocks(readPage(s.t, "get-started.md"), "yaml")
	if len(manifests) != 1 {
		s.t.Fatalf("docs/get-started.md has %d manifests", len(manifests))
	}
	secret := func(key string) string {
		return s.run("kubectl -n e2e get secret s3-credentials -o jsonpath='{.data." + key + "}' | base64 -d")
	}
	id, key := secret("accessKeyID"), secret("secretAccessKey")
	mine := strings.NewReplacer(
		"HuaweiOBS", "Other", "https://obs.cn-north-4.myhuaweicloud.com", "http://s3.e2e.svc:7070", "cn-north-4", "us-east-1",
		"abc-rtc-bucket2", "recordings", "abc-archive", "archive",
		"accessKeyID: replace-me", "accessKeyID: "+id, "secretAccessKey: replace-me", "secretAccessKey: "+key,
		"accessKeyID=...", "accessKeyID="+id, "secretAccessKey=...", "secretAccessKey="+key)
	if err := os.WriteFile(filepath.Join(s.dir, "first.yaml"), []byte(mine.Replace(manifests[0])), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.run(`kubectl -n e2e exec deployment/s3 -c toolbox -- sh -euc '
		mkdir -p /data/recordings/Record && cd /data/recordings/Record
		ffmpeg -hide_banner -loglevel error -y -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 12 \
			-c:v libx264 -preset ultrafast -g 100 -keyint_min 100 -sc_threshold 0 -pix_fmt yuv420p -c:a aac \
			-f hls -hls_time 4 -hls_playlist_type vod -hls_segment_filename "camera-%03d.ts" camera.m3u8'`)
	return mine
}

// TestGetStarted_SixCommands types docs/get-started.md, with the user's own endpoint, buckets and credentials: from nothing to a
// recording that is processed, in three minutes.
func TestGetStarted_SixCommands(t *testing.T) {
	s := newShell(t)
	page := readPage(t, "get-started.md")
	commands := blocks(page, "console")
	if len(commands) == 0 || len(commands) > 6 {
		t.Fatalf("docs/get-started.md has %d commands", len(commands))
	}
	mine := s.recorded()
	began := time.Now()
	script := ""
	for _, command := range commands {
		command = mine.Replace(strings.TrimSpace(command))
		script += command + "\n"
		if strings.HasSuffix(command, "&") {
			// A person sees that the port is forwarded before going on.
			script += "forward=$!; trap 'kill $forward' EXIT; timeout 30 bash -c 'until (: </dev/tcp/localhost/8090) 2>/dev/null; do sleep 0.2; done'\n"
		}
	}
	t.Log(s.run("set -x\n" + script))
	took := time.Since(began)
	t.Logf("%d commands, %s", len(commands), took.Round(time.Second))
	if took > 3*time.Minute {
		t.Errorf("took %s", took)
	}
	if recordings := s.run("kubectl -n media get recordings"); !strings.Contains(recordings, "Succeeded") {
		t.Errorf("kubectl -n media get recordings:\n%s", recordings)
	}

	// Uninstalling keeps definitions and objects; a command of its own deletes them.
	s.run(pageCommand(t, "uninstall.md", "kubectl delete -f operator.yaml"))
	s.keepsObjects()
	s.run(pageCommand(t, "uninstall.md", "kubectl delete crd"))
	if output, err := s.try("kubectl -n media get recordingfiles"); err == nil {
		t.Errorf("the definitions are still there: %s", output)
	}
}

// keepsObjects holds that the operator is gone and the recording objects are not.
func (s shell) keepsObjects() {
	s.t.Helper()
	if left := s.run("kubectl get deployments -A -o name -l app.kubernetes.io/name=recording-operator"); left != "" {
		s.t.Errorf("uninstalling left %s", left)
	}
	if crds := s.run("kubectl get crd -o name -l app.kubernetes.io/name=recording-operator"); strings.Count(crds, "\n") != 6 {
		s.t.Errorf("uninstalling left the definitions\n%s", crds)
	}
	if objects := s.run("kubectl -n media get storagelocations -o name"); !strings.Contains(objects, "storagelocation.recording.sparkrtc.dev/archive") {
		s.t.Errorf("uninstalling left the objects %q", objects)
	}
}

// images are those of the Deployments that run.
func (s shell) images() string {
	s.t.Helper()
	return s.run("kubectl -n recording-system get deployments -o jsonpath='{range .items[*]}{.spec.replicas} {.spec.template.spec.containers[0].image} {.status.readyReplicas}{\"\\n\"}{end}'" +
		"; kubectl -n recording-system get configmap recording-operator-images -o jsonpath='{.data.worker}'")
}

// TestChart_Lifecycle installs the chart with Helm, upgrades, rolls back, uninstalls and installs again, as the pages say.
func TestChart_Lifecycle(t *testing.T) {
	s := newShell(t)
	s.released(nextVersion)
	runs := func(version string) {
		t.Helper()
		want := strings.Repeat("1 "+clusterRegistry+"/recording-operator:"+version+" 1\n", 2) + clusterRegistry + "/recording-worker:" + version
		if got := s.images(); got != want {
			t.Errorf("runs\n%s\nwant\n%s", got, want)
		}
	}
	// Of the pages, with the archive in the place of a registry, which this cluster has not.
	install := strings.Replace(pageCommand(t, "install.md", "helm install recording-operator oci:"), "oci://registry.example.com/media/charts/recording-operator --version 0.1.0",
		"recording-operator-0.1.0.tgz", 1)
	if !strings.Contains(install, "0.1.0.tgz") {
		t.Fatalf("docs/install.md has %s", install)
	}
	s.run(install + " --set receiver.replicas=1,manager.replicas=1 --wait --timeout 3m")
	runs(clusterVersion)
	s.run(`kubectl create namespace media
		kubectl -n media apply -f - <<'EOF'
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: StorageLocation
metadata: {name: archive}
spec: {persistentVolumeClaim: {claimName: archive}}
EOF`)

	s.run(pageCommand(t, "upgrade.md", "helm upgrade recording-operator recording-operator-0.2.0.tgz") + " --wait --timeout 3m")
	runs(nextVersion) // and the values of the installation are kept
	s.run("helm rollback recording-operator 1 -n recording-system --wait --timeout 3m")
	runs(clusterVersion)
	if history := s.run("helm history recording-operator -n recording-system"); strings.Count(history, "recording-operator-0.1.0") != 2 ||
		strings.Count(history, "recording-operator-0.2.0") != 1 {
		t.Errorf("helm history:\n%s", history)
	}

	uninstall := pageCommand(t, "uninstall.md", "helm uninstall recording-operator")
	s.run(uninstall + " --wait")
	s.keepsObjects()
	// What is kept is taken up again.
	s.run(strings.Replace(install, " --create-namespace", "", 1) + " --set receiver.replicas=1,manager.replicas=1 --wait --timeout 3m")
	runs(clusterVersion)
	s.run("kubectl -n media wait storagelocation/archive --for=condition=Ready=False --timeout=1m")
	s.run(uninstall + " --wait")
	s.keepsObjects()
}
