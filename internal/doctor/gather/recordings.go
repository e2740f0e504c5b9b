// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// recordings reads what people configure.
func (g *gatherer) recordings(ctx context.Context) {
	var sources v1alpha1.RecordingSourceList
	err := g.client.List(ctx, &sources, g.inScope())
	g.snapshot.Sources = read(sources.Items, notInstalled(err), "list recordingsources.recording.sparkrtc.dev"+g.where())
	var locations v1alpha1.StorageLocationList
	err = g.client.List(ctx, &locations, g.inScope())
	g.snapshot.Locations = read(locations.Items, notInstalled(err), "list storagelocations.recording.sparkrtc.dev"+g.where())
	var pipelines v1alpha1.RecordingPipelineList
	err = g.client.List(ctx, &pipelines, g.inScope())
	g.snapshot.Pipelines = read(pipelines.Items, notInstalled(err), "list recordingpipelines.recording.sparkrtc.dev"+g.where())
}

// notInstalled is nil for a kind that the API server does not know: there are no objects of it, and the check of the definitions
// says why.
func notInstalled(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// first marks a part whose list was cut. What it has is examined; a check that could not see the rest does not pass.
func first[T any](part doctor.Read[T], list client.ObjectList, what string) doctor.Read[T] {
	if list.GetContinue() != "" {
		part.Err = &doctor.UnreadError{Reason: fmt.Sprintf("all but the first %d %s", doctor.MaxUnfinished, what)}
	}
	return part
}

// unfinished reads the RecordingFiles that are not done.
func (g *gatherer) unfinished(ctx context.Context) {
	var files v1alpha1.RecordingFileList
	open := client.MatchingFieldsSelector{Selector: fields.OneTermNotEqualSelector("status.done", "true")}
	err := g.client.List(ctx, &files, g.inScope(), open, client.Limit(doctor.MaxUnfinished))
	part := read(files.Items, notInstalled(err), "list recordingfiles.recording.sparkrtc.dev"+g.where())
	g.snapshot.Unfinished = first(part, &files, "RecordingFiles that are not done")
}

// rejected counts the RejectedCallbacks that are not stored yet.
func (g *gatherer) rejected(ctx context.Context) {
	var callbacks v1alpha1.RejectedCallbackList
	err := g.client.List(ctx, &callbacks, g.inScope(), client.Limit(doctor.MaxUnfinished))
	found := map[types.NamespacedName]int{}
	for i := range callbacks.Items {
		callback := &callbacks.Items[i]
		if !meta.IsStatusConditionTrue(callback.Status.Conditions, v1alpha1.ConditionReplayed) {
			found[types.NamespacedName{Namespace: callback.Namespace, Name: callback.Spec.SourceRef.Name}]++
		}
	}
	part := read(found, notInstalled(err), "list rejectedcallbacks.recording.sparkrtc.dev"+g.where())
	g.snapshot.Rejected = first(part, &callbacks, "RejectedCallbacks")
}

// key reads a callback key. The key itself is for signing alone, and does not go into the snapshot.
func (g *gatherer) key(ctx context.Context, source *v1alpha1.RecordingSource, index int) (doctor.Key, sparkrtc.Key) {
	ref := source.Spec.Callback.Keys[index].SecretRef
	found := doctor.Key{Source: client.ObjectKeyFromObject(source), Index: index, Ref: ref}
	secret := &corev1.Secret{}
	err := g.client.Get(ctx, types.NamespacedName{Namespace: source.Namespace, Name: ref.Name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		found.State.Value = doctor.KeyNoSecret
		return found, sparkrtc.Key{}
	case err != nil:
		found.State.Err = unread(err, "get secrets/"+ref.Name+" -n "+source.Namespace)
		return found, sparkrtc.Key{}
	}
	value, has := secret.Data[ref.Key]
	if !has {
		found.State.Value = doctor.KeyMissing
		return found, sparkrtc.Key{}
	}
	key, err := sparkrtc.ParseKey(value)
	if err != nil {
		found.State.Value, found.Problem = doctor.KeyInvalid, err.Error()
		return found, sparkrtc.Key{}
	}
	found.State.Value = doctor.KeyUsable
	return found, key
}
