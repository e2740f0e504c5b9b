// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// aSource is a cluster with one source and one key.
type aSource struct {
	source *v1alpha1.RecordingSource
	key    string
}

func (a aSource) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	switch object := object.(type) {
	case *v1alpha1.RecordingSource:
		a.source.DeepCopyInto(object)
	case *corev1.Secret:
		object.Data = map[string][]byte{"key": []byte(a.key)}
	}
	return nil
}

func (aSource) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("nothing is listed here")
}

// Ingest takes everything.
func (aSource) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) {
	return ingest.Result{Outcome: ingest.Created}, nil
}

// The diagnosis has the receiver's own response, neither kinder nor stricter.
func TestDiagnose_AgreesWithTheReceiver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		one := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(rt, name) }
		a := aSource{source: drawSource(rt), key: one("key in the Secret", testKey, testKey+"\n", testKey+" ", "short")}
		raw := drawRequest(rt, one)

		c, err := parseRequest([]byte(raw))
		if err != nil {
			rt.Fatalf("%v: %q", err, raw)
		}
		var keys []sourceKey
		for range a.source.Spec.Callback.Keys {
			keys = append(keys, sourceKey{name: "k", raw: []byte(a.key)})
		}
		d := diagnose(a.source, keys, c, testNow)
		if got := a.response(rt, raw); d.Response.Code != got {
			rt.Errorf("the diagnosis has %+v, and the receiver responds with %d to %q", d.Response, got, raw)
		}
		checkNoKey(t, fmt.Sprintf("%+v", d))
	})
}

func drawSource(rt *rapid.T) *v1alpha1.RecordingSource {
	source := builders.MakeRecordingSource("classroom").Key("classroom-callback", "key").Obj()
	if rapid.Bool().Draw(rt, "unauthenticated") {
		source = builders.MakeRecordingSource("classroom").Unauthenticated().Obj()
	}
	source.Spec.AppID = rapid.SampledFrom([]string{"", "app"}).Draw(rt, "spec.appID")
	source.Spec.Callback.Timestamp = &v1alpha1.CallbackTimestamp{
		Policy:    rapid.SampledFrom([]v1alpha1.TimestampPolicy{v1alpha1.TimestampObserve, v1alpha1.TimestampEnforce}).Draw(rt, "policy"),
		Tolerance: &metav1.Duration{Duration: rapid.SampledFrom([]time.Duration{9 * time.Second, 10 * time.Second, time.Hour}).Draw(rt, "tolerance")},
	}
	return source
}

func drawRequest(rt *rapid.T, one func(name string, values ...string) string) string {
	body := one("body", "", "{}", `{"event_type":"X","app_id":"app"}`, `{"event_type":"X","app_id":"another"}`, "[]", "{}\n", "\xff\x00",
		`{"event_type":"RECORD_NEW_FILE_START"}`, "\xef\xbb\xbf{}", " \n{}", "{", strings.Repeat(" ", receiver.MaxBodyBytes-2)+"{}", strings.Repeat(" ", receiver.MaxBodyBytes-1)+"{}")
	key, err := sparkrtc.ParseKey([]byte(one("key of the sender", testKey, testKey, otherKey)))
	if err != nil {
		rt.Fatal(err)
	}
	proof, err := sparkrtc.Sign(key, one("rand", "5577", "a b", "x,y", "é", strings.Repeat("a", 256), strings.Repeat("a", 257)),
		one("timestamp", "1619600282", "1619600282123", "1619600000", "yesterday", "-5"), []byte(body))
	if err != nil {
		rt.Fatal(err)
	}
	signature := one("signature", proof.Signature, proof.Signature, strings.ToUpper(proof.Signature), proof.Signature[:63], strings.Repeat("z", 64), " "+proof.Signature+" ")
	return one("method", "POST", "POST", "POST", "GET", "PUT") + " /callbacks/media/classroom HTTP/1.1\r\nHost: x\r\n" +
		one("rand's header", "X-Rtc-Rand", "x-rtc-rand", "X-Rtc-Rand: 1\r\nX-Rtc-Rand", "X-Other") + ": " + proof.Rand + "\r\n" +
		one("encoding", "", "", "Content-Encoding: gzip\r\n", "Content-Encoding: identity\r\n") +
		one("timestamp's header", "X-Rtc-Timestamp", "x-rtc-timestamp", "X-Other") + ": " + proof.Timestamp + "\r\n" +
		one("signature's header", "X-Rtc-Signature", "X-RTC-SIGNATURE", "X-Other") + ":" + signature + "\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// response is the code that the receiver responds with.
func (a aSource) response(rt *rapid.T, raw string) int {
	now := testclock.NewFakeClock(testNow)
	d, err := receiver.New(receiver.Config{Sources: a, Keys: receiver.NewKeyStore(a, now, logr.Discard()), Ingester: a, Observer: nobody{},
		Recorder: &events.FakeRecorder{}, Log: logr.Discard(), Clock: now})
	if err != nil {
		rt.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		rt.Fatalf("%v: %q", err, raw)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code
}
