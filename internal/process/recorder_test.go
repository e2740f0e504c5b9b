// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
)

// provided is a manager that hands one recorder out.
type provided struct {
	recorder.Provider
	*events.FakeRecorder
}

func (p provided) GetEventRecorder(string) recorder.EventRecorder { return p.FakeRecorder }

// However long and however broken the words, the note of an event is one that the API server takes.
func TestRecorder_CutsNotes(t *testing.T) {
	long := strings.Repeat("x", maxNote)
	for name, c := range map[string]struct{ note, want string }{
		"a short one":                 {"callback 100% %s é", "callback 100% %s é"},
		"an empty one":                {"", ""},
		"the longest":                 {long, long},
		"a byte more":                 {long + "x", long[3:] + "..."},
		"cut before a character":      {"x" + strings.Repeat("é", maxNote), "x" + strings.Repeat("é", 510) + "..."},
		"cut within a character":      {strings.Repeat("é", maxNote), strings.Repeat("é", 510) + "..."},
		"cut within a long character": {strings.Repeat("😀", maxNote), strings.Repeat("😀", 255) + "..."},
		"not UTF-8":                   {"a\xff\xfeb", "a\uFFFDb"},
		"what a terminal acts on":     {"a\x1b[2J\u009bb\n", "a [2J b "},
		"ends within a character":     {"caf\xc3", "caf\uFFFD"},
		"grows too long as UTF-8":     {"\xff" + long[2:], "\uFFFD" + long[6:] + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			fake := events.NewFakeRecorder(1)
			NewRecorder(provided{FakeRecorder: fake}).Eventf(nil, nil, corev1.EventTypeWarning, "Reason", "Act", "%s", c.note)
			got := strings.TrimPrefix(<-fake.Events, "Warning Reason ")
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if len(got) > maxNote || !utf8.ValidString(got) {
				t.Errorf("%d bytes, UTF-8: %v", len(got), utf8.ValidString(got))
			}
		})
	}
}

// TestRecorder_ManyNotesAreOneEvent: a sender with the key of a source has an event recorded with each callback, of other words
// each time. One object follows from those of a reason, and few writes.
func TestRecorder_ManyNotesAreOneEvent(t *testing.T) {
	api := fake.NewClientset()
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: api.EventsV1()})
	defer broadcaster.Shutdown()
	if err := broadcaster.StartRecordingToSinkWithContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorder := cuttingRecorder{to: broadcaster.NewRecorder(scheme.Scheme, recorderName)}
	source := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "classroom", UID: "1"}}
	for i := range 500 {
		recorder.Eventf(source, nil, corev1.EventTypeWarning, "CallbackRefused", "Refuse", "A callback of app %d was refused", i)
	}
	recorder.Eventf(source, nil, corev1.EventTypeWarning, "Last", "End", "the last")
	created := func() (reasons []string) {
		for _, action := range api.Actions() {
			if create, ok := action.(clienttesting.CreateAction); ok {
				reasons = append(reasons, create.GetObject().(*eventsv1.Event).Reason)
			}
		}
		return reasons
	}
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		return len(created()) >= 2, nil
	})
	if err != nil {
		t.Fatalf("created %q: %v", created(), err)
	}
	if got := fmt.Sprint(created()); got != "[CallbackRefused Last]" {
		t.Errorf("created %s", got)
	}
	if writes := len(api.Actions()); writes > 5 {
		t.Errorf("%d writes", writes)
	}
}
