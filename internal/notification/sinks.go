// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"maps"
	"sync"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// firstBackoff is how long a sink, or an object's events, are left alone after a failure; with each that follows it
	// doubles, up to maxBackoff: a sink that is away for a day costs some 150 attempts.
	firstBackoff = time.Second
	maxBackoff   = 10 * time.Minute
	// maxSettingsBackoff is how soon settings that a person has to correct are looked at again.
	maxSettingsBackoff = time.Minute
	// probeTime is how long others wait while one event tries a sink that failed before.
	probeTime = sendTimeout + time.Second
)

// backoff is how long to wait after so many failures, at least one.
func backoff(failures int) time.Duration {
	return min(firstBackoff<<min(failures-1, 20), maxBackoff)
}

// sinkKey tells a sink. One with another URI is another.
type sinkKey struct{ namespace, source, name, uri string }

func keyOf(source *v1alpha1.RecordingSource, to *v1alpha1.Notification) sinkKey {
	return sinkKey{source.Namespace, source.Name, to.Name, to.Sink.URI}
}

// sinks are what is known of how sinks respond. When the process starts nothing is: each sink is tried. It is safe for
// concurrent use; the zero value is ready.
type sinks struct {
	mu    sync.Mutex
	known map[sinkKey]*health
}

// health is how a sink responds.
type health struct {
	// failures without a success since, of the sink as a whole, and when the first was.
	failures int
	since    time.Time
	// next is when the next event may be sent.
	next time.Time
	// fault of the last attempt; nil: it was taken.
	fault *Fault
}

func (s *sinks) of(key sinkKey) *health {
	if s.known[key] == nil {
		if s.known == nil {
			s.known = map[sinkKey]*health{}
		}
		s.known[key] = &health{}
	}
	return s.known[key]
}

// wait is how long it is until an event may be sent; 0: now.
func (s *sinks) wait(key sinkKey, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[key]; known != nil {
		return max(0, known.next.Sub(now))
	}
	return 0
}

// begin is the same, for who will send an event now. While a sink has failed, one event at a time tries it.
func (s *sinks) begin(key sinkKey, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[key]
	if known == nil {
		return 0
	}
	if wait := known.next.Sub(now); wait > 0 {
		return wait
	}
	if known.failures > 0 {
		known.next = now.Add(probeTime)
	}
	return 0
}

// end says what came of sending an event; a nil fault is a success. It reports whether that is another outcome than before.
func (s *sinks) end(key sinkKey, fault *Fault, now time.Time) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, tried := s.known[key]
	known := s.of(key)
	was := known.fault
	known.fault = fault
	if fault == nil || fault.scope == ofEvent || fault.scope == forGood {
		known.failures, known.next = 0, time.Time{}
	} else {
		if known.failures++; known.failures == 1 {
			known.since = now
		}
		wait := max(backoff(known.failures), fault.after)
		if fault.scope == ofSettings {
			wait = min(wait, maxSettingsBackoff)
		}
		known.next = now.Add(wait)
	}
	return !tried || (was == nil) != (fault == nil) || was != nil && was.text != fault.text
}

// fault is that of the last attempt. tried says that there was one.
func (s *sinks) fault(key sinkKey) (fault *Fault, tried bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[key]
	if known == nil {
		return nil, false
	}
	return known.fault, true
}

// lost is the fault of a sink that has failed for lostAfter; nil: it has not.
func (s *sinks) lost(key sinkKey, now time.Time) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[key]; known != nil && known.failures > 0 && now.Sub(known.since) >= lostAfter {
		return known.fault
	}
	return nil
}

// healthy says that the sink took the last event, or was not tried.
func (s *sinks) healthy(key sinkKey) bool {
	fault, _ := s.fault(key)
	return fault == nil
}

// keep forgets the sinks of a source, but for those that it has.
func (s *sinks) keep(namespace, source string, kept map[sinkKey]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(key sinkKey, _ *health) bool {
		return key.namespace == namespace && key.source == source && !kept[key]
	})
}
