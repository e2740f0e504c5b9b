//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the operator in a real cluster. hack/e2e.sh sets the cluster up and runs it.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// s3Namespace has the S3 server and the toolbox.
	s3Namespace = "e2e"
	s3Endpoint  = "http://s3.e2e.svc:7070"
	// callbackKey signs the callbacks of every test.
	callbackKey = "0123456789abcdef0123456789abcdef"
	// settled bounds the wait for a file to come to its end: pods start in a second or two, but two cores are shared.
	settled = 4 * time.Minute
	poll    = 200 * time.Millisecond
)

var (
	k8s          client.Client
	callbackBase = os.Getenv("CALLBACK_BASE")
	run          = time.Now().UTC().Format("20060102150405")
	namespaces   atomic.Int32
)

func TestMain(m *testing.M) {
	if callbackBase == "" {
		fmt.Println("e2e: CALLBACK_BASE is not set; run these tests by `make test-e2e`")
		os.Exit(1)
	}
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	must(v1alpha1.AddToScheme(scheme))
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	var err error
	k8s, err = client.New(config, client.Options{Scheme: scheme})
	must(err)
	os.Exit(m.Run())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// room is a namespace with everything that a recording needs: Secrets, storage locations, a pipeline and a source.
type room struct {
	t         *testing.T
	namespace string
	// folder is the test's own place in the buckets.
	folder string
}

// newRoom makes a namespace that is gone after the test, unless the test failed and a person wants to look.
func newRoom(t *testing.T, steps ...v1alpha1.Step) *room {
	t.Helper()
	name := fmt.Sprintf("e2e-%s-%d", run, namespaces.Add(1))
	r := &room{t: t, namespace: name, folder: "e2e/" + name}
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}})
	t.Cleanup(func() {
		if t.Failed() {
			r.report()
			return
		}
		_ = k8s.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	})
	r.create(&rbacv1.RoleBinding{
		ObjectMeta: r.meta("recording-operator-secrets"),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "recording-operator-secrets"},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: "recording-operator-receiver"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: "recording-operator-controller-manager"},
		},
	})
	credentials := &corev1.Secret{}
	r.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: s3Namespace, Name: "s3-credentials"}, credentials))
	r.create(
		&corev1.Secret{ObjectMeta: r.meta("s3-credentials"), Data: credentials.Data},
		&corev1.Secret{ObjectMeta: r.meta("callback"), StringData: map[string]string{"key": callbackKey + "\n"}},
		r.storage("recordings", "s3-credentials"), r.storage("archive", "s3-credentials"),
	)
	if len(steps) > 0 {
		r.create(&v1alpha1.RecordingPipeline{ObjectMeta: r.meta("lecture"), Spec: v1alpha1.RecordingPipelineSpec{Steps: steps}})
	}
	source := &v1alpha1.RecordingSource{ObjectMeta: r.meta("classroom"), Spec: v1alpha1.RecordingSourceSpec{
		AppID:      "app",
		Callback:   v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
		StorageRef: &v1alpha1.LocalReference{Name: "recordings"},
		Routes: []v1alpha1.Route{{When: "recording.format == 'HLS' && recording.duration >= duration('5s')",
			PipelineRef: v1alpha1.LocalReference{Name: "lecture"}}},
	}}
	r.create(source)
	NewWithT(t).Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		g.Expect(source.Status.CallbackPath).NotTo(BeEmpty())
	}, settled, poll).Should(Succeed())
	return r
}

func (r *room) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: r.namespace, Name: name}
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) create(objects ...client.Object) {
	r.t.Helper()
	for _, object := range objects {
		if err := k8s.Create(r.t.Context(), object); err != nil {
			r.t.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
	}
}

// storage is the bucket of its name on the S3 server.
func (r *room) storage(bucket, secret string) *v1alpha1.StorageLocation {
	return &v1alpha1.StorageLocation{ObjectMeta: r.meta(bucket), Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: s3Endpoint, Region: "us-east-1", Bucket: bucket,
		CredentialsSecretRef: v1alpha1.SecretReference{Name: secret},
	}}}
}

func (r *room) output() *v1alpha1.StepOutput {
	return &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}, Path: r.folder + "/{stream}/{step}/"}
}

func (r *room) report() {
	for _, arguments := range [][]string{
		{"get", "recordingfiles,recordingsources,recordingpipelines,storagelocations,jobs,pods", "-o", "wide"},
		{"describe", "recordingfiles"},
		{"logs", "-l", "app.kubernetes.io/managed-by=recording-operator", "--all-containers", "--prefix", "--tail=20"},
	} {
		output, _ := exec.Command("kubectl", append([]string{"-n", r.namespace}, arguments...)...).CombinedOutput()
		r.t.Logf("kubectl %s\n%s", strings.Join(arguments, " "), output)
	}
	output, _ := exec.Command("kubectl", "-n", "recording-system", "logs", "-l", "app.kubernetes.io/name=recording-operator", "--tail=30", "--prefix").CombinedOutput()
	r.t.Logf("the operator\n%s", output)
}

// toolbox runs a script where ffmpeg is, with the S3 server's objects as files /data/BUCKET/KEY, and returns what it printed.
func toolbox(t *testing.T, script string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "kubectl", append([]string{"-n", s3Namespace, "exec", "deployment/s3", "-c", "toolbox", "--", "sh", "-euc", script, "sh"}, arguments...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("toolbox: %v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// statusOf is what kubectl get shows under STATUS.
func statusOf(file *v1alpha1.RecordingFile) string {
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// files are the namespace's recordings.
func (r *room) files() []v1alpha1.RecordingFile {
	r.t.Helper()
	var list v1alpha1.RecordingFileList
	r.must(k8s.List(r.t.Context(), &list, client.InNamespace(r.namespace)))
	return list.Items
}

// task is the namespace's one recording task; nil: there is none.
func (r *room) task() *v1alpha1.RecordingTask {
	r.t.Helper()
	var list v1alpha1.RecordingTaskList
	r.must(k8s.List(r.t.Context(), &list, client.InNamespace(r.namespace)))
	if len(list.Items) == 0 {
		return nil
	}
	return &list.Items[0]
}

// eventually waits until the namespace's one recording has the status.
func (r *room) eventually(status string) *v1alpha1.RecordingFile {
	r.t.Helper()
	var file v1alpha1.RecordingFile
	NewWithT(r.t).Eventually(func(g Gomega) {
		files := r.files()
		g.Expect(files).To(HaveLen(1))
		file = files[0]
		g.Expect(statusOf(&file)).To(Equal(status), "%+v", file.Status.Conditions)
	}, settled, poll).Should(Succeed())
	return &file
}
