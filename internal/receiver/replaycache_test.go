// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// newReplayFixture has two sources with the same key, and a clock.
func newReplayFixture(t *testing.T, change func(*Config)) (testServer, *clocktesting.FakeClock, *v1alpha1.RecordingSource) {
	t.Helper()
	clk := clocktesting.NewFakeClock(testNow)
	first, second := builders.MakeRecordingSource("classroom").Key("callback", "key").Obj(), builders.MakeRecordingSource("other").Key("callback", "key").Obj()
	first.UID, second.UID = "1", "2"
	return newFixture(t, func(c *Config) {
		c.Clock, c.Sources = clk, sources{"media/classroom": first, "media/other": second}
		if change != nil {
			change(c)
		}
	}), clk, first
}

// A delivery that was stored is answered with 200 when it is sent again, and does nothing; for some time.
func TestReplayCache_AnswersReplays(t *testing.T) {
	h, clk, source := newReplayFixture(t, nil)
	content := fixture(t, "complete-hls.json")
	send := func(what, outcome string, r *http.Request, deliveries int) {
		t.Helper()
		checkResponse(t, h.post(r), http.StatusOK, "success")
		if got := h.observed.seen[len(h.observed.seen)-1]; got != "media/"+outcome {
			t.Errorf("%s: observed %q", what, got)
		}
		if got := len(h.sink.deliveries); got != deliveries {
			t.Errorf("%s: %d deliveries, want %d", what, got, deliveries)
		}
	}
	send("the first", "classroom created", signed(t, path, content), 1)
	send("a replay", "classroom replayed", signed(t, path, content), 1)
	upper := signed(t, path, content)
	upper.Header.Set(sparkrtc.HeaderSignature, strings.ToUpper(upper.Header.Get(sparkrtc.HeaderSignature)))
	send("a replay in upper case", "classroom replayed", upper, 1)
	moved := signed(t, path, content)
	moved.Header.Set(sparkrtc.HeaderRand, "55770067919477794101619")
	moved.Header.Set(sparkrtc.HeaderTimestamp, "600282")
	send("a replay with digits moved from one header to the other", "classroom replayed", moved, 1)
	send("another signature", "classroom created", signedAt(t, path, content, "2", "1619600282"), 2)
	send("another source", "other created", signed(t, "/callbacks/media/other", content), 3)
	clk.Step(replayWindow - 1)
	send("within the window", "classroom replayed", signed(t, path, content), 3)
	clk.Step(1)
	send("after the window", "classroom created", signed(t, path, content), 4)
	source.UID = "3"
	send("a source of the same name", "classroom created", signed(t, path, content), 5)
	// What was observed of the service's clock is not what a replay says.
	if got := len(h.observed.timestamps); got != 5 {
		t.Errorf("%d timestamps were observed, want those of the 5 deliveries", got)
	}
}

// A callback that was not stored is never taken for a replay.
func TestReplayCache_ARetryIsNoReplay(t *testing.T) {
	h, _, source := newReplayFixture(t, nil)
	content := fixture(t, "complete-hls.json")
	h.sink.err = &ingest.Error{Err: errors.New("the API server is away")}
	for range 3 {
		checkResponse(t, h.post(signed(t, path, content)), http.StatusServiceUnavailable, "cannot be stored now")
	}
	h.sink.err = nil
	source.Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1, Burst: 1}
	checkResponse(t, h.post(signedAt(t, path, content, "1", "1")), http.StatusOK, "")
	checkResponse(t, h.post(signed(t, path, content)), http.StatusTooManyRequests, "")
	source.Spec.Callback.RateLimit = nil
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	if got := len(h.sink.deliveries); got != 2 {
		t.Errorf("%d deliveries, want 2", got)
	}
}

// Two at one time both go to ingest, which finds one of them to be a duplicate.
func TestReplayCache_CopiesAtTheSameTimeAreStored(t *testing.T) {
	h, _, _ := newReplayFixture(t, nil)
	h.sink.entered, h.sink.hold = make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		r := signed(t, path, fixture(t, "complete-hls.json"))
		all.Go(func() {
			if w := h.post(r); w.Code != http.StatusOK {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
	<-h.sink.entered
	<-h.sink.entered
	close(h.sink.hold)
	all.Wait()
}

// Where the timestamp is enforced, a replay that is older than the tolerance is refused, remembered or not.
func TestReplayCache_EnforceComesFirst(t *testing.T) {
	h, clk, source := newReplayFixture(t, nil)
	source.Spec.Callback.Timestamp = &v1alpha1.CallbackTimestamp{Policy: v1alpha1.TimestampEnforce, Tolerance: &metav1.Duration{Duration: time.Minute}}
	content := fixture(t, "complete-hls.json")
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	clk.Step(time.Minute)
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	clk.Step(time.Second)
	checkResponse(t, h.post(signed(t, path, content)), http.StatusUnauthorized, "timestamp")
}

// Nobody signed what a source without authentication takes, so nothing of it is remembered.
func TestReplayCache_IgnoresUnsignedCallbacks(t *testing.T) {
	h, _, source := newReplayFixture(t, nil)
	source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
	for range 3 {
		checkResponse(t, h.post(signed(t, path, fixture(t, "complete-hls.json"))), http.StatusOK, "")
	}
	if got := len(h.sink.deliveries); got != 3 {
		t.Errorf("%d deliveries, want 3", got)
	}
	if got := len(h.replays.recent); got != 0 {
		t.Errorf("%d deliveries are remembered", got)
	}
}

func TestReplayCache_IsBounded(t *testing.T) {
	d := newReplayCache(clocktesting.NewFakeClock(testNow))
	key := func(i int) deliveryKey {
		var key deliveryKey
		copy(key[:], strconv.Itoa(i))
		return key
	}
	const last = 3 * maxDeliveries
	for i := range last + 1 {
		d.Put(key(i), accepted)
		if got := len(d.recent) + len(d.older); got > maxDeliveries {
			t.Fatalf("%d deliveries are remembered", got)
		}
	}
	for i := last; i > last-maxDeliveries/2; i-- {
		if d.Get(key(i)) != accepted {
			t.Fatalf("delivery %d is forgotten, the last one is %d", i, last)
		}
	}
}

// rejecter keeps what is rejected.
type rejecter struct {
	rejected []ingest.Delivery
	reasons  []string
	err      error
}

func (r *rejecter) Reject(_ context.Context, d ingest.Delivery, reason v1alpha1.RejectionReason, message string) error {
	if r.err != nil {
		return r.err
	}
	d.Body = append([]byte(nil), d.Body...)
	r.rejected, r.reasons = append(r.rejected, d), append(r.reasons, string(reason)+": "+message)
	return nil
}

// A verified callback that cannot be decoded is rejected once; unless it could not be kept.
func TestServer_UndecodableIsRejectedOnce(t *testing.T) {
	kept := &rejecter{err: errors.New("no API server")}
	h, clk, source := newReplayFixture(t, func(c *Config) { c.Rejecter = kept })
	content := []byte(`{"event_type":"RECORD_FILE_COMPLETE","obs_object":7}`)
	a := h.serveCallback(nil, signed(t, path, content), clientKeysOf(parsePeer("192.0.2.1:1")))
	if a.code != http.StatusBadRequest || a.err == nil || !strings.Contains(a.err.Error(), "no API server") {
		t.Errorf("answered %+v", a)
	}
	kept.err = nil
	for range 3 {
		checkResponse(t, h.post(signed(t, path, content)), http.StatusBadRequest, "obs_object")
	}
	checkEvent(t, h.events, "") // the Rejecter reports it on the source
	if len(kept.rejected) != 1 || string(kept.rejected[0].Body) != string(content) || kept.rejected[0].Source != "classroom" ||
		kept.rejected[0].Namespace != "media" || kept.rejected[0].Digest == sparkrtc.Unsigned || !strings.HasPrefix(kept.reasons[0], "Undecodable: obs_object") {
		t.Errorf("rejected %+v, %q", kept.rejected, kept.reasons)
	}
	clk.Step(replayWindow)
	checkResponse(t, h.post(signed(t, path, content)), http.StatusBadRequest, "obs_object")
	if len(kept.rejected) != 2 {
		t.Errorf("%d rejected", len(kept.rejected))
	}
	// What nobody signed pushes nothing out.
	source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
	checkResponse(t, h.post(signedAt(t, path, content, "2", "2")), http.StatusBadRequest, "obs_object")
	checkEvent(t, h.events, "CallbackInvalid")
	if len(kept.rejected) != 2 {
		t.Errorf("%d rejected, one of them without a signature", len(kept.rejected))
	}
}

// So is what the API server refuses for good.
func TestServer_InvalidIsRejectedOnce(t *testing.T) {
	kept := &rejecter{err: errors.New("no API server")}
	h, _, source := newReplayFixture(t, func(c *Config) { c.Rejecter = kept })
	h.sink.err = &ingest.Error{Kind: ingest.Invalid, Err: errors.New("spec.roomID is wrong")}
	content := fixture(t, "complete-hls.json")
	a := h.serveCallback(nil, signed(t, path, content), clientKeysOf(parsePeer("192.0.2.1:1")))
	if a.code != http.StatusBadRequest || a.err == nil || !strings.Contains(a.err.Error(), "no API server") {
		t.Errorf("answered %+v", a)
	}
	kept.err = nil
	for range 3 {
		checkResponse(t, h.post(signed(t, path, content)), http.StatusBadRequest, "cannot be stored")
	}
	if len(kept.rejected) != 1 || kept.rejected[0].Event.Type != sparkrtc.Complete || kept.reasons[0] != "Invalid: spec.roomID is wrong" {
		t.Errorf("rejected %+v, %q", kept.rejected, kept.reasons)
	}
	h.sink.err = &ingest.Error{Kind: ingest.Invalid, Err: fmt.Errorf("RecordingFile x: %w", ingest.ErrNameTaken)}
	checkResponse(t, h.post(signedAt(t, path, content, "3", "3")), http.StatusBadRequest, "cannot be stored")
	if len(kept.reasons) != 2 || !strings.HasPrefix(kept.reasons[1], "NameTaken: RecordingFile x") {
		t.Errorf("reasons %q", kept.reasons)
	}
	source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
	checkResponse(t, h.post(signedAt(t, path, content, "2", "2")), http.StatusBadRequest, "cannot be stored")
	if len(kept.rejected) != 2 {
		t.Errorf("%d rejected, one of them without a signature", len(kept.rejected))
	}
}

// An event whose type is unknown, but that names a finished file, is answered with 200 and kept for a person.
func TestServer_UnknownEventThatNamesAFileIsRejected(t *testing.T) {
	kept := &rejecter{err: errors.New("no API server")}
	h, _, source := newReplayFixture(t, func(c *Config) { c.Rejecter = kept })
	content := []byte(`{"event_type":"RECORD_COMPLETED","obs_bucket":"b","obs_object":"o.m3u8"}`)
	checkResponse(t, h.post(signed(t, path, content)), http.StatusServiceUnavailable, "")
	kept.err = nil
	for range 3 {
		checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	}
	checkResponse(t, h.post(signed(t, path, []byte(`{"event_type":"RECORD_PAUSED","job_id":"j"}`))), http.StatusOK, "")
	if len(kept.rejected) != 1 || kept.reasons[0] != `UnknownEvent: event_type: "RECORD_COMPLETED" is unknown, but the callback names a finished file` {
		t.Errorf("rejected %+v, %q", kept.rejected, kept.reasons)
	}
	source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
	checkResponse(t, h.post(signedAt(t, path, content, "2", "2")), http.StatusOK, "")
	checkEvent(t, h.events, "UnknownEvent")
	if len(kept.rejected) != 1 {
		t.Errorf("%d rejected, one of them without a signature", len(kept.rejected))
	}
}

// One captured callback and no key: bytes that are moved between headers and body leave a valid signature, but make no
// record, no event but the one about unauthenticated requests, and use up nothing of the source's rate.
func TestServer_SplitCallbackLeavesNoTrace(t *testing.T) {
	kept := &rejecter{}
	h, _, source := newReplayFixture(t, func(c *Config) { c.Rejecter = kept })
	source.Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1, Burst: 1}
	content := fixture(t, "complete-hls.json")
	request := signedAt(t, path, content, "1234567890", "1619600282")
	all := "1234567890" + "1619600282" + string(content)
	for split := range 200 {
		forged := signedAt(t, path, content, "x", "y")
		forged.Header.Set(sparkrtc.HeaderRand, all[:1])
		forged.Header.Set(sparkrtc.HeaderTimestamp, all[1:2+split])
		forged.Header.Set(sparkrtc.HeaderSignature, request.Header.Get(sparkrtc.HeaderSignature))
		if strings.ContainsAny(all[1:2+split], "\r\n,") || 2+split == 20 {
			continue // not possible in a header, or the callback itself
		}
		forged.Body = io.NopCloser(strings.NewReader(all[2+split:]))
		forged.ContentLength = int64(len(all) - 2 - split)
		if got := h.post(forged).Code; got != http.StatusUnauthorized {
			t.Fatalf("split at %d: %d", split, got)
		}
	}
	for len(h.events.Events) > 0 {
		if event := <-h.events.Events; !strings.Contains(event, reasonUnauthenticated) {
			t.Errorf("event %q", event)
		}
	}
	if len(kept.rejected) > 0 {
		t.Errorf("rejected %+v", kept.rejected)
	}
	checkResponse(t, h.post(request), http.StatusOK, "")
}

// A callback of another app is reported once; when spec.appID is corrected, it is accepted.
func TestServer_ReportsOtherAppOnce(t *testing.T) {
	h, _, source := newReplayFixture(t, nil)
	source.Spec.AppID = "other"
	content := fixture(t, "complete-hls.json")
	for range 3 {
		checkResponse(t, h.post(signed(t, path, content)), http.StatusForbidden, "app_id")
	}
	checkEvent(t, h.events, "CallbackRefused")
	checkEvent(t, h.events, "")
	source.Spec.AppID = app
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	if got := len(h.sink.deliveries); got != 1 {
		t.Errorf("%d deliveries, want 1", got)
	}
}
