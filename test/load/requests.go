// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
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
			Object:    v1alpha1.ObjectIdentity{Bucket: "recordings", Key: callbacks.ObjectKey("job-" + id)},
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

// caller sends callbacks about a room.
type caller struct {
	room string
	// at is the end of every recording, so that a callback that is sent again reports the same.
	at     time.Time
	sender *callbacks.Sender
}

func newCaller(source, room string) *caller {
	return &caller{room: room, at: time.Now(), sender: callbacks.NewSender("http://"+callbackAddress, namespace, source, "")}
}

func (c *caller) completes(id func(int) string) request {
	return func(i int) (func(context.Context) error, error) { return c.signed(c.complete(id(i))) }
}

func (c *caller) complete(id string) map[string]any {
	return callbacks.Complete("job-"+id, c.room, c.at)
}

// signed is a request with a signature of its own.
func (c *caller) signed(event map[string]any) (func(context.Context) error, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	proof, err := c.sender.Sign(body)
	return func(ctx context.Context) error {
		code, answer, err := c.sender.Post(ctx, body, proof)
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("answered %d %s", code, answer)
		}
		return err
	}, err
}
