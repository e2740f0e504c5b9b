// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func TestEvaluate_Results(t *testing.T) {
	complete := fixture(t, "complete-hls.json")
	usable := Keys{Usable: []sparkrtc.Key{mustKey(t, secret)}}
	signedBy := func(content []byte) Request {
		return Request{Header: signed(t, path, content).Header, Body: content}
	}
	source := builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()
	enforcing := builders.MakeRecordingSource("classroom").Key("callback", "key").Timestamp(v1alpha1.TimestampEnforce, nil).Obj()
	for name, c := range map[string]struct {
		source  *v1alpha1.RecordingSource
		keys    Keys
		request Request
		now     time.Time
		result  Result
		err     error
	}{
		"accepted":                {source, usable, signedBy(complete), testNow, Accepted, nil},
		"a byte order mark":       {source, usable, signedBy(append(bytes.Clone(byteOrderMark), complete...)), testNow, Accepted, nil},
		"white space first":       {source, usable, signedBy(append([]byte("\r\n\t "), complete...)), testNow, Accepted, nil},
		"unsigned":                {source, usable, Request{Body: complete}, testNow, Unauthenticated, sparkrtc.ErrUnsigned},
		"another body":            {source, usable, Request{Header: signed(t, path, complete).Header, Body: []byte("{}")}, testNow, Unauthenticated, sparkrtc.ErrSignature},
		"an array":                {source, usable, signedBy([]byte("[]")), testNow, Unauthenticated, ErrNotObject},
		"no key":                  {source, Keys{}, signedBy(complete), testNow, Unverifiable, ErrNoUsableKey},
		"an unread key":           {source, Keys{Unread: true}, signedBy(complete), testNow, Unverifiable, ErrKeysUnread},
		"another key is unread":   {source, Keys{Usable: usable.Usable, Unread: true}, signedBy(complete), testNow, Accepted, nil},
		"outdated":                {enforcing, usable, signedBy(complete), testNow.Add(DefaultTolerance + time.Second), Outdated, sparkrtc.ErrTimestamp},
		"within the tolerance":    {enforcing, usable, signedBy(complete), testNow.Add(DefaultTolerance), Accepted, nil},
		"another app":             {builders.MakeRecordingSource("c").App("other").Key("callback", "key").Obj(), usable, signedBy(complete), testNow, OtherApp, ErrOtherApp},
		"unauthenticated":         {builders.MakeRecordingSource("c").Unauthenticated().Obj(), Keys{}, Request{Body: complete}, testNow, Accepted, nil},
		"unauthenticated garbage": {builders.MakeRecordingSource("c").Unauthenticated().Obj(), Keys{}, Request{Body: []byte("x")}, testNow, Undecodable, nil},
		"truncated":               {source, usable, signedBy([]byte("{")), testNow, Undecodable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := Evaluate(c.source, c.keys, c.request, c.now)
			if e.Result != c.result || c.err != nil && !errors.Is(e.Err, c.err) || (e.Err == nil) != (c.result == Accepted) {
				t.Errorf("%d, %v; want %d, %v", e.Result, e.Err, c.result, c.err)
			}
			if e.Result == Accepted && e.Event.Type != sparkrtc.Complete {
				t.Errorf("event %+v", e.Event)
			}
		})
	}
}

// X-Rtc-Rand, X-Rtc-Timestamp and the body are signed with nothing between them. With a captured callback, an attacker can move
// bytes from one to the other: no such split is authentic, except for digits moved between the headers, which change
// nothing.
func TestEvaluate_AuthenticatesNoOtherSplit(t *testing.T) {
	content := fixture(t, "complete-hls.json")
	source := builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()
	keys := Keys{Usable: []sparkrtc.Key{mustKey(t, secret)}}
	const random, timestamp = "5577006791947779410", "1619600282"
	signature := signedAt(t, path, content, random, timestamp).Header.Get(sparkrtc.HeaderSignature)
	whole := random + timestamp + string(content)
	rapid.Check(t, func(rt *rapid.T) {
		// Near the borders, where a split is most like the service's.
		first := rapid.IntRange(0, 2*len(random+timestamp)).Draw(rt, "the end of the rand")
		second := rapid.IntRange(first, min(first+3*len(timestamp), len(whole))).Draw(rt, "the end of the timestamp")
		header := http.Header{}
		header.Set(sparkrtc.HeaderRand, whole[:first])
		header.Set(sparkrtc.HeaderTimestamp, whole[first:second])
		header.Set(sparkrtc.HeaderSignature, signature)
		body := whole[second:]
		e := Evaluate(source, keys, Request{Header: header, Body: []byte(body)}, testNow)
		if e.Authenticated() && body != string(content) {
			rt.Errorf("%q, %q and the body %.20q: result %d", whole[:first], whole[first:second], body, e.Result)
		}
		if body == string(content) && first > 0 && first < second && e.Result != Accepted {
			rt.Errorf("%q and %q: %v", whole[:first], whole[first:second], e.Err)
		}
	})
}

// Nothing of the body is parsed before the signature is verified: a forgery costs the same whatever is in it.
func TestEvaluate_ReadsNothingOfForgeries(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()
	header := signed(t, path, nil).Header
	allocations := func(body []byte) float64 {
		return testing.AllocsPerRun(10, func() {
			e := Evaluate(source, Keys{Usable: []sparkrtc.Key{mustKey(t, secret)}}, Request{Header: header, Body: body}, testNow)
			if !errors.Is(e.Err, sparkrtc.ErrSignature) {
				t.Fatal(e.Err)
			}
		})
	}
	least := allocations([]byte("{}"))
	for _, body := range [][]byte{
		fixture(t, "complete-hls.json"), []byte("{" + strings.Repeat(" ", 1<<20)), []byte(`{"event_type":"RECORD_FILE_COMPLETE","obs_object":7}`),
	} {
		if got := allocations(body); got != least || got > 100 {
			t.Errorf("%.40q costs %v allocations, an empty one %v", body, got, least)
		}
	}
}
