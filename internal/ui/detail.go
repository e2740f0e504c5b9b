// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// maxChildren is how many Jobs, pods and events of a file are read: a run has 20 steps, and a step six attempts.
	maxChildren = 500
	// maxEvents is how many events are shown: the newest.
	maxEvents = 20
)

// observed is a file and what belongs to it, as it was read.
type observed struct {
	file   v1alpha1.RecordingFile
	jobs   []batchv1.Job
	pods   []corev1.Pod
	events []corev1.Event
	// leftOut says what may not be read.
	leftOut []string
}

// serveFile answers with all that is known of a file.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	if s.Namespace != "" && key.Namespace != s.Namespace {
		http.Error(w, fmt.Sprintf("this page shows namespace %s alone", s.Namespace), http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
	defer cancel()
	seen, err := s.observe(ctx, key)
	switch {
	case apierrors.IsNotFound(err):
		http.Error(w, fmt.Sprintf("RecordingFile %s does not exist any more", key), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answer := newFileDetail(seen)
	answer.Position = s.store.position(key.Namespace, key.Name)
	answer.Tasks = s.store.tasksOf(key.Namespace, seen.file.Spec.SourceRef.Name, seen.file.Spec.TaskIDs)
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(text)
}

// observe reads a file, its Jobs, pods and events. What may not be read is left out.
func (s *Server) observe(ctx context.Context, key types.NamespacedName) (*observed, error) {
	seen := &observed{}
	if err := s.Client.Get(ctx, key, &seen.file); err != nil {
		return nil, s.Explain(err, "get", "recordingfiles."+v1alpha1.GroupVersion.Group, key.Namespace)
	}
	var jobs batchv1.JobList
	var pods corev1.PodList
	var events corev1.EventList
	ofFile := client.MatchingLabels{v1alpha1.LabelFile: key.Name}
	about := client.MatchingFields{"involvedObject.kind": "RecordingFile", "involvedObject.name": key.Name}
	for _, each := range []struct {
		resource string
		list     client.ObjectList
		chosen   client.ListOption
	}{{"jobs", &jobs, ofFile}, {"pods", &pods, ofFile}, {"events", &events, about}} {
		err := s.Client.List(ctx, each.list, client.InNamespace(key.Namespace), client.Limit(maxChildren), each.chosen)
		if apierrors.IsForbidden(err) {
			seen.leftOut = append(seen.leftOut, s.Explain(err, "list", each.resource, key.Namespace).Error())
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", each.resource, err)
		}
	}
	seen.jobs, seen.pods = jobs.Items, pods.Items
	slices.SortFunc(seen.pods, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	seen.events = events.Items
	slices.SortFunc(seen.events, func(a, b corev1.Event) int { return lastSeen(&b).Compare(lastSeen(&a)) })
	seen.events = seen.events[:min(maxEvents, len(seen.events))]
	return seen, nil
}
