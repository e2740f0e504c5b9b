// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/receiver"
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
	if resource == "secrets" {
		group = ""
	}
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// nobody observes the receiver.
type nobody struct{}

func (nobody) CallbackHandled(string, string, string, time.Duration)   {}
func (nobody) TimestampObserved(string, string, string, time.Duration) {}

// serveCallbacks is the operator's way from a callback to the API server, at a URL.
func (r *realCluster) serveCallbacks(t *testing.T) string {
	t.Helper()
	server, err := receiver.New(receiver.Config{
		Sources: r.Client, Keys: receiver.NewKeyStore(r.Client, clock.RealClock{}, logr.Discard()),
		Ingester: ingest.New(r.Client, r.Client, ingest.Options{}),
		Observer: nobody{}, Recorder: &events.FakeRecorder{}, Log: logr.Discard(),
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
	t.Run("replay", func(t *testing.T) { testReplay(t, r) })
	t.Run("discover", func(t *testing.T) { testDiscover(t, r, s) })
	t.Run("watch", func(t *testing.T) { testWatch(t, r) })
	t.Run("process and approve", func(t *testing.T) { testProcess(t, r) })
	t.Run("columns", func(t *testing.T) { testColumns(t, r) })
}

// What send signs goes through the real receiver into a real API server.
func testRoundTrip(t *testing.T, r *realCluster) {
	t.Helper()
	url := r.serveCallbacks(t)
	jane := r.user(t, "jane", may("recordingsources", "get", "list"), may("secrets", "get"), may("recordingfiles", "get"), may("recordingtasks", "get"))
	send := func(exit int, args ...string) ran {
		t.Helper()
		got := run(t, "", append(append([]string{"send"}, args...), append(jane, "--url", url)...)...)
		if got.code != exit {
			t.Errorf("%v: %v", args, got)
		}
		return got
	}
	recording := []string{"--task", "job-1", "--room", "room01", "--stream", "camera"}
	send(ExitDone, append([]string{"start", "classroom"}, recording...)...)
	file := send(ExitDone, append([]string{"complete", "classroom", "--bucket", "abc-rtc-bucket2", "--object", "Record/camera.m3u8", "--size", "1500", "--duration", "15"}, recording...)...)
	task := send(ExitDone, "over", "classroom", "--task", "job-1")
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
	if file.out != "200 success: recordingfile/"+files.Items[0].Name+"\n" || task.out != "200 success: recordingtask/"+tasks.Items[0].Name+"\n" {
		t.Errorf("the answers are %v%v", file, task)
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
		"no right to rejected":   {file, []string{"replay", "--all"}, "you need the right to list rejectedcallbacks.recording.sparkrtc.dev in namespace media"},
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
		may("recordingfiles", "get", "list", "create", "patch", "report"))
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

// Replays are asked for and waited for; the operator is a function here.
func testReplay(t *testing.T, r *realCluster) {
	t.Helper()
	for name, source := range map[string]string{"classroom-01": "classroom", "classroom-02": "classroom", "lobby-03": "lobby"} {
		rejected := &v1alpha1.RejectedCallback{Spec: v1alpha1.RejectedCallbackSpec{
			SourceRef: v1alpha1.LocalReference{Name: source}, Reason: v1alpha1.RejectionInvalid, ReceivedTime: metav1.NewTime(testNow),
		}}
		rejected.Name, rejected.Namespace = name, builders.Namespace
		r.create(t, rejected)
	}
	jane := r.user(t, "replayer", may("rejectedcallbacks", "get", "list", "patch"))
	answer := metav1.Condition{}
	replay := func(args ...string) ran {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.answerReplays(ctx, answer) }()
		defer func() { stop(); <-done }()
		return run(t, "", append(append([]string{"replay"}, args...), jane...)...)
	}
	answer = metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonReplayRefused, Message: "file_size: wrong\x1b"}
	if got := replay("classroom-01"); got.code != ExitRefused || !strings.Contains(got.err, `classroom-01: Refused: file_size: wrong\x1b`) || strings.Contains(got.err, "\x1b") {
		t.Error(got)
	}
	answer = metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReplayStored, Message: "Stored (created) as RecordingFile x"}
	if got := replay("classroom-01"); got.code != ExitDone || got.out != "classroom-01: Stored: Stored (created) as RecordingFile x\n" {
		t.Errorf("again: %v", got)
	}
	if got := replay("--source", "classroom"); got.code != ExitDone || strings.Count(got.out, "\n") != 1 || !strings.HasPrefix(got.out, "classroom-02: Stored") {
		t.Errorf("what is left of a source: %v", got)
	}
	if got := replay("--all"); got.code != ExitDone || !strings.HasPrefix(got.out, "lobby-03: Stored") {
		t.Errorf("what is left: %v", got)
	}
	if got := replay("--all"); got.code != ExitDone || got.err != "No RejectedCallbacks found in namespace media\n" {
		t.Errorf("nothing is left: %v", got)
	}
	if got := run(t, "", append([]string{"replay", "lobby-03", "--timeout=300ms"}, jane...)...); got.code != ExitNotNow || !strings.Contains(got.err, "lobby-03: Pending") {
		t.Errorf("no operator: %v", got)
	}
	if got := replay("nobody"); got.code != ExitFailed || !strings.Contains(got.err, `RejectedCallback "nobody" not found in namespace media`) {
		t.Error(got)
	}
	for _, args := range [][]string{{}, {"x", "--all"}, {"--source=x", "--all"}, {"x", "--timeout=0s"}} {
		if got := replay(args...); got.code != ExitUsage {
			t.Errorf("%v: %v", args, got)
		}
	}
}

// answerReplays does what the operator does, with one answer for all.
func (r *realCluster) answerReplays(ctx context.Context, answer metav1.Condition) {
	answer.Type = v1alpha1.ConditionReplayed
	for ctx.Err() == nil {
		list := &v1alpha1.RejectedCallbackList{}
		_ = r.Client.List(ctx, list)
		for i := range list.Items {
			item := &list.Items[i]
			if item.Spec.Replay && item.Status.ObservedGeneration < item.Generation {
				answer.ObservedGeneration, item.Status.ObservedGeneration = item.Generation, item.Generation
				meta.SetStatusCondition(&item.Status.Conditions, answer)
				_ = r.Client.Status().Update(ctx, item)
			}
		}
	}
}
