// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// saidWithin is how soon the status says why a pod cannot start.
const saidWithin = 30 * time.Second

// waits has a file wait in a namespace of its own, and names the file; empty: lecture-1.
type waits func(t *testing.T, g Gomega) (namespace, file string)

// podWaits plays the cluster: the Job of a file has a pod, which has not started and has this status.
func podWaits(change func(*corev1.PodStatus)) waits {
	return func(t *testing.T, g Gomega) (string, string) {
		t.Helper()
		namespace := classroom(t, oneStep())
		create(t, recordingFile(namespace, recorded()))
		podOf(t, jobOf(t, g, namespace, "keep"), change)
		return namespace, ""
	}
}

// podScheduled is the condition of a pod that the scheduler has looked at.
func podScheduled(status corev1.ConditionStatus, message string) corev1.PodCondition {
	made := corev1.PodCondition{Type: corev1.PodScheduled, Status: status, LastTransitionTime: metav1.Now(), Message: message}
	if status == corev1.ConditionFalse {
		made.Reason = corev1.PodReasonUnschedulable
	}
	return made
}

// containerWaiting is a pod on a node whose first container cannot start.
func containerWaiting(reason, message string) func(*corev1.PodStatus) {
	return func(status *corev1.PodStatus) {
		status.Conditions = []corev1.PodCondition{podScheduled(corev1.ConditionTrue, "")}
		status.InitContainerStatuses = []corev1.ContainerStatus{{Name: workerapi.ContainerFetch,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

// full has a second file wait for a limit that the first has taken.
func full(change func(*v1alpha1.RecordingPipeline, *v1alpha1.RecordingSource)) waits {
	return func(t *testing.T, g Gomega) (string, string) {
		t.Helper()
		namespace := newNamespace(t)
		lecture, classes := lecturePipeline(namespace, oneStep()), source(namespace, toLecture(""))
		change(lecture, classes)
		create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecture, classes, numbered(namespace, 1))
		jobOfFile(t, g, namespace, "lecture-0001")
		create(t, numbered(namespace, 2))
		return namespace, "lecture-0002"
	}
}

// begun has a file begin that is processed by these steps.
func begun(change func(*v1alpha1.RecordingFile), steps ...v1alpha1.Step) waits {
	return func(t *testing.T, _ Gomega) (string, string) {
		t.Helper()
		namespace := classroom(t, steps...)
		file := recordingFile(namespace, recorded())
		change(file)
		create(t, file)
		return namespace, ""
	}
}

func asItIs(*v1alpha1.RecordingFile) {}

// TestWaiting_DescribeSaysForWhatAndWhatHelps walks the states in which a file waits: kubectl describe says what it waits for,
// and what would help, within 30 s.
func TestWaiting_DescribeSaysForWhatAndWhatHelps(t *testing.T) {
	states := map[string]struct {
		wait waits
		// says is what it waits for, and helps what would help.
		says, helps string
	}{
		"an unschedulable pod": {podWaits(func(status *corev1.PodStatus) {
			status.Conditions = []corev1.PodCondition{podScheduled(corev1.ConditionFalse, "0/1 nodes are available: 1 Insufficient memory.")}
		}), "0/1 nodes are available: 1 Insufficient memory.", "waiting: keep (Unschedulable); what would help: room in the cluster"},
		"an image that cannot be pulled": {podWaits(containerWaiting("ImagePullBackOff", `Back-off pulling image "worker:test"`)),
			`Back-off pulling image "worker:test"`, "waiting: keep (ImagePullBackOff); what would help: another image"},
		"a Secret of an image of the tenant's": {podWaits(containerWaiting("CreateContainerConfigError", `secret "asr" not found`)),
			`secret "asr" not found`, "waiting: keep (CreateContainerConfigError); what would help: the Secret"},
		"a quota that lets no pod in": {begun(asItIs, oneStep()), "has created no pod: a ResourceQuota", "waiting: keep (PodNotCreated); what would help: more quota"},
		"a quota of Jobs": {func(t *testing.T, _ Gomega) (string, string) {
			t.Helper()
			namespace := classroom(t, oneStep())
			none := corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}
			quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "few"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
			create(t, quota)
			quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
			if err := k8s.Status().Update(t.Context(), quota); err != nil {
				t.Fatal(err)
			}
			create(t, recordingFile(namespace, recorded()))
			return namespace, ""
		}, "exceeded quota: few", "waiting: keep (Queued); what would help: more quota"},
		"a Secret of a StorageLocation": {podWaits(func(status *corev1.PodStatus) {
			status.Conditions = []corev1.PodCondition{podScheduled(corev1.ConditionTrue, "")}
		}),
			`Secret "s3"`, "waiting: keep (StorageNotReady); what would help: the StorageLocation or the Secret"},
		"a StorageLocation": {func(t *testing.T, _ Gomega) (string, string) {
			t.Helper()
			namespace := newNamespace(t)
			create(t, storage(namespace, "recordings"), lecturePipeline(namespace, oneStep()), source(namespace, toLecture("")), recordingFile(namespace, recorded()))
			return namespace, ""
		}, `StorageLocation "archive" not found`, "create it"},
		"its source": {func(t *testing.T, _ Gomega) (string, string) {
			t.Helper()
			namespace := newNamespace(t)
			create(t, recordingFile(namespace, recorded()))
			return namespace, ""
		}, `RecordingSource "classroom" not found`, "create it"},
		"its pipeline": {func(t *testing.T, _ Gomega) (string, string) {
			t.Helper()
			namespace := newNamespace(t)
			create(t, storage(namespace, "recordings"), source(namespace, toLecture("")), recordingFile(namespace, recorded()))
			return namespace, ""
		}, `RecordingPipeline "lecture" not found`, "create it"},
		"the files of its pipeline": {full(func(lecture *v1alpha1.RecordingPipeline, _ *v1alpha1.RecordingSource) {
			lecture.Spec.Concurrency = &v1alpha1.PipelineConcurrency{Files: new(int32(1))}
		}), "RecordingPipeline lecture: 1 of 1 files running", "what would help: time, or more spec.concurrency.files"},
		"the Jobs of a step": {full(func(lecture *v1alpha1.RecordingPipeline, _ *v1alpha1.RecordingSource) {
			lecture.Spec.Concurrency = &v1alpha1.PipelineConcurrency{Steps: []v1alpha1.StepConcurrency{{Name: "keep", Jobs: 1}}}
		}), "RecordingPipeline lecture", "what would help: time, or more spec.concurrency.steps"},
		"the Jobs of its source": {full(func(_ *v1alpha1.RecordingPipeline, classes *v1alpha1.RecordingSource) {
			classes.Spec.Concurrency = new(int32(1))
		}), "RecordingSource classroom", "what would help: time, or more spec.concurrency of the RecordingSource"},
		"the Jobs of its namespace": {func(t *testing.T, g Gomega) (string, string) {
			t.Helper()
			namespace := classroom(t, oneStep())
			for i := range maxActivePerNamespace {
				create(t, numbered(namespace, i))
			}
			g.Eventually(func() []batchv1.Job { return jobsOf(t, namespace, "keep") }, timeout, poll).Should(HaveLen(maxActivePerNamespace))
			create(t, numbered(namespace, maxActivePerNamespace))
			return namespace, numbered(namespace, maxActivePerNamespace).Name
		}, "20 of 20", "what would help: time, or more --max-active-per-namespace"},
		"a person": {begun(asItIs, v1alpha1.Step{Name: "release", Approve: &v1alpha1.Approve{Message: "Fit?"}}), `"Fit?"`, "decide with: kubectl recordings approve"},
		"Kueue": {func(t *testing.T, g Gomega) (string, string) {
			t.Helper()
			namespace := newNamespace(t)
			lecture := lecturePipeline(namespace, oneStep())
			lecture.Spec.QueueName = "video"
			create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecture, source(namespace, toLecture("")), recordingFile(namespace, recorded()))
			patchJob(t, jobOf(t, g, namespace, "keep"), `{"spec":{"suspend":true}}`)
			return namespace, ""
		}, "Queued in LocalQueue video", "what would help: time, or more quota: kubectl describe workload"},
		"who suspended it": {begun(func(file *v1alpha1.RecordingFile) { file.Spec.Suspend = true }, oneStep()), "spec.suspend is true", "kubectl recordings resume"},
		"who suspended its Job": {func(t *testing.T, g Gomega) (string, string) {
			t.Helper()
			namespace := classroom(t, oneStep())
			create(t, recordingFile(namespace, recorded()))
			patchJob(t, jobOf(t, g, namespace, "keep"), `{"spec":{"suspend":true}}`)
			return namespace, ""
		}, "the Job is suspended, and not by spec.suspend", "it runs when whatever suspended it resumes it"},
		"its next try": {func(t *testing.T, g Gomega) (string, string) {
			t.Helper()
			namespace := classroom(t, oneStep())
			create(t, recordingFile(namespace, recorded()))
			fail(t, jobOf(t, g, namespace, "keep"), workerapi.ReasonForbidden, "s3://recordings/a.m3u8: the storage refuses the credentials")
			return namespace, ""
		}, "keep (Forbidden, tried again at 2", "what would help: what the step's message names"},
	}
	kubectl := describer(t)
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			namespace, file := state.wait(t, g)
			if file == "" {
				file = "lecture-1"
			}
			began := time.Now()
			g.Eventually(func() string { return kubectl(t, namespace, file) }, saidWithin, 500*time.Millisecond).
				Should(And(ContainSubstring(state.says), ContainSubstring(state.helps)))
			t.Logf("after %v", time.Since(began).Round(time.Second))
		})
	}
}

// describer runs kubectl describe. It joins the lines that kubectl folds.
func describer(t *testing.T) func(t *testing.T, namespace, file string) string {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, adminKubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")
	return func(t *testing.T, namespace, file string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "-n", namespace, "describe", "recordingfile", file)
		printed, err := command.CombinedOutput()
		if err != nil {
			return err.Error() + "\n" + string(printed)
		}
		return strings.Join(strings.Fields(string(printed)), " ")
	}
}
