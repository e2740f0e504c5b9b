// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/spool/segment"
)

func (h harness) ingest(t *testing.T, d ingest.Delivery, want ingest.Outcome) {
	t.Helper()
	result, err := h.Ingest(t.Context(), d)
	if err != nil || result.Outcome != want {
		t.Fatalf("%s: %q, %v, want %q", d.Digest, result.Outcome, err, want)
	}
}

func fakeClock() *clocktesting.FakeClock { return clocktesting.NewFakeClock(time.Unix(1619600282, 0)) }

// writtenDigests is what the API server holds, each with how often it was written.
func (h harness) writtenDigests() map[string]int {
	h.api.mu.Lock()
	defer h.api.mu.Unlock()
	found := map[string]int{}
	for _, d := range h.api.written {
		found[d.Digest]++
	}
	return found
}

// While the API server is away, deliveries are durable on disk, without each of them waiting for it. When it is back they
// are written as they came, and the spool is empty.
func TestSpool_OutageLosesNothing(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.ingest(t, deliver("a", 1), ingest.Created)
	h.api.down()
	want := map[string]ingest.Delivery{"a-1": deliver("a", 1)}
	for n := 2; n < 40; n++ {
		d := deliver("a", n)
		want[d.Digest] = d
		h.ingest(t, d, ingest.Spooled)
	}
	if _, calls := h.api.count(); calls != 2 {
		t.Errorf("%d calls: more than one caller waited for the API server", calls)
	}
	if stats := h.Stats(); stats.Events != 38 || !stats.BreakerOpen || stats.Bytes == 0 || stats.Segments != 1 {
		t.Errorf("stats %+v", stats)
	}
	h.api.up()
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool {
		clk.Step(time.Second)
		stats := h.Stats()
		return stats.Bytes == 0 && !stats.BreakerOpen
	})
	if len(h.api.written) != len(want) {
		t.Errorf("%d deliveries are written, of %d", len(h.api.written), len(want))
	}
	for _, d := range h.api.written {
		w := want[d.Digest]
		if !reflect.DeepEqual(d.Event, w.Event) || !d.Received.Equal(w.Received) || d.Namespace != w.Namespace || d.Source != w.Source {
			t.Errorf("written %+v, want %+v", d, w)
		}
	}
	h.ingest(t, deliver("a", 40), ingest.Created)
}

// What was spooled is drained after a restart, and holds nothing up: deliveries have no order.
func TestSpool_RestartDrains(t *testing.T) {
	dir := t.TempDir()
	h := makeHarness(t, dir, nil)
	h.api.down()
	for n := range 10 {
		h.ingest(t, deliver("a", n), ingest.Spooled)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = makeHarness(t, dir, nil)
	if stats := h.Stats(); stats.Events != 10 {
		t.Errorf("stats %+v", stats)
	}
	h.ingest(t, deliver("a", 10), ingest.Created)
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	if written := h.writtenDigests(); len(written) != 11 {
		t.Errorf("written %v", written)
	}
}

// A caller waits for a hanging API server once.
func TestSpool_HangingAPIServerIsAnOutage(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.hang, h.api.notReady = true, errDown
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.ingest(t, deliver("b", 1), ingest.Spooled)
	if _, calls := h.api.count(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// Without a spool the answer comes at once, and now and then a caller tries.
func TestSpool_OffRefuses(t *testing.T) {
	clk := fakeClock()
	h := makeHarness(t, "", func(o *Options) { o.Clock = clk })
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
	h.Run(t.Context())
	h.Flush(t.Context())
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// One namespace takes at most half of what is free, so a tenant that the API server refuses, or that sends garbage, does
// not fill the spool of the others (security: M3).
func TestSpool_NamespaceTakesHalfOfWhatIsFree(t *testing.T) {
	h := makeHarness(t, t.TempDir(), func(o *Options) { o.MaxBytes = MinBytes })
	fill := func(namespace string) (spooled int) {
		for {
			d := in(namespace, spooled)
			d.Event.RoomID = strings.Repeat("x", 30_000)
			_, err := h.Ingest(t.Context(), d)
			if err != nil {
				if ingest.IsInvalid(err) || !strings.Contains(err.Error(), "full") {
					t.Fatal(err)
				}
				return spooled
			}
			spooled++
		}
	}
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	greedy := fill("greedy")
	if used := h.Stats().Bytes; used > MinBytes/2 || used < MinBytes*4/10 {
		t.Errorf("one namespace has %d bytes of %d", used, MinBytes)
	}
	if h.Stats().BreakerOpen {
		t.Error("a refusal is no outage")
	}
	h.api.down()
	if second := fill("second"); second < greedy*4/10 {
		t.Errorf("the second namespace has %d, the first %d", second, greedy)
	}
	h.ingest(t, in("third", 0), ingest.Spooled)
	if used := h.Stats().Bytes; used > MinBytes {
		t.Errorf("%d bytes", used)
	}
	h.api.up()
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	h.ingest(t, in("greedy", 1), ingest.Created)
}

// The largest body takes no more of the spool than the event that is in it (security: M3).
func TestRecord_IsBoundedWhateverTheBody(t *testing.T) {
	d := deliver("a", 1)
	d.Body = []byte(strings.Repeat(" ", 64<<10))
	small, err := record{Delivery: d}.encode()
	if err != nil || len(small) > 1<<10 {
		t.Errorf("%d bytes, %v", len(small), err)
	}
	// JSON escapes the line separator as six bytes.
	for character, most := range map[string]int{"x": 36 << 10, "\U0001f3ac": 36 << 10, "<": 36 << 10, `"`: 36 << 10, `\`: 36 << 10, "\u2028": 50 << 10} {
		wide := func(n int) string { return strings.Repeat(character, n) }
		d.Event = sparkrtc.Event{
			Type: sparkrtc.Complete, AppID: wide(128), TaskID: wide(128), RoomID: wide(256), StreamName: wide(256), Format: wide(32), Detail: wide(1024),
			File: sparkrtc.File{DownloadURL: wide(4096), Location: wide(1024), Bucket: wide(255), Object: wide(1024)},
		}
		large, err := record{Delivery: d}.encode()
		if err != nil || len(large) > most || len(large) > segment.MaxPayload {
			t.Errorf("of %q %d bytes, %v", character, len(large), err)
		}
	}
}

// The format of records is for all spools that are on disk: change it and recordVersion together.
func TestRecord_FormatHasAVersion(t *testing.T) {
	d := deliver("a", 1)
	d.Event.File = sparkrtc.File{Bucket: "b", Object: "o", EndTime: time.Unix(1619600282, 0).UTC()}
	r := record{Delivery: d, Refusals: 2, Refused: time.Minute, NotBefore: d.Received}
	content, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	const golden = `{"version":1,"delivery":{"Namespace":"media","Source":"classroom","Digest":"a-1","Timestamp":"","Event":{"Type":1,"Name":"RECORD_NEW_FILE_START",` +
		`"AppID":"app","TaskID":"a","RoomID":"","StreamName":"","Format":"","Detail":"1","File":{"DownloadURL":"","SizeBytes":0,"DurationSeconds":0,` +
		`"StartTime":"0001-01-01T00:00:00Z","EndTime":"2021-04-28T08:58:02Z","Width":0,"Height":0,"Location":"","Bucket":"b","Object":"o"},"IgnoredFields":null,"NamesFile":false},` +
		`"Body":null,"Received":"2021-04-28T08:58:02Z"},"refusals":2,"refused":60000000000,"notBefore":"2021-04-28T08:58:02Z"}`
	if got := strings.TrimSpace(string(content)); got != golden {
		t.Errorf("got  %s\nwant %s", got, golden)
	}
	again, err := decodeRecord(content)
	if r.Version, r.Delivery.Body = recordVersion, nil; err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", r) {
		t.Errorf("got  %+v, %v\nwant %+v", again, err, r)
	}
	for _, other := range []string{`{"version":2}`, `{"version":2,"delivery":[],"refusals":"none"}`, `{}`} {
		if _, err := decodeRecord([]byte(other)); !errors.Is(err, errRecordVersion) {
			t.Errorf("%s: %v", other, err)
		}
	}
	for _, damaged := range []string{"", "{", `{"version":2,`, `{"version":1,"delivery":[]}`} {
		if _, err := decodeRecord([]byte(damaged)); err == nil || errors.Is(err, errRecordVersion) {
			t.Errorf("%s: %v", damaged, err)
		}
	}
}

// A receiver that is taken back to the version before finds what the later one has left. It is that one's to write.
func TestSpool_RecordsOfAnotherVersionStay(t *testing.T) {
	dir, remove := fastDir(t)
	defer remove()
	later, _, err := segment.Open(segment.Options{Dir: dir, MaxSegments: 4})
	if err != nil {
		t.Fatal(err)
	}
	const record = `{"version":2,"delivery":["in a way that nobody knows yet"]}`
	for range 3 {
		if err := later.Append(t.Context(), "media", []byte(record), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := later.Close(); err != nil {
		t.Fatal(err)
	}

	h := makeHarness(t, dir, nil)
	h.api.down()
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.api.up()
	stop := h.run(t)
	eventually(t, "the callback of this version is written", func() bool { return len(h.writtenDigests()) == 1 })
	eventually(t, "the others wait", func() bool { return h.Stats().Events == 3 && !h.busy() })
	stop()
	if lost := h.Stats().Corrupt; lost != 0 {
		t.Errorf("%d are lost", lost)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	later, lost, err := segment.Open(segment.Options{Dir: dir, MaxSegments: 4})
	if err != nil || lost != 0 {
		t.Fatal(lost, err)
	}
	defer func() { _ = later.Close() }()
	var found []string
	for s, _ := later.Next(time.Now()); s != nil; s, _ = later.Next(time.Now()) {
		records, _, err := later.Read(s, later.Buffer())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			found = append(found, r.Key+" "+string(r.Payload))
		}
		if err := later.Remove(s); err != nil {
			t.Fatal(err)
		}
	}
	if want := slices.Repeat([]string{"media " + record}, 3); !slices.Equal(found, want) {
		t.Errorf("%q", found)
	}
}

// What the API server refuses for good is rejected: by the caller, or from the spool with a body that says the same.
func TestSpool_InvalidIsRejected(t *testing.T) {
	h := makeHarness(t, t.TempDir(), nil)
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	if _, err := h.Ingest(t.Context(), deliver("a", 1)); !ingest.IsInvalid(err) {
		t.Fatal(err)
	}
	h.api.down()
	h.ingest(t, deliver("a", 2), ingest.Spooled)
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	rejected := h.rejecter.all()
	if len(rejected) != 1 || rejected[0].reason != v1alpha1.RejectionInvalid || !strings.Contains(rejected[0].message, "spec.roomID") {
		t.Fatalf("rejected %+v", rejected)
	}
	if event, err := sparkrtc.Decode(rejected[0].Body); err != nil || !reflect.DeepEqual(event, deliver("a", 2).Event) {
		t.Errorf("%s: %+v, %v", rejected[0].Body, event, err)
	}
	if stats := h.Stats(); stats.Rejected != 1 || stats.BreakerOpen {
		t.Errorf("stats %+v", stats)
	}
}

// A name that is taken is found by the drainer too: a callback that was answered with 200 is not lost for it.
func TestSpool_TakenNameIsRejected(t *testing.T) {
	h := makeHarness(t, t.TempDir(), nil)
	h.api.down()
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.ingest(t, deliver("b", 1), ingest.Spooled)
	taken := &ingest.Error{Kind: ingest.Invalid, Err: fmt.Errorf("RecordingTask x: %w", ingest.ErrNameTaken)}
	h.api.set(func(d ingest.Delivery) error {
		if d.Event.TaskID == deliver("a", 1).Event.TaskID {
			return taken
		}
		return nil
	})
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	rejected := h.rejecter.all()
	if len(rejected) != 1 || rejected[0].reason != v1alpha1.RejectionNameTaken || rejected[0].message != taken.Error() {
		t.Fatalf("rejected %+v", rejected)
	}
	if event, err := sparkrtc.Decode(rejected[0].Body); err != nil || !reflect.DeepEqual(event, deliver("a", 1).Event) {
		t.Errorf("%s: %+v, %v", rejected[0].Body, event, err)
	}
	if stats := h.Stats(); stats.Rejected != 1 || stats.Drained != 1 || stats.BreakerOpen {
		t.Errorf("stats %+v", stats)
	}
}

// What cannot be rejected now is not lost.
func TestSpool_RejectionIsTriedAgain(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.down()
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.api.set(func(ingest.Delivery) error { return errInvalid })
	h.rejecter.err = errDown
	defer h.run(t)()
	eventually(t, "it was tried", func() bool { clk.Step(time.Second); _, calls := h.api.count(); return calls > 3 })
	if stats := h.Stats(); stats.Rejected != 0 || stats.Segments == 0 {
		t.Errorf("stats %+v", stats)
	}
	h.rejecter.mu.Lock()
	h.rejecter.err = nil
	h.rejecter.mu.Unlock()
	eventually(t, "the spool is empty", func() bool { clk.Step(time.Minute); return h.Stats().Bytes == 0 })
	if rejected := h.rejecter.all(); len(rejected) != 1 {
		t.Errorf("rejected %+v", rejected)
	}
}

// What is refused over a day is rejected, and not before.
func TestSpool_ExpiredIsRejected(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.ingest(t, deliver("a", 2), ingest.Spooled)
	defer h.run(t)()
	for begun := clk.Now(); clk.Since(begun) < DefaultMaxAge; clk.Step(5 * time.Minute) {
		eventually(t, "a refusal is waited for", clk.HasWaiters)
		if stats := h.Stats(); stats.Rejected != 0 || stats.Events == 0 {
			t.Fatalf("after %s: stats %+v", clk.Since(begun), stats)
		}
	}
	eventually(t, "they are rejected", func() bool { clk.Step(time.Minute); return h.Stats().Events == 0 })
	for _, r := range h.rejecter.all() {
		if r.reason != v1alpha1.RejectionExpired {
			t.Errorf("rejected %+v", r)
		}
	}
	if stats := h.Stats(); stats.Rejected != 2 {
		t.Errorf("stats %+v", stats)
	}
}

// What is refused moves to the end of the log again and again, and is counted all the while.
func TestSpool_StatsMissNothingThatMoves(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	defer h.run(t)()
	for begun := clk.Now(); clk.Since(begun) < DefaultMaxAge; clk.Step(2 * time.Minute) {
		for range 5000 {
			if stats := h.Stats(); stats.Events == 0 {
				t.Fatalf("after %s: stats %+v", clk.Since(begun), stats)
			}
		}
	}
}

// An outage makes nothing expire, however long, also when the API server refuses at first what it is asked after it.
func TestSpool_OutageExpiresNothing(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	h.ingest(t, deliver("a", 1), ingest.Spooled)
	h.api.down()
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
	if stats := h.Stats(); stats.Drained != 2 || stats.Rejected != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// Flush waits for what can be written, and not for an API server that is away.
func TestSpool_FlushWaitsForWhatCanBeWritten(t *testing.T) {
	h := makeHarness(t, t.TempDir(), nil)
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
