// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/controller"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// indexes are what the cache indexes RecordingFiles by, as controller-runtime does it: each value with the namespace,
// and again for all namespaces.
type indexes toolscache.Indexers

func (i indexes) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	if _, ok := object.(*v1alpha1.RecordingFile); !ok {
		return nil
	}
	i["field:"+field] = func(object any) ([]string, error) {
		file := object.(client.Object)
		var keys []string
		for _, value := range values(file) {
			keys = append(keys, file.GetNamespace()+"/"+value, "__all_namespaces/"+value)
		}
		return keys, nil
	}
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Promise 10: the cache holds 100 000 files in less than 140 MB.
func TestFilesInTheCacheAreSmall(t *testing.T) {
	const files, most = 20_000, 1400
	found := indexes{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc}
	if err := controller.SetupIndexes(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	transform := transformOfFiles(t)
	before := heap()
	store := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, toolscache.Indexers(found))
	for i := range files {
		content, err := json.Marshal(finishedFile(i))
		if err != nil {
			t.Fatal(err)
		}
		file := &v1alpha1.RecordingFile{}
		if err := json.Unmarshal(content, file); err != nil {
			t.Fatal(err)
		}
		slim, err := transform(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Add(slim); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / files
	t.Logf("%d bytes for each file", each)
	if each > most {
		t.Errorf("want at most %d", most)
	}
	runtime.KeepAlive(store)
}

func transformOfFiles(t *testing.T) toolscache.TransformFunc {
	t.Helper()
	for object, options := range controller.CacheByObject() {
		if _, ok := object.(*v1alpha1.RecordingFile); ok {
			return options.Transform
		}
	}
	t.Fatal("RecordingFiles are not slimmed")
	return nil
}

// finishedFile is one whose fields are as long as those of real recordings.
func finishedFile(i int) *v1alpha1.RecordingFile {
	start := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC))
	end := metav1.NewTime(start.Add(65 * time.Minute))
	task, room := fmt.Sprintf("608196a2fa1b2c3d4e5f%012x", i), fmt.Sprintf("room-%06d", i)
	file := &v1alpha1.RecordingFile{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "media", Name: fmt.Sprintf("camera-%08x-0", i), UID: "0b0e7a54-0a33-4c52-9a9b-0ad1f1bd2ab1",
			ResourceVersion: fmt.Sprint(i), Generation: 2, CreationTimestamp: start,
			Labels:        map[string]string{v1alpha1.LabelSource: "classroom"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "manager", Operation: "Update"}},
		},
		Spec: v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, TaskIDs: []string{task}},
	}
	object := fmt.Sprintf("Record/5fcdf5651a2b3c46f835d0d4/%s/%s/camera_%s.m3u8", task, room, start.Format("2006-01-02-15-04-05"))
	file.Spec.Object = v1alpha1.ObjectIdentity{Bucket: "abc-rtc-bucket2", Key: object}
	file.Spec.Reported = &v1alpha1.ReportedRecording{
		RecordingIdentity: v1alpha1.RecordingIdentity{App: "5fcdf5651a2b3c46f835d0d4", Room: room, Stream: "camera", Format: "HLS"},
		RecordingFacts: v1alpha1.RecordingFacts{
			SizeBytes: 1_575_297_120, DurationSeconds: 3900, StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
		},
		DownloadURL: "https://abc-rtc-bucket2.obs.cn-north-4.myhuaweicloud.com/" + object, Location: "https://obs.cn-north-4.myhuaweicloud.com",
	}
	condition := func(kind, reason, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message, ObservedGeneration: 2, LastTransitionTime: end}
	}
	step := func(name, extension string) v1alpha1.StepStatus {
		uri := fmt.Sprintf("s3://recording-archive/%s/camera/%s/camera%s", room, start.Format("20060102T150405Z"), extension)
		return v1alpha1.StepStatus{
			Name: name, State: v1alpha1.StepSucceeded, Attempts: 1, JobName: fmt.Sprintf("%s-%s-%010x", file.Name, name, i),
			StartTime: &end, CompletionTime: &end,
			Outputs: []v1alpha1.Artifact{{
				URI: uri, SizeBytes: 1_575_297_120, SHA256: fmt.Sprintf("%064x", i), Files: 1,
				Media: &v1alpha1.Media{Container: "mp4", DurationMilliseconds: 3_900_000, VideoCodec: "h264", AudioCodec: "aac", Width: 1280, Height: 720},
			}},
		}
	}
	file.Status = v1alpha1.RecordingFileStatus{
		ObservedGeneration: 2,
		Conditions: []metav1.Condition{condition("Ready", "Succeeded", "2 of 2 steps succeeded"),
			condition("Processed", "Succeeded", "2 of 2 steps succeeded")},
		ProcessingStatus: v1alpha1.ProcessingStatus{
			Input: recording.Of(&file.Spec).Digest(), Run: 1,
			Pipeline: &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lecture-0123456789"},
			Steps:    []v1alpha1.StepStatus{step("mp4", ".mp4"), step("keep", ".m3u8")},
		},
		Summary: &v1alpha1.FileSummary{Room: room, Stream: "camera", Format: "HLS", Duration: "1h5m0s", Size: "1.5GiB", Resolution: "1280x720", Progress: "2/2"},
	}
	return file
}
