// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rejected

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// replica is a Store with a clock and events of its own, on the tests' API server.
type replica struct {
	*Store
	clock  *clocktesting.FakeClock
	events *events.FakeRecorder
}

func newReplica(c client.Client) replica {
	r := replica{clock: clocktesting.NewFakeClock(time.Unix(1619600282, 0)), events: events.NewFakeRecorder(10_000)}
	r.Store = New(Options{Writer: c, Reader: c, Sources: c, Recorder: r.events, Clock: r.clock, Log: logr.Discard()})
	return r
}

func (r replica) takeEvents() (found []string) {
	for len(r.events.Events) > 0 {
		found = append(found, <-r.events.Events)
	}
	return found
}

// namespaces for tests are made as they are needed.
func newNamespace(t *testing.T, c client.Client, name string) {
	t.Helper()
	source := builders.MakeRecordingSource("classroom").Unauthenticated().Obj()
	source.Namespace = name
	for _, object := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, source} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// delivery is the n-th of a source.
func delivery(namespace, source string, n int) ingest.Delivery {
	return ingest.Delivery{
		Namespace: namespace, Source: source, Digest: fmt.Sprintf("%08x%024x", n, n), Body: fmt.Appendf(nil, `{"n":%d}`, n),
		Received: time.Unix(1619600282, 0), Event: sparkrtc.Event{Name: "RECORD_FILE_COMPLETE"},
	}
}

func (r replica) reject(t *testing.T, d ingest.Delivery) {
	t.Helper()
	if err := r.Reject(t.Context(), d, v1alpha1.RejectionUndecodable, "file_size: must not be negative"); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, c client.Client, namespace string) []v1alpha1.RejectedCallback {
	t.Helper()
	found := &v1alpha1.RejectedCallbackList{}
	if err := c.List(t.Context(), found, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	return found.Items
}

func TestStore_OnRealAPIServer(t *testing.T) {
	k8s := apiserver.Start(t).Client
	t.Run("KeepsWhatAPersonNeeds", func(t *testing.T) { keepsWhatAPersonNeeds(t, k8s) })
	t.Run("SameDeliveryIsOneObject", func(t *testing.T) { sameDeliveryIsOneObject(t, k8s) })
	t.Run("ReplicasKeepAtMostOneForEachSlot", func(t *testing.T) { replicasKeepAtMostOneForEachSlot(t, k8s) })
	t.Run("SourcesDoNotEvictEachOther", func(t *testing.T) { sourcesDoNotEvictEachOther(t, k8s) })
	t.Run("GoneNamespaceIsDropped", func(t *testing.T) { goneNamespaceIsDropped(t, k8s) })
}

func keepsWhatAPersonNeeds(t *testing.T, k8s client.Client) {
	t.Helper()
	newNamespace(t, k8s, "keeps")
	r := newReplica(k8s)
	d := delivery("keeps", "classroom", 39)
	d.Body = []byte(`{"download_url":"https://h/a?Signature=secret","file_size":-1}`)
	r.reject(t, d)
	found := list(t, k8s, "keeps")
	if len(found) != 1 {
		t.Fatalf("%d objects", len(found))
	}
	got := found[0]
	if got.Name != "classroom-07" || got.Labels[v1alpha1.LabelSource] != "classroom" {
		t.Errorf("name %s, labels %v", got.Name, got.Labels)
	}
	spec := got.Spec
	if spec.SourceRef.Name != "classroom" || spec.Reason != v1alpha1.RejectionUndecodable || !strings.Contains(spec.Message, "file_size") ||
		spec.EventType != "RECORD_FILE_COMPLETE" || spec.DeliveryID != d.Digest || !spec.ReceivedTime.Equal(&metav1.Time{Time: d.Received}) ||
		string(spec.Body) != `{"download_url":"https://h/a","file_size":-1}` || spec.BodyTruncated || spec.Replay {
		t.Errorf("spec %+v", spec)
	}
	if told := r.takeEvents(); len(told) != 1 || !strings.Contains(told[0], "Warning CallbackRejected") || !strings.Contains(told[0], "classroom-07") {
		t.Errorf("events %q", told)
	}
	if stats := r.Stats(); stats != (Stats{Undecodable: 1}) {
		t.Errorf("stats %+v", stats)
	}
}

func sameDeliveryIsOneObject(t *testing.T, k8s client.Client) {
	t.Helper()
	newNamespace(t, k8s, "same")
	newReplica(k8s).reject(t, delivery("same", "classroom", 1))
	before := list(t, k8s, "same")[0]
	newReplica(k8s).reject(t, delivery("same", "classroom", 1))
	if after := list(t, k8s, "same"); len(after) != 1 || after[0].UID != before.UID {
		t.Errorf("%d objects; %s became %s", len(after), before.UID, after[0].UID)
	}
	// Another delivery of the same slot takes its place.
	newReplica(k8s).reject(t, delivery("same", "classroom", 1+slots))
	if after := list(t, k8s, "same"); len(after) != 1 || after[0].UID == before.UID || string(after[0].Spec.Body) != `{"n":33}` {
		t.Errorf("%d objects, %s", len(after), after[0].Spec.Body)
	}
}

// However many replicas keep however much, the name is the bound.
func replicasKeepAtMostOneForEachSlot(t *testing.T, k8s client.Client) {
	t.Helper()
	newNamespace(t, k8s, "many")
	var replicas sync.WaitGroup
	for n := range 4 {
		replicas.Go(func() {
			r := newReplica(k8s)
			for i := range 60 {
				r.clock.Step(sourceInterval)
				r.reject(t, delivery("many", "classroom", n*1000+i))
			}
			if stats := r.Stats(); stats.Undecodable+stats.Dropped != 60 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
	replicas.Wait()
	if found := list(t, k8s, "many"); len(found) != slots {
		t.Errorf("%d objects", len(found))
	}
}

// A source that has nothing but garbage to say takes no place from another (security: M2).
func sourcesDoNotEvictEachOther(t *testing.T, k8s client.Client) {
	t.Helper()
	newNamespace(t, k8s, "noisy")
	newNamespace(t, k8s, "quiet")
	r := newReplica(k8s)
	r.reject(t, delivery("quiet", "classroom", 1))
	for i := range 1000 {
		r.clock.Step(time.Second)
		r.reject(t, delivery("noisy", "classroom", i))
		r.reject(t, delivery("noisy", "classroom-01", i))
	}
	r.clock.Step(2 * time.Second)
	r.reject(t, delivery("quiet", "classroom", 2))
	if found := list(t, k8s, "quiet"); len(found) != 2 {
		t.Errorf("%d objects of the quiet source are left", len(found))
	}
	noisy := list(t, k8s, "noisy")
	if len(noisy) > 2*slots {
		t.Errorf("%d objects of the noisy sources", len(noisy))
	}
	// The burst, and one in 30 s.
	if stats := r.Stats(); stats.Undecodable < 60 || stats.Undecodable > 2*(burst+1000/30)+4 || stats.Undecodable+stats.Dropped != 2002 {
		t.Errorf("stats %+v", stats)
	}
	told := r.takeEvents()
	if !slices.ContainsFunc(told, func(text string) bool { return strings.Contains(text, "29 more were not kept") }) {
		t.Errorf("no event counts what was dropped: %q", told[len(told)-3:])
	}
}

func goneNamespaceIsDropped(t *testing.T, k8s client.Client) {
	t.Helper()
	r := newReplica(k8s)
	r.reject(t, delivery("nowhere", "classroom", 1))
	if stats := r.Stats(); stats != (Stats{Dropped: 1}) {
		t.Errorf("stats %+v", stats)
	}
}

// failing is an API server whose creates fail.
type failing struct {
	client.Client
	err error
}

func (f failing) Create(context.Context, client.Object, ...client.CreateOption) error { return f.err }

func (f failing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, "x")
}

// An outage is an error for as long as it lasts, and uses nothing up; a refusal is none.
func TestStore_OutageIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		dropped bool
	}{
		"no answer":  {errors.New("connection refused"), false},
		"no server":  {apierrors.NewInternalError(errors.New("etcd")), false},
		"too busy":   {apierrors.NewTooManyRequestsError("busy"), false},
		"no right":   {apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("quota")), true},
		"not valid":  {apierrors.NewBadRequest("body"), true},
		"taken":      {apierrors.NewAlreadyExists(schema.GroupResource{}, "x"), true},
		"no such ns": {apierrors.NewNotFound(schema.GroupResource{}, "x"), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplica(failing{err: c.err})
			for i := range 3 * burst {
				err := r.Reject(t.Context(), delivery("media", "classroom", i), v1alpha1.RejectionInvalid, "why")
				if c.dropped != (err == nil) {
					t.Fatalf("number %d: %v", i, err)
				}
			}
			if stats := r.Stats(); stats.Invalid > 0 || c.dropped != (stats.Dropped == 3*burst) {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// One receiver keeps one a second of all sources together.
func TestLimits_ReceiverHasARateOfItsOwn(t *testing.T) {
	l, now := newLimits(), time.Unix(1619600282, 0)
	kept := 0
	for second := range 100 {
		for source := range 100 {
			if p, _ := l.take(types.NamespacedName{Namespace: fmt.Sprint(source)}, now.Add(time.Duration(second)*time.Second)); p != nil {
				kept++
			}
		}
	}
	if kept != receiverBurst+99 {
		t.Errorf("%d were kept", kept)
	}
}

// TestLimits_SeveralNamespacesLeaveTheirPartToOthers: N tenants with many sources, whose callbacks are all rejected, are
// always first, and yet of another tenant, which sends one a second, one is kept in 2(N+1) seconds.
func TestLimits_SeveralNamespacesLeaveTheirPartToOthers(t *testing.T) {
	for _, attackers := range []int{2, 5, 10} {
		l, kept := newLimits(), 0
		const seconds = 1000
		for second := range seconds {
			at := time.Unix(1619600282, 0).Add(time.Duration(second) * time.Second)
			for source := range 100 {
				l.take(types.NamespacedName{Namespace: fmt.Sprint("noisy-", source%attackers), Name: fmt.Sprint(source)}, at)
			}
			if p, _ := l.take(types.NamespacedName{Namespace: "quiet", Name: fmt.Sprint(second % 100)}, at); p != nil {
				kept++
			}
		}
		if want := seconds * 9 / 20 / (attackers + 1); kept < want {
			t.Errorf("beside %d tenants %d were kept, want %d", attackers, kept, want)
		}
	}
}

// TestLimits_NamespaceLeavesHalfToOthers: a tenant with many sources, whose callbacks are all rejected, is always first, and
// yet those of another tenant are kept, one in two seconds.
func TestLimits_NamespaceLeavesHalfToOthers(t *testing.T) {
	l, now := newLimits(), time.Unix(1619600282, 0)
	noisy := 0
	for second := range 100 {
		at := now.Add(time.Duration(second) * time.Second)
		for source := range 100 {
			if p, _ := l.take(types.NamespacedName{Namespace: "noisy", Name: fmt.Sprint(source)}, at); p != nil {
				noisy++
			}
		}
		if second%2 == 0 {
			if p, _ := l.take(types.NamespacedName{Namespace: "quiet", Name: fmt.Sprint(second)}, at); p == nil {
				t.Errorf("second %d: the quiet namespace's is dropped", second)
			}
		}
	}
	if noisy != burst+99/2 {
		t.Errorf("%d of the noisy namespace were kept", noisy)
	}
}
