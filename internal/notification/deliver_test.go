// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// simulation is a file whose status changes, a manager that is killed and starts again, and sinks that fail, beside what is
// known of each event.
type simulation struct {
	t       *rapid.T
	now     time.Time
	file    *v1alpha1.RecordingFile
	source  *v1alpha1.RecordingSource
	subject *subject
	sinks   *sinks
	// wanted are the events of each notification in the order in which they became true, and done those that its sink took,
	// or that were given up or dropped.
	wanted map[string][]string
	done   map[string]map[string]bool
	// honest sinks take everything.
	honest bool
}

func newSimulation(t *rapid.T) *simulation {
	s := &simulation{t: t, now: noon, source: builders.MakeRecordingSource("classroom").Obj(), wanted: map[string][]string{}, done: map[string]map[string]bool{"a": {}, "b": {}}}
	s.source.Spec.Notifications = []v1alpha1.Notification{to("a", allOfFile...), to("b", v1alpha1.EventFileReady, v1alpha1.EventFileFailed)}
	s.file = builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
	s.file.UID = "uid"
	s.file.CreationTimestamp.Time = noon
	s.restart()
	return s
}

func (s *simulation) restart() { s.subject, s.sinks = &subject{}, &sinks{} }

// change writes a status in which something has happened.
func (s *simulation) change() {
	s.now = s.now.Add(time.Millisecond)
	after := *s.file.Status.DeepCopy()
	open := slices.IndexFunc(after.Steps, func(step v1alpha1.StepStatus) bool { return step.State == v1alpha1.StepRunning })
	switch {
	case open < 0 && rapid.Bool().Draw(s.t, "something stands in the way, or no longer"):
		reason := v1alpha1.ReasonFailed
		if event, _ := outcome(&after); event == v1alpha1.EventFileFailed {
			reason = v1alpha1.ReasonQueued
		}
		after = status(after.Run, reason, after.Steps...)
	case open < 0:
		after = status(after.Run+1, v1alpha1.ReasonProcessing, running("one"), running("two"), running("three"))
	default:
		state := rapid.SampledFrom([]v1alpha1.StepState{v1alpha1.StepSucceeded, v1alpha1.StepFailed, v1alpha1.StepSkipped}).Draw(s.t, "state")
		after.Steps[open] = ended(after.Steps[open].Name, state, int(s.now.Sub(noon).Seconds()))
		if open == len(after.Steps)-1 {
			after.Conditions[0].Reason = rapid.SampledFrom([]string{v1alpha1.ReasonSucceeded, v1alpha1.ReasonFailed}).Draw(s.t, "outcome")
		}
	}
	before := s.file.Status.Notifications
	after.Notifications = AfterFile(s.file, &after, s.source.Spec.Notifications, every, s.now)
	for i := range before {
		if !slices.ContainsFunc(after.Notifications, func(other Waiting) bool { return same(&before[i], &other) }) {
			for _, name := range before[i].To {
				s.done[name][eventID(s.file, &before[i])] = true // too many wait
			}
		}
	}
	for i := range after.Notifications {
		for _, name := range after.Notifications[i].To {
			id := eventID(s.file, &after.Notifications[i])
			known := slices.Contains(s.wanted[name], id)
			if was := slices.ContainsFunc(before, func(other Waiting) bool { return same(&other, &after.Notifications[i]) }); known != was {
				s.t.Fatalf("%s: %s is the ID of two events, or of none", name, id)
			}
			if !known {
				s.wanted[name] = append(s.wanted[name], id)
			}
		}
	}
	s.file.Status = after
}

// send is a sink: it takes an event, fails, or is so slow that the request fails.
func (s *simulation) send(_ context.Context, to *v1alpha1.Notification, event *Waiting) error {
	id := eventID(s.file, event)
	for _, earlier := range s.wanted[to.Name][:slices.Index(s.wanted[to.Name], id)] {
		if !s.done[to.Name][earlier] {
			s.t.Fatalf("%s: %s is sent before %s", to.Name, id, earlier)
		}
	}
	if !s.honest {
		switch rapid.SampledFrom([]string{"takes", "refuses", "is away", "hangs", "is gone", "is not allowed"}).Draw(s.t, "sink") {
		case "refuses":
			return &Fault{scope: ofEvent, text: "refused"}
		case "is away":
			return &Fault{scope: ofSink, text: "away", after: time.Duration(rapid.IntRange(0, 100).Draw(s.t, "after")) * time.Second}
		case "hangs":
			s.now = s.now.Add(sendTimeout)
			return &Fault{scope: ofSink, text: "slow"}
		case "is gone":
			return &Fault{scope: forGood, text: "gone"}
		case "is not allowed":
			return &Fault{scope: ofSettings, text: "not allowed"}
		}
	}
	s.done[to.Name][id] = true
	return nil
}

// look is one of the manager's. It returns how long it is until the next.
func (s *simulation) look() time.Duration {
	d := &delivery{source: s.source, waiting: s.file.Status.Notifications, subject: s.subject, sinks: s.sinks, now: func() time.Time { return s.now }, changed: func() {}}
	d.send = s.send
	d.report = func(event *Waiting, name string, outcome Outcome, fault *Fault, _ time.Duration) {
		if outcome != GivenUp {
			return
		}
		if age := s.now.Sub(event.Time.Time); age <= keepTrying && fault.scope != forGood {
			s.t.Fatalf("%s: %s is given up after %s", name, eventID(s.file, event), age)
		}
		s.done[name][eventID(s.file, event)] = true
	}
	if err := d.run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	switch rapid.SampledFrom([]string{"is written", "is written", "conflicts", "is lost", "kills"}).Draw(s.t, "the write") {
	case "conflicts":
		s.change() // by the reconciler of files
	case "is lost":
		return 0
	case "kills":
		s.restart()
		return 0
	}
	s.file.Status.Notifications = without(s.file.Status.Notifications, s.subject.settled)
	s.subject.settled = nil
	return d.again
}

// TestDelivery_EveryEventIsDeliveredInOrderOrGivenUp: whatever happens to the status, the manager and the sinks, an event is
// taken at least once, after all that became true before it, or given up after a day, or because the sink is gone.
func TestDelivery_EveryEventIsDeliveredInOrderOrGivenUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSimulation(t)
		t.Repeat(map[string]func(*rapid.T){
			"the status changes": func(*rapid.T) { s.change() },
			"the manager looks":  func(*rapid.T) { s.look() },
			"the manager starts": func(*rapid.T) { s.restart() },
			"some time goes by": func(t *rapid.T) {
				s.now = s.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
			},
			"a long time goes by":    func(t *rapid.T) { s.now = s.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour) },
			"the sinks are replaced": func(*rapid.T) { s.sinks = &sinks{} },
		})
		s.honest = true
		for looks := 0; len(s.file.Status.Notifications) > 0; looks++ {
			if looks > 1000 {
				t.Fatalf("still waiting: %+v", s.file.Status.Notifications)
			}
			s.now = s.now.Add(s.look() + time.Second)
		}
		for name, wanted := range s.wanted {
			for _, id := range wanted {
				if !s.done[name][id] {
					t.Fatalf("%s: %s is lost", name, id)
				}
			}
		}
	})
}

// object is a file with one event that waits.
type object struct {
	subject subject
	waiting []Waiting
	next    time.Time
}

// TestDelivery_PoisonHoldsUpItsOwnObjectAlone: an event that a sink cannot stand, so that it does not respond to it, does not
// keep others from it.
func TestDelivery_PoisonHoldsUpItsOwnObjectAlone(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Obj()
	source.Spec.Notifications = []v1alpha1.Notification{to("a", allOfFile...)}
	now, known := noon, &sinks{}
	objects := make([]*object, 50)
	for i := range objects {
		objects[i] = &object{waiting: []Waiting{{Event: v1alpha1.EventFileReady, To: []string{"a"}, Run: int32(i)}}, next: now}
		objects[i].waiting[0].Time.Time = now
	}
	attempts := 0
	for left := len(objects) - 1; left > 0; {
		slices.SortStableFunc(objects, func(a, b *object) int { return a.next.Compare(b.next) })
		first := objects[0]
		now = first.next
		if now.Sub(noon) > 10*time.Minute {
			t.Fatalf("%d objects still wait after 10 minutes and %d attempts", left, attempts)
		}
		d := &delivery{source: source, waiting: first.waiting, subject: &first.subject, sinks: known, now: func() time.Time { return now },
			changed: func() {}, report: func(*Waiting, string, Outcome, *Fault, time.Duration) {},
			send: func(_ context.Context, _ *v1alpha1.Notification, event *Waiting) error {
				attempts++
				if event.Run == 0 {
					return &Fault{scope: ofSink, text: "cut"}
				}
				return nil
			}}
		if err := d.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.next = now.Add(d.again)
		if len(d.left) == 0 {
			first.waiting, first.next = nil, now.Add(time.Hour)
			left--
		}
	}
}

// TestSinks_AreTriedLessAndLessOften, by one event at a time.
func TestSinks_AreTriedLessAndLessOften(t *testing.T) {
	g := NewWithT(t)
	var known sinks
	key, now := sinkKey{name: "a"}, noon
	g.Expect(known.begin(key, now)).To(BeZero())
	g.Expect(known.begin(key, now)).To(BeZero(), "nothing is known against it")
	attempts := 0
	for ; now.Sub(noon) < keepTrying; attempts++ {
		now = now.Add(known.wait(key, now))
		g.Expect(known.begin(key, now)).To(BeZero())
		if attempts > 0 {
			g.Expect(known.begin(key, now)).To(Equal(probeTime), "another event tries it")
		}
		known.end(key, &Fault{scope: ofSink, text: "away"}, now)
	}
	g.Expect(attempts).To(BeNumerically("~", 153, 2))
	g.Expect(known.lost(key, now)).NotTo(BeNil())
	g.Expect(known.end(key, nil, now)).To(BeTrue(), "this is news")
	g.Expect(known.end(key, nil, now)).To(BeFalse())
	g.Expect(known.wait(key, now)).To(BeZero())
	g.Expect(known.lost(key, now)).To(BeNil())
	known.end(key, &Fault{scope: ofSink, after: time.Hour}, now)
	g.Expect(known.wait(key, now)).To(Equal(time.Hour), "the sink asks for it")
	known.end(key, &Fault{scope: ofEvent}, now)
	g.Expect(known.wait(key, now)).To(BeZero(), "it responds")
	known.keep("", "", nil)
	g.Expect(known.known).To(BeEmpty())
}
