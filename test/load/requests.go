// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// callbackRoom is the room of what callbacks and bare creates make.
const callbackRoom = "room01"

// bareCreates are what a program writes that creates such objects: controller-runtime's client.
func bareCreates(k8s client.Client, id func(int) string) request {
	return func(i int) (func(context.Context) error, error) {
		file := bareFile("bare-" + id(i))
		return func(ctx context.Context) error { return k8s.Create(ctx, file) }, nil
	}
}

// leanCreator creates as cheaply as client-go can: what is sent is encoded beforehand, and the answer is not decoded.
type leanCreator struct{ client rest.Interface }

func newLeanCreator(config *rest.Config, k8s client.Client) (*leanCreator, error) {
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	leanClient, err := apiutil.RESTClientForGVK(v1alpha1.GroupVersion.WithKind("RecordingFile"), false, false, config,
		serializer.NewCodecFactory(k8s.Scheme()), httpClient)
	return &leanCreator{client: leanClient}, err
}

func (l *leanCreator) creates(id func(int) string) request {
	return func(i int) (func(context.Context) error, error) {
		content, err := json.Marshal(bareFile("lean-" + id(i)))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			return l.client.Post().Namespace(bareNamespace).Resource("recordingfiles").SetHeader("Content-Type", "application/json").
				Body(content).Do(ctx).Error()
		}, nil
	}
}

// bareFile is the object that a callback creates, field by field.
func bareFile(id string) *v1alpha1.RecordingFile {
	end := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
	start := metav1.NewTime(end.Add(-65 * time.Second))
	return &v1alpha1.RecordingFile{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RecordingFile"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: bareNamespace, Name: "camera-" + id + "-0",
			Labels: map[string]string{v1alpha1.LabelSource: sourceName},
		},
		Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: sourceName},
			Object:    v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "live/job-" + id + "/camera.m3u8"},
			TaskIDs:   []string{"job-" + id},
			Reported: &v1alpha1.ReportedRecording{
				RecordingIdentity: v1alpha1.RecordingIdentity{App: "app", Room: callbackRoom, Stream: "camera", Format: "HLS"},
				RecordingFacts: v1alpha1.RecordingFacts{
					SizeBytes: 26254952, DurationSeconds: 65, StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
				},
				DownloadURL: "https://recordings.obs.example.com/live/camera/camera.m3u8", Location: "http://obs.example.com",
			},
		},
	}
}

// caller posts signed callbacks.
type caller struct {
	room string
	// at is the end of every recording, so that a callback that is sent again reports the same.
	at     time.Time
	url    string
	key    sparkrtc.Key
	client http.Client
}

func newCaller(base, source, room string) *caller {
	key, err := sparkrtc.ParseKey([]byte(callbackKey))
	if err != nil {
		panic(err) // a constant
	}
	return &caller{
		room: room, at: time.Now().UTC().Truncate(time.Second), url: base + sparkrtc.Path(namespace, source), key: key,
		client: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
}

func (c *caller) completes(id func(int) string) request {
	return func(i int) (func(context.Context) error, error) {
		body, err := json.Marshal(c.complete(id(i)))
		if err != nil {
			return nil, err
		}
		return c.signed(body)
	}
}

// event are the fields that every callback about a file has.
func (c *caller) event(kind, id string) map[string]any {
	return map[string]any{
		"event_type": kind, "app_id": "app", "job_id": "job-" + id, "room_id": c.room, "stream_name": "camera", "record_format": "HLS",
	}
}

func (c *caller) complete(id string) map[string]any {
	event := c.event("RECORD_FILE_COMPLETE", id)
	maps.Copy(event, map[string]any{
		"obs_bucket": "recordings", "obs_object": "live/job-" + id + "/camera.m3u8", "obs_location": "http://obs.example.com",
		"download_url": "https://recordings.obs.example.com/live/camera/camera.m3u8", "file_size": 26254952, "record_duration": 65,
		"width": 1280, "height": 720, "start_time": c.at.Add(-65 * time.Second).Format(time.RFC3339), "end_time": c.at.Format(time.RFC3339),
	})
	return event
}

// signed is a request with a signature of its own.
func (c *caller) signed(body []byte) (func(context.Context) error, error) {
	proof, err := sparkrtc.Sign(c.key, rand.Text(), strconv.FormatInt(time.Now().Unix(), 10), body)
	return func(ctx context.Context) error { return c.post(ctx, body, proof) }, err
}

func (c *caller) post(ctx context.Context, body []byte, proof sparkrtc.Proof) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	proof.SetHeader(request.Header)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d %s", response.StatusCode, answer)
	}
	return err
}
