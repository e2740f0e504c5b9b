// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// TestServer_ResponsesTellNoSources: somebody without a key sends the same to the path of a source, and to others of the same
// length where there is none. Every byte of the response is the same, but for the time, also when the sender failed so often
// that it is throttled.
func TestServer_ResponsesTellNoSources(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for connections that net/http closes slowly")
	}
	o := startServer(t, func(c *Config) { c.Namespaces = []string{"media"} }, nil)
	change := func(from, to string) func(string) string {
		return func(request string) string { return strings.Replace(request, from, to, 1) }
	}
	attempts := map[string]func(string) string{
		"a forgery":             change("X-Rtc-Timestamp: ", "X-Rtc-Timestamp: 0"),
		"a short signature":     change("X-Rtc-Signature: ", "X-Rtc-Signature: 0"),
		"a second signature":    change("X-Rtc-Signature: ", "X-Rtc-Signature: 00\r\nX-Rtc-Signature: "),
		"no rand":               change("X-Rtc-Rand: ", "X-Other: "),
		"another body":          change(`"event_type"`, `"event_kind"`),
		"no object":             change("{", "["),
		"no signature":          func(r string) string { return regexp.MustCompile("X-Rtc-[^\r]*\r\n").ReplaceAllString(r, "") },
		"compressed":            change("Host: x", "Host: x\r\nContent-Encoding: gzip"),
		"a path that is longer": change(" HTTP/1.1", "/x HTTP/1.1"),
		"an escape":             change("/callbacks/", "/%63allbacks/"),
		"another method":        change("POST", "PUT"),
		"too long a body":       change("Content-Length: ", "Content-Length: 999"),
	}
	for range 3 { // the first round uses up the failures that a sender may have
		for name, attempt := range attempts {
			known := everyByte(t, o, attempt(raw(t, nil)))
			for _, missing := range []string{"/callbacks/media/classroon", "/callbacks/medic/classroom"} {
				if got := everyByte(t, o, attempt(strings.Replace(raw(t, nil), path, missing, 1))); got != known {
					t.Fatalf("%s: the source gets\n%s\nand %s\n%s", name, known, missing, got)
				}
			}
		}
	}
	// What is compared is a response, and the source is there.
	if got := everyByte(t, o, strings.Replace(raw(t, nil), "Host: x", "Host: x\r\nConnection: close", 1)); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("an authentic callback: %s", got)
	}
}

// everyByte is all that a connection responds to a request, without the line of its date.
func everyByte(t *testing.T, o *open, request string) string {
	t.Helper()
	conn := o.dial(t)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := io.ReadAll(conn)
	if err != nil && len(response) == 0 {
		t.Fatal(err)
	}
	return regexp.MustCompile("Date: [^\r]*\r\n").ReplaceAllString(string(response), "")
}

// TestServer_ForgeriesAreNotKept: what nobody signed fills no rejected callbacks, decodable or not.
func TestServer_ForgeriesAreNotKept(t *testing.T) {
	kept := &rejecter{}
	h, _, _ := newReplayFixture(t, func(c *Config) { c.Rejecter = kept })
	for _, body := range []string{`{`, `{}`, `{"event_type":"RECORD_FILE_COMPLETE","obs_object":7}`, `{"event_type":"NEW","obs_object":"a"}`, `<xml/>`, ``} {
		for name, request := range map[string]*http.Request{
			"forged": signed(t, path, []byte("another body")), "unsigned": signed(t, path, nil), "of another key": signed(t, path, nil),
		} {
			request.Body = io.NopCloser(strings.NewReader(body))
			switch name {
			case "unsigned":
				request.Header = http.Header{}
			case "of another key":
				proof, err := sparkrtc.Sign(mustKey(t, strings.Repeat("9", 32)), "1", "1619600282", []byte(body))
				if err != nil {
					t.Fatal(err)
				}
				proof.SetHeader(request.Header)
			}
			if code := h.post(request).Code; code != http.StatusUnauthorized {
				t.Errorf("%s %q: %d", name, body, code)
			}
		}
	}
	if len(kept.rejected) > 0 || len(h.sink.deliveries) > 0 {
		t.Errorf("rejected %+v, stored %+v", kept.rejected, h.sink.deliveries)
	}
}

// away is an API server that does not answer.
type away struct{}

func (away) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) {
	return ingest.Result{}, &ingest.Error{Err: errors.New("the API server is away")}
}

// TestServer_SpoolHoldsNoProof: somebody reads the disk with the spool. There are decoded events, and nothing that verifies
// or makes a callback: neither the key nor the signature nor what was signed.
func TestServer_SpoolHoldsNoProof(t *testing.T) {
	dir := t.TempDir()
	durable, err := spool.Open(spool.Options{Dir: dir, Ingester: away{}, DirectTimeout: time.Second, Log: logr.Discard(),
		Ready: func(context.Context) error { return errors.New("away") }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = durable.Close() }()
	h := newFixture(t, func(c *Config) { c.Ingester = durable })
	content := []byte(`{"event_type":"RECORD_FILE_COMPLETE","app_id":"` + app + `","room_id":"the-room","obs_bucket":"b","obs_object":"o","private":"of the body alone"}`)
	const random = "5577006791947779410"
	request := signedAt(t, path, content, random, "1619600282")
	signature := request.Header.Get(sparkrtc.HeaderSignature)
	checkResponse(t, h.post(request), http.StatusOK, "")

	var disk []byte
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		disk = append(disk, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(disk, []byte("the-room")) {
		t.Fatal("the event is not on the disk")
	}
	mac, err := hex.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	for name, proof := range map[string]string{
		"the key": secret, "the signature": signature, "its upper case": strings.ToUpper(signature), "its bytes": string(mac), "its base64": base64.StdEncoding.EncodeToString(mac),
		"most of it": signature[:32], "its end": signature[32:], "the rand": random, "the body": "of the body alone",
	} {
		if bytes.Contains(disk, []byte(proof)) {
			t.Errorf("%s is on the disk", name)
		}
	}
}
