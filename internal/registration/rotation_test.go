// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// stale is how old the keys of a receiver may be: it reads those of a source that rotates within a minute and some seconds.
const stale = 90 * time.Second

// sender is the service with its callbacks, and a receiver whose API server is away at the worst moment: it verifies with keys
// that it read up to stale ago.
type sender struct {
	*world
	// read are the keys that were in the Secret, by when.
	read []reading
	// silent says that the service sends nothing.
	silent bool
	sent   int
}

type reading struct {
	at   time.Time
	keys []string
}

// send sends one callback, which the keys of now and those of a while ago must verify.
func (s *sender) send(t *testing.T) {
	t.Helper()
	secret := s.secret(t)
	s.read = append(s.read, reading{s.clock.Now(), slices.Collect(maps.Values(secret))})
	registered := s.server.Registered()
	if registered == nil || s.silent {
		return
	}
	s.sent++
	for _, read := range s.read {
		if age := s.clock.Since(read.at); (age <= stale || read.at.Equal(s.clock.Now())) && !slices.Contains(read.keys, registered.AuthKey) {
			t.Fatalf("at %s: a receiver that read the keys %s ago cannot verify a callback", s.clock.Now().Format(time.TimeOnly), age)
		}
	}
	next := secret["key"+v1alpha1.NextKeySuffix]
	if registered.AuthKey != next {
		return
	}
	key, err := sparkrtc.ParseKey([]byte(next))
	if err != nil {
		t.Fatal(err)
	}
	task := ingest.NewTask("media", "classroom", fmt.Sprintf("task-%d", s.sent))
	task.Annotations = map[string]string{v1alpha1.AnnotationKeyID: key.ID()}
	if err := s.Create(t.Context(), task); err != nil {
		t.Fatal(err)
	}
}

// run lets a manager look and the service send, until the rotation is over or the time is.
func (s *sender) run(t *testing.T, until time.Duration) {
	t.Helper()
	end := s.clock.Now().Add(until)
	next := s.clock.Now()
	for s.clock.Now().Before(end) {
		if !s.clock.Now().Before(next) {
			next = s.clock.Now().Add(s.look(t))
		}
		s.send(t)
		s.clock.Step(15 * time.Second)
	}
}

func registeredSender(t *testing.T) *sender {
	t.Helper()
	s := &sender{world: newWorld(t, nil)}
	s.look(t)
	return s
}

func (s *sender) ask(t *testing.T, token string) {
	t.Helper()
	s.change(t, func(source *v1alpha1.RecordingSource) { source.Spec.Service.RotateKey = token })
}

// checkRotated says whether the old key is gone, and the new one registered.
func (s *sender) checkRotated(t *testing.T, old string) {
	t.Helper()
	secret := s.secret(t)
	if len(secret) != 1 || secret["key"] == old || s.server.Registered().AuthKey != secret["key"] {
		t.Fatalf("%d keys are in the Secret, the first is the old one: %v, is registered: %v", len(secret), secret["key"] == old, s.server.Registered().AuthKey == secret["key"])
	}
	status := s.source(t).Status.Registration
	if status.Rotation != nil || status.RotateKey != s.source(t).Spec.Service.RotateKey {
		t.Errorf("the status is %+v", status)
	}
	if condition := s.condition(t); condition.Reason != v1alpha1.ReasonRegistered {
		t.Errorf("the condition is %+v", condition)
	}
	s.tellsNoSecret(t)
}

func TestRotation_LeavesNoGap(t *testing.T) {
	s := registeredSender(t)
	s.run(t, 5*time.Minute) // receivers have read the old key alone
	s.ask(t, "1")
	s.run(t, time.Hour)
	s.checkRotated(t, firstKey)
	updates := len(s.server.Updates())
	if updates != 2 {
		t.Errorf("%d updates, want the first registration and one of the next key", updates)
	}
	for _, event := range []string{v1alpha1.ReasonKeyRotating, v1alpha1.ReasonKeyRotated} {
		if n := strings.Count(s.events.text.String(), " "+event+" "); n != 1 {
			t.Errorf("%d events %s", n, event)
		}
	}
	s.run(t, 24*time.Hour)
	if got := len(s.server.Updates()); got != updates {
		t.Error("a rotation that was asked for once happened twice")
	}
}

// TestRotation_GoesOnAfterEveryKill: the manager is killed at each of its writes, before or after it, and another goes on.
func TestRotation_GoesOnAfterEveryKill(t *testing.T) {
	s := registeredSender(t)
	s.writes = 0
	s.ask(t, "1")
	s.run(t, time.Hour)
	writes := s.writes
	if writes < 5 {
		t.Fatalf("a rotation takes %d writes", writes)
	}
	for at := 1; at <= writes; at++ {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("write %d, before %v", at, before), func(t *testing.T) {
				s := registeredSender(t)
				s.writes, s.killAt, s.before = 0, at, before
				s.ask(t, "1")
				s.run(t, 90*time.Minute)
				s.checkRotated(t, firstKey)
			})
		}
	}
}

// TestRotation_GoesOnAfterAKillAtTheService: the service registers the next key, and the manager dies before it knows.
func TestRotation_GoesOnAfterAKillAtTheService(t *testing.T) {
	s := registeredSender(t)
	s.ask(t, "1")
	s.look(t)
	s.send(t)
	s.clock.Step(settleTime)
	s.send(t)
	registered := s.server.Registered()
	registered.AuthKey = s.secret(t)["key"+v1alpha1.NextKeySuffix]
	s.server.Set(registered)
	s.run(t, time.Hour)
	s.checkRotated(t, firstKey)
}

// TestRotation_WaitsForACallback: a service that sends nothing keeps both keys usable, however long.
func TestRotation_WaitsForACallback(t *testing.T) {
	s := registeredSender(t)
	s.silent = true
	s.ask(t, "1")
	s.run(t, 6*time.Hour)
	if secret := s.secret(t); len(secret) != 2 || secret["key"] != firstKey {
		t.Errorf("%d keys are in the Secret", len(secret))
	}
	if condition := s.condition(t); !strings.Contains(condition.Message, "until a callback is seen") {
		t.Errorf("the condition says %q", condition.Message)
	}
	s.silent = false
	s.run(t, time.Hour)
	s.checkRotated(t, firstKey)
}

// TestRotation_PlantedMarkEndsNothingEarly: somebody marks a task with the ID of the next key as soon as that is in its Secret.
// It counts for nothing before the service has that key, and the old one stays for the whole overlap afterwards. The sender
// checks that every callback verifies meanwhile.
func TestRotation_PlantedMarkEndsNothingEarly(t *testing.T) {
	s := registeredSender(t)
	s.ask(t, "1")
	s.look(t)
	key, err := sparkrtc.ParseKey([]byte(s.secret(t)["key"+v1alpha1.NextKeySuffix]))
	if err != nil {
		t.Fatal(err)
	}
	planted := ingest.NewTask("media", "classroom", "planted")
	planted.Annotations = map[string]string{v1alpha1.AnnotationKeyID: key.ID()}
	if err := s.Create(t.Context(), planted); err != nil {
		t.Fatal(err)
	}
	var registeredAt time.Time
	for range 60 {
		s.run(t, time.Minute)
		if registeredAt.IsZero() && s.server.Registered().AuthKey == key.Text() {
			registeredAt = s.clock.Now()
		}
		secret := s.secret(t)
		if len(secret) == 1 && secret["key"] == firstKey {
			t.Fatal("the next key is gone")
		}
		if ended := len(secret) == 1; ended && (registeredAt.IsZero() || s.clock.Since(registeredAt) < overlapTime) {
			t.Fatalf("the old key ended %s after the service had the next one", s.clock.Since(registeredAt))
		}
	}
	s.checkRotated(t, firstKey)
}

func TestRotation_ComesWhenTheKeyIsOld(t *testing.T) {
	s := registeredSender(t)
	s.change(t, func(source *v1alpha1.RecordingSource) { source.Spec.Service.RotateAfter = duration(24 * time.Hour) })
	s.run(t, 23*time.Hour)
	if s.secret(t)["key"] != firstKey {
		t.Error("the key is rotated early")
	}
	s.run(t, 2*time.Hour)
	s.checkRotated(t, firstKey)
	second := s.secret(t)["key"]
	s.run(t, 22*time.Hour)
	if s.secret(t)["key"] != second {
		t.Error("the second key is rotated early")
	}
	s.run(t, 3*time.Hour)
	s.checkRotated(t, second)
}

// TestRotation_LeavesDriftAlone: what somebody registered meanwhile is reported, not overwritten by the rotation.
func TestRotation_LeavesDriftAlone(t *testing.T) {
	s := registeredSender(t)
	s.silent = true
	s.ask(t, "1")
	s.look(t)
	foreign := *s.server.Registered()
	foreign.URL = "https://elsewhere.example.com"
	s.server.Set(&foreign)
	s.run(t, time.Hour)
	if got := s.server.Registered(); got.URL != foreign.URL {
		t.Errorf("the rotation registered %s", got.URL)
	}
	s.expect(t, v1alpha1.ReasonDrifted, "another url")
}

// TestRotation_EndsWhenItsKeyIsRemoved: a person takes the next key out of the Secret to end a rotation.
func TestRotation_EndsWhenItsKeyIsRemoved(t *testing.T) {
	s := registeredSender(t)
	s.silent = true
	s.ask(t, "1")
	s.run(t, time.Hour)
	secret := keySecretOf(nil)
	if err := s.Get(t.Context(), clientKey(secret), secret); err != nil {
		t.Fatal(err)
	}
	delete(secret.Data, "key"+v1alpha1.NextKeySuffix)
	if err := s.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	s.run(t, time.Hour)
	if got := s.server.Registered().AuthKey; got != firstKey {
		t.Error("the first key is not registered again")
	}
	s.expect(t, v1alpha1.ReasonRegistered)
}
