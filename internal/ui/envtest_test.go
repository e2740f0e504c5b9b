// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// realCluster is a real API server.
type realCluster struct {
	*apiserver.Server
	t *testing.T
}

func (r *realCluster) create(objects ...client.Object) {
	r.t.Helper()
	for _, object := range objects {
		if err := r.Client.Create(r.t.Context(), object); err != nil {
			r.t.Fatal(err)
		}
	}
}

// as is a client of a person who may list and watch files, and what else is named.
func (r *realCluster) as(name string, more ...rbacv1.PolicyRule) client.WithWatch {
	r.t.Helper()
	person, err := r.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	rules := slices.Concat(more, []rbacv1.PolicyRule{may(v1alpha1.GroupVersion.Group, "get list watch", "recordingfiles")})
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: name}, Rules: rules}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}}
	r.create(role, binding)
	c, err := client.NewWithWatch(person.Config(), client.Options{Scheme: r.Scheme})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// setStatus changes the status of a file.
func (r *realCluster) setStatus(file *v1alpha1.RecordingFile, change func(*v1alpha1.RecordingFileStatus)) {
	r.t.Helper()
	change(&file.Status)
	if err := r.Client.Status().Update(r.t.Context(), file); err != nil {
		r.t.Fatal(err)
	}
}

// onServer is a server of a person's in the namespace of the tests.
func (r *realCluster) onServer(person client.WithWatch) *Server {
	r.t.Helper()
	s := newServer(r.t, person, func(c *Config) { c.Namespace = builders.Namespace })
	serve(r.t, s)
	return s
}

func (r *realCluster) detail(s *Server, path string) (detail fileDetail, code int, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	response, err := http.DefaultClient.Do(request(r.t, s, http.MethodGet, path).WithContext(ctx))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text = bodyOf(r.t, response)
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal([]byte(text), &detail); err != nil {
			r.t.Fatal(err)
		}
	}
	return detail, response.StatusCode, text
}

func TestRealAPIServer(t *testing.T) {
	r := &realCluster{apiserver.Start(t), t}
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	file := builders.MakeRecordingFile("camera", "classroom").Object("abc-rtc", "Record/camera.m3u8").Of("app", "job-1", "camera", "HLS").Room("math").Size(26254952).Obj()
	task := builders.MakeRecordingTask("job-1", "classroom", "job-1").Obj()
	r.create(namespace, file, task)
	labels := map[string]string{v1alpha1.LabelFile: file.Name, v1alpha1.LabelStep: "mp4"}
	one := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "publish", Image: "worker"}}}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "camera-mp4-1", Labels: labels}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: one}}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "camera-mp4-1-x",
		Labels: map[string]string{v1alpha1.LabelFile: file.Name, batchv1.JobNameLabel: job.Name}}, Spec: one}
	r.create(job, pod)
	for i := range maxEvents + 5 {
		r.create(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: fmt.Sprintf("camera.%d", i)},
			InvolvedObject: corev1.ObjectReference{Kind: "RecordingFile", Namespace: builders.Namespace, Name: file.Name},
			Reason:         fmt.Sprintf("Event%d", i), Type: corev1.EventTypeWarning, LastTimestamp: metav1.NewTime(time.Unix(int64(1_700_000_000+i), 0))})
	}
	r.setStatus(file, func(status *v1alpha1.RecordingFileStatus) {
		status.Steps = []v1alpha1.StepStatus{{Name: "mp4", State: v1alpha1.StepRunning, JobName: job.Name, Message: "pulling the image",
			Outputs: []v1alpha1.Artifact{{Name: "camera.mp4", URI: "s3://archive/camera.mp4", SizeBytes: 26254952}}}}
	})
	t.Run("follows", func(t *testing.T) { testFollows(t, r, file) })
	t.Run("shows a file", func(t *testing.T) { testDetail(t, r, file) })
	t.Run("leaves out", func(t *testing.T) { testLeavesOut(t, r) })
}

func may(group, verbs string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: strings.Fields(verbs)}
}

// The rights are those that docs/ui.md names, and no more.
func (r *realCluster) reader(name string) client.WithWatch {
	return r.as(name, may(v1alpha1.GroupVersion.Group, "list watch", "recordingtasks"), may("batch", "list", "jobs"), may("", "list", "pods", "events"))
}

func testFollows(t *testing.T, r *realCluster, file *v1alpha1.RecordingFile) {
	t.Helper()
	p := openStream(t, r.onServer(r.reader("follower")), "")
	next := p.next()
	for !next.Files.Listed || !next.Tasks.Listed {
		next = p.next()
	}
	r.setStatus(file, func(status *v1alpha1.RecordingFileStatus) {
		status.Steps[0].Progress = &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StageProcess, Rate: "3.4x", UpdateTime: metav1.Now()}
	})
	for len(next.Files.Changed) == 0 || next.Files.Changed[0].Now != "mp4 57% Process 3.4x" {
		next = p.next()
	}
	if next.Tasks.Total != 1 || next.Tasks.Trouble != "" {
		t.Errorf("tasks: %+v", next.Tasks)
	}
	if err := r.Client.Delete(t.Context(), builders.MakeRecordingTask("job-1", "classroom", "job-1").Obj()); err != nil {
		t.Fatal(err)
	}
	for len(next.Tasks.Gone) == 0 {
		next = p.next()
	}
	r.create(builders.MakeRecordingTask("job-1", "classroom", "job-1").Obj())
}

func testDetail(t *testing.T, r *realCluster, file *v1alpha1.RecordingFile) {
	t.Helper()
	s := r.onServer(r.reader("detailed"))
	p := openStream(t, s, "")
	for next := p.next(); next.Tasks.Total == 0; {
		next = p.next()
	}
	got, code, text := r.detail(s, "/files/media/camera")
	if code != http.StatusOK || len(got.Steps) != 1 || len(got.Events) != maxEvents || len(got.Tasks) != 1 || got.LeftOut != nil {
		t.Fatalf("code %d: %s", code, text)
	}
	step := got.Steps[0]
	if step.Job != "Running" || len(step.Pods) != 1 || step.Pods[0].State != "Pending" || step.Files[0].Size != "25.0MiB" || step.Message != "pulling the image" {
		t.Errorf("the step is %+v", step)
	}
	if got.Events[0].Reason != "Event24" || got.Events[maxEvents-1].Reason != "Event5" {
		t.Errorf("the events are %s to %s", got.Events[0].Reason, got.Events[maxEvents-1].Reason)
	}
	if got.Facts[0].Text != "s3://abc-rtc/Record/camera.m3u8" || got.Name != file.Name || got.Tasks[0].TaskID != "job-1" {
		t.Errorf("the facts are %+v", got.Facts)
	}
	for path, want := range map[string]int{"/files/media/none": http.StatusNotFound, "/files/kube-system/camera": http.StatusNotFound} {
		if _, code, text := r.detail(s, path); code != want {
			t.Errorf("%s: code %d: %s", path, code, text)
		}
	}
}

// A person who may read files alone sees them, and reads which right is missing for the rest.
func testLeavesOut(t *testing.T, r *realCluster) {
	t.Helper()
	s := r.onServer(r.as("narrow"))
	p := openStream(t, s, "")
	for next := p.next(); !strings.Contains(next.Tasks.Trouble, "you need the right to list recordingtasks"); {
		next = p.next()
	}
	got, code, text := r.detail(s, "/files/media/camera")
	if code != http.StatusOK || len(got.Steps) != 1 || len(got.LeftOut) != 3 || len(got.Events) != 0 || got.Steps[0].Pods != nil {
		t.Fatalf("code %d: %s", code, text)
	}
	for i, resource := range []string{"jobs", "pods", "events"} {
		if !strings.Contains(got.LeftOut[i], "you need the right to list "+resource) {
			t.Errorf("left out: %s", got.LeftOut[i])
		}
	}
}
