// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func TestNotices_AreBounded(t *testing.T) {
	recorder, clk := events.NewFakeRecorder(1000), clocktesting.NewFakeClock(testNow)
	n := newNotices(recorder, clk)
	source := builders.MakeRecordingSource("classroom").Obj()
	count := func() (count int) {
		for {
			select {
			case <-recorder.Events:
				count++
			default:
				return count
			}
		}
	}
	for range 100 {
		n.unauthenticated(source, sparkrtc.ErrUnsigned)
		n.unauthenticated(source, sparkrtc.ErrSignature)
	}
	if got := count(); got != 1 {
		t.Errorf("%d events of one source, want 1", got)
	}
	clk.Step(noticeInterval)
	n.unauthenticated(source, sparkrtc.ErrSignature)
	if got := count(); got != 1 {
		t.Errorf("%d events after ten minutes, want 1", got)
	}
	for i := range 10 * maxNoticed {
		source.UID = types.UID(fmt.Sprint(i))
		n.unauthenticated(source, sparkrtc.ErrUnsigned)
	}
	if got := count(); got >= noticeBurst {
		t.Errorf("%d events of many sources at once, want fewer than %d", got, noticeBurst)
	}
}

func TestNotices_SayWhatTimestampsAre(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	h := newFixture(t, func(c *Config) { c.Clock = clk })
	content := fixture(t, "start-hls.json")
	for i, c := range []struct {
		after     time.Duration
		timestamp int64
		want      string
	}{
		{0, testNow.Unix() - 3, "Normal TimestampObserved X-Rtc-Timestamp is in seconds, -3s from"},
		{time.Minute, testNow.Unix(), ""},
		{time.Minute, testNow.UnixMilli() + 180_000, "is in milliseconds, 1m0s from"},
		{time.Minute, 5, "neither seconds nor milliseconds"},
		{timestampInterval - time.Minute, 5, ""},
		{time.Minute, 5, "neither seconds nor milliseconds"},
	} {
		clk.Step(c.after)
		checkResponse(t, h.post(signedAt(t, path, content, strconv.Itoa(i), strconv.FormatInt(c.timestamp, 10))), 200, "success")
		select {
		case got := <-h.events.Events:
			if c.want == "" || !strings.Contains(got, c.want) {
				t.Errorf("callback %d: event %q, want %q", i, got, c.want)
			}
		default:
			if c.want != "" {
				t.Errorf("callback %d: no event, want %q", i, c.want)
			}
		}
	}
}

func TestClientLimiter_CountsTheNetworksOfAnAddress(t *testing.T) {
	for name, c := range map[string]struct {
		format string
		// others is how many addresses one client uses, throttled how many bodies it may have under way before.
		others, most int
	}{
		"one address":          {"2001:db8:0:100::%x", 1, 4},
		"one /64":              {"2001:db8:0:100::%x", 64, 4},
		"the /64s of one /56":  {"2001:db8:0:1%02x::1", 64, 8},
		"the /64s of one /48":  {"2001:db8:0:%x00::1", 64, 16},
		"IPv4 has one address": {"192.0.2.%d", 1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			l := newClientLimiter(4, clocktesting.NewFakeClock(testNow))
			for i := range c.most {
				if l.enter(clientKeysOf(netip.MustParseAddr(fmt.Sprintf(c.format, i%c.others+1)))) {
					t.Fatalf("body %d is throttled", i)
				}
			}
			next := clientKeysOf(netip.MustParseAddr(fmt.Sprintf(c.format, c.most%c.others+1)))
			if !l.enter(next) {
				t.Error("one more body is not throttled")
			}
			if l.enter(clientKeysOf(netip.MustParseAddr("2001:db8:1::1"))) || l.enter(clientKeysOf(netip.MustParseAddr("192.0.2.250"))) {
				t.Error("others are throttled")
			}
		})
	}
}

func TestSourceLimiter_RejectedDeliveriesHaveTheirOwnRate(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Key("callback", "key").Obj()
	h := newFixture(t, func(c *Config) { c.Sources = sources{"media/classroom": source} })
	content := []byte(`{"event_type":"RECORD_FILE_COMPLETE","file_size":-1}`)
	codes := map[int]int{}
	for range 100 {
		codes[h.post(signed(t, path, content)).Code]++
	}
	if codes[400] != 1+rejectedBurst || codes[429] != 99-rejectedBurst {
		t.Errorf("a rejected delivery that is sent 100 times gets %v", codes)
	}
	checkResponse(t, h.post(signedAt(t, path, fixture(t, "complete-hls.json"), "2", "1619600282")), 200, "success")
}
