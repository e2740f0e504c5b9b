// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
)

// person is a client with rights on files and tasks in a namespace.
func person(t *testing.T, namespace, name string, verbs ...string) client.Client {
	t.Helper()
	role := &rbacv1.Role{ObjectMeta: named(namespace, name), Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"recordingfiles", "recordingtasks"}, Verbs: verbs,
	}}}
	create(t, role, &rbacv1.RoleBinding{
		ObjectMeta: named(namespace, name),
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	})
	config := rest.CopyConfig(restConfig)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	made, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestReports_AreMadeByTheOperatorAlone: what the operator learned of a recording chooses what becomes of it, so that a
// person who may create RecordingFiles plants none under the name of an object whose callback is still to come, and gives
// none the mark of a reported file.
func TestReports_AreMadeByTheOperatorAlone(t *testing.T) {
	g := NewWithT(t)
	const namespace = "reports"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	creator, editor := person(t, namespace, "creator", "create"), person(t, namespace, "editor", "create", "get", "update", "patch")
	restorer := person(t, namespace, "restorer", "create", "report")
	receiver, err := client.New(receiverAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())

	object := v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "a.m3u8"}
	names := ingest.FileNames("classroom", object)
	file := func(name string, change func(*v1alpha1.RecordingFileSpec)) client.Object {
		made := &v1alpha1.RecordingFile{ObjectMeta: named(namespace, name), Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: object, Room: "r",
			ProcessingSpec: v1alpha1.ProcessingSpec{PipelineRef: &v1alpha1.LocalReference{Name: "mine"}},
		}}
		change(&made.Spec)
		return made
	}
	nothing := func(*v1alpha1.RecordingFileSpec) {}
	reported := func(spec *v1alpha1.RecordingFileSpec) { spec.Reported = &v1alpha1.ReportedRecording{} }
	discovered := func(spec *v1alpha1.RecordingFileSpec) {
		spec.Discovered = &v1alpha1.DiscoveredRecording{LastModified: metav1.Now()}
	}
	tasks := func(spec *v1alpha1.RecordingFileSpec) { spec.TaskIDs = []string{"task"} }
	task := ingest.NewTask(namespace, "classroom", "task")

	g.Eventually(func() error { // the API server has read the policy
		return creator.Create(t.Context(), file("from-april", reported), client.DryRunAll)
	}, timeout, poll).Should(Satisfy(apierrors.IsForbidden))
	for name, test := range map[string]struct {
		made    client.Object
		refusal string
	}{
		"a file of their own":              {file("from-april", nothing), ""},
		"a name that only looks alike":     {file("lecture-abcdefgh", nothing), ""},
		"the usual name of an object":      {file(names[0], nothing), "metadata.name: names that end in a hyphen"},
		"the second name of an object":     {file(names[1], nothing), "metadata.name: names that end in a hyphen"},
		"a report":                         {file("from-april", reported), "spec.reported is what the operator learned"},
		"a discovery":                      {file("from-april", discovered), "spec.discovered is what the operator learned"},
		"a task that it belongs to":        {file("from-april", tasks), "spec.taskIDs is what the operator learned"},
		"a task":                           {task, "only the operator creates RecordingTasks"},
		"a task under a name of their own": {func() client.Object { made := task.DeepCopy(); made.Name = "mine"; return made }(), "only the operator creates RecordingTasks"},
	} {
		err := creator.Create(t.Context(), test.made.DeepCopyObject().(client.Object), client.DryRunAll)
		if test.refusal == "" {
			g.Expect(err).NotTo(HaveOccurred(), name)
			continue
		}
		g.Expect(err).To(And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring(test.refusal))), name)
		g.Expect(restorer.Create(t.Context(), test.made.DeepCopyObject().(client.Object), client.DryRunAll)).To(Succeed(), "%s: with the verb report", name)
		g.Expect(manager.Create(t.Context(), test.made.DeepCopyObject().(client.Object), client.DryRunAll)).To(Succeed(), "%s: the manager", name)
		g.Expect(receiver.Create(t.Context(), test.made.DeepCopyObject().(client.Object), client.DryRunAll)).To(Succeed(), "%s: the receiver", name)
	}

	own, known := file("own", nothing), file(names[0], reported)
	create(t, own, known)
	patch := func(who client.Client, target client.Object, spec string) error {
		return who.Patch(t.Context(), target.DeepCopyObject().(client.Object), client.RawPatch("application/merge-patch+json", []byte(`{"spec":`+spec+`}`)), client.DryRunAll)
	}
	for _, mark := range []string{`{"reported":{}}`, `{"discovered":{"lastModified":"2026-01-01T00:00:00Z"}}`, `{"taskIDs":["task"]}`} {
		g.Expect(patch(editor, own, mark)).To(And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("only the operator adds it"))), mark)
		g.Expect(patch(receiver, own, mark)).To(Succeed(), mark)
	}
	// What people may change stays theirs to change, also a report that is wrong.
	for _, change := range []string{`{"room":"other"}`, `{"suspend":true}`, `{"pipelineRef":{"name":"other"}}`} {
		g.Expect(patch(editor, own, change)).To(Succeed(), change)
		g.Expect(patch(editor, known, change)).To(Succeed(), change)
	}
	g.Expect(patch(editor, known, `{"reported":{"endTime":"2026-01-01T00:00:00Z"}}`)).To(Succeed())
}
