// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/admin"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/spool"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// realCluster is a real API server with a source that has a key.
type realCluster struct{ *apiserver.Server }

func startCluster(t *testing.T) *realCluster {
	t.Helper()
	r := &realCluster{apiserver.Start(t)}
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	secret := &corev1.Secret{StringData: map[string]string{"key": testKey}}
	secret.Name, secret.Namespace = "classroom-callback", builders.Namespace
	source := builders.MakeRecordingSource("classroom").App("app").Key("classroom-callback", "key").Obj()
	source.Spec.StorageRef = &v1alpha1.LocalReference{Name: "obs"}
	r.create(t, namespace, secret, source)
	source.Status.CallbackPath = "/callbacks/media/classroom"
	if err := r.Client.Status().Update(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *realCluster) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := r.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// user makes a person with rights in the namespace, and returns the flags to act as that person.
func (r *realCluster) user(t *testing.T, name string, rules ...rbacv1.PolicyRule) []string {
	t.Helper()
	person, err := r.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := person.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	r.grant(t, builders.Namespace, name, rules...)
	return []string{"--kubeconfig", write(t, string(kubeconfig)), "--namespace", builders.Namespace}
}

// grant gives a person rights in a namespace.
func (r *realCluster) grant(t *testing.T, namespace, name string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	role := &rbacv1.Role{Rules: rules}
	role.Name, role.Namespace = name, namespace
	binding := &rbacv1.RoleBinding{
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
	binding.Name, binding.Namespace = name, namespace
	r.create(t, role, binding)
}

func may(resource string, verbs ...string) rbacv1.PolicyRule {
	group := v1alpha1.GroupVersion.Group
	if resource == "secrets" || strings.HasPrefix(resource, "pods") {
		group = ""
	}
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// nobody observes the door.
type nobody struct{}

func (nobody) CallbackHandled(string, string, string, time.Duration)   {}
func (nobody) TimestampObserved(string, string, string, time.Duration) {}

// openDoor is the operator's way from a callback to the API server, at a URL.
func (r *realCluster) openDoor(t *testing.T) string {
	t.Helper()
	server, err := receiver.New(receiver.Config{
		Sources: r.Client, Keys: receiver.NewKeyStore(r.Client, clock.RealClock{}, logr.Discard()),
		Ingester: ingest.New(r.Client, r.Client, ingest.Options{}),
		Observer: nobody{}, Recorder: events.NewFakeRecorder(16), Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	return listening.URL
}

// All that needs a real API server, on one.
func TestRealAPIServer(t *testing.T) {
	r := startCluster(t)
	s := r.putBucket(t)
	t.Run("round trip", func(t *testing.T) { testRoundTrip(t, r) })
	t.Run("rights", func(t *testing.T) { testRights(t, r) })
	t.Run("port-forward", func(t *testing.T) { testForward(t, r) })
	t.Run("sweep", func(t *testing.T) { testDiscover(t, r, s) })
}

// What send signs goes through the real door into a real API server.
func testRoundTrip(t *testing.T, r *realCluster) {
	t.Helper()
	url := r.openDoor(t)
	jane := r.user(t, "jane", may("recordingsources", "get", "list"), may("secrets", "get"))
	send := func(exit int, args ...string) {
		t.Helper()
		got := run(t, "", append(append([]string{"send"}, args...), append(jane, "--url", url)...)...)
		if got.code != exit {
			t.Errorf("%v: %v", args, got)
		}
	}
	recording := []string{"--task", "job-1", "--room", "room01", "--stream", "camera"}
	send(ExitDone, append([]string{"start", "classroom"}, recording...)...)
	send(ExitDone, append([]string{"complete", "classroom", "--bucket", "abc-rtc-bucket2", "--object", "Record/camera.m3u8", "--size", "1500", "--duration", "15"}, recording...)...)
	send(ExitDone, "over", "classroom", "--task", "job-1")
	send(ExitRefused, "over", "classroom", "--task", "job-1", "--app", "another")
	send(ExitRefused, "over", "classroom", "--task", "job-1", "--key-file", write(t, otherKey))
	send(ExitRefused, "classroom", "-f", write(t, "no JSON"))

	files := &v1alpha1.RecordingFileList{}
	if err := r.Client.List(t.Context(), files, client.InNamespace(builders.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(files.Items) != 1 || files.Items[0].Spec.Reported.Room != "room01" || files.Items[0].Spec.Reported.App != "app" ||
		files.Items[0].Spec.Reported.DurationSeconds != 15 || files.Items[0].Spec.Object.Key != "Record/camera.m3u8" {
		t.Errorf("the files are %+v", files.Items)
	}
	tasks := &v1alpha1.RecordingTaskList{}
	if err := r.Client.List(t.Context(), tasks, client.InNamespace(builders.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(tasks.Items) != 1 || !tasks.Items[0].Spec.Ended || len(tasks.Items[0].Spec.Starts) != 1 || tasks.Items[0].Spec.TaskID != "job-1" {
		t.Errorf("the tasks are %+v", tasks.Items)
	}
	got := run(t, "", append([]string{"__complete"}, append(jane, "verify", "")...)...)
	if !strings.HasPrefix(got.out, "classroom\n") {
		t.Error(got)
	}
}

// A right that is missing is named, by the API server's own words.
func testRights(t *testing.T, r *realCluster) {
	t.Helper()
	nobody := r.user(t, "nobody")
	reader := r.user(t, "reader", may("recordingsources", "get"))
	file := r.user(t, "sweeper", may("recordingsources", "get"), may("storagelocations", "get"), may("secrets", "get"), may("recordingfiles", "list"))
	over := []string{"send", "over", "classroom", "--task", "j"}
	for name, c := range map[string]struct {
		person, args []string
		want         string
	}{
		"no right to the source": {nobody, over, "you need the right to get recordingsources.recording.sparkrtc.dev in namespace media"},
		"no right to the key":    {reader, over, "you need the right to get secrets/classroom-callback in namespace media"},
		"no right to verify":     {reader, []string{"verify", "classroom", "-f", write(t, "Host: x\n")}, "or give the key with --key-file"},
		"no right to the pods":   {file, over, "you need the right to list pods in namespace recording-system"},
		"no right to letters":    {file, []string{"dead-letters", "list"}, "you need the right to list pods in namespace recording-system"},
		"no right to forward":    {file, []string{"dead-letters", "show", "pod/1"}, "you need the right to create pods/portforward in namespace recording-system"},
		"no right to sweep":      {reader, []string{"discover", "classroom", "--since", "48h"}, "you need the right to get storagelocations.recording.sparkrtc.dev in namespace media"},
		"no right to create":     {file, []string{"discover", "classroom", "--since", "48h"}, "you need the right to create recordingfiles.recording.sparkrtc.dev in namespace media"},
	} {
		if got := run(t, "", append(c.args, c.person...)...); got.code != ExitFailed || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := run(t, "", append([]string{"discover", "classroom", "--since", "48h", "--dry-run=client"}, file...)...); got.code != ExitDone || !strings.Contains(got.out, "would be created") {
		t.Errorf("a dry run needs no right to write: %v", got)
	}

}

// putBucket gives the source a bucket with a recording.
func (r *realCluster) putBucket(t *testing.T) *fakeS3 {
	t.Helper()
	s := &fakeS3{modified: testNow.Add(-3 * time.Hour), objects: map[string]string{
		"Record/a/stream.m3u8": playlist, "Record/a/s-0.ts": strings.Repeat("0", 1000), "Record/a/s-1.ts": strings.Repeat("1", 500),
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	secret := &corev1.Secret{StringData: map[string]string{"accessKeyID": accessKey, "secretAccessKey": secretKey}}
	secret.Name, secret.Namespace = "obs", builders.Namespace
	location := &v1alpha1.StorageLocation{}
	location.Name, location.Namespace = "obs", builders.Namespace
	location.Spec.S3 = &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Region: "r", Bucket: "abc-rtc-bucket2",
		CredentialsSecretRef: v1alpha1.SecretReference{Name: "obs"},
	}
	r.create(t, secret, location)
	return s
}

// A sweep's files pass the real API server's rules; a second sweep finds nothing to do, and a recording that grew is
// told to the file.
func testDiscover(t *testing.T, r *realCluster, s *fakeS3) {
	t.Helper()
	editor := r.user(t, "editor", may("recordingsources", "get"), may("storagelocations", "get"), may("secrets", "get"),
		may("recordingfiles", "get", "list", "create", "patch"))
	discover := func(want string) {
		t.Helper()
		got := run(t, "", append([]string{"discover", "classroom", "--since", "48h"}, editor...)...)
		if got.code != ExitDone || !strings.Contains(got.err, want) {
			t.Error(got)
		}
	}
	discover("1 RecordingFiles created, 0 updated; 0 recordings known")
	discover("0 RecordingFiles created, 0 updated; 1 recordings known")
	s.objects["Record/a/stream.m3u8"] = strings.Replace(playlist, "#EXT-X-ENDLIST", "#EXTINF:60.0,\ns-2.ts\n#EXT-X-ENDLIST", 1)
	s.objects["Record/a/s-2.ts"] = strings.Repeat("2", 6000)
	s.modified = testNow.Add(-2 * time.Hour)
	discover("0 RecordingFiles created, 1 updated; 0 recordings known")
	files := &v1alpha1.RecordingFileList{}
	object := client.MatchingFields{"spec.object.key": "Record/a/stream.m3u8"}
	if err := r.Client.List(t.Context(), files, object); err != nil || len(files.Items) != 1 || files.Items[0].Spec.Discovered.SizeBytes != 7500 {
		t.Errorf("%v: %+v", err, files.Items)
	}
}

// The way to a pod is the real API server's, with a kubelet that is made up.
func testForward(t *testing.T, r *realCluster) {
	t.Helper()
	const operator = "recording-system"
	forwarder := &fakeAPI{backends: map[string]http.Handler{
		"manager-a:8092": admin.NewServer(&heldLetters{letters: []spool.Letter{makeLetter(1, "media", "body: is not JSON", "x")}}, logr.Discard()).Handler,
		"manager-a:8090": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"status":1,"result":"success"}`)
		}),
	}}
	kubelet := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		forwarder.forward(w, request, filepath.Base(request.URL.Path))
	}))
	t.Cleanup(kubelet.Close)
	r.runPod(t, operator, "manager-a", kubelet.Listener.Addr().(*net.TCPAddr))

	person := r.user(t, "forwarder", may("recordingsources", "get"), may("secrets", "get"))
	r.grant(t, operator, "forwarder", may("pods", "list"), may("pods/portforward", "create"))
	if got := run(t, "", append([]string{"send", "over", "classroom", "--task", "job-9"}, person...)...); got.code != ExitDone || got.out != "200 success\n" {
		t.Error(got)
	}
	if got := run(t, "", append([]string{"dead-letters", "list"}, person...)...); got.code != ExitDone || !strings.Contains(got.out, "manager-a/1 ") {
		t.Error(got)
	}
	reader := r.user(t, "pod-reader")
	r.grant(t, operator, "pod-reader", may("pods", "get", "list"))
	got := run(t, "", append([]string{"dead-letters", "list"}, reader...)...)
	if got.code != ExitFailed || !strings.Contains(got.err, "you need the right to create pods/portforward in namespace recording-system") {
		t.Error(got)
	}
}

// runPod makes a pod of the operator that runs on a node whose kubelet listens at an address.
func (r *realCluster) runPod(t *testing.T, namespace, name string, kubelet *net.TCPAddr) {
	t.Helper()
	space, node, pod := &corev1.Namespace{}, &corev1.Node{}, &corev1.Pod{}
	space.Name, node.Name = namespace, "node"
	pod.Name, pod.Namespace, pod.Labels = name, namespace, managerLabels
	pod.Spec.NodeName = node.Name
	pod.Spec.Containers = []corev1.Container{{Name: "manager", Image: "manager", Ports: []corev1.ContainerPort{{Name: "callback", ContainerPort: 8090}}}}
	r.create(t, space, node, pod)
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: kubelet.IP.String()}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(kubelet.Port)
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	for _, object := range []client.Object{node, pod} {
		if err := r.Client.Status().Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}
