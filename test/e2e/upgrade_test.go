//go:build e2e && upgrade

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// version is one of the two that these tests run beside each other.
type version struct {
	// checkout has the sources, and in dist/deploy the operator with the images of this cluster.
	checkout, tag string
}

// versions are the last one that CHANGELOG.md names, and what is checked out. hack/e2e-upgrade.sh builds both.
func versions(t *testing.T) (previous, current version) {
	t.Helper()
	previous = version{os.Getenv("PREVIOUS_CHECKOUT"), os.Getenv("PREVIOUS_VERSION")}
	if previous.checkout == "" || previous.tag == "" {
		t.Fatal("PREVIOUS_CHECKOUT and PREVIOUS_VERSION are not set; run these tests by `make test-e2e-upgrade`")
	}
	return previous, version{filepath.Join("..", ".."), "dev"}
}

// install installs a version in the place of the other one, definitions first, as docs/upgrade.md says.
func install(t *testing.T, v version) {
	t.Helper()
	kubectl(t, "apply", "-k", filepath.Join(v.checkout, "config", "crd"))
	kubectl(t, "apply", "-k", filepath.Join(v.checkout, "dist", "deploy"))
}

// installed waits until nothing of the other version runs.
func installed(t *testing.T) {
	t.Helper()
	rolledOut(t)
	allReady(t)
}

func rolledOut(t *testing.T) {
	t.Helper()
	for _, name := range []string{"receiver", "controller-manager"} {
		kubectl(t, "-n", operatorNamespace, "rollout", "status", "deployment/recording-operator-"+name, "--timeout=180s")
	}
}

// kubectl runs also while a test is cleaned up.
func kubectl(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := exec.CommandContext(context.WithoutCancel(t.Context()), "kubectl", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("kubectl %v: %v\n%s", arguments, err, output)
	}
}

// useWorker has the manager give steps the worker of a version.
func useWorker(t *testing.T, v version) {
	t.Helper()
	images := &corev1.ConfigMap{}
	must(k8s.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: "recording-operator-images"}, images))
	worker := images.Data["worker"]
	images.Data["worker"] = strings.TrimSuffix(worker, tag(worker)) + v.tag
	must(k8s.Update(t.Context(), images))
	kubectl(t, "-n", operatorNamespace, "rollout", "restart", "deployment/recording-operator-controller-manager")
	installed(t)
}

// tag is that of an image.
func tag(image string) string { return image[strings.LastIndexByte(image, ':')+1:] }

// everyKind is a pipeline with each kind of step that the worker runs.
func everyKind(r *room) []v1alpha1.Step {
	return []v1alpha1.Step{
		r.remux(),
		{Name: "small", Input: &v1alpha1.StepInput{Step: "mp4"}, Output: r.output(), Transcode: &v1alpha1.Transcode{
			Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(180))}}},
		{Name: "keep", Archive: &v1alpha1.Archive{}, DependsOn: []string{"mp4"}, Output: r.output()},
		{Name: "pictures", Thumbnails: &v1alpha1.Thumbnails{Poster: true}, Output: r.output()},
	}
}

// tags are the versions of the workers that ran, of every Job of the namespace, in order.
func (r *room) tags() []string {
	r.t.Helper()
	var jobs batchv1.JobList
	r.must(k8s.List(r.t.Context(), &jobs, client.InNamespace(r.namespace)))
	var found []string
	for _, job := range jobs.Items {
		pod := job.Spec.Template.Spec
		for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
			found = append(found, tag(container.Image))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TestUpgrade_WorkerOfTheOtherVersion: a manager understands what the worker before it and the worker after it report, as it has
// to while an operator is upgraded or taken back.
func TestUpgrade_WorkerOfTheOtherVersion(t *testing.T) {
	previous, current := versions(t)
	t.Cleanup(func() { install(t, current); rolledOut(t) })
	for _, c := range []struct {
		name            string
		manager, worker version
	}{{"old manager, new worker", previous, current}, {"new manager, old worker", current, previous}} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			install(t, c.manager)
			useWorker(t, c.worker)
			r := withSteps(t, everyKind)
			object := r.record("camera")
			r.complete("job", "camera", object, seconds).mustSend(t)
			file := r.eventually(v1alpha1.ReasonSucceeded)
			for _, step := range file.Status.Steps {
				g.Expect(step.Outputs).NotTo(BeEmpty(), step.Name)
				g.Expect(step.Attempts).To(BeEquivalentTo(1), step.Name)
			}
			g.Expect(intact(file).Status).To(BeEquivalentTo("True"))
			g.Expect(frames(t, "/data/archive/"+r.folder+"/camera/mp4/camera.mp4")).To(Equal(seconds * 25))
			g.Expect(r.tags()).To(Equal([]string{c.worker.tag}), "another worker ran")
		})
	}
}

// TestUpgrade_FilesInProcess: an upgrade while callbacks arrive and files are processed loses no callback and no file, and no step
// runs twice.
func TestUpgrade_FilesInProcess(t *testing.T) {
	g := NewWithT(t)
	previous, current := versions(t)
	install(t, previous)
	installed(t)
	t.Cleanup(func() { install(t, current); rolledOut(t) })
	r := withSteps(t, everyKind)
	const half = 3
	var objects []string
	for i := range 2 * half {
		objects = append(objects, r.record("camera"+strconv.Itoa(i)))
	}
	send := func(from int) {
		for i, object := range objects[from : from+half] {
			stream := "camera" + strconv.Itoa(from+i)
			r.start("job-"+stream, stream).mustSend(t)
			r.complete("job-"+stream, stream, object, seconds).mustSend(t)
		}
	}
	s := startStorm(newRoom(t))
	send(0)
	g.Eventually(func(g Gomega) {
		var pods corev1.PodList
		g.Expect(k8s.List(t.Context(), &pods, client.InNamespace(r.namespace))).To(Succeed())
		g.Expect(pods.Items).NotTo(BeEmpty(), "no file is processed")
	}, settled, poll).Should(Succeed())
	install(t, current)
	s.taken(20, "callbacks are not taken during the upgrade")
	installed(t)
	send(half)
	s.end()

	g.Eventually(func(g Gomega) {
		files := r.files()
		g.Expect(files).To(HaveLen(2 * half))
		for _, file := range files {
			g.Expect(statusOf(&file)).To(Equal(v1alpha1.ReasonSucceeded), file.Name)
		}
	}, 2*settled, poll).Should(Succeed())
	steps := len(everyKind(r))
	for _, file := range r.files() {
		g.Expect(file.Status.Run).To(BeEquivalentTo(1), file.Name)
		for _, step := range file.Status.Steps {
			g.Expect(step.Attempts).To(BeEquivalentTo(1), "%s %s", file.Name, step.Name)
		}
	}
	var jobs batchv1.JobList
	r.must(k8s.List(t.Context(), &jobs, client.InNamespace(r.namespace)))
	g.Expect(jobs.Items).To(HaveLen(2*half*steps), "one Job a step")
	// Otherwise nothing was in process when the manager changed.
	g.Expect(r.tags()).To(ConsistOf(previous.tag, current.tag))
	for i := range objects {
		stream := "camera" + strconv.Itoa(i)
		g.Expect(frames(t, "/data/archive/"+r.folder+"/"+stream+"/mp4/"+stream+".mp4")).To(Equal(seconds * 25))
	}
}
