// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	jobs = "/apis/batch/v1/namespaces/media/jobs"
	pods = "/api/v1/namespaces/media/pods"
)

// processed is a file with steps of every state.
func processed() *v1alpha1.RecordingFile {
	at := func(seconds int) *metav1.Time {
		return new(metav1.NewTime(testNow.Add(time.Duration(seconds) * time.Second)))
	}
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "camera-1"}}
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonFailed,
		Message: `step "tell" failed with ObjectFailed; see status.steps`}}
	file.Status.Run = 2
	file.Status.Pipeline = &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lecture-1"}
	file.Status.Steps = []v1alpha1.StepStatus{
		{Name: "mp4", State: v1alpha1.StepSucceeded, JobName: "camera-1-mp4", StartTime: at(-90), CompletionTime: at(-30),
			Manifest: &v1alpha1.ManifestReference{URI: "s3://archive/mp4/manifest.json", Outputs: 3},
			Outputs:  []v1alpha1.Artifact{{URI: "s3://archive/mp4/camera.mp4", SizeBytes: 26254952}}},
		{Name: "tell", State: v1alpha1.StepFailed, JobName: "camera-1-tell", Reason: "ObjectFailed", Message: "Workflow \"x\": no GPU\x1b[31m",
			StartTime: at(-30), CompletionTime: at(-20), Object: &v1alpha1.ObjectReference{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Name: "x"}},
		{Name: "small", State: v1alpha1.StepRunning, JobName: "camera-1-small",
			Progress: &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StageProcess, Rate: "3.4x"}, Results: []v1alpha1.StepResult{{Name: "language", Value: "en"}}},
		{Name: "pictures", State: v1alpha1.StepPending, Message: `waiting for step "small"`},
		{Name: "poster", State: v1alpha1.StepSkipped, Reason: "NoVideo", Message: "the recording has no picture that can be read"},
	}
	return file
}

func stepJob(step, run string, conditions ...batchv1.JobCondition) batchv1.Job {
	return batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "camera-1-" + step,
			Labels: map[string]string{v1alpha1.LabelStep: step}, Annotations: map[string]string{v1alpha1.AnnotationRun: run}},
		Status: batchv1.JobStatus{Conditions: conditions},
	}
}

func stepPod(step, name string, status corev1.PodStatus) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name, Labels: map[string]string{batchv1.JobNameLabel: "camera-1-" + step}}, Status: status}
	pod.Spec.InitContainers = []corev1.Container{{Name: "fetch"}, {Name: "process"}}
	pod.Spec.Containers = []corev1.Container{{Name: "publish"}}
	return pod
}

func container(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: state}
}

var ended = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}

// withProcessing is a fake cluster with the file, its Jobs and its pods.
func withProcessing(t *testing.T) *fakeAPI {
	t.Helper()
	f := newFakeAPI(t)
	f.objects[recordings+"recordingfiles/camera-1"] = processed()
	f.objects[jobs] = &batchv1.JobList{Items: []batchv1.Job{
		stepJob("mp4", "2", batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}),
		stepJob("tell", "2", batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "PodFailurePolicy"}),
		stepJob("small", "2"), stepJob("mp4", "1"),
	}}
	all := []corev1.Pod{
		stepPod("mp4", "camera-1-mp4-a", corev1.PodStatus{Phase: corev1.PodSucceeded}),
		stepPod("tell", "camera-1-tell-a", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{
			container("trigger", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 65}})}}),
		stepPod("small", "camera-1-small-a", corev1.PodStatus{Phase: corev1.PodFailed,
			InitContainerStatuses: []corev1.ContainerStatus{container("fetch", ended), container("process", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 75}})}}),
		stepPod("small", "camera-1-small-b", corev1.PodStatus{Phase: corev1.PodPending,
			InitContainerStatuses: []corev1.ContainerStatus{container("fetch", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}})}}),
	}
	f.objects[pods] = func(r *http.Request) any {
		list := &corev1.PodList{}
		for i := range all {
			selector := r.URL.Query().Get("labelSelector")
			if !strings.Contains(selector, batchv1.JobNameLabel) || strings.HasSuffix(selector, "="+all[i].Labels[batchv1.JobNameLabel]) {
				list.Items = append(list.Items, all[i])
			}
		}
		return list
	}
	for i := range all {
		f.objects[pods+"/"+all[i].Name] = &all[i]
	}
	return f
}

func TestTree_ShowsStepsJobsPodsAndOutputs(t *testing.T) {
	golden(t, "tree", withProcessing(t).run(t, "", "tree", "recordingfile/camera-1").String())
}

func TestTree_LeavesOutWhatMayNotBeListed(t *testing.T) {
	f := withProcessing(t)
	f.objects[jobs], f.objects[pods] = nil, nil
	got := f.run(t, "", "tree", "camera-1")
	if got.code != ExitDone || strings.Count(got.err, "left out:") != 2 || strings.Contains(got.out, "Job") || !strings.Contains(got.out, "mp4  Succeeded") {
		t.Errorf("%s", got)
	}
}

func TestProcessing_ErrorsSayWhatToDo(t *testing.T) {
	f := withProcessing(t)
	waiting := processed()
	waiting.Name, waiting.Status.Steps = "waiting", nil
	f.objects[recordings+"recordingfiles/waiting"] = waiting
	for name, args := range map[string][]string{
		"tree-nothing":       {"tree"},
		"tree-missing":       {"tree", "camera-2"},
		"logs-nothing":       {"logs"},
		"logs-no-such-step":  {"logs", "camera-1", "mp5"},
		"logs-not-begun":     {"logs", "camera-1", "pictures"},
		"logs-none":          {"logs", "waiting"},
		"logs-no-attempt":    {"logs", "camera-1", "mp4", "--attempt", "3"},
		"logs-bad-attempt":   {"logs", "camera-1", "--attempt=-1"},
		"suspend-nothing":    {"suspend"},
		"suspend-two":        {"suspend", "camera-1", "--all"},
		"resume-bad":         {"resume", "-l", "a=b=c"},
		"suspend-missing":    {"suspend", "camera-2"},
		"suspend-bad-dryrun": {"suspend", "camera-1", "--dry-run=server"},
		"retry-nothing":      {"retry"},
		"retry-two":          {"retry", "camera-1", "-l", "a=b"},
		"retry-both":         {"retry", "camera-1", "--from", "mp4", "--all-steps"},
		"retry-missing":      {"retry", "camera-2"},
		"approve-nothing":    {"approve"},
		"approve-no-step":    {"approve", "camera-1"},
		"approve-ended":      {"approve", "camera-1", "mp4"},
		"approve-none":       {"approve", "camera-1", "release"},
		"approve-bad-dryrun": {"approve", "camera-1", "release", "--dry-run=server"},
	} {
		golden(t, name, f.run(t, "", args...).String())
	}
}

func TestLogs_PrintsContainersInOrder(t *testing.T) {
	f := withProcessing(t)
	for _, name := range []string{"fetch", "process", "publish"} {
		f.logs["camera-1-small-a/"+name] = fmt.Sprintf("%s says\x1b[31m this\nand that", name)
	}
	golden(t, "logs", f.run(t, "", "logs", "camera-1", "small", "--attempt", "1").String())
	if got := f.run(t, "", "logs", "camera-1", "small"); got.out != "" || got.code != ExitDone {
		t.Errorf("a container that waits has a log: %s", got)
	}
	f.logs["camera-1-tell-a/trigger"] = "no GPU\n"
	if got := f.run(t, "", "logs", "camera-1"); !strings.Contains(got.err, "step tell, pod camera-1-tell-a") {
		t.Errorf("the step that failed is not the first to be read: %s", got)
	}
}

// hurriedClock lets no time pass while something is waited for.
type hurriedClock struct{ *testclock.FakeClock }

func (hurriedClock) After(time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	fired <- testNow
	return fired
}

// TestLogs_FollowWaitsForEachContainer, and ends with the pod.
func TestLogs_FollowWaitsForEachContainer(t *testing.T) {
	f := withProcessing(t)
	looks := 0
	f.objects[pods+"/camera-1-small-b"] = func(*http.Request) any {
		looks++
		pod := stepPod("small", "camera-1-small-b", corev1.PodStatus{Phase: corev1.PodPending})
		for i, name := range []string{"fetch", "process", "publish"} {
			if looks > 3*(i+1) {
				pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, container(name, ended))
			}
		}
		return &pod
	}
	for _, name := range []string{"fetch", "process", "publish"} {
		f.logs["camera-1-small-b/"+name] = name + " is done\n"
	}
	var out bytes.Buffer
	code := Run(t.Context(), Environment{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: io.Discard}, Clock: hurriedClock{testclock.NewFakeClock(testNow)}},
		[]string{"logs", "camera-1", "small", "-f", "--server", f.URL, "--kubeconfig", os.DevNull, "--namespace", "media"})
	if want := "[fetch] fetch is done\n[process] process is done\n[publish] publish is done\n"; code != ExitDone || out.String() != want {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

func TestSuspend_SetsTheSpec(t *testing.T) {
	f := withProcessing(t)
	other := processed()
	other.Name, other.Spec.Suspend = "camera-2", true
	f.objects[recordings+"recordingfiles/camera-2"] = other
	f.objects[strings.TrimSuffix(recordings, "/")+"/recordingfiles"] = &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*processed(), *other}}
	golden(t, "suspend-dry-run", f.run(t, "", "suspend", "--all", "--dry-run").String())
	if len(f.patched) != 0 {
		t.Errorf("a dry run patches %v", f.patched)
	}
	golden(t, "suspend", f.run(t, "", "suspend", "-l", "a=b").String())
	if got := f.patched; len(got) != 1 || got[0] != recordings+`recordingfiles/camera-1 {"spec":{"suspend":true}}` {
		t.Errorf("patched %v", got)
	}
	golden(t, "resume", f.run(t, "", "resume", "camera-2").String())
	if got := f.patched; len(got) != 2 || got[1] != recordings+`recordingfiles/camera-2 {"spec":{"suspend":false}}` {
		t.Errorf("patched %v", got)
	}
}

func TestRetry_SetsTheSpec(t *testing.T) {
	f := withProcessing(t)
	failed, succeeded := processed(), processed()
	failed.Name, failed.Status.Steps = "camera-2", failed.Status.Steps[:2]
	succeeded.Name, succeeded.Status.Steps = "camera-3", succeeded.Status.Steps[:1]
	for _, file := range []*v1alpha1.RecordingFile{failed, succeeded} {
		f.objects[recordings+"recordingfiles/"+file.Name] = file
	}
	f.objects[strings.TrimSuffix(recordings, "/")+"/recordingfiles"] = &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*processed(), *failed, *succeeded}}
	golden(t, "retry-dry-run", f.run(t, "", "retry", "-l", "a=b", "--dry-run").String())
	if len(f.patched) != 0 {
		t.Errorf("a dry run patches %v", f.patched)
	}
	golden(t, "retry", f.run(t, "", "retry", "-l", "a=b").String())
	golden(t, "retry-from", f.run(t, "", "retry", "rec/camera-1", "--from", "mp4").String())
	golden(t, "help-retry", f.run(t, "", "retry", "--help").String())
	token := testNow.UTC().Format(time.RFC3339)
	want := []string{
		recordings + `recordingfiles/camera-2 {"spec":{"rerun":{"from":null,"includeSucceeded":false,"token":"` + token + `"}}}`,
		recordings + `recordingfiles/camera-1 {"spec":{"rerun":{"from":"mp4","includeSucceeded":false,"token":"` + token + `"}}}`,
	}
	if diff := cmp.Diff(want, f.patched); diff != "" {
		t.Errorf("patched (-want +got):\n%s", diff)
	}
}

// A file that was processed with another pipeline than its spec names runs again, though every step succeeded: the condition
// PipelineChanged says that retry does so.
func TestRetry_RunsTheOtherPipelineOfThePipelineRef(t *testing.T) {
	f := withProcessing(t)
	file := processed()
	file.Status.Steps = file.Status.Steps[:1]
	f.objects[recordings+"recordingfiles/camera-1"] = file
	if got := f.run(t, "", "retry", "camera-1"); !strings.Contains(got.out, "unchanged") || len(f.patched) > 0 {
		t.Errorf("patched %v: %s", f.patched, got.out)
	}
	file.Status.Conditions = append(file.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionPipelineChanged, Status: metav1.ConditionTrue})
	if got := f.run(t, "", "retry", "camera-1"); !strings.Contains(got.out, "runs again") || len(f.patched) != 1 {
		t.Errorf("patched %v: %s", f.patched, got.out)
	}
}

// queuedFile is a file that waits.
func queuedFile(name, source string, priority *int32, minutes int) v1alpha1.RecordingFile {
	file := v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name, UID: types.UID(name), Labels: map[string]string{"take": source},
		CreationTimestamp: metav1.NewTime(testNow.Add(-time.Duration(minutes) * time.Minute))}}
	file.Spec.SourceRef.Name, file.Spec.Priority = source, priority
	file.Spec.Reported = &v1alpha1.ReportedRecording{}
	file.Status.Pipeline = &v1alpha1.PipelineSnapshot{Name: "lecture"}
	file.Status.Queue = &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture: 8 of 8 files running", Since: file.CreationTimestamp}
	return file
}

// TestQueue_ShowsTheOrder: the files of a source stand in the order in which they start, and filters leave positions as they
// are.
func TestQueue_ShowsTheOrder(t *testing.T) {
	f := newFakeAPI(t)
	running, backlog, other := *processed(), queuedFile("old", "classroom", nil, 60), queuedFile("hall", "hall", nil, 5)
	backlog.Spec.Reported, other.Status.Pipeline.Name = nil, "plain"
	f.objects[strings.TrimSuffix(recordings, "/")+"/recordingfiles"] = func(r *http.Request) any {
		if got := r.URL.Query().Get("fieldSelector"); got != "status.done!=true" {
			t.Errorf("it lists files with the selector %q", got)
		}
		return &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{running, backlog, queuedFile("first", "classroom", nil, 3), other,
			queuedFile("urgent", "classroom", new(int32(7)), 1), queuedFile("second", "classroom", nil, 2)}}
	}
	golden(t, "queue", f.run(t, "", "queue").String())
	golden(t, "queue-source", f.run(t, "", "queue", "--source", "classroom", "--pipeline", "lecture").String())
	golden(t, "queue-pipeline", f.run(t, "", "queue", "--pipeline", "plain").String())
	golden(t, "queue-selector", f.run(t, "", "queue", "-l", "take=hall").String())
	golden(t, "queue-name", f.run(t, "", "queue", "-o", "name").String())
	golden(t, "queue-yaml", f.run(t, "", "queue", "--source", "hall", "-o", "yaml").String())
	golden(t, "queue-none", f.run(t, "", "queue", "--source", "absent").String())
	golden(t, "queue-bad-format", f.run(t, "", "queue", "-o", "xml").String())
	golden(t, "queue-bad-selector", f.run(t, "", "queue", "-l", "a=b=c").String())
	golden(t, "help-queue", f.run(t, "", "queue", "--help").String())
}
