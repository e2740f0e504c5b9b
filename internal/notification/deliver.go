// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"errors"
	"slices"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// keepTrying is how long an event is sent again after it became true. It is given up by a failure after that time, so
	// that a manager which was away for longer still sends it once; or untried, when its sink has failed for lostAfter.
	keepTrying = 24 * time.Hour
	lostAfter  = time.Hour
	// lookTime is how long one look at an object goes on to send events; then others have their turn.
	lookTime = 20 * time.Second
)

// Outcome is what became of an event for one notification.
type Outcome string

// The outcomes of events.
const (
	// Delivered: the sink took the event.
	Delivered Outcome = "delivered"
	// GivenUp: it was not taken for 24 hours, or the sink said that it is gone.
	GivenUp Outcome = "given_up"
	// Canceled: the source or the notification is gone.
	Canceled Outcome = "canceled"
	// Dropped: too many events of the object waited.
	Dropped Outcome = "dropped"
	// Failed: it was not taken, and is sent again.
	Failed Outcome = "failed"
)

// settlement is an event that is done with for one notification.
type settlement struct {
	event Waiting
	to    string
}

// delivery is one look at an object: it sends what waits, in the order in which it became true, to each sink by itself.
type delivery struct {
	// source of the object; nil: it is gone.
	source *v1alpha1.RecordingSource
	// waiting are the object's events.
	waiting []Waiting
	subject *subject
	sinks   *sinks
	now     func() time.Time
	// send sends an event once.
	send func(ctx context.Context, to *v1alpha1.Notification, event *Waiting) error
	// report hears of every attempt and every event that is done with.
	report func(event *Waiting, to string, outcome Outcome, fault *Fault, took time.Duration)
	// changed hears that a sink responds in another way than before.
	changed func()

	// again is how long it is until something may be sent that waits; nothing waits when left is empty.
	again time.Duration
	left  []string
}

// run sends what can be sent now. It ends early when the context does, or when an event cannot be made.
func (d *delivery) run(ctx context.Context) error {
	began := d.now()
	for _, name := range d.names() {
		if err := d.sendAll(ctx, name, began); err != nil {
			return err
		}
	}
	return nil
}

// names are the notifications that events wait for. Those whose sinks failed come last: the others need not wait until they
// have failed again.
func (d *delivery) names() []string {
	var good, bad []string
	for i := range d.waiting {
		for _, name := range d.waiting[i].To {
			if slices.Contains(good, name) || slices.Contains(bad, name) {
				continue
			}
			if to := d.find(name); to == nil || d.sinks.healthy(keyOf(d.source, to)) {
				good = append(good, name)
			} else {
				bad = append(bad, name)
			}
		}
	}
	return append(good, bad...)
}

func (d *delivery) find(name string) *v1alpha1.Notification {
	if d.source == nil {
		return nil
	}
	for i := range d.source.Spec.Notifications {
		if to := &d.source.Spec.Notifications[i]; to.Name == name {
			return to
		}
	}
	return nil
}

// sendAll sends the events of a notification, one after another, until one has to wait.
func (d *delivery) sendAll(ctx context.Context, name string, began time.Time) error {
	to := d.find(name)
	for i := range d.waiting {
		event := &d.waiting[i]
		if !slices.Contains(event.To, name) || d.isSettled(event, name) {
			continue
		}
		if to == nil {
			d.report(event, name, Canceled, nil, 0)
			d.settle(event, name)
			continue
		}
		if d.now().Sub(began) >= lookTime {
			d.waits(name, time.Millisecond)
			return nil
		}
		goOn, err := d.sendOne(ctx, to, event)
		if !goOn {
			return err
		}
	}
	return nil
}

// sendOne sends an event, unless it has to wait. It reports whether the next one may follow.
func (d *delivery) sendOne(ctx context.Context, to *v1alpha1.Notification, event *Waiting) (goOn bool, err error) {
	key, now := keyOf(d.source, to), d.now()
	wait := d.subject.retries[key].next.Sub(now)
	if wait <= 0 {
		wait = d.sinks.begin(key, now)
	}
	if wait <= 0 {
		return d.attempt(ctx, to, event)
	}
	if fault := d.sinks.lost(key, now); fault != nil && isOld(event, now) {
		d.giveUp(event, key, fault)
		return true, nil
	}
	d.waits(to.Name, wait)
	return false, nil
}

// attempt sends an event.
func (d *delivery) attempt(ctx context.Context, to *v1alpha1.Notification, event *Waiting) (goOn bool, err error) {
	key, began := keyOf(d.source, to), d.now()
	err = d.send(ctx, to, event)
	fault, isFault := errors.AsType[*Fault](err)
	if err != nil && !isFault {
		return false, err
	}
	if err := ctx.Err(); err != nil && isFault {
		return false, err // the sink is not to blame
	}
	now := d.now()
	if d.sinks.end(key, fault, now) {
		d.changed()
	}
	if fault == nil {
		delete(d.subject.retries, key)
		d.report(event, to.Name, Delivered, nil, now.Sub(began))
		d.settle(event, to.Name)
		return true, nil
	}
	d.report(event, to.Name, Failed, fault, now.Sub(began))
	if fault.scope == forGood || isOld(event, now) {
		d.giveUp(event, key, fault)
		return true, nil
	}
	d.waits(to.Name, d.retry(key, fault, now))
	return false, nil
}

// isOld says that an event is given up when it cannot be sent.
func isOld(event *Waiting, now time.Time) bool { return now.Sub(event.Time.Time) > keepTrying }

func (d *delivery) giveUp(event *Waiting, key sinkKey, fault *Fault) {
	delete(d.subject.retries, key)
	d.report(event, key.name, GivenUp, fault, 0)
	d.settle(event, key.name)
}

// retry says when the object's events are sent again: later than those of others that wait for the sink, so that an event
// which makes a sink fail holds up its own object alone.
func (d *delivery) retry(key sinkKey, fault *Fault, now time.Time) time.Duration {
	failed := d.subject.retries[key]
	failed.failures++
	wait := backoff(failed.failures)
	if fault.scope == ofSettings {
		wait = min(wait, maxSettingsBackoff)
	}
	wait = max(wait, d.sinks.wait(key, now)) + firstBackoff
	failed.next = now.Add(wait)
	if d.subject.retries == nil {
		d.subject.retries = map[sinkKey]retry{}
	}
	d.subject.retries[key] = failed
	return wait
}

func (d *delivery) waits(name string, wait time.Duration) {
	if len(d.left) == 0 || wait < d.again {
		d.again = wait
	}
	d.left = append(d.left, name)
}

func (d *delivery) settle(event *Waiting, name string) {
	d.subject.settled = append(d.subject.settled, settlement{event: *event, to: name})
}

func (d *delivery) isSettled(event *Waiting, name string) bool {
	return slices.ContainsFunc(d.subject.settled, func(done settlement) bool { return done.to == name && same(&done.event, event) })
}

// without is what waits when some of it is done with.
func without(waiting []Waiting, settled []settlement) []Waiting {
	var left []Waiting
	for _, event := range waiting {
		event.To = slices.DeleteFunc(slices.Clone(event.To), func(name string) bool {
			return slices.ContainsFunc(settled, func(done settlement) bool { return done.to == name && same(&done.event, &event) })
		})
		if len(event.To) > 0 {
			left = append(left, event)
		}
	}
	return left
}
