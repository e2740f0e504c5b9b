// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func TestServer_Responses(t *testing.T) {
	complete, start := fixture(t, "complete-hls.json"), fixture(t, "start-hls.json")
	tolerance := &metav1.Duration{Duration: time.Minute}
	source := func(s *v1alpha1.RecordingSource) func(*Config) {
		return func(c *Config) { c.Sources = sources{"media/classroom": s} }
	}
	plain := func() *builders.RecordingSource {
		return builders.MakeRecordingSource("classroom").Key("callback", "key")
	}
	unsigned := func(content []byte) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			t.Helper()
			return httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(content))
		}
	}
	post := func(content []byte) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request { t.Helper(); return signed(t, path, content) }
	}
	to := func(method, url string) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, url, complete)
			r.Method = method
			return r
		}
	}
	failing := func(err error) func(*Config) { return func(c *Config) { c.Ingester = &sink{err: err} } }

	for name, c := range map[string]struct {
		change  func(*Config)
		request func(*testing.T) *http.Request
		code    int
		outcome string
		// result is part of the answer's result, event part of the event on the source ("" for none).
		result, event string
		header        map[string]string
		delivered     bool
	}{
		"a COMPLETE":        {nil, post(complete), 200, "media/classroom created", "success", "", nil, true},
		"a START":           {nil, post(start), 200, "media/classroom created", "success", "", nil, true},
		"an unknown type":   {nil, post([]byte(`{"event_type":"NEW"}`)), 200, "media/classroom ignored", "success", "", nil, true},
		"not JSON":          {nil, post([]byte(`<xml/>`)), 401, "media/classroom unauthorized", unauthenticated, "their body is no JSON object", nil, false},
		"not closed":        {nil, post([]byte(`{`)), 400, "media/classroom invalid", "body", "Warning CallbackInvalid A callback was rejected (Undecodable): body", nil, false},
		"a byte order mark": {nil, post(append([]byte("\xef\xbb\xbf"), complete...)), 200, "media/classroom created", "success", "", nil, true},
		"compressed": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, complete)
			r.Header.Set("Content-Encoding", "gzip")
			return r
		}, 415, "media/classroom unsupported_encoding", "Content-Encoding", "CallbackUnauthenticated Requests arrive for this source, but they are compressed", nil, false},
		"identity": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, complete)
			r.Header.Set("Content-Encoding", "identity")
			return r
		}, 200, "media/classroom created", "success", "", nil, true},
		"a bad field": {nil, post([]byte(`{"event_type":"RECORD_FILE_COMPLETE","obs_object":7}`)), 400, "media/classroom invalid", "obs_object: must be a string",
			"CallbackInvalid", nil, false},
		"an empty body": {nil, post(nil), 401, "media/classroom unauthorized", unauthenticated, "CallbackUnauthenticated", nil, false},
		"what the API server refuses": {failing(&ingest.Error{Kind: ingest.Invalid, Err: errors.New("spec.x is wrong")}), post(complete), 400,
			"media/classroom invalid", "cannot be stored", "A callback was rejected (Invalid): spec.x is wrong", nil, false},
		"no signature": {nil, unsigned(complete), 401, "media/classroom unauthorized", unauthenticated, "but they are not signed", nil, false},
		"a wrong one": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, complete)
			r.Header.Set(sparkrtc.HeaderRand, "1")
			return r
		}, 401, "media/classroom unauthorized", unauthenticated, "no key of the source verifies them", nil, false},
		"two signatures": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, complete)
			r.Header.Add(sparkrtc.HeaderSignature, "x")
			return r
		}, 401, "media/classroom unauthorized", unauthenticated, "headers are incomplete or malformed", nil, false},
		"a forged poison": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := unsigned([]byte(`{`))(t)
			r.Header = signed(t, path, complete).Header
			return r
		}, 401, "media/classroom unauthorized", unauthenticated, "no key of the source verifies them", nil, false},
		"another app": {source(plain().App("other").Obj()), post(complete), 403, "media/classroom forbidden", "app_id",
			`CallbackRefused A callback of app "` + app + `" was refused: spec.appID is "other"`, nil, false},
		"another app, unsigned":        {source(plain().App("other").Obj()), unsigned(complete), 401, "media/classroom unauthorized", unauthenticated, "not signed", nil, false},
		"any app":                      {source(plain().Obj()), post(complete), 200, "media/classroom created", "success", "", nil, true},
		"no authentication":            {source(plain().Unauthenticated().Obj()), unsigned(complete), 200, "media/classroom created", "success", "", nil, true},
		"no authentication, signed":    {source(plain().Unauthenticated().Obj()), post(complete), 200, "media/classroom created", "success", "", nil, true},
		"old but observed":             {source(plain().Timestamp(v1alpha1.TimestampObserve, tolerance).Obj()), func(t *testing.T) *http.Request { t.Helper(); return old(t, complete) }, 200, "media/classroom created", "success", "", nil, true},
		"old and enforced":             {source(plain().Timestamp(v1alpha1.TimestampEnforce, tolerance).Obj()), func(t *testing.T) *http.Request { t.Helper(); return old(t, complete) }, 401, "media/classroom unauthorized", "timestamp", "X-Rtc-Timestamp is out of", nil, false},
		"young and enforced":           {source(plain().Timestamp(v1alpha1.TimestampEnforce, nil).Obj()), post(complete), 200, "media/classroom created", "success", "", nil, true},
		"no such source":               {nil, to("POST", "/callbacks/media/other"), 401, "/ not_found", unauthenticated, "", nil, false},
		"another namespace":            {nil, to("POST", "/callbacks/other/classroom"), 401, "/ not_found", unauthenticated, "", nil, false},
		"a namespace not served":       {func(c *Config) { c.Sources, c.Namespaces = sources(nil), []string{"other"} }, post(complete), 401, "/ not_found", unauthenticated, "", nil, false},
		"no such path":                 {nil, to("POST", "/"), 404, "/ not_found", "no such path", "", nil, false},
		"no such path to get":          {nil, to("GET", "/metrics"), 404, "/ not_found", "no such path", "", nil, false},
		"too short a path":             {nil, to("POST", "/callbacks/media"), 404, "/ not_found", "no such path", "", nil, false},
		"too long a path":              {nil, to("POST", path+"/x"), 404, "media/classroom not_found", "no such path", "longer than the source's status.callbackPath", nil, false},
		"too long a path of no source": {nil, to("POST", "/callbacks/media/other/x"), 404, "/ not_found", "no such path", "", nil, false},
		"an escape in the path":        {nil, to("POST", "/callbacks/media/class%72oom"), 404, "/ not_found", "no such path", "", nil, false},
		"a query":                      {nil, to("POST", path+"?from=console"), 200, "media/classroom created", "success", "", nil, true},
		"repeated slashes":             {nil, to("POST", "//callbacks//media///classroom//"), 200, "media/classroom created", "success", "", nil, true},
		"a slash too many":             {nil, to("POST", path+"/"), 200, "media/classroom created", "success", "", nil, true},
		"GET":                          {nil, to("GET", path), 405, "/ method_not_allowed", "POST", "", map[string]string{"Allow": "POST"}, false},
		"HEAD":                         {nil, to("HEAD", path), 405, "/ method_not_allowed", "POST", "", map[string]string{"Allow": "POST"}, false},
		"PUT":                          {nil, to("PUT", path), 405, "/ method_not_allowed", "POST", "", map[string]string{"Allow": "POST"}, false},
		"the longest body":             {nil, post(append([]byte(`{"event_type":"NEW"}`), bytes.Repeat([]byte(" "), MaxBodyBytes-20)...)), 200, "media/classroom ignored", "success", "", nil, true},
		"a byte more":                  {nil, post(bytes.Repeat([]byte(" "), MaxBodyBytes+1)), 413, "/ too_large", "too large", "", nil, false},
		"a byte more, unannounced": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, bytes.Repeat([]byte(" "), MaxBodyBytes+1))
			r.ContentLength = -1
			return r
		}, 413, "/ too_large", "too large", "", nil, false},
		"a body cut off": {nil, func(t *testing.T) *http.Request {
			t.Helper()
			r := signed(t, path, complete)
			r.Body = io.NopCloser(&cut{})
			return r
		}, 408, "/ timeout", "could not be read", "", map[string]string{"Connection": "close"}, false},
		"no key":              {func(c *Config) { c.Keys = keyring{} }, post(complete), 503, "media/classroom unavailable", "cannot be stored now", "", map[string]string{"Retry-After": "5"}, false},
		"the API server away": {failing(&ingest.Error{Err: errors.New("10.0.0.1 refused")}), post(complete), 503, "media/classroom unavailable", "cannot be stored now", "", map[string]string{"Retry-After": "5"}, false},
		"the cache broken":    {func(c *Config) { c.Sources = sources(nil) }, post(complete), 503, "/ unavailable", "cannot be stored now", "", map[string]string{"Retry-After": "5"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			h := newFixture(t, func(config *Config) {
				config.Log = funcr.New(func(_, args string) { said.WriteString(args) }, funcr.Options{})
				if c.change != nil {
					c.change(config)
				}
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, c.request(t))
			checkResponse(t, w, c.code, c.result)
			// Only what is wrong in the cluster is worth a line.
			if broken := name == "the API server away" || name == "the cache broken"; broken != (said.Len() > 0) {
				t.Errorf("the log says %q", said.String())
			}
			for name, value := range c.header {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s is %q, want %q", name, got, value)
				}
			}
			if seen := strings.Join(h.observed.seen, ", "); seen != c.outcome {
				t.Errorf("observed %q, want %q", seen, c.outcome)
			}
			checkEvent(t, h.events, c.event)
			if len(h.sink.deliveries) > 0 != c.delivered {
				t.Errorf("delivered %v, want %v", h.sink.deliveries, c.delivered)
			}
		})
	}
}

// old is signed an hour ago.
func old(tb testing.TB, content []byte) *http.Request {
	tb.Helper()
	return signedAt(tb, path, content, "1", "1619596682")
}

// cut is a body whose sender hangs up.
type cut struct{}

func (*cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func checkResponse(t *testing.T, w *httptest.ResponseRecorder, code int, result string) {
	t.Helper()
	if w.Code != code {
		t.Errorf("answered %d, want %d", w.Code, code)
	}
	var got body
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("answer is no JSON: %v", err)
	}
	if got.Status != map[bool]int{true: 1}[code == http.StatusOK] || !strings.Contains(got.Result, result) {
		t.Errorf("answered %+v, want %q", got, result)
	}
}

// checkEvent expects one event, or none ("") but those about timestamps.
func checkEvent(t *testing.T, recorder *events.FakeRecorder, want string) {
	t.Helper()
	for {
		select {
		case got := <-recorder.Events:
			if strings.Contains(got, reasonTimestamp) {
				continue
			}
			if want == "" || !strings.Contains(got, want) {
				t.Errorf("event %q, want %q", got, want)
			}
		default:
			if want != "" {
				t.Errorf("no event, want %q", want)
			}
		}
		return
	}
}

// What is delivered is what was signed; an event that names no app is the source's app's.
func TestServer_DeliversWhatWasSigned(t *testing.T) {
	h := newFixture(t, nil)
	content := []byte(`{"event_type":"RECORD_NEW_FILE_START","job_id":"j"}`)
	r := signed(t, path, content)
	want := ingest.Delivery{Namespace: "media", Source: "classroom", Event: sparkrtc.Event{Type: sparkrtc.Start, Name: "RECORD_NEW_FILE_START", AppID: app, TaskID: "j"}, Body: content, Received: testNow}
	want.Timestamp = r.Header.Get(sparkrtc.HeaderTimestamp)
	want.Digest = sparkrtc.Proof{Signature: r.Header.Get(sparkrtc.HeaderSignature)}.Digest()
	h.ServeHTTP(httptest.NewRecorder(), r)
	if len(h.sink.deliveries) != 1 || !reflect.DeepEqual(h.sink.deliveries[0], want) || want.Digest == sparkrtc.Unsigned {
		t.Errorf("delivered %+v, want %+v", h.sink.deliveries, want)
	}
}

// Neither forgeries nor replays use anything up of a source's rate; what is new does, and is let in again later. A
// change of the rate counts at once.
func TestSourceLimiter_CountsNewAuthenticCallbacks(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	source := builders.MakeRecordingSource("classroom").Key("callback", "key").Obj()
	source.Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1, Burst: 2}
	h := newFixture(t, func(c *Config) { c.Clock, c.Sources = clk, sources{"media/classroom": source} })
	content, sent := fixture(t, "start-hls.json"), 0
	send := func(r *http.Request) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
		}
		return w.Code
	}
	fresh := func() *http.Request { sent++; return signedAt(t, path, content, strconv.Itoa(sent), "1619600282") }
	for range 10 {
		r := signed(t, path, content)
		r.Header.Set(sparkrtc.HeaderTimestamp, "1")
		if code := send(r); code != http.StatusUnauthorized {
			t.Fatalf("a forgery: %d", code)
		}
	}
	if code := send(signed(t, path, content)); code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
	for range 10 {
		if code := send(signed(t, path, content)); code != http.StatusOK {
			t.Errorf("a replay: %d", code)
		}
	}
	for i, want := range []int{200, 429, 429} {
		if code := send(fresh()); code != want {
			t.Errorf("callback %d: %d, want %d", i, code, want)
		}
	}
	clk.Step(time.Second)
	for i, want := range []int{200, 429} {
		if code := send(fresh()); code != want {
			t.Errorf("a second later, callback %d: %d, want %d", i, code, want)
		}
	}
	source.Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1000}
	for i := range 2000 {
		if code := send(fresh()); code != http.StatusOK {
			t.Fatalf("callback %d of the burst: %d", i, code)
		}
	}
	if code := send(fresh()); code != http.StatusTooManyRequests {
		t.Errorf("beyond the burst: %d", code)
	}
}

func TestSourceLimiter_IsBounded(t *testing.T) {
	m := newSourceLimiter(clocktesting.NewFakeClock(testNow))
	source := builders.MakeRecordingSource("a").Obj()
	for i := range maxLimitedSources + 10 {
		source.Namespace = "n" + strconv.Itoa(i)
		if !m.allow(source) {
			t.Fatalf("source %d is throttled", i)
		}
	}
	if got := m.buckets.Len(); got != maxLimitedSources {
		t.Errorf("%d sources are metered", got)
	}
}

// TestSourceLimiter_ManySourcesCostLittle: a tenant makes sources without end, and each is called. That takes some MiB for
// good, and no call of a source within its rate is refused for it.
func TestSourceLimiter_ManySourcesCostLittle(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	m := newSourceLimiter(clk)
	victim := builders.MakeRecordingSource("victim").Obj()
	victim.Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1, Burst: 1}
	size := grown(func() {
		source := builders.MakeRecordingSource("a").Obj()
		for i := range 20 * maxLimitedSources {
			source.Name = "s" + strconv.Itoa(i)
			m.allow(source)
			if i%maxLimitedSources == 0 {
				clk.Step(time.Second)
				if !m.allow(victim) {
					t.Fatalf("after %d sources, another one is throttled", i)
				}
			}
		}
	})
	if size > 2<<20 {
		t.Errorf("%d sources take %d bytes for good", 20*maxLimitedSources, size)
	}
	runtime.KeepAlive(m)
}

// No more callbacks than InFlight are handled at one time.
func TestServer_BoundsCallbacksInFlight(t *testing.T) {
	h := newFixture(t, func(c *Config) { c.Limits.InFlight, c.Limits.Queue = 1, -1 })
	h.sink.entered, h.sink.hold = make(chan struct{}), make(chan struct{})
	first := httptest.NewRecorder()
	request, content := signed(t, path, fixture(t, "start-hls.json")), fixture(t, "start-hls.json")
	done := make(chan struct{})
	go func() { defer close(done); h.ServeHTTP(first, request) }()
	<-h.sink.entered
	second := httptest.NewRecorder()
	h.ServeHTTP(second, signed(t, path, content))
	if second.Code != http.StatusTooManyRequests {
		t.Errorf("answered %d beside another", second.Code)
	}
	close(h.sink.hold)
	<-done
	if first.Code != http.StatusOK {
		t.Errorf("answered %d", first.Code)
	}
}

func TestNew_RequiresItsConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error")
	}
}

type nothing struct{}

func (nothing) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) {
	return ingest.Result{Outcome: ingest.Duplicate}, nil
}

func (nothing) CallbackHandled(string, string, string, time.Duration) {}

func (nothing) TimestampObserved(string, string, string, time.Duration) {}
