// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// ticking is a clock that a test sets.
type ticking struct{ at time.Time }

func (c *ticking) now() time.Time { return c.at }

func TestMeter_CountsItsShareOfTheStep(t *testing.T) {
	clock := &ticking{at: time.Unix(1000, 0)}
	m := New(v1alpha1.StageProcess, clock.now)
	want := func(want workerapi.Progress) {
		t.Helper()
		if got := m.Report(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	want(workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: 20})
	m.Expect(Milliseconds, 60_000)
	m.Add(30_000)
	clock.at = clock.at.Add(10 * time.Second)
	want(workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: 50, MediaMillisecondsPerSecond: 3000})
	m.Add(100_000) // more than was expected
	want(workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: 80, MediaMillisecondsPerSecond: 13_000})
	m.Expect(Bytes, 1000)
	clock.at = clock.at.Add(time.Second)
	m.Add(10)
	want(workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: 80, BytesPerSecond: 10})
}

func TestMeter_UnknownTotalHasARateAlone(t *testing.T) {
	clock := &ticking{at: time.Unix(1000, 0)}
	m := New(v1alpha1.StageFetch, clock.now)
	m.Expect(Bytes, 0)
	m.Add(1 << 20)
	clock.at = clock.at.Add(2 * time.Second)
	if got, want := m.Report(), (workerapi.Progress{Stage: v1alpha1.StageFetch, BytesPerSecond: 1 << 19}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestMeter_NilCountsNothing(*testing.T) {
	var m *Meter
	m.Expect(Bytes, 1)
	m.Add(1)
	From(With(context.Background(), nil)).Add(1)
	From(context.Background()).Add(1)
}

// TestMeter_NeverGoesBack: whatever is counted, taken back and expected again, reports grow and are such as the operator
// takes.
func TestMeter_NeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &ticking{at: time.Unix(1000, 0)}
		m := New(rapid.SampledFrom([]v1alpha1.StepStage{v1alpha1.StageFetch, v1alpha1.StageProcess, v1alpha1.StagePublish}).Draw(t, "stage"), clock.now)
		last := int32(0)
		t.Repeat(map[string]func(*rapid.T){
			"expect": func(t *rapid.T) { m.Expect(Unit(rapid.IntRange(0, 2).Draw(t, "unit")), rapid.Int64().Draw(t, "total")) },
			"add":    func(t *rapid.T) { m.Add(rapid.Int64Range(-1<<50, 1<<50).Draw(t, "count")) },
			"wait":   func(t *rapid.T) { clock.at = clock.at.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "time"))) },
			"": func(t *rapid.T) {
				report := m.Report()
				from, to, _ := workerapi.Share(report.Stage)
				if report.Percent < max(from, last) || report.Percent > to || report.BytesPerSecond < 0 || report.MediaMillisecondsPerSecond < 0 {
					t.Fatalf("%+v after %d percent", report, last)
				}
				last = report.Percent
			},
		})
	})
}

// serving is the address that a meter is served on for a test.
func serving(t *testing.T, m *Meter) string {
	t.Helper()
	address, stop, err := Serve(t.Context(), "127.0.0.1:0", m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return address.String()
}

func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServe_AnswersWhileItCounts(t *testing.T) {
	m := New(v1alpha1.StagePublish, (&ticking{at: time.Unix(1000, 0)}).now)
	m.Expect(Items, 2000)
	address := serving(t, m)
	var counting sync.WaitGroup
	for range 10 {
		counting.Go(func() {
			for range 100 {
				m.Add(1)
				if _, body := get(t, http.MethodGet, "http://"+address+workerapi.ProgressPath); body == "" {
					t.Error("nothing is answered")
				}
			}
		})
	}
	counting.Wait()
	status, body := get(t, http.MethodGet, "http://"+address+workerapi.ProgressPath)
	if status != http.StatusOK || body != `{"stage":"Publish","percent":90}` {
		t.Errorf("%d %s", status, body)
	}
	for _, other := range []string{"POST " + workerapi.ProgressPath, "GET /", "GET " + workerapi.ProgressPath + "/x"} {
		method, path, _ := strings.Cut(other, " ")
		if status, _ := get(t, method, "http://"+address+path); status < 400 {
			t.Errorf("%s: %d", other, status)
		}
	}
}

// TestServe_SlowConnectionsEnd: those who open connections and send nothing do not keep the manager from asking for long.
func TestServe_SlowConnectionsEnd(t *testing.T) {
	address := serving(t, New(v1alpha1.StageFetch, (&ticking{}).now))
	for range maxConnections + 1 {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close() //nolint:errcheck // the server may have closed it
		_, _ = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: x\r\n", workerapi.ProgressPath)
	}
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() //nolint:errcheck // the server closes it
	_, _ = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", workerapi.ProgressPath)
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestServe_SaysThatThePortIsTaken(t *testing.T) {
	address := serving(t, New(v1alpha1.StageFetch, (&ticking{}).now))
	if _, _, err := Serve(t.Context(), address, New(v1alpha1.StageFetch, (&ticking{}).now)); err == nil {
		t.Error("two serve on one port")
	}
}

func BenchmarkMeter_Add(b *testing.B) {
	m := New(v1alpha1.StageFetch, (&ticking{}).now)
	for b.Loop() {
		m.Add(1)
	}
}
