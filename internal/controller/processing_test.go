// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// patchJob plays somebody else who changes a Job.
func patchJob(t *testing.T, job *batchv1.Job, patch string) {
	t.Helper()
	if err := k8s.Patch(t.Context(), job, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// TestProcessing_JobSuspendedByAQueueIsNotResumed: neither at once, nor when spec.suspend was set and taken back
// meanwhile. When the queue resumes it, the step goes on.
func TestProcessing_JobSuspendedByAQueueIsNotResumed(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	job := jobOf(t, g, namespace, "mp4")
	patchJob(t, job, `{"spec":{"suspend":true}}`)
	file := fileWith(t, g, namespace, v1alpha1.ReasonQueued)
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepSuspended))
	g.Expect(file.Status.Steps[0].Message).To(ContainSubstring("not by spec.suspend"))

	for _, step := range []struct {
		suspend bool
		status  string
	}{{true, v1alpha1.ReasonSuspended}, {false, v1alpha1.ReasonQueued}} {
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
			file.Spec.Suspend = step.suspend
			g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
		}, timeout, poll).Should(Succeed())
		fileWith(t, g, namespace, step.status)
		job = jobOf(t, g, namespace, "mp4")
		g.Expect(job.Spec.Suspend).To(HaveValue(BeTrue()))
		g.Expect(job.Annotations).NotTo(HaveKey(v1alpha1.AnnotationSuspended))
	}
	patchJob(t, job, `{"spec":{"suspend":false}}`)
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
}

// TestProcessing_WritesToJobsHavePreconditions: a Job that is another, or has changed, since it was observed is neither
// deleted nor suspended nor resumed.
func TestProcessing_WritesToJobsHavePreconditions(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	r := &FileReconciler{Client: k8s}
	for name, stale := range map[string]func(*pipeline.Child){
		"another": func(c *pipeline.Child) { c.UID, c.ResourceVersion = "another", "1" },
		"changed": func(c *pipeline.Child) { c.ResourceVersion = "1" },
	} {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "i"}},
		}}}}
		create(t, job)
		seen := pipeline.Child{Name: job.Name, UID: job.UID, ResourceVersion: job.ResourceVersion}
		old := seen
		stale(&old)
		done, err := r.suspendJob(t.Context(), namespace, &old, true)
		g.Expect(err).NotTo(HaveOccurred(), name)
		g.Expect(done).To(BeFalse(), name)
		g.Expect(r.deleteJob(t.Context(), namespace, &old)).To(Succeed(), name)
		found := &batchv1.Job{}
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(job), found)).To(Succeed(), name)
		g.Expect(found.ResourceVersion).To(Equal(job.ResourceVersion), name)
		g.Expect(found.DeletionTimestamp).To(BeNil(), name)

		done, err = r.suspendJob(t.Context(), namespace, &seen, true)
		g.Expect(err).NotTo(HaveOccurred(), name)
		g.Expect(done).To(BeTrue(), name)
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(job), found)).To(Succeed(), name)
		g.Expect(found.Spec.Suspend).To(HaveValue(BeTrue()), name)
		seen.ResourceVersion = found.ResourceVersion
		g.Expect(r.deleteJob(t.Context(), namespace, &seen)).To(Succeed(), name)
		err = k8s.Get(t.Context(), client.ObjectKeyFromObject(job), found)
		g.Expect(apierrors.IsNotFound(err) || !found.DeletionTimestamp.IsZero()).To(BeTrue(), name)
	}
	g.Expect(r.deleteJob(t.Context(), namespace, &pipeline.Child{Name: "gone", UID: "u", ResourceVersion: "1"})).To(Succeed())
}

// TestProcessing_RunIsPartOfJobNames, and what a first run has published does not end a second one.
func TestProcessing_RunIsPartOfJobNames(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")})
	create(t, recordingFile(namespace, recorded()))
	first := jobOf(t, g, namespace, "keep")
	g.Expect(first.Name).To(ContainSubstring("-keep-1-"))
	g.Expect(first.Labels).To(HaveKeyWithValue(v1alpha1.LabelStepKind, "archive"))
	succeed(t, first, "s3://archive/x/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	for run, size := range []int64{2000, 1000} { // the second time a person takes the change back
		file.Spec.Reported.SizeBytes = size
		g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
		var next batchv1.Job
		g.Eventually(func(g Gomega) {
			jobs := jobsOf(t, namespace, "keep")
			g.Expect(jobs).To(ContainElement(HaveField("Name", ContainSubstring(fmt.Sprintf("-keep-%d-", run+2))), &next))
		}, timeout, poll).Should(Succeed())
		fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
		succeed(t, &next, "s3://archive/x/a.m3u8")
		file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
		g.Expect(file.Status.Run).To(BeEquivalentTo(run + 2))
	}
}

// TestProcessing_StatusStaysSmall: 16 steps that publish much, over long keys, make an object of at most 16 KiB, and each
// step that works on another still finds its input.
func TestProcessing_StatusStaysSmall(t *testing.T) {
	g := NewWithT(t)
	var all []v1alpha1.Step
	for i := range 8 {
		name := fmt.Sprintf("mp4-%d", i)
		all = append(all, v1alpha1.Step{Name: name, Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: output("{step}/")},
			v1alpha1.Step{Name: name + "-pictures", Input: &v1alpha1.StepInput{Step: name}, Thumbnails: &v1alpha1.Thumbnails{Poster: true}, Output: output("{step}/")})
	}
	namespace := classroom(t, all...)
	create(t, recordingFile(namespace, recorded()))
	key := strings.Repeat("k", 300)
	for _, suffix := range []string{"", "-pictures"} {
		for i := range 8 {
			job := jobOf(t, g, namespace, fmt.Sprintf("mp4-%d%s", i, suffix))
			result := workerapi.Result{Manifest: &v1alpha1.ManifestReference{URI: "s3://archive/" + key, SHA256: strings.Repeat("a", 64), Outputs: 4, Files: 4},
				Integrity: &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedStructure}}
			for range v1alpha1.MaxOutputs {
				result.Outputs = append(result.Outputs, v1alpha1.Artifact{Name: "a.mp4", URI: "s3://archive/" + key, Bucket: "archive", Key: key, MediaType: "video/mp4"})
			}
			for range v1alpha1.MaxFindings {
				result.Integrity.Findings = append(result.Integrity.Findings, v1alpha1.Finding{Type: v1alpha1.FindingCorrupt, Message: strings.Repeat("m", 200)})
			}
			publish(t, job, result)
		}
	}
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	file.ManagedFields = nil
	encoded, err := json.Marshal(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(encoded)).To(BeNumerically("<=", 16<<10))
}

// TestFileReconciler_RunsConditionsAndFinally through the whole controller: a condition on another step's end, a step in the
// background, and one of finally.
func TestFileReconciler_RunsConditionsAndFinally(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	remux := &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}
	pipeline := lecturePipeline(namespace,
		v1alpha1.Step{Name: "mp4", Transcode: remux, Output: output("mp4/")},
		v1alpha1.Step{Name: "again", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264}, Output: output("again/"),
			When: "steps.mp4.reason == 'RecordingChanged'", StepSettings: v1alpha1.StepSettings{TimeoutFactor: new(int32(20))}},
		v1alpha1.Step{Name: "slow", Archive: &v1alpha1.Archive{}, Output: output("slow/"), Background: true},
	)
	pipeline.Name = "conditional"
	pipeline.Spec.Defaults = &v1alpha1.StepSettings{Retries: new(int32(7))}
	pipeline.Spec.Finally = []v1alpha1.Step{
		{Name: "raw", Archive: &v1alpha1.Archive{}, Output: output("{step}/"), When: "outcome == 'Failed'", Background: true},
		{Name: "kept", Archive: &v1alpha1.Archive{}, Output: output("{step}/"), When: "steps.again.state == 'Skipped'", Background: true},
	}
	create(t, pipeline)
	file := recordingFile(namespace, recorded())
	file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: "conditional"}
	create(t, file)

	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/mp4/a.mp4")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionProcessed)).To(BeFalse(), "the step in the background runs")
	slow := jobOf(t, g, namespace, "slow")
	g.Expect(*slow.Spec.BackoffLimit).To(BeEquivalentTo(7))
	succeed(t, slow, "s3://archive/slow/a.m3u8")
	succeed(t, jobOf(t, g, namespace, "kept"), "s3://archive/kept/a.m3u8")
	g.Eventually(func(g Gomega) {
		file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
		g.Expect(meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionProcessed)).To(BeTrue())
	}, timeout, poll).Should(Succeed())
	reasons := map[string]string{}
	for _, step := range file.Status.Steps {
		reasons[step.Name] = string(step.State) + step.Reason
	}
	g.Expect(reasons).To(Equal(map[string]string{
		"mp4": "Succeeded", "again": "SkippedConditionFalse", "slow": "Succeeded", "raw": "SkippedConditionFalse", "kept": "Succeeded",
	}))
	g.Expect(file.Status.Summary.Progress).To(Equal("3/3"))
}

// TestFileReconciler_TriggerUsesTheAccountThatThePipelineNamesNow: what processing began with does not say for ever whose
// rights are used.
func TestFileReconciler_TriggerUsesTheAccountThatThePipelineNamesNow(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	pipeline := lecturePipeline(namespace,
		v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("keep/")},
		v1alpha1.Step{Name: "tell", DependsOn: []string{"keep"}, Trigger: &v1alpha1.Trigger{
			Object: &v1alpha1.TriggerObject{APIVersion: "v1", Kind: "ConfigMap"},
			Set:    []v1alpha1.TriggerValue{{Path: "/data", Value: "{'uri': steps.keep.outputs[0].uri, 'room': recording.room}"}},
		}},
	)
	pipeline.Name = "triggering"
	pipeline.Spec.TriggerServiceAccountName = "recording-trigger"
	create(t, pipeline)
	file := recordingFile(namespace, recorded())
	file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: "triggering"}
	create(t, file)
	keep := jobOf(t, g, namespace, "keep")

	rename := func(account string) {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"triggerServiceAccountName":"`+account+`"}}`))
		g.Expect(k8s.Patch(t.Context(), pipeline, patch)).To(Succeed())
	}
	rename("recording-trigger-b")
	succeed(t, keep, "s3://archive/keep/a.m3u8")
	stalledFile(t, g, namespace, v1alpha1.ReasonTriggerRefused)

	rename("recording-trigger")
	tell := jobOf(t, g, namespace, "tell")
	pod := tell.Spec.Template.Spec
	g.Expect(pod.ServiceAccountName).To(Equal("recording-trigger"))
	g.Expect(pod.Containers[0].Image).To(Equal("trigger:test"))
	g.Expect(pod.Containers[0].Env[0].Value).To(ContainSubstring(`"data":{"room":"room","uri":"` + publishedAt(keep, "a.m3u8") + `"}`))
}

// TestFileReconciler_LateEditOfThePipelineIsSaid: on a file that was processed, which another run then follows.
func TestFileReconciler_LateEditOfThePipelineIsSaid(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	other := lecturePipeline(namespace, v1alpha1.Step{Name: "preview", Archive: &v1alpha1.Archive{}, Output: output("preview/")})
	other.Name = "preview"
	create(t, other, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/x/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	said := func() *metav1.Condition {
		file = fileWith(t, g, namespace, statusOf(file))
		return meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionPipelineChanged)
	}
	g.Expect(said()).To(BeNil())

	patch := func(spec string) {
		g.Expect(k8s.Patch(t.Context(), file.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":`+spec+`}`)))).To(Succeed())
	}
	patch(`{"pipelineRef":{"name":"preview"}}`)
	g.Eventually(said, timeout, poll).Should(HaveField("Message", ContainSubstring("kubectl recordings retry lecture-1 runs the new one")))
	g.Expect(jobsOf(t, namespace, "preview")).To(BeEmpty())

	patch(`{"rerun":{"token":"again"}}`)
	jobOf(t, g, namespace, "preview")
	file = fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.Status.Pipeline.Name).To(Equal("preview"))
	g.Expect(said()).To(BeNil())
}

// TestFileReconciler_ContainerWorksOnTheOutputsOfSeveralSteps, and on the recording: they lie in StorageLocations of their own.
// Its Job reads each with the credentials of its own, when the last of the steps has ended.
func TestFileReconciler_ContainerWorksOnTheOutputsOfSeveralSteps(t *testing.T) {
	g := NewWithT(t)
	elsewhere := &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "elsewhere"}, Path: "keep/"}
	namespace := classroom(t,
		v1alpha1.Step{Name: "burn", Inputs: []v1alpha1.StepInput{{Step: "mp4"}, {Step: "keep"}, {Step: v1alpha1.InputRecording}}, Output: output("burn/"), Container: &v1alpha1.Container{
			Image: "burn:1", Outputs: []v1alpha1.ContainerOutput{{Path: "burnt.mp4", Kind: v1alpha1.ArtifactVideo}}}},
		v1alpha1.Step{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: output("mp4/")},
		v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: elsewhere},
	)
	other := storage(namespace, "elsewhere")
	other.Spec.S3.CredentialsSecretRef.Name = "other"
	create(t, other, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/mp4/a.mp4")
	keep := jobOf(t, g, namespace, "keep")
	g.Expect(jobsOf(t, namespace, "burn")).To(BeEmpty(), "one of its inputs is not there")
	succeed(t, keep, "s3://elsewhere/keep/a.m3u8")

	pod := jobOf(t, g, namespace, "burn").Spec.Template.Spec
	spec := workerapi.StepSpec{}
	g.Expect(json.Unmarshal([]byte(pod.InitContainers[0].Env[0].Value), &spec)).To(Succeed())
	g.Expect(spec.Inputs).To(HaveLen(3))
	secrets := map[string]string{}
	for _, volume := range pod.Volumes {
		if volume.Projected != nil {
			secrets[volume.Name] = volume.Projected.Sources[0].Secret.Name
		}
	}
	for i, want := range []struct{ step, bucket, credentials, secret string }{
		{"mp4", "archive", "source-credentials", "s3"}, {"keep", "elsewhere", "source-credentials-1", "other"},
		{v1alpha1.InputRecording, "recordings", "source-credentials-2", "s3"},
	} {
		g.Expect(spec.Inputs[i].Step).To(Equal(want.step))
		g.Expect(spec.Inputs[i].Storage.Spec.S3.Bucket).To(Equal(want.bucket))
		g.Expect(spec.Inputs[i].Place).To(Equal(i))
		g.Expect(secrets).To(HaveKeyWithValue(want.credentials, want.secret))
	}
}
