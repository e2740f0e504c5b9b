// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// stepJob is the Job of a step as the operator would create it, for a file that exists.
func stepJob(t *testing.T, namespace string) *batchv1.Job {
	t.Helper()
	file := recorded(namespace, "lecture-1")
	file.Spec.Suspend = true
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, file)
	made, problem := steps.Build(&job.Work{
		Start: pipeline.Start{Step: &v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{}}, Run: 1, InputDigest: "facts"},
		File:  file, Facts: recording.Of(&file.Spec), Source: &v1alpha1.RecordingSource{},
		InputStorage:  builders.MakeStorageLocation("recordings").In(namespace).S3("https://s3.example.com", "recordings", "s3").CA("ca", "ca.pem").Obj(),
		OutputStorage: builders.MakeStorageLocation("archive").In(namespace).Claim("recordings-claim").Obj(),
		Revision:      "lecture-1", WorkerImage: "recording-worker:dev",
	})
	if problem != nil {
		t.Fatal(problem.Message)
	}
	return made
}

// triggerJob is the Job of a trigger, of the same file.
func triggerJob(t *testing.T, namespace string) *batchv1.Job {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture-1"}, file); err != nil {
		t.Fatal(err)
	}
	step := &v1alpha1.Step{Name: "tell", Trigger: &v1alpha1.Trigger{Object: &v1alpha1.TriggerObject{APIVersion: "v1", Kind: "ConfigMap"}}}
	made, problem := steps.Build(&job.Work{
		Start: pipeline.Start{Step: step, Run: 1, InputDigest: "facts"}, File: file, Facts: recording.Of(&file.Spec),
		Revision: "lecture-1", TriggerImage: "recording-trigger:dev", TriggerAccount: "recording-trigger-argo",
	})
	if problem != nil {
		t.Fatal(problem.Message)
	}
	return made
}

// TestManager_StolenTokenMakesNoOtherPods: with the manager's own account, RBAC and all, nothing but the Jobs of steps can be
// created, and what belongs to others cannot be touched.
func TestManager_StolenTokenMakesNoOtherPods(t *testing.T) {
	g := NewWithT(t)
	thief, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	job := stepJob(t, "stolen-token")
	g.Eventually(func() error { // the policy is in force, and does not stand in the way of the operator
		other := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "other"}, Spec: *job.Spec.DeepCopy()}
		return thief.Create(t.Context(), other, client.DryRunAll)
	}, timeout, poll).Should(MatchError(ContainSubstring("recording-operator-own-objects")))
	g.Expect(thief.Create(t.Context(), job.DeepCopy(), client.DryRunAll)).To(Succeed())

	for name, test := range map[string]struct {
		change func(job *batchv1.Job, pod *corev1.PodSpec)
		want   string
	}{
		"without an owner":  {func(job *batchv1.Job, _ *corev1.PodSpec) { job.OwnerReferences = nil }, "belongs to a RecordingFile"},
		"without our label": {func(job *batchv1.Job, _ *corev1.PodSpec) { job.Labels = map[string]string{"a": "b"} }, "not its own"},
		"host network":      {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.HostNetwork = true }, "no part of its node"},
		"host processes":    {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.HostPID = true }, "no part of its node"},
		"a node by name":    {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.NodeName = "control-plane" }, "no part of its node"},
		"host path": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
		}, "mounts only"},
		"a token by volume": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "h", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}})
		}, "mounts only"},
		"another service account": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.ServiceAccountName = "deployer" }, "no service account"},
		"a token":                 {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.AutomountServiceAccountToken = new(true) }, "no service account"},
		"privileged": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.Privileged, pod.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true), nil
		}, "restricted"},
		"root, in an init container": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[1].SecurityContext.RunAsUser = new(int64(0))
		}, "restricted"},
		"a capability": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
		}, "restricted"},
		"no security context": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].SecurityContext = nil }, "restricted"},
		"a host port": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		}, "subcommand of its name"},
		"another image":     {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Image = "miner:latest" }, "recording-worker:dev"},
		"another container": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.InitContainers[0].Name = "miner" }, "recording-worker:dev"},
		"a command":         {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Command = []string{"sh"} }, "subcommand of its name"},
		"arguments":         {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Args = []string{"version"} }, "subcommand of its name"},
		"a probe": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "169.254.169.254", Port: intstr.FromInt32(80)}}}
		}, "subcommand of its name"},
		"a hook": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"x"}}}}
		}, "subcommand of its name"},
		"the environment of a Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}}
		}, "subcommand of its name"},
		"a variable of its own": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].Env = append(pod.Containers[0].Env, corev1.EnvVar{Name: "LD_PRELOAD", Value: "x"})
		}, "subcommand of its name"},
		"a trigger's account for a worker": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.ServiceAccountName = "recording-trigger" }, "no service account"},
		"AppArmor off": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		}, "a container of a step has no other"},
		"AppArmor off, in a container": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.InitContainers[1].SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		}, "a container of a step has no other"},
		"AppArmor off, by annotation": {func(job *batchv1.Job, _ *corev1.PodSpec) {
			job.Spec.Template.Annotations = map[string]string{"container.apparmor.security.beta.kubernetes.io/fetch": "unconfined"}
		}, "a step's pod has no other"},
		"SELinux options": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"}
		}, "a container of a step has no other"},
		"SELinux options of a container": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"}
		}, "a container of a step has no other"},
		"/proc unmasked": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.ProcMount, pod.HostUsers = new(corev1.UnmaskedProcMount), new(false)
		}, "a step's pod has no other"},
		"sysctls": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}}
		}, "a container of a step has no other"},
		"groups":         {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.SecurityContext.SupplementalGroups = []int64{0} }, "a container of a step has no other"},
		"a RuntimeClass": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.RuntimeClassName = new("legacy") }, "a step's pod has no other"},
		"a ResourceClaim": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: new("gpu")}}
		}, "a step's pod has no other"},
		"the system's priority": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.PriorityClassName = "system-node-critical" }, "no priority class of the system"},
		"a priority":            {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Priority = new(int32(2000001000)) }, "a step's pod has no other"},
		"host aliases": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.HostAliases = []corev1.HostAlias{{IP: "192.0.2.1", Hostnames: []string{"s3.example.com"}}}
		}, "a step's pod has no other"},
		"a name server": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"192.0.2.1"}}
		}, "a step's pod has no other"},
		"the node's name server": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.DNSPolicy = corev1.DNSDefault }, "a step's pod has no other"},
		"another scheduler":      {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.SchedulerName = "mine" }, "a step's pod has no other"},
		"an image pull Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "s"}}
		}, "a step's pod has no other"},
		"an affinity":      {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Affinity = &corev1.Affinity{} }, "a step's pod has no other"},
		"shared processes": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.ShareProcessNamespace = new(true) }, "a step's pod has no other"},
		"an end that never comes": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.TerminationGracePeriodSeconds = new(int64(1 << 30))
		}, "a step's pod has no other"},
		"a terminal": {func(_ *batchv1.Job, pod *corev1.PodSpec) { pod.Containers[0].Stdin = true }, "a container of a step has no other"},
		"a whole Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}})
		}, "single keys of Secrets"},
		"another key of a Secret": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "s", Items: []corev1.KeyToPath{{Key: "token", Path: "token"}}}}})
		}, "single keys of Secrets"},
		"a whole Secret, projected": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}}}}})
		}, "single keys of Secrets"},
		"another key, projected": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "s"},
					Items: []corev1.KeyToPath{{Key: "token", Path: "token"}}}}}}}})
		}, "single keys of Secrets"},
		"memory for a disk": {func(_ *batchv1.Job, pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "m", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}})
		}, "single keys of Secrets"},
		"many pods": {func(job *batchv1.Job, _ *corev1.PodSpec) {
			job.Spec.Parallelism, job.Spec.Completions = new(int32(1000)), new(int32(1000))
		}, "runs one pod"},
		"another controller": {func(job *batchv1.Job, _ *corev1.PodSpec) { job.Spec.ManagedBy = new("example.com/mine") }, "runs one pod"},
		"a policy for success": {func(job *batchv1.Job, _ *corev1.PodSpec) {
			job.Spec.CompletionMode = new(batchv1.IndexedCompletion)
		}, "runs one pod"},
		"a worker as a trigger": {func(job *batchv1.Job, pod *corev1.PodSpec) {
			job.Labels[v1alpha1.LabelStepKind], pod.ServiceAccountName = "trigger", "recording-trigger"
		}, "only the token of its account"},
	} {
		changed := job.DeepCopy()
		test.change(changed, &changed.Spec.Template.Spec)
		g.Expect(thief.Create(t.Context(), changed, client.DryRunAll)).To(MatchError(ContainSubstring(test.want)), name)
	}

	g.Expect(thief.Create(t.Context(), triggerJob(t, job.Namespace), client.DryRunAll)).To(Succeed())
	for name, test := range map[string]struct {
		change func(pod *corev1.PodSpec)
		want   string
	}{
		"the account deployer": {func(pod *corev1.PodSpec) { pod.ServiceAccountName = "deployer" }, "begins with recording-trigger"},
		"the default account":  {func(pod *corev1.PodSpec) { pod.ServiceAccountName = "" }, "begins with recording-trigger"},
		"another image":        {func(pod *corev1.PodSpec) { pod.Containers[0].Image = "kubectl:latest" }, "recording-trigger:dev"},
		"two containers": {func(pod *corev1.PodSpec) {
			second := pod.Containers[0]
			second.Name = "second"
			pod.Containers = append(pod.Containers, second)
		}, "recording-trigger:dev"},
		"a Secret": {func(pod *corev1.PodSpec) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}})
		}, "only the token of its account"},
		"a token for others": {func(pod *corev1.PodSpec) {
			pod.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = "vault"
		}, "only the token of its account"},
	} {
		changed := triggerJob(t, job.Namespace)
		test.change(&changed.Spec.Template.Spec)
		g.Expect(thief.Create(t.Context(), changed, client.DryRunAll)).To(MatchError(ContainSubstring(test.want)), "a trigger with %s", name)
	}

	foreign := &batchv1.Job{ObjectMeta: named(job.Namespace, "foreign"), Spec: *job.Spec.DeepCopy()}
	foreign.OwnerReferences, foreign.Labels = job.OwnerReferences, map[string]string{"a": "b"}
	revision := &appsv1.ControllerRevision{ObjectMeta: named(job.Namespace, "foreign"), Revision: 1, Data: runtime.RawExtension{Raw: []byte("{}")}}
	create(t, foreign, revision)
	adopt := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"recording-operator"}},"spec":{"suspend":true}}`))
	g.Expect(thief.Patch(t.Context(), foreign.DeepCopy(), adopt)).To(MatchError(ContainSubstring("not its own")))
	g.Expect(thief.Delete(t.Context(), foreign)).To(MatchError(ContainSubstring("not its own")))
	g.Expect(thief.Delete(t.Context(), revision)).To(MatchError(ContainSubstring("not its own")))
}

// TestStepPods_AreRestricted: the API server, where a namespace enforces Pod Security "restricted", accepts the
// operator's pods and the pods of steps.
func TestStepPods_AreRestricted(t *testing.T) {
	g := NewWithT(t)
	job := stepJob(t, "restricted")
	enforce := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`))
	g.Expect(admin.Patch(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: job.Namespace}}, enforce)).To(Succeed())
	// There is no controller that makes the namespace's own account.
	create(t, &corev1.ServiceAccount{ObjectMeta: named(job.Namespace, "default")}, &corev1.ServiceAccount{ObjectMeta: named(job.Namespace, "recording-trigger-argo")})
	templates := map[string]corev1.PodTemplateSpec{"a step": job.Spec.Template, "a trigger": triggerJob(t, job.Namespace).Spec.Template,
		"an image": containerJob(t, job.Namespace).Spec.Template}
	for _, account := range []account{receiverAccount, managerAccount} {
		create(t, &corev1.ServiceAccount{ObjectMeta: named(job.Namespace, string(account))})
		templates[string(account)] = find[appsv1.Deployment](t, "default", "Deployment", string(account)).Spec.Template
	}
	for name, template := range templates {
		pod := &corev1.Pod{ObjectMeta: named(job.Namespace, "pod"), Spec: template.Spec}
		g.Expect(admin.Create(t.Context(), pod, client.DryRunAll)).To(Succeed(), name)
		for _, container := range append(template.Spec.InitContainers, template.Spec.Containers...) {
			g.Expect(container.SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()), "%s: %s", name, container.Name)
		}
		broken := pod.DeepCopy()
		broken.Spec.SecurityContext = nil
		broken.ResourceVersion = ""
		g.Expect(admin.Create(t.Context(), broken, client.DryRunAll)).To(MatchError(ContainSubstring("PodSecurity")), name)
	}
}
