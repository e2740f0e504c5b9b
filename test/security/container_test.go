// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// captions is a step of kind container with every field.
func captions() v1alpha1.Step {
	return v1alpha1.Step{Name: "captions", Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}}, Container: &v1alpha1.Container{
		Image: "whisper:1", Command: []v1alpha1.Argument{"caption"}, Args: []v1alpha1.Argument{"--fast"},
		Env:     []v1alpha1.ContainerVariable{{Name: "THREADS", Value: "4"}},
		Params:  []v1alpha1.ContainerParam{{Name: "room", Value: "recording.room"}},
		Secrets: []v1alpha1.ContainerSecret{{Name: "API_KEY", SecretRef: v1alpha1.SecretKeyReference{Name: "asr", Key: "token"}}},
		Volumes: []v1alpha1.ContainerVolume{{Name: "models", MountPath: "/models", PersistentVolumeClaim: v1alpha1.ContainerClaim{ClaimName: "models"}}},
		Outputs: []v1alpha1.ContainerOutput{{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles}}, RunAsUser: new(int64(1000)),
	}}
}

// containerJob is the Job of a step of kind container, for a file that exists.
func containerJob(t *testing.T, namespace string, changes ...func(*job.Work)) *batchv1.Job {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture-1"}, file); err != nil {
		t.Fatal(err)
	}
	step := captions()
	work := &job.Work{
		Start: pipeline.Start{Step: &step, Run: 1, InputDigest: "facts", Value: func(string) (any, error) { return "room", nil }},
		File:  file, Facts: recording.Of(&file.Spec), Source: &v1alpha1.RecordingSource{},
		InputStorage:  builders.MakeStorageLocation("recordings").In(namespace).S3("https://s3.example.com", "recordings", "s3").CA("ca", "ca.pem").Obj(),
		OutputStorage: builders.MakeStorageLocation("archive").In(namespace).S3("https://s3.example.com", "archive", "s3").Obj(),
		Revision:      "lecture-1", WorkerImage: "recording-worker:dev",
	}
	for _, change := range changes {
		change(work)
	}
	made, problem := steps.Build(work)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	return made
}

// worksOnTwoSteps has a step read what two steps have published, each to a StorageLocation of its own.
func worksOnTwoSteps(work *job.Work) {
	work.InputStorages = map[string]*v1alpha1.StorageLocation{}
	for _, name := range []string{"one", "two"} {
		work.Inputs = append(work.Inputs, pipeline.Input{Step: name, Artifact: v1alpha1.Artifact{
			Name: "a.vtt", StorageRef: v1alpha1.LocalReference{Name: name}, Bucket: name, Key: "a.vtt", MediaType: "text/vtt"}})
		work.InputStorages[name] = builders.MakeStorageLocation(name).S3("https://s3.example.com", name, name).CA("ca", "ca.pem").Obj()
	}
}

// TestManager_StolenTokenRunsAnImageWithoutCredentials: with the manager's own account, an image that is not the worker's runs in
// one place, with nothing of the worker's.
func TestManager_StolenTokenRunsAnImageWithoutCredentials(t *testing.T) {
	g := NewWithT(t)
	const namespace = "stolen-image"
	archive := stepJob(t, namespace)
	thief, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() error { // the policy is in force
		other := archive.DeepCopy()
		other.Spec.Template.Spec.HostNetwork = true
		return thief.Create(t.Context(), other, client.DryRunAll)
	}, timeout, poll).Should(MatchError(ContainSubstring("recording-operator-own-objects")))
	g.Expect(thief.Create(t.Context(), containerJob(t, namespace), client.DryRunAll)).To(Succeed())
	several := containerJob(t, namespace, worksOnTwoSteps)
	g.Expect(several.Spec.Template.Spec.Volumes).To(ContainElement(HaveField("Name", "source-credentials-1")))
	g.Expect(thief.Create(t.Context(), several, client.DryRunAll)).To(Succeed())

	const fetch, main = 0, 1
	mount := func(name, path string) corev1.VolumeMount {
		return corev1.VolumeMount{Name: name, MountPath: path, ReadOnly: true}
	}
	for name, test := range map[string]struct {
		change func(job *batchv1.Job, pod *corev1.PodSpec)
		want   string
	}{
		"as fetch":             {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.InitContainers[fetch].Image = "miner" }, "recording-worker:dev"},
		"as publish":           {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Image = "miner" }, "recording-worker:dev"},
		"in an archive's Job":  {func(job *batchv1.Job, _ *corev1.PodSpec) { job.Labels[v1alpha1.LabelStepKind] = "archive" }, "recording-worker:dev"},
		"as another container": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.InitContainers[main].Name = "miner" }, "recording-worker:dev"},
		"before fetch": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[0], pod.InitContainers[1] = pod.InitContainers[1], pod.InitContainers[0]
		}, "runs between fetch and publish"},
		"beside publish": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			second := pod.InitContainers[main]
			second.Name = "second"
			pod.Containers = append(pod.Containers, second)
		}, "recording-worker:dev"},
		"for ever": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}, "subcommand of its name"},
		"as root": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].SecurityContext.RunAsUser = new(int64(0))
		}, "restricted"},
		"with a file system to write": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].SecurityContext.ReadOnlyRootFilesystem = new(false)
		}, "no other fields"},
		"with a capability": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_RAW"}
		}, "restricted"},
		"with the default token":   {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.AutomountServiceAccountToken = nil }, "no service account"},
		"with an account":          {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.ServiceAccountName = "recording-trigger" }, "no service account"},
		"with the source's Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) { addMount(pod, main, mount("source-credentials", "/s")) }, "mounts no folder of theirs"},
		"with the destination's":   {func(_ *batchv1.Job, pod *corev1.PodSpec) { addMount(pod, main, mount("destination-credentials", "/s")) }, "mounts no folder of theirs"},
		"with the worker's folder": {func(_ *batchv1.Job, pod *corev1.PodSpec) { addMount(pod, main, mount("work", "/work")) }, "mounts no folder of theirs"},
		"with the inputs to write": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.InitContainers[main].VolumeMounts[0].ReadOnly = false }, "mounts no folder of theirs"},
		"with a claim to write":    {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.InitContainers[main].VolumeMounts[4].ReadOnly = false }, "mounts no folder of theirs"},
		"with a whole Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}}
		}, "subcommand of its name"},
		"with the node's address": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[main].Env = append(pod.InitContainers[main].Env, corev1.EnvVar{Name: "N", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}})
		}, "single keys of Secrets alone"},
		"with a Secret called a claim": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes[len(pod.Volumes)-1].VolumeSource = pod.Volumes[6].VolumeSource
		}, "claims of its image are read-only"},
		"with a Secret for its output": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Volumes[3].VolumeSource = pod.Volumes[6].VolumeSource }, "hands its folders over"},
		"with a command for publish":   {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Command = []string{"sh"} }, "subcommand of its name"},
		"with a user for publish": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.RunAsUser = new(int64(1000))
		}, "no other fields"},
		"with a Secret for fetch": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[fetch].Env = append(pod.InitContainers[fetch].Env, pod.InitContainers[main].Env[1])
		}, "subcommand of its name"},
	} {
		changed := containerJob(t, namespace)
		test.change(changed, &changed.Spec.Template.Spec)
		if err := thief.Create(t.Context(), changed, client.DryRunAll); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("an image %s: %v, want %q", name, err, test.want)
		}
	}
}

func addMount(pod *corev1.PodSpec, container int, mount corev1.VolumeMount) {
	pod.InitContainers[container].VolumeMounts = append(pod.InitContainers[container].VolumeMounts, mount)
}

// TestContainers_AreWrittenByWhoMayCreatePods: an image reads the namespace's Secrets and claims, so only who may run one
// anyway writes a step for it.
func TestContainers_AreWrittenByWhoMayCreatePods(t *testing.T) {
	g := NewWithT(t)
	const namespace = "containers"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	writer := tenant(t, namespace, "writer")
	owner := tenant(t, namespace, "owner", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create"}})
	made := func() *v1alpha1.RecordingPipeline {
		return &v1alpha1.RecordingPipeline{ObjectMeta: named(namespace, "captions"), Spec: v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{captions()}}}
	}
	refusal := And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("spec.steps[captions].container: you may not run an image here")))
	g.Eventually(func() error { // the API server has read the policy
		return writer.Create(t.Context(), made(), client.DryRunAll)
	}, timeout, poll).Should(refusal)
	g.Expect(owner.Create(t.Context(), made())).To(Succeed())

	last := captions()
	last.Name, last.Output.Path = "last", "{step}/"
	inFinally := made()
	inFinally.Spec.Steps, inFinally.Spec.Finally = []v1alpha1.Step{keep()}, []v1alpha1.Step{last}
	g.Expect(writer.Create(t.Context(), inFinally, client.DryRunAll)).To(MatchError(ContainSubstring("spec.finally[last].container: you may not")))

	for name, test := range map[string]struct {
		change  func(*v1alpha1.RecordingPipelineSpec)
		allowed bool
	}{
		"the image":              {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Steps[0].Container.Image = "miner" }, false},
		"a Secret":               {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Steps[0].Container.Secrets[0].SecretRef.Name = "s3" }, false},
		"the folder":             {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Steps[0].Output.Path = "x/" }, false},
		"a container of finally": {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Finally = append(spec.Finally, last) }, false},
		"another step":           {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Steps = append(spec.Steps, keep()) }, true},
		"nothing":                {func(*v1alpha1.RecordingPipelineSpec) {}, true},
	} {
		changed := &v1alpha1.RecordingPipeline{}
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "captions"}, changed)).To(Succeed())
		test.change(&changed.Spec)
		changed.Labels = map[string]string{"touched": "true"}
		if err := writer.Update(t.Context(), changed, client.DryRunAll); (err == nil) != test.allowed {
			t.Errorf("%s: allowed %t, want %t: %v", name, err == nil, test.allowed, err)
		}
	}
}
