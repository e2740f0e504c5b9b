// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// workers play the pods of steps: what a worker says at each address of this machine.
var workers = startWorkers()

type fakeWorkers struct {
	port uint16
	mu   sync.Mutex
	says map[string]string
}

func startWorkers() *fakeWorkers {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", "0.0.0.0:0")
	must(err)
	w := &fakeWorkers{port: listener.Addr().(*net.TCPAddr).AddrPort().Port(), says: map[string]string{}}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		must(err)
		w.mu.Lock()
		defer w.mu.Unlock()
		_, _ = fmt.Fprint(response, w.says[host])
	})}
	go func() { _ = server.Serve(listener) }()
	return w
}

func (w *fakeWorkers) say(ip string, stage v1alpha1.StepStage, percent int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[ip] = fmt.Sprintf(`{"stage":%q,"percent":%d,"mediaMillisecondsPerSecond":3000}`, stage, percent)
}

// runPod plays the kubelet: a pod of a Job runs its first container.
func runPod(t *testing.T, job *batchv1.Job, ip string, owner metav1.OwnerReference) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: job.Namespace, GenerateName: job.Name + "-", Labels: map[string]string{
			batchv1.JobNameLabel: job.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelFile: job.Labels[v1alpha1.LabelFile]},
			OwnerReferences: []metav1.OwnerReference{owner}},
		Spec: job.Spec.Template.Spec,
	}
	create(t, pod)
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodPending, ip, []corev1.PodIP{{IP: ip}}
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: workerapi.ContainerFetch,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}
	if err := k8s.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// patches is how many statuses of files were written with this content.
func patches(t *testing.T, content string) int {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "recording_file_status_patches_total" && metric.GetLabel()[0].GetValue() == content {
				return int(metric.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// TestProgress_IsWrittenSparinglyAndClearedInTheEnd: guarantee 5 holds for everything but progress, which is counted apart.
func TestProgress_IsWrittenSparinglyAndClearedInTheEnd(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, twoSteps()[0])
	create(t, recordingFile(namespace, recorded()))
	job := jobOf(t, g, namespace, "mp4")
	before := patches(t, "progress")
	owner := *metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))

	forged := owner
	forged.UID = "another"
	workers.say("127.0.0.9", v1alpha1.StagePublish, 99)
	runPod(t, job, "127.0.0.9", forged)
	workers.say("127.0.0.2", v1alpha1.StageFetch, 10)
	runPod(t, job, "127.0.0.2", owner)

	progress := func() *v1alpha1.StepProgress {
		file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
		return file.Status.Steps[0].Progress
	}
	percent := func() int32 {
		if found := progress(); found != nil {
			return found.Percent
		}
		return -1
	}
	g.Eventually(percent, timeout, poll).Should(BeEquivalentTo(10))
	g.Expect(progress().Rate).To(Equal("3.0x"))
	workers.say("127.0.0.2", v1alpha1.StageFetch, 12)
	g.Consistently(percent, 2*progressInterval, poll).Should(BeEquivalentTo(10), "neither 5 percent more nor 10 seconds later")
	workers.say("127.0.0.2", v1alpha1.StageProcess, 50)
	g.Eventually(percent, timeout, poll).Should(BeEquivalentTo(50))
	workers.say("127.0.0.2", v1alpha1.StageProcess, 30)
	g.Consistently(percent, 2*progressInterval, poll).Should(BeEquivalentTo(50), "it goes back")
	g.Expect(patches(t, "progress") - before).To(Equal(2))

	succeed(t, job, "s3://archive/lecture-1/mp4/a.mp4")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[0].Progress).To(BeNil())
	written := statusPatches.of(client.ObjectKeyFromObject(file)) - (patches(t, "progress") - before)
	g.Expect(written).To(BeNumerically("<=", 3), "2 and one step")
}
