// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package follow lists the objects of a kind and watches them, for as long as a person looks at them: it connects again
// when the connection breaks, and reads a list in parts, so that the reader decides how much of it is kept.
package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// watchSeconds is how long the API server keeps a watch open at most.
	watchSeconds = 300
	// pageSize is how many objects are asked for at once: as many as kubectl asks for.
	pageSize = 500
)

// The changes that a Follower reports.
type (
	// Page is a part of the list of all objects.
	Page struct {
		Objects []client.Object
		// First says that a new list begins. What came of a list that did not end is void.
		First bool
	}
	// Listed ends a list: objects that were on none of its pages do not exist.
	Listed struct{}
	// Changed is an object that is new or changed.
	Changed struct{ Object client.Object }
	// Deleted is an object that is gone, as it was last.
	Deleted struct{ Object client.Object }
	// Trouble is why what is known may be old. The next Listed ends it.
	Trouble struct{ Err error }
)

// Text says what is wrong.
func (t Trouble) Text() string { return fmt.Sprintf("connecting again: %v", t.Err) }

// Follower follows the objects of a kind.
type Follower struct {
	// Client makes the requests. Its watches must not have a deadline.
	Client client.WithWatch
	// Clock says when to connect again.
	Clock clock.Clock
	// Kind is an empty list of the kind, for example &RecordingFileList{}.
	Kind client.ObjectList
	// Chosen are the namespace and the selectors.
	Chosen client.ListOptions
	// Timeout of the request for a page.
	Timeout time.Duration
	// Explain adds to an error of the API server what to do about it. The verb is list or watch.
	Explain func(err error, verb string) error
}

// Follow reports all objects, then every change, until the context ends, which is no error. An API server that cannot be
// reached at first is an error; later it is waited for. A right that is missing is always one, and so is what tell returns.
func (f *Follower) Follow(ctx context.Context, tell func(change any) error) error {
	// How long to wait before it lists again.
	patience := wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Cap: 30 * time.Second, Steps: 10}
	backoff := patience
	known := false
	told := func(change any) error {
		if _, listed := change.(Listed); listed {
			known = true
		}
		if err := tell(change); err != nil {
			return &tellError{err}
		}
		return nil
	}
	for {
		heard, err := f.once(ctx, told)
		if refused, is := errors.AsType[*tellError](err); is {
			return refused.error
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was ended, and the error is about that
		}
		if heard {
			backoff = patience
		}
		if err != nil {
			if !known || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
				return err
			}
			if err := tell(Trouble{err}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.Clock.After(backoff.Step()):
		}
	}
}

// tellError is an error of the one who is told, which ends it all.
type tellError struct{ error }

// once lists and watches until the watch ends, and says whether it reported anything.
func (f *Follower) once(ctx context.Context, tell func(change any) error) (heard bool, err error) {
	version, err := f.list(ctx, tell)
	if err != nil {
		return false, err
	}
	return f.watch(ctx, version, tell)
}

// list reports all objects, and returns the version to watch from. It asks for what the API server knows now, not for what
// it had cached: an object that was done before a retry must not pass for one that is done.
func (f *Follower) list(ctx context.Context, tell func(change any) error) (version string, err error) {
	options := f.Chosen
	options.Limit = pageSize
	for first := true; ; first = false {
		// A new one each time: its objects are handed on.
		list, ok := f.Kind.DeepCopyObject().(client.ObjectList)
		if !ok {
			return "", fmt.Errorf("list %T: not a list", f.Kind)
		}
		if err := f.page(ctx, list, &options); err != nil {
			return "", f.Explain(err, "list")
		}
		page := Page{First: first}
		if err := meta.EachListItem(list, func(item runtime.Object) error {
			object, ok := item.(client.Object)
			if !ok {
				return fmt.Errorf("list %T: unexpected item %T", f.Kind, item)
			}
			page.Objects = append(page.Objects, object)
			return nil
		}); err != nil {
			return "", err
		}
		if err := tell(page); err != nil {
			return "", err
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return list.GetResourceVersion(), tell(Listed{})
		}
	}
}

func (f *Follower) page(ctx context.Context, list client.ObjectList, options *client.ListOptions) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	return f.Client.List(ctx, list, options)
}

// watch reports changes until the watch ends, and says whether there was one. The API server ends it regularly, and when
// the version is too old for it: neither is an error.
func (f *Follower) watch(ctx context.Context, version string, tell func(change any) error) (heard bool, err error) {
	// The API server ends the watch before that, unless the connection died unnoticed.
	ctx, cancel := context.WithTimeout(ctx, watchSeconds*time.Second+f.Timeout)
	defer cancel()
	options := f.Chosen
	options.Raw = &metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchSeconds))}
	stream, err := f.Client.Watch(ctx, f.Kind, &options)
	if err != nil {
		return false, f.watchError(err)
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		object, ok := event.Object.(client.Object)
		switch {
		case event.Type == watch.Error:
			return heard, f.watchError(apierrors.FromObject(event.Object))
		case !ok:
			return heard, fmt.Errorf("watch %T: unexpected event %s", f.Kind, event.Type)
		case event.Type == watch.Deleted:
			err = tell(Deleted{object})
		case event.Type == watch.Added, event.Type == watch.Modified:
			err = tell(Changed{object})
		}
		if err != nil {
			return heard, err
		}
		heard = true
	}
	return heard, nil
}

// watchError leaves out what listing again cures.
func (f *Follower) watchError(err error) error {
	if apierrors.IsGone(err) || apierrors.IsResourceExpired(err) || errors.Is(err, context.Canceled) {
		return nil
	}
	return f.Explain(err, "watch")
}
