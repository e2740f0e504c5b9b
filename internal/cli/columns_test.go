// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// terminalWidth is that of a terminal which nobody has made wider. Tasks take a few columns more: their room and stream are what
// people know them by.
const (
	terminalWidth = 80
	taskWidth     = terminalWidth + 6
)

// testColumns holds that `kubectl get` prints objects such as SparkRTC's without wrapping a line. Names are as long as they are.
func testColumns(t *testing.T, r *realCluster) {
	t.Helper()
	ready := func(reason string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: reason, LastTransitionTime: metav1.Now()}}
	}
	const stream = "camera"
	object := v1alpha1.ObjectIdentity{Bucket: "abc-rtc-bucket2", Key: "Record/live/" + stream + "_2026-11-26-02-26-52.m3u8"}
	file := builders.MakeRecordingFile(ingest.FileNames("classroom", object)[0], "classroom").Object(object.Bucket, object.Key).Of("app", "job-1", stream, "HLS").Room("room01").Obj()
	task := builders.MakeRecordingTask(ingest.TaskNames("classroom", "607824f5a9ee4d5bd6a2c9bd37e5e6e8")[0], "classroom", "607824f5a9ee4d5bd6a2c9bd37e5e6e8").Obj()
	pipeline := builders.MakeRecordingPipeline("lecture").Archive("keep", "obs").Obj()
	location := builders.MakeStorageLocation("sparkrtc-obs").S3("https://obs.example.com", "abc-rtc-bucket2", "obs").Obj()
	source := builders.MakeRecordingSource("lectures").App("5fcdf5651xxxxxx6f835d0d4").Key("classroom-callback", "key").Obj()
	rejected := builders.MakeRejectedCallback("classroom-07", "classroom", "{}").Obj()
	const namespace = "columns"
	created := []client.Object{file, task, pipeline, location, source, rejected}
	for _, object := range created {
		object.SetNamespace(namespace)
	}
	r.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	r.create(t, created...)
	file.Status.Conditions = ready(v1alpha1.ReasonSucceeded)
	file.Status.Summary = &v1alpha1.FileSummary{Room: "room01", Stream: stream, Format: "HLS", Duration: "1h5m0s", Size: "523.2MiB", Resolution: "1280x720", Progress: "2/2"}
	task.Status.State, task.Status.Summary = v1alpha1.TaskEnded, &v1alpha1.TaskSummary{Room: "room01", Stream: stream, Files: "2/3", Duration: "1h5m0s"}
	pipeline.Status.Conditions, location.Status.Conditions, source.Status.Conditions = ready(v1alpha1.ReasonValid), ready(v1alpha1.ReasonAvailable), ready(v1alpha1.ReasonListening)
	source.Status.CallbackPath = "/callbacks/media/lectures"
	for _, changed := range []client.Object{file, task, pipeline, location, source} {
		if err := r.Client.Status().Update(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
	}
	for resource, shown := range map[string][]string{
		"recordingfiles": {"NAME", "STATUS", "REASON", "STEPS", "AGE"}, "recordingtasks": {"NAME", "ROOM", "STREAM", "STATE", "FILES", "DURATION", "AGE"},
		"recordingpipelines": {"NAME", "READY", "STATUS", "AGE"}, "storagelocations": {"NAME", "BUCKET", "CLAIM", "READY", "STATUS", "AGE"},
		"recordingsources": {"NAME", "APP", "READY", "STATUS", "AGE"}, "rejectedcallbacks": {"NAME", "SOURCE", "EVENT", "REASON", "REPLAYED", "AGE"},
	} {
		printed := r.kubectlGet(t, namespace, resource)
		if got := strings.Fields(strings.SplitN(printed, "\n", 2)[0]); strings.Join(got, " ") != strings.Join(shown, " ") {
			t.Errorf("%s: has the columns %v, want %v", resource, got, shown)
		}
		for line := range strings.Lines(printed) {
			most := terminalWidth
			if resource == "recordingtasks" {
				most = taskWidth
			}
			if width := len(strings.TrimRight(line, " \n")); width > most {
				t.Errorf("%s: %d columns:\n%s", resource, width, printed)
			}
		}
	}
}

// kubectlGet is what `kubectl get` prints: the API server makes the table, and kubectl's own code aligns it.
func (r *realCluster) kubectlGet(t *testing.T, namespace, resource string) string {
	t.Helper()
	config := rest.CopyConfig(r.Config)
	config.GroupVersion, config.APIPath, config.NegotiatedSerializer = &v1alpha1.GroupVersion, "/apis", scheme.Codecs.WithoutConversion()
	c, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Get().Namespace(namespace).Resource(resource).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Timeout(10 * time.Second).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(raw, table); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
