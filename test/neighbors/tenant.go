// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
	"sparkrtc.dev/recording-operator/internal/testing/operator"
)

const (
	sourceName = "classroom"
	room       = "room"
	// pace is how often the working tenant's app calls, and every how many-th call completes a file: the others begin one.
	pace, completed = 250 * time.Millisecond, 4
	// patience is how long a file is waited for; one that is not processed by then counts with that delay.
	patience = 2 * time.Minute
)

func newSender(namespace, source, from string) *callbacks.Sender {
	return callbacks.NewSender("http://"+callbackAddress, namespace, source, from)
}

// tenant is the one that works.
type tenant struct {
	sender *callbacks.Sender
	calls  int

	mu sync.Mutex
	// files are by their objects' keys.
	files map[string]*file
	// jobs are when the first Job of a file came, by the file's name.
	jobs map[string]time.Time
}

// file is what is seen of a file from outside: when it was there, and when it first had a status that names a step.
type file struct {
	name   string
	status time.Time
}

// newTenant makes what the tenant needs, and watches what becomes of its files.
func newTenant(ctx context.Context, admin client.Client, config *rest.Config) (*tenant, error) {
	if err := createAll(ctx, admin,
		callbackSecret(workingNamespace),
		builders.MakeStorageLocation("archive").In(workingNamespace).Claim("archive").Obj(),
		builders.MakeRecordingPipeline("keep").In(workingNamespace).Archive("keep", "archive").Obj(),
		signedSource(workingNamespace, sourceName, v1alpha1.RecordingSourceSpec{
			StorageRef: &v1alpha1.LocalReference{Name: "archive"},
			Routes:     []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: "keep"}}},
		}),
	); err != nil {
		return nil, err
	}
	t := &tenant{sender: newSender(workingNamespace, sourceName, "127.0.0.1"), files: map[string]*file{}, jobs: map[string]time.Time{}}
	seen, err := cache.New(config, cache.Options{Scheme: admin.Scheme(), DefaultNamespaces: map[string]cache.Config{workingNamespace: {}}})
	if err != nil {
		return nil, err
	}
	for _, kind := range []client.Object{&v1alpha1.RecordingFile{}, &batchv1.Job{}} {
		informer, err := seen.GetInformer(ctx, kind)
		if err != nil {
			return nil, err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: t.see, UpdateFunc: func(_, now any) { t.see(now) }}); err != nil {
			return nil, err
		}
	}
	go func() { _ = seen.Start(ctx) }() // it ends with the context
	seen.WaitForCacheSync(ctx)
	return t, nil
}

// begin waits until callbacks are taken and processed.
func (t *tenant) begin(ctx context.Context) error {
	if err := operator.WaitFor(ctx, 100*time.Millisecond, "callbacks to be taken", func(ctx context.Context) (bool, error) {
		code, _, err := t.sender.Send(ctx, completeEvent("first"))
		return code == http.StatusOK, err
	}); err != nil {
		return err
	}
	return operator.WaitFor(ctx, 100*time.Millisecond, "the first file to be processed", func(context.Context) (bool, error) {
		_, _, done := t.processed("first")
		return done, nil
	})
}

func (t *tenant) see(object any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch object := object.(type) {
	case *batchv1.Job:
		if name := object.Labels[v1alpha1.LabelFile]; t.jobs[name].IsZero() {
			t.jobs[name] = time.Now()
		}
	case *v1alpha1.RecordingFile:
		known := t.files[object.Spec.Object.Key]
		if known == nil {
			known = &file{name: object.Name}
			t.files[object.Spec.Object.Key] = known
		}
		if known.status.IsZero() && len(object.Status.Steps) > 0 {
			known.status = time.Now()
		}
	}
}

// processed is when a file's Job and status came.
func (t *tenant) processed(id string) (job, status time.Time, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.files[callbacks.ObjectKey(id)]
	if known == nil {
		return time.Time{}, time.Time{}, false
	}
	job, status = t.jobs[known.name], known.status
	return job, status, !job.IsZero() && !status.IsZero()
}

// work sends callbacks for a while, one after the other at a steady pace, and measures how soon they are answered, and how
// soon after the answer a completed file has its Job and its status.
func (t *tenant) work(ctx context.Context, duration time.Duration) (sample, error) {
	var (
		found    sample
		mu       sync.Mutex
		answered = map[string]time.Time{}
		sent     sync.WaitGroup
	)
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for end := time.Now().Add(duration); time.Now().Before(end); t.calls++ {
		id, completes := fmt.Sprintf("call-%06d", t.calls/completed), t.calls%completed == completed-1
		sent.Go(func() { // the next callback does not wait for this one's answer
			event := startEvent(id)
			if completes {
				event = completeEvent(id)
			}
			begin := time.Now()
			code, _, err := t.sender.Send(ctx, event)
			mu.Lock()
			defer mu.Unlock()
			found.answers = append(found.answers, time.Since(begin))
			if err != nil || code != http.StatusOK {
				found.refused++
			} else if completes {
				answered[id] = time.Now()
			}
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return found, context.Cause(ctx)
		}
	}
	sent.Wait()
	t.awaitFiles(ctx, answered, &found)
	return found, ctx.Err()
}

func (t *tenant) awaitFiles(ctx context.Context, answered map[string]time.Time, found *sample) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	delay := func(at, came time.Time) time.Duration {
		if came.IsZero() {
			return patience
		}
		return max(came.Sub(at), 0) // it may come before the answer
	}
	for id, at := range answered {
		job, status, done := t.processed(id)
		for !done && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
			job, status, done = t.processed(id)
		}
		found.jobs, found.statuses = append(found.jobs, delay(at, job)), append(found.statuses, delay(at, status))
	}
}

func encode(event map[string]any) []byte {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts and numbers
	}
	return body
}

func startEvent(id string) []byte { return encode(callbacks.Start(id, room)) }

func completeEvent(id string) []byte { return encode(callbacks.Complete(id, room, time.Now())) }

func callbackSecret(namespace string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "callback"}, StringData: map[string]string{"key": callbacks.Key}}
}

// signedSource is a source that takes what a callbacks.Sender signs.
func signedSource(namespace, name string, spec v1alpha1.RecordingSourceSpec) *v1alpha1.RecordingSource {
	spec.Callback.Keys = []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}
	return &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
}

func createAll(ctx context.Context, k8s client.Client, objects ...client.Object) error {
	for _, object := range objects {
		if err := k8s.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}
