// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

func (h house) ingest(t *testing.T, d ingest.Delivery, want ingest.Outcome) {
	t.Helper()
	result, err := h.Ingest(t.Context(), d)
	if err != nil || result.Outcome != want {
		t.Fatalf("%s: %q, %v, want %q", d.Digest, result.Outcome, err, want)
	}
}

// While the API server is away, deliveries are safe on disk, without each of them waiting for it; when it is back they
// are written, in order, and the spool is empty.
func TestOutage(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.Clock = clk })
	h.ingest(t, deliver("a", 1), ingest.Created)
	h.api.down()
	for n := 2; n < 40; n++ {
		h.ingest(t, deliver("a", n), ingest.Spooled)
	}
	if _, calls := h.api.count(); calls != 2 {
		t.Errorf("%d calls: more than one caller waited for the API server", calls)
	}
	if stats := h.Stats(); stats.Events != 38 || !stats.BreakerOpen || stats.Bytes == 0 {
		t.Errorf("stats %+v", stats)
	}
	h.api.up()
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool {
		clk.Step(time.Second)
		stats := h.Stats()
		return stats.Bytes == 0 && !stats.BreakerOpen
	})
	for i, d := range h.api.written {
		if want := deliver("a", i+1); d.Digest != want.Digest || string(d.Body) != string(want.Body) || !reflect.DeepEqual(d.Event, want.Event) || !d.Received.Equal(want.Received) {
			t.Errorf("written %+v, want %+v", d, want)
		}
	}
	h.ingest(t, deliver("a", 40), ingest.Created)
}

// What was spooled is drained after a restart.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	h := makeHouse(t, dir, nil)
	h.api.down()
	for n := range 10 {
		h.ingest(t, deliver("a", n), ingest.Spooled)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = makeHouse(t, dir, nil)
	// What comes now goes behind them, though the API server answers.
	h.ingest(t, deliver("a", 10), ingest.Spooled)
	h.ingest(t, deliver("b", 0), ingest.Created)
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	var order []string
	for _, d := range h.api.written {
		order = append(order, d.Digest)
	}
	if want := strings.Fields("b-0 a-0 a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8 a-9 a-10"); !slices.Equal(order, want) {
		t.Errorf("written %v, want %v", order, want)
	}
}

// A caller waits for a hanging API server once.
func TestHangingAPIServer(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.Clock = clk })
	h.api.hang = true
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.ingest(t, deliver("b", 1), ingest.Spooled)
	if _, calls := h.api.count(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// Without a spool the answer comes at once, and now and then a caller tries.
func TestOff(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
	h := makeHouse(t, "", func(o *Options) { o.Clock = clk })
	h.api.down()
	for range 5 {
		if _, err := h.Ingest(t.Context(), deliver("a", 1)); err == nil || ingest.IsInvalid(err) {
			t.Fatalf("error %v", err)
		}
	}
	if _, calls := h.api.count(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	h.api.up()
	clk.Step(time.Second)
	h.ingest(t, deliver("a", 1), ingest.Created)
	h.ingest(t, deliver("a", 2), ingest.Created)
	if err := h.Bury(t.Context(), deliver("a", 3), "why"); err != nil {
		t.Error(err)
	}
	if letters, err := h.Letters(); err != nil || len(letters) != 0 {
		t.Errorf("letters %v, %v", letters, err)
	}
}

// A spool that is full refuses, and takes again when there is room. What is merely refused by the API server fills
// half of it at most.
func TestFull(t *testing.T) {
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.MaxBytes = 8 << 10 })
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	fill := func() (spooled int) {
		for {
			_, err := h.Ingest(t.Context(), deliver("a", spooled))
			if err != nil {
				if ingest.IsInvalid(err) || !strings.Contains(err.Error(), "full") {
					t.Fatal(err)
				}
				return spooled
			}
			spooled++
		}
	}
	refused := fill()
	if used := h.Stats().Bytes; used > 4<<10 || used < 3<<10 {
		t.Errorf("%d bytes of what is refused", used)
	}
	if h.Stats().BreakerOpen {
		t.Error("a refusal is no outage")
	}
	h.api.down()
	for job := 'b'; ; job++ {
		if _, err := h.Ingest(t.Context(), deliver(string(job), 0)); err != nil {
			break
		}
	}
	if used := h.Stats().Bytes; used > 8<<10 || used < 7<<10 || refused == 0 {
		t.Errorf("%d bytes", used)
	}
	h.api.up()
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	h.ingest(t, deliver("a", 1), ingest.Created)
}

// What the API server refuses for good is a dead letter, by its caller's hand or from the spool, and its source hears of
// it.
func TestInvalid(t *testing.T) {
	h := makeHouse(t, t.TempDir(), nil)
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	_, err := h.Ingest(t.Context(), deliver("a", 1))
	if !ingest.IsInvalid(err) {
		t.Fatal(err)
	}
	if err := h.Bury(t.Context(), deliver("a", 1), err.Error()); err != nil {
		t.Fatal(err)
	}
	h.api.down()
	h.ingest(t, deliver("a", 2), ingest.Spooled)
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	letters, err := h.Letters()
	if err != nil || len(letters) != 2 || letters[0].Cause != Invalid || !strings.Contains(letters[0].Reason, "spec.roomID") {
		t.Fatalf("letters %+v, %v", letters, err)
	}
	eventually(t, "an event", func() bool { return len(h.events.Events) == 1 })
	if got := <-h.events.Events; !strings.Contains(got, "CallbackDead") || !strings.Contains(got, "spec.roomID") {
		t.Errorf("event %q", got)
	}
	if stats := h.Stats(); stats.Letters != 2 || stats.Invalid != 2 || stats.BreakerOpen {
		t.Errorf("stats %+v", stats)
	}
}

// What is refused over a day for want of a right is a dead letter.
func TestExpired(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.Clock = clk })
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.ingest(t, deliver("a", 2), ingest.Spooled)
	defer h.run(t)()
	for begun := clk.Now(); clk.Since(begun) < DefaultMaxAge; clk.Step(5 * time.Minute) {
		eventually(t, "a refusal is waited for", clk.HasWaiters)
		if stats := h.Stats(); stats.Events != 2 || stats.Letters != 0 {
			t.Fatalf("after %s: stats %+v", clk.Since(begun), stats)
		}
	}
	eventually(t, "the letters", func() bool { clk.Step(time.Minute); return h.Stats().Events == 0 })
	if stats := h.Stats(); stats.Expired != 2 || stats.Letters != 2 {
		t.Errorf("stats %+v", stats)
	}
}

// An outage makes no dead letter, however long, also when the API server refuses at first what it is asked after it.
func TestOutageMakesNoLetters(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.Clock = clk })
	for _, err := range []error{errForbidden, errDown} {
		h.api.set(func(ingest.Delivery) error { return err })
		h.ingest(t, deliver("a", 1), ingest.Spooled)
	}
	h.ingest(t, deliver("b", 1), ingest.Spooled)
	defer h.run(t)()
	eventually(t, "the API server is away", func() bool { clk.Step(time.Second); return h.Stats().BreakerOpen })
	clk.Step(3 * DefaultMaxAge)
	refusals := 0
	h.api.set(func(ingest.Delivery) error {
		if refusals++; refusals < 10 {
			return errForbidden
		}
		return nil
	})
	eventually(t, "the spool is empty", func() bool { clk.Step(time.Second); return h.Stats().Bytes == 0 })
	if stats := h.Stats(); stats.Drained != 3 || stats.Letters != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// A namespace that is refused delays no other, be it for want of a right or by a webhook that is broken.
func TestRefusalsAreTheirOwn(t *testing.T) {
	for name, refusal := range map[string]error{"forbidden": errForbidden, "webhook": errWebhook} {
		t.Run(name, func(t *testing.T) {
			h := makeHouse(t, t.TempDir(), func(o *Options) { o.Workers = 1 })
			h.api.down()
			for job := range strings.SplitSeq("abcdefgh", "") {
				h.ingest(t, deliver(job, 1), ingest.Spooled)
			}
			h.api.set(func(d ingest.Delivery) error {
				if d.Event.TaskID != "h" {
					return refusal
				}
				return nil
			})
			defer h.run(t)()
			eventually(t, "h is written", func() bool { written, _ := h.api.count(); return written == 1 })
			if h.Stats().BreakerOpen {
				t.Error("the breaker is open though the API server answers")
			}
			if _, calls := h.api.count(); calls > 20 {
				t.Errorf("%d calls", calls)
			}
			h.ingest(t, deliver("i", 1), ingest.Spooled)
			if h.Stats().BreakerOpen {
				t.Error("a caller's refusal is no outage")
			}
		})
	}
}

// Flush waits for what can be written, and not for an API server that is away.
func TestFlush(t *testing.T) {
	h := makeHouse(t, t.TempDir(), nil)
	h.api.down()
	for n := range 100 {
		h.ingest(t, deliver("a", n), ingest.Spooled)
	}
	h.Flush(t.Context())
	stop := h.run(t)
	h.Flush(t.Context())
	h.api.up()
	eventually(t, "the API server is found", func() bool { return !h.Stats().BreakerOpen })
	h.Flush(t.Context())
	if stats := h.Stats(); stats.Events != 0 || stats.Bytes != 0 {
		t.Errorf("left: %+v", stats)
	}
	stop()
}

// A dead letter that a slow disk makes after all, when nobody waits for it any more, is one letter, and nothing is lost.
func TestLetterOfASlowDisk(t *testing.T) {
	for name, tries := range map[string]int{"before it is tried again": 1, "when it was tried again": 2} {
		t.Run(name, func(t *testing.T) {
			h := makeHouse(t, t.TempDir(), nil)
			h.api.down()
			h.ingest(t, deliver("a", 1), ingest.Spooled)
			h.ingest(t, deliver("a", 2), ingest.Spooled)
			h.diskTimeout = 20 * time.Millisecond
			refused := 0
			h.api.set(func(d ingest.Delivery) error {
				if d.Digest == "a-1" {
					refused++
					return errInvalid
				}
				return nil
			})
			h.store.writing.Lock()
			defer h.run(t)()
			eventually(t, "the letter is given up", func() bool {
				h.api.mu.Lock()
				defer h.api.mu.Unlock()
				_, givenUp := h.queue.state(laneOf("media", "classroom", "a"))
				return givenUp && refused == tries
			})
			h.store.writing.Unlock()
			eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 && h.Stats().Events == 0 })
			if stats := h.Stats(); stats.Letters != 1 || stats.Invalid != 1 || stats.Drained != 1 || stats.Corrupt != 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// The oldest letters make room, and are counted.
func TestLettersAreBounded(t *testing.T) {
	h := makeHouse(t, t.TempDir(), func(o *Options) { o.MaxLetterBytes = 4 << 10 })
	for n := range 100 {
		d := deliver("a", n)
		if n%4 == 0 {
			d.Event = sparkrtc.Event{}
		}
		if err := h.Bury(t.Context(), d, strings.Repeat("é", 300)+"\xff"); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := h.Letters()
	if err != nil || len(letters) == 0 || letters[len(letters)-1].ID != 100 {
		t.Fatalf("%v, %v", letters, err)
	}
	if stats := h.Stats(); stats.Dropped+stats.Letters != 100 || stats.Undecodable != 25 || stats.Invalid != 75 || int(stats.Letters) != len(letters) {
		t.Errorf("stats %+v", stats)
	}
	letter, err := h.Letter(100)
	if err != nil || string(letter.Body) != string(deliver("a", 99).Body) || letter.EventType != "RECORD_NEW_FILE_START" {
		t.Errorf("%+v, %v", letter, err)
	}
	if _, err := h.Letter(1); !errors.Is(err, ErrNoLetter) {
		t.Errorf("the oldest: %v", err)
	}
}

func TestReplay(t *testing.T) {
	h := makeHouse(t, t.TempDir(), nil)
	broken := deliver("a", 1)
	broken.Body = []byte("{")
	for _, d := range []ingest.Delivery{broken, deliver("a", 2)} {
		if err := h.Bury(t.Context(), d, "why"); err != nil {
			t.Fatal(err)
		}
	}
	replay := func(id uint64) error { _, err := h.Replay(context.Background(), id); return err }
	if err := replay(1); err == nil || !strings.Contains(err.Error(), ErrRefused.Error()) {
		t.Errorf("undecodable: %v", err)
	}
	h.api.down()
	if err := replay(2); err == nil || strings.Contains(err.Error(), ErrRefused.Error()) {
		t.Errorf("away: %v", err)
	}
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	if err := replay(2); err == nil || !strings.Contains(err.Error(), ErrRefused.Error()) {
		t.Errorf("invalid: %v", err)
	}
	h.api.up()
	if err := replay(2); err != nil {
		t.Error(err)
	}
	if err := replay(2); !errors.Is(err, ErrNoLetter) {
		t.Errorf("again: %v", err)
	}
	if err := h.Bury(t.Context(), deliver("a", 3), "why"); err != nil {
		t.Fatal(err)
	}
	h.api.set(func(ingest.Delivery) error { return h.DeleteLetter(t.Context(), 3) })
	if err := replay(3); err != nil {
		t.Errorf("one that another replay finished first: %v", err)
	}
	if err := h.DeleteLetter(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if letters, err := h.Letters(); err != nil || len(letters) != 0 {
		t.Errorf("left: %v, %v", letters, err)
	}
}
