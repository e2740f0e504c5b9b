// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// scripted answers each request with the next of its script, and ends the test's context when it is over.
type scripted struct {
	client.WithWatch
	end   context.CancelFunc
	steps []any
	asked []string
}

func (s *scripted) next() any {
	if len(s.steps) == 0 {
		s.end()
		return context.Canceled
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	return step
}

func (s *scripted) List(_ context.Context, list client.ObjectList, chosen ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(chosen)
	s.asked = append(s.asked, "list:"+options.Continue)
	switch step := s.next().(type) {
	case error:
		return step
	case *v1alpha1.RecordingFileList:
		step.DeepCopyInto(list.(*v1alpha1.RecordingFileList))
	}
	return nil
}

func (s *scripted) Watch(_ context.Context, _ client.ObjectList, chosen ...client.ListOption) (watch.Interface, error) {
	options := (&client.ListOptions{}).ApplyOptions(chosen)
	s.asked = append(s.asked, "watch:"+options.Raw.ResourceVersion)
	switch step := s.next().(type) {
	case error:
		return nil, step
	case []watch.Event:
		changes := watch.NewFakeWithChanSize(len(step), false)
		for _, event := range step {
			changes.Action(event.Type, event.Object)
		}
		changes.Stop()
		return changes, nil
	}
	return nil, errors.New("the script is wrong")
}

// hurried lets no time pass while something is waited for.
type hurried struct{ *testclock.FakeClock }

func (h hurried) After(time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	fired <- h.Now()
	return fired
}

func file(name string) *v1alpha1.RecordingFile {
	made := &v1alpha1.RecordingFile{}
	made.Name = name
	return made
}

func page(version, more string, names ...string) *v1alpha1.RecordingFileList {
	list := &v1alpha1.RecordingFileList{}
	list.ResourceVersion, list.Continue = version, more
	for _, name := range names {
		list.Items = append(list.Items, *file(name))
	}
	return list
}

// run follows the script, and returns what was reported.
func (s *scripted) run(t *testing.T, refuse func(change any) error) (string, error) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	s.end = end
	follower := Follower{
		Client: s, Clock: hurried{testclock.NewFakeClock(time.Unix(0, 0))}, Kind: &v1alpha1.RecordingFileList{}, Timeout: time.Minute,
		Explain: func(err error, verb string) error { return fmt.Errorf("explained %s: %w", verb, err) },
	}
	var reported []string
	err := follower.Follow(ctx, func(change any) error {
		switch change := change.(type) {
		case Page:
			var names []string
			for _, object := range change.Objects {
				names = append(names, object.GetName())
			}
			reported = append(reported, fmt.Sprintf("page(%v)%v", change.First, names))
		case Listed:
			reported = append(reported, "listed")
		case Changed:
			reported = append(reported, "changed:"+change.Object.GetName())
		case Deleted:
			reported = append(reported, "deleted:"+change.Object.GetName())
		case Trouble:
			reported = append(reported, "trouble")
		}
		if refuse != nil {
			return refuse(change)
		}
		return nil
	})
	return strings.Join(reported, " "), err
}

func TestFollower_ReadsListsInParts(t *testing.T) {
	expired := apierrors.NewResourceExpired("too old")
	s := &scripted{steps: []any{
		page("1", "more", "a", "b"), page("1", "", "c"),
		[]watch.Event{{Type: watch.Added, Object: file("d")}, {Type: watch.Modified, Object: file("a")}, {Type: watch.Deleted, Object: file("b")}, {Type: watch.Bookmark, Object: file("")}},
		page("2", "more", "a"), errors.New("away"),
		page("3", "", "a"), expired,
		page("4", "", "a"), []watch.Event{{Type: watch.Error, Object: &expired.ErrStatus}},
	}}
	got, err := s.run(t, nil)
	if err != nil {
		t.Error(err)
	}
	want := "page(true)[a b] page(false)[c] listed changed:d changed:a deleted:b page(true)[a] trouble page(true)[a] listed page(true)[a] listed"
	if got != want {
		t.Errorf("reported\n%s, want\n%s", got, want)
	}
	if asked := strings.Join(s.asked, " "); asked != "list: list:more watch:1 list: list:more list: watch:3 list: watch:4 list:" {
		t.Errorf("asked %s", asked)
	}
}

// A watch that fails is waited for, the first one too: what was listed is there.
func TestFollower_GoesOnAfterTheFirstWatchFailed(t *testing.T) {
	s := &scripted{steps: []any{page("1", "", "a"), errors.New("reset"), page("2", "", "a", "b"), []watch.Event{}}}
	if got, err := s.run(t, nil); err != nil || got != "page(true)[a] listed trouble page(true)[a b] listed" {
		t.Errorf("reported %s: %v", got, err)
	}
}

func TestFollower_EndsWhenItMust(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "recordingfiles"}, "", nil)
	mine := errors.New("the page is full")
	for name, c := range map[string]struct {
		steps  []any
		refuse func(any) error
		is     error
		want   string
	}{
		"unreachable at first": {[]any{errors.New("refused")}, nil, nil, "explained list: refused"},
		"a right is missing":   {[]any{page("1", "", "a"), []watch.Event{}, forbidden}, nil, forbidden, "explained list"},
		"may not watch":        {[]any{page("1", "", "a"), forbidden}, nil, forbidden, "explained watch"},
		"told to":              {[]any{page("1", "", "a")}, func(any) error { return mine }, mine, "the page is full"},
		"told to by a change": {[]any{page("1", "", "a"), []watch.Event{{Type: watch.Added, Object: file("b")}}}, func(change any) error {
			if _, is := change.(Changed); is {
				return mine
			}
			return nil
		}, mine, "the page is full"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&scripted{steps: c.steps}).run(t, c.refuse)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v", err)
			}
		})
	}
}
