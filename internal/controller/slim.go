// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

// done says that nothing follows any more, as long as the facts and wishes stay what they were when the status was
// written. Most files are done; they are what the cache's memory is made of.
func done(file *v1alpha1.RecordingFile) bool {
	return pipeline.Finished(&file.Status.ProcessingStatus, file.Status.Input) || skipped(file)
}

// upToDate says that a file is done, and that its status speaks of it as it is.
func upToDate(file *v1alpha1.RecordingFile) bool {
	return done(file) && file.Status.ObservedGeneration == file.Generation
}

// notUpToDate passes over files that no look is needed at. At the start of the operator those are nearly all, and a
// queue of them would take half as much memory as they do themselves.
func notUpToDate() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(object client.Object) bool {
		file, ok := object.(*v1alpha1.RecordingFile)
		return !ok || !upToDate(file)
	})
}

// fileSlimmer cuts RecordingFiles down to what is read of them, before the cache keeps them. Of a file that is done the
// status keeps only what says so, and its STATUS: who writes such a file has to read it live.
//
// What many files have in common they share. An object in the cache is never changed, so nobody notices.
type fileSlimmer struct {
	texts shared[string]
	// labels are the maps with the name of a source and nothing else.
	labels shared[map[string]string]
	// statuses are those of files that are done, but for what they say of the generation.
	statuses shared[v1alpha1.RecordingFileStatus]
}

// slim is a cache.TransformFunc.
func (s *fileSlimmer) slim(object any) (any, error) {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return object, nil
	}
	file.ManagedFields = nil
	if done(file) {
		file.Status = s.slimStatus(&file.Status)
	}
	s.shareMeta(&file.ObjectMeta)
	s.shareSpec(&file.Spec)
	return file, nil
}

func (s *fileSlimmer) shareSpec(spec *v1alpha1.RecordingFileSpec) {
	for _, text := range []*string{&spec.SourceRef.Name, &spec.Object.Bucket} {
		s.shareText(text)
	}
	reported := spec.Reported
	if reported == nil {
		return
	}
	for _, text := range []*string{&reported.App, &reported.Format, &reported.Location} {
		s.shareText(text)
	}
	for _, text := range []*string{&spec.Object.Key, &reported.Room, &reported.Stream} {
		*text = within(reported.DownloadURL, *text)
	}
	for i := range spec.TaskIDs {
		spec.TaskIDs[i] = within(reported.DownloadURL, spec.TaskIDs[i])
	}
}

// within is the text as a part of a longer one, when it is, so that both lie in the same memory.
func within(longer, text string) string {
	if at := strings.LastIndex(longer, text); at >= 0 {
		return longer[at : at+len(text)]
	}
	return text
}

// slimStatus keeps the reason of Ready, and that every step has ended.
func (s *fileSlimmer) slimStatus(full *v1alpha1.RecordingFileStatus) v1alpha1.RecordingFileStatus {
	var slim v1alpha1.RecordingFileStatus
	var key string
	if ready := meta.FindStatusCondition(full.Conditions, v1alpha1.ConditionReady); ready != nil {
		slim.Conditions = []metav1.Condition{{Type: ready.Type, Status: ready.Status, Reason: ready.Reason}}
		key = string(ready.Status) + ready.Reason
	}
	if full.Pipeline != nil {
		slim.Pipeline = full.Pipeline
		key += " " + full.Pipeline.Revision
	}
	if len(full.Steps) > 0 {
		slim.Steps = []v1alpha1.StepStatus{{State: full.Steps[0].State}}
		key += " " + string(full.Steps[0].State)
	}
	slim = s.statuses.of(key, slim)
	slim.ObservedGeneration = full.ObservedGeneration
	return slim
}

func (s *fileSlimmer) shareMeta(object *metav1.ObjectMeta) {
	s.shareText(&object.Namespace)
	if source, ok := object.Labels[v1alpha1.LabelSource]; ok && len(object.Labels) == 1 {
		object.Labels = s.labels.of(source, object.Labels)
	}
}

func (s *fileSlimmer) shareText(text *string) { *text = s.texts.of(*text, *text) }

// shared keeps one of several equal values. It forgets all of them when they become many, so that its own memory is
// bounded; what was shared stays so.
type shared[T any] struct {
	mutex sync.Mutex
	known map[string]T
}

const maxShared = 10_000

// of is the value that is shared under the key: the one that was first given.
func (s *shared[T]) of(key string, value T) T {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known, ok := s.known[key]; ok {
		return known
	}
	if s.known == nil || len(s.known) == maxShared {
		s.known = map[string]T{}
	}
	s.known[key] = value
	return value
}
