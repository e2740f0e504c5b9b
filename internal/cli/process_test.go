// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const filesPath = "/apis/recording.sparkrtc.dev/v1alpha1/namespaces/media/recordingfiles"

var oldRecording = v1alpha1.ObjectIdentity{Bucket: "b", Key: "Record/a b.m3u8"}

// withFiles is a fake cluster that selects files as the API server does.
func withFiles(t *testing.T, files ...*v1alpha1.RecordingFile) *fakeAPI {
	t.Helper()
	f := newFakeAPI(t)
	for _, file := range files {
		f.objects[filesPath+"/"+file.Name] = file
	}
	f.objects[filesPath] = func(r *http.Request) any {
		chosen, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
		if err != nil || chosen.Empty() {
			t.Errorf("it lists files with the selector %q: %v", chosen, err)
		}
		list := &v1alpha1.RecordingFileList{}
		for _, file := range files {
			if chosen.Matches(fields.Set{"spec.object.key": file.Spec.Object.Key, "spec.sourceRef.name": file.Spec.SourceRef.Name}) {
				list.Items = append(list.Items, *file)
			}
		}
		return list
	}
	return f
}

func fileOf(name, source string, object v1alpha1.ObjectIdentity) *v1alpha1.RecordingFile {
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name, Generation: 1}}
	file.Spec.SourceRef.Name, file.Spec.Object = source, object
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonSucceeded, Message: "2 of 2 steps succeeded"}}
	file.Status.Done, file.Status.ObservedGeneration = true, 1
	return file
}

func TestProcess_CreatesTheFileOfTheObject(t *testing.T) {
	f := withFiles(t)
	got := f.run(t, "", "process", "--source", "classroom", "--pipeline", "lecture", "--room", "r 1", "s3://b/Record/a b.m3u8")
	name := ingest.FileNames("classroom", oldRecording)[0]
	if got.code != ExitDone || got.out != "recordingfile/"+name+" created\n" {
		t.Errorf("%s", got)
	}
	created := f.created[filesPath]
	if len(created) != 1 || !strings.Contains(string(created[0]), `"spec":{"sourceRef":{"name":"classroom"},"object":{"bucket":"b","key":"Record/a b.m3u8"},"room":"r 1","pipelineRef":{"name":"lecture"}}`) ||
		!strings.Contains(string(created[0]), `"labels":{"recording.sparkrtc.dev/source":"classroom"}`) {
		t.Errorf("created %s", created)
	}
	f = withFiles(t)
	golden(t, "process-dry-run", f.run(t, "", "process", "--source", "classroom", "--format", "MP4", "--dry-run", "https://User@Example.com/a?token=x").String())
	golden(t, "process-yaml", f.run(t, "", "process", "--source", "classroom", "--dry-run", "-o", "yaml", "s3://b/Record/a b.m3u8").String())
	golden(t, "process-name", f.run(t, "", "process", "--source", "classroom", "--dry-run", "-o", "name", "HTTPS://Example.com/a.mp4").String())
	if len(f.created[filesPath]) != 0 {
		t.Error("a dry run creates a file")
	}
	golden(t, "help-process", f.run(t, "", "process", "--help").String())
}

// TestProcess_DoesNothingTwice: whichever name the file of the recording has.
func TestProcess_DoesNothingTwice(t *testing.T) {
	names := ingest.FileNames("classroom", oldRecording)
	other := v1alpha1.ObjectIdentity{Bucket: "b2", Key: oldRecording.Key}
	for name, test := range map[string]struct {
		files []*v1alpha1.RecordingFile
		want  string
	}{
		"the usual name":       {[]*v1alpha1.RecordingFile{fileOf(names[0], "classroom", oldRecording)}, names[0]},
		"the second name":      {[]*v1alpha1.RecordingFile{fileOf(names[0], "classroom", other), fileOf(names[1], "classroom", oldRecording)}, names[1]},
		"a name of one's own":  {[]*v1alpha1.RecordingFile{fileOf("from-april", "classroom", oldRecording)}, "from-april"},
		"another source's":     {[]*v1alpha1.RecordingFile{fileOf("from-april", "hall", oldRecording)}, ""},
		"one of another place": {[]*v1alpha1.RecordingFile{fileOf("from-april", "classroom", other)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFiles(t, test.files...)
			got := f.run(t, "", "process", "--source", "classroom", "s3://b/Record/a b.m3u8")
			if test.want == "" {
				if got.code != ExitDone || len(f.created[filesPath]) != 1 {
					t.Errorf("%s", got)
				}
				return
			}
			if got.code != ExitRefused || len(f.created[filesPath]) != 0 || !strings.Contains(got.err, `RecordingFile "`+test.want+`" has this recording already: Succeeded: 2 of 2 steps succeeded`) ||
				!strings.Contains(got.err, "kubectl recordings retry "+test.want) {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestProcess_WaitsForTheEnd: the exit code is that of what became of the recording.
func TestProcess_WaitsForTheEnd(t *testing.T) {
	name := ingest.FileNames("classroom", oldRecording)[0]
	for reason, code := range map[string]int{v1alpha1.ReasonSucceeded: ExitDone, v1alpha1.ReasonFailed: ExitFailed, v1alpha1.ReasonProcessing: ExitNotNow} {
		t.Run(reason, func(t *testing.T) {
			f := withFiles(t)
			list := f.objects[filesPath].(func(*http.Request) any)
			f.objects[filesPath] = func(r *http.Request) any {
				if r.URL.Query().Get("fieldSelector") != "metadata.name="+name {
					return list(r)
				}
				file := fileOf(name, "classroom", oldRecording)
				file.Status.Conditions[0].Reason, file.Status.Done = reason, reason != v1alpha1.ReasonProcessing
				if r.URL.Query().Get("watch") != "" {
					<-r.Context().Done() // nothing changes any more
				}
				return &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*file}}
			}
			got := f.run(t, "", "process", "--source", "classroom", "--wait", "--timeout", "1s", "-o", "name", "s3://b/Record/a b.m3u8")
			if got.code != code || got.out != "recordingfile.recording.sparkrtc.dev/"+name+"\n" || !strings.Contains(got.err, "media/"+name+" "+reason) {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestProcess_ErrorsSayWhatToDo(t *testing.T) {
	f := withFiles(t)
	for name, args := range map[string][]string{
		"process-nothing":     {},
		"process-no-source":   {"s3://b/a.mp4"},
		"process-no-key":      {"s3://b", "--source", "classroom"},
		"process-no-url":      {"b/a.mp4", "--source", "classroom"},
		"process-missing":     {"s3://b/a.mp4", "--source", "hall"},
		"process-bad-format":  {"s3://b/a.webm", "--source", "classroom", "--format", "webm"},
		"process-bad-timeout": {"s3://b/a.mp4", "--source", "classroom", "--wait", "--timeout", "0s"},
		"process-both":        {"s3://b/a.mp4", "--source", "classroom", "--wait", "--dry-run"},
		"process-bad-output":  {"s3://b/a.mp4", "--source", "classroom", "-o", "xml"},
	} {
		golden(t, name, f.run(t, "", append([]string{"process"}, args...)...).String())
	}
}

// testProcess asks a real API server, which selects files by their keys and knows who a person is.
func testProcess(t *testing.T, r *realCluster) {
	t.Helper()
	editor := r.user(t, "process-editor", may("recordingsources", "get"), may("recordingfiles", "get", "list", "create", "patch"))
	admin := r.user(t, "process-admin", may("recordingsources", "get"), may("recordingfiles", "get", "list", "create", "patch", "report", "approve"))
	process := func(who []string, object string) ran {
		return run(t, "", append([]string{"process", "--source", "classroom", object}, who...)...)
	}
	if got := process(editor, "s3://recordings/process/a.mp4"); got.code != ExitFailed || !strings.Contains(got.err, "you need the right to report recordingfiles") {
		t.Errorf("%s", got)
	}
	name := ingest.FileNames("classroom", v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "process/a.mp4"})[0]
	if got := process(admin, "s3://recordings/process/a.mp4"); got.code != ExitDone || got.out != "recordingfile/"+name+" created\n" {
		t.Fatalf("%s", got)
	}
	if got := process(admin, "s3://recordings/process/a.mp4"); got.code != ExitRefused || !strings.Contains(got.err, `"`+name+`" has this recording already`) {
		t.Errorf("%s", got)
	}
	testProcessAndCallback(t, r, process, admin)
	r.create(t, &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "from-april"}, Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "process/b.mp4"}}})
	if got := process(admin, "s3://recordings/process/b.mp4"); got.code != ExitRefused || !strings.Contains(got.err, `"from-april" has this recording already`) {
		t.Errorf("%s", got)
	}
	if got := process(admin, "s3://recordings/process/c.webm"); got.code != ExitFailed || !strings.Contains(got.err, "format: set HLS or MP4") {
		t.Errorf("%s", got)
	}

	file := &v1alpha1.RecordingFile{}
	key := client.ObjectKey{Namespace: "media", Name: name}
	if err := r.Client.Get(t.Context(), key, file); err != nil {
		t.Fatal(err)
	}
	file.Status = awaiting().Status
	if err := r.Client.Status().Update(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", append([]string{"approve", name, "release"}, editor...)...); got.code != ExitFailed || !strings.Contains(got.err, "you need the right to approve recordingfiles") {
		t.Errorf("%s", got)
	}
	if got := run(t, "", append([]string{"approve", name, "release"}, admin...)...); got.code != ExitDone {
		t.Errorf("%s", got)
	}
	want := v1alpha1.Approval{Step: "release", Run: 2, By: "process-admin", Decision: v1alpha1.DecisionApprove}
	if err := r.Client.Get(t.Context(), key, file); err != nil || len(file.Spec.Approvals) != 1 || file.Spec.Approvals[0] != want {
		t.Errorf("approvals %+v, %v", file.Spec.Approvals, err)
	}
}

// testProcessAndCallback: whichever comes first, there is one file in the end, which says the same.
func testProcessAndCallback(t *testing.T, r *realCluster, process func(who []string, object string) ran, admin []string) {
	t.Helper()
	ingester := ingest.New(r.Client, r.Client, ingest.Options{})
	specs := map[string]v1alpha1.RecordingFileSpec{}
	for _, first := range []string{"process", "callback"} {
		key := "process/" + first + "-first.mp4"
		name := ingest.FileNames("classroom", v1alpha1.ObjectIdentity{Bucket: "recordings", Key: key})[0]
		asked := func(want int) {
			t.Helper()
			if got := process(admin, "s3://recordings/"+key); got.code != want || !strings.Contains(got.out+got.err, name) {
				t.Errorf("%s first: %s", first, got)
			}
		}
		told := func(want ingest.Outcome) {
			t.Helper()
			event := sparkrtc.Event{Type: sparkrtc.Complete, TaskID: "task", RoomID: "room",
				File: sparkrtc.File{Bucket: "recordings", Object: key, SizeBytes: 1000, DurationSeconds: 60}}
			result, err := ingester.Ingest(t.Context(), ingest.Delivery{Namespace: "media", Source: "classroom", Digest: "d", Event: event})
			if err != nil || result.Outcome != want || result.File != name {
				t.Errorf("%s first: %+v, %v", first, result, err)
			}
		}
		if first == "process" {
			asked(ExitDone)
			told(ingest.Updated)
			told(ingest.Duplicate)
			asked(ExitRefused)
		} else {
			told(ingest.Created)
			asked(ExitRefused)
		}
		var files v1alpha1.RecordingFileList
		if err := r.Client.List(t.Context(), &files, client.InNamespace("media"), client.MatchingFields{"spec.object.key": key}); err != nil || len(files.Items) != 1 {
			t.Fatalf("%s first: %+v, %v", first, files.Items, err)
		}
		specs[first] = files.Items[0].Spec
	}
	unlike := specs["callback"]
	unlike.Object = specs["process"].Object
	if diff := cmp.Diff(specs["process"], unlike); diff != "" {
		t.Errorf("process first (-), the callback first (+):\n%s", diff)
	}
}
