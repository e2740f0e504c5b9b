// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// batch is how many files are written in one transaction; etcd takes 128 operations.
const batch = 100

// unfinished is the share of files that are suspended: one of so many.
const unfinished = 100

// fill creates files that the operator is done with, and some that are suspended. They are written
// into etcd as the API server would: through it, 100 000 files and their statuses take minutes.
func fill(ctx context.Context, etcd string, files int) error {
	for first := 0; first < files; first += batch {
		var puts []map[string]any
		for i := first; i < min(first+batch, files); i++ {
			file := oldFile(i)
			content, err := json.Marshal(file)
			if err != nil {
				return err
			}
			key := "/registry/" + v1alpha1.GroupVersion.Group + "/recordingfiles/" + namespace + "/" + file.Name
			puts = append(puts, map[string]any{"requestPut": map[string][]byte{"key": []byte(key), "value": content}})
		}
		if err := commit(ctx, etcd, puts); err != nil {
			return err
		}
	}
	return nil
}

// commit sends a transaction to etcd's JSON gateway.
func commit(ctx context.Context, etcd string, operations []map[string]any) error {
	body, err := json.Marshal(map[string]any{"success": operations})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, etcd+"/v3/kv/txn", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("etcd answered %d %s", response.StatusCode, answer)
	}
	return err
}

// managedFields are what the API server notes of who set which field; the operator drops them.
const managedFields = `{"f:metadata":{"f:labels":{".":{},"f:recording.sparkrtc.dev/source":{}}},` +
	`"f:spec":{".":{},"f:object":{".":{},"f:bucket":{},"f:key":{}},"f:reported":{".":{},"f:app":{},"f:downloadURL":{},"f:durationSeconds":{},"f:endTime":{},` +
	`"f:format":{},"f:height":{},"f:location":{},"f:room":{},"f:sizeBytes":{},"f:startTime":{},"f:stream":{},"f:width":{}},"f:sourceRef":{".":{},"f:name":{}},"f:taskIDs":{}}}`

// oldFile is as long in every field as those of real recordings are.
func oldFile(i int) *v1alpha1.RecordingFile {
	task := digest("job", i)[:32]
	start := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC))
	end := metav1.NewTime(start.Add(65 * time.Minute))
	room, stream := fmt.Sprintf("room-%05d", i/20), fmt.Sprintf("camera-%02d", i%20)
	object := fmt.Sprintf("Record/5fcdf5651a2b3c46f835d0d4/%s/%s/%s_%s.m3u8", task, room, stream, start.Format("2006-01-02-15-04-05"))
	file := &v1alpha1.RecordingFile{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RecordingFile"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: fmt.Sprintf("%s-%s-%d", stream, task[:8], i),
			UID: uuid.NewUUID(), Generation: 1, CreationTimestamp: metav1.Now(),
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "manager", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: v1alpha1.GroupVersion.String(),
				FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(managedFields),
			}},
			Labels: map[string]string{v1alpha1.LabelSource: sourceName},
		},
		Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: sourceName}, Object: v1alpha1.ObjectIdentity{Bucket: "abc-rtc-bucket2", Key: object},
			TaskIDs: []string{task},
			Reported: &v1alpha1.ReportedRecording{
				RecordingIdentity: v1alpha1.RecordingIdentity{App: "5fcdf5651a2b3c46f835d0d4", Room: room, Stream: stream, Format: "HLS"},
				RecordingFacts: v1alpha1.RecordingFacts{
					SizeBytes: 1_575_297_120, DurationSeconds: 3900, StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
				},
				DownloadURL: "https://abc-rtc-bucket2.obs.cn-north-4.myhuaweicloud.com/" + object, Location: "https://obs.cn-north-4.myhuaweicloud.com",
			},
		},
	}
	if i%unfinished == 0 {
		file.Spec.Suspend = true
		file.Status = v1alpha1.RecordingFileStatus{ObservedGeneration: 1, Conditions: conditions(start, metav1.ConditionFalse, v1alpha1.ReasonSuspended,
			"spec.suspend is true")}
		return file
	}
	file.Status = v1alpha1.RecordingFileStatus{
		ObservedGeneration: 1, TaskIDs: file.Spec.TaskIDs, TaskID: task,
		Conditions: conditions(end, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "2 of 2 steps succeeded"),
		ProcessingStatus: v1alpha1.ProcessingStatus{
			Input: recording.Of(&file.Spec).Digest(), Run: 1, Done: true,
			Pipeline: &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lecture-" + digest("revision", 0)[:10]},
			Steps:    []v1alpha1.StepStatus{oldStep(file, "mp4", ".mp4"), oldStep(file, "keep", ".m3u8")},
		},
		Summary: &v1alpha1.FileSummary{Room: room, Stream: stream, Format: "HLS", Duration: "1h5m0s", Size: "1.5GiB", Resolution: "1280x720", Progress: "2/2"},
	}
	return file
}

func conditions(at metav1.Time, ready metav1.ConditionStatus, reason, message string) []metav1.Condition {
	of := func(kind string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: ready, Reason: reason, Message: message, ObservedGeneration: 1, LastTransitionTime: at}
	}
	return []metav1.Condition{of(v1alpha1.ConditionReady), of(v1alpha1.ConditionProcessed)}
}

func oldStep(file *v1alpha1.RecordingFile, name, extension string) v1alpha1.StepStatus {
	facts := recording.Of(&file.Spec)
	uri := fmt.Sprintf("s3://recording-archive/%s/%s/%s/%s%s", facts.Room, facts.Stream, facts.StartTime.Format("20060102T150405Z"), facts.Stream, extension)
	return v1alpha1.StepStatus{
		Name: name, State: v1alpha1.StepSucceeded, Attempts: 1, JobName: fmt.Sprintf("%s-%s-%s", file.Name, name, facts.Task()[8:18]),
		StartTime: facts.EndTime, CompletionTime: facts.EndTime, Reason: "Published", Message: "1 file, verified",
		Outputs: []v1alpha1.Artifact{{
			URI: uri, SizeBytes: facts.SizeBytes, SHA256: digest(uri, 0), Files: 1,
			Media: &v1alpha1.Media{Container: "mp4", DurationMilliseconds: 3_900_000, VideoCodec: "h264", AudioCodec: "aac", Width: 1280, Height: 720},
		}},
	}
}

// digest is a text of 64 digits that no compression and no interning makes smaller.
func digest(of string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", of, i))
	return hex.EncodeToString(sum[:])
}
