// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool"
)

var received = time.Date(2021, 4, 28, 8, 58, 2, 0, time.UTC)

// letters are those of a spool, and what replaying them ends in.
type letters struct {
	held   map[uint64]spool.Letter
	replay error
}

func (l *letters) Letters() ([]spool.Letter, error) {
	var all []spool.Letter
	for id := range uint64(10) {
		if letter, ok := l.held[id]; ok {
			letter.Body = nil
			all = append(all, letter)
		}
	}
	return all, nil
}

func (l *letters) Letter(id uint64) (spool.Letter, error) {
	letter, ok := l.held[id]
	if !ok {
		return letter, spool.ErrNoLetter
	}
	return letter, nil
}

func (l *letters) Replay(ctx context.Context, id uint64) (ingest.Result, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return ingest.Result{}, errors.New("no deadline")
	}
	if _, err := l.Letter(id); err != nil || l.replay != nil {
		return ingest.Result{}, errors.Join(err, l.replay)
	}
	delete(l.held, id)
	return ingest.Result{Outcome: ingest.Created, File: "mystream-1"}, nil
}

func (l *letters) DeleteLetter(_ context.Context, id uint64) error {
	_, err := l.Letter(id)
	delete(l.held, id)
	return err
}

func TestAPI(t *testing.T) {
	letter := func(id uint64, body string) spool.Letter {
		return spool.Letter{
			ID: id, Namespace: "media", Source: "classroom", Received: received, Cause: spool.Undecodable,
			Reason: "file_size: is negative", EventType: "RECORD_FILE_COMPLETE", Size: len(body), Body: []byte(body),
		}
	}
	item := func(id int, size int) string {
		return fmt.Sprintf(`"id":"%d","namespace":"media","source":"classroom","received":"2021-04-28T08:58:02Z","cause":"undecodable",`+
			`"reason":"file_size: is negative","eventType":"RECORD_FILE_COMPLETE","bytes":%d`, id, size)
	}
	for name, c := range map[string]struct {
		method, path string
		replay       error
		code         int
		body         string
		left         int
	}{
		"list":            {"GET", "", nil, 200, `{"items":[{` + item(1, 1) + `},{` + item(2, 2) + `}]}`, 2},
		"text":            {"GET", "/1", nil, 200, `{` + item(1, 1) + `,"body":"{"}`, 2},
		"no text":         {"GET", "/2", nil, 200, `{` + item(2, 2) + `,"body":"e/8=","bodyEncoding":"base64"}`, 2},
		"none":            {"GET", "/3", nil, 404, `{"error":"no such dead letter"}`, 2},
		"no number":       {"GET", "/..%2Fx", nil, 404, `{"error":"no such dead letter"}`, 2},
		"replayed":        {"POST", "/1/replay", nil, 200, `{"outcome":"created","file":"mystream-1"}`, 1},
		"still refused":   {"POST", "/1/replay", spool.ErrRefused, 422, `{"error":"the callback is still refused"}`, 2},
		"not now":         {"POST", "/1/replay", errors.New("timeout"), 503, `{"error":"timeout"}`, 2},
		"replay of none":  {"POST", "/3/replay", nil, 404, `{"error":"no such dead letter"}`, 2},
		"deleted":         {"DELETE", "/1", nil, 204, "", 1},
		"delete of none":  {"DELETE", "/3", nil, 404, `{"error":"no such dead letter"}`, 2},
		"no such method":  {"PUT", "/1", nil, 405, "", 2},
		"replay by a GET": {"GET", "/1/replay", nil, 405, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			held := &letters{held: map[uint64]spool.Letter{1: letter(1, "{"), 2: letter(2, "{\xff")}, replay: c.replay}
			r := httptest.NewRequestWithContext(t.Context(), c.method, "http://localhost/v1/dead-letters"+c.path, nil)
			w := httptest.NewRecorder()
			handler(held, logr.Discard()).ServeHTTP(w, r)
			if w.Code != c.code || len(held.held) != c.left {
				t.Errorf("%d, %d letters left", w.Code, len(held.held))
			}
			if c.code == http.StatusMethodNotAllowed {
				return
			}
			if got := strings.TrimSpace(w.Body.String()); !sameJSON(t, got, c.body) {
				t.Errorf("body %s, want %s", got, c.body)
			}
		})
	}
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	if want == "" {
		return got == ""
	}
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(a, b)
}

func TestEmptyListIsAList(t *testing.T) {
	w := httptest.NewRecorder()
	handler(&letters{}, logr.Discard()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8092/v1/dead-letters", nil))
	if got := strings.TrimSpace(w.Body.String()); got != `{"items":[]}` {
		t.Errorf("%d %s", w.Code, got)
	}
}

// What a page in the browser of the one who forwards the port can make it send is refused.
func TestBrowsersAreKeptOut(t *testing.T) {
	for name, c := range map[string]struct {
		host   string
		header map[string]string
		code   int
	}{
		"a person":           {"localhost:40123", nil, 200},
		"IPv6":               {"[::1]:40123", nil, 200},
		"a page elsewhere":   {"localhost:40123", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"a page's old way":   {"localhost:40123", map[string]string{"Origin": "https://evil.example"}, 403},
		"a rebound name":     {"evil.example:40123", nil, 403},
		"another's address":  {"10.0.0.1:40123", nil, 403},
		"a name like ours":   {"localhost.evil.example", nil, 403},
		"no host whatsoever": {"", nil, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/dead-letters/1/replay", nil)
			r.Host = c.host
			for key, value := range c.header {
				r.Header.Set(key, value)
			}
			w := httptest.NewRecorder()
			handler(&letters{held: map[uint64]spool.Letter{1: {}}}, logr.Discard()).ServeHTTP(w, r)
			if w.Code != c.code {
				t.Errorf("answered %d, want %d", w.Code, c.code)
			}
		})
	}
}

func TestCheckAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:8092": true, "127.1.2.3:1": true, "[::1]:8092": true,
		":8092": false, "0.0.0.0:8092": false, "[::]:8092": false, "10.0.0.1:8092": false, "localhost:8092": false, "127.0.0.1": false, "": false,
	} {
		if err := CheckAddress(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}
