// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var statOptions minio.StatObjectOptions

func startServer(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server
}

const faultContent = "0123456789"

// answer is a whole answer of an S3 server, or the rest that was asked for.
func answer(w http.ResponseWriter, r *http.Request, content string) {
	w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	w.Header().Set("Etag", `"v1"`)
	http.ServeContent(w, r, "", time.Unix(0, 0), strings.NewReader(content))
}

func s3Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>internals</Message><RequestId>x</RequestId></Error>`, code)
}

// cut promises more than it sends.
func cut(w http.ResponseWriter, promised int, sent string) {
	w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	w.Header().Set("Etag", `"v1"`)
	w.Header().Set("Content-Length", strconv.Itoa(promised))
	_, _ = io.WriteString(w, sent)
}

func hijack(w http.ResponseWriter) net.Conn {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return connection
}

func TestS3Copy_Faults(t *testing.T) {
	if testing.Short() {
		t.Skip("waits between attempts")
	}
	tests := map[string]struct {
		// handler answers the request of this number, from 1.
		handler func(w http.ResponseWriter, r *http.Request, number int)
		bound   int64
		reason  string
		message string
		most    int // requests
	}{
		"500 twice": {handler: func(w http.ResponseWriter, r *http.Request, number int) {
			if number <= 2 {
				s3Error(w, http.StatusInternalServerError, "InternalError")
				return
			}
			answer(w, r, faultContent)
		}},
		"500 always": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusInternalServerError, "InternalError")
		}, reason: workerapi.ReasonStorageUnavailable, message: "cannot serve the request now (HTTP 500 InternalError)", most: s3Attempts * receiveTries},
		"busy": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusServiceUnavailable, "SlowDown")
		},
			reason: workerapi.ReasonStorageUnavailable, message: "HTTP 503 SlowDown", most: s3Attempts * receiveTries},
		"resumes where it was cut": {handler: func(w http.ResponseWriter, r *http.Request, number int) {
			if number == 1 {
				cut(w, 10, faultContent[:4])
				return
			}
			if r.Header.Get("Range") != "bytes=4-" || r.Header.Get("If-Match") != `"v1"` {
				s3Error(w, http.StatusBadRequest, "InvalidRequest")
				return
			}
			answer(w, r, faultContent)
		}, most: 2},
		"ignores ranges": {handler: func(w http.ResponseWriter, r *http.Request, number int) {
			if number == 1 {
				cut(w, 10, faultContent[:4])
				return
			}
			r.Header.Del("Range")
			answer(w, r, faultContent)
		}},
		"changes meanwhile": {handler: func(w http.ResponseWriter, r *http.Request, number int) {
			switch {
			case number == 1:
				cut(w, 10, "abcd")
			case r.Header.Get("If-Match") != "":
				s3Error(w, http.StatusPreconditionFailed, "PreconditionFailed")
			default:
				answer(w, r, faultContent)
			}
		}},
		"truncates always": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { cut(w, 10, "0") },
			reason: workerapi.ReasonStorageUnavailable, message: "cut the connection", most: receiveTries},
		"resets": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			connection := hijack(w)
			if tcp, ok := connection.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = connection.Close()
		}, reason: workerapi.ReasonStorageUnavailable, message: "the connection"},
		"promises more than allowed": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { cut(w, 1<<30, "0") },
			reason: workerapi.ReasonTooLarge, message: "does not fit", most: 1},
		"sends more than allowed, without a size": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
			for range 100 {
				_, _ = io.WriteString(w, faultContent)
				_ = http.NewResponseController(w).Flush()
			}
		}, reason: workerapi.ReasonTooLarge, message: "does not fit", most: 1},
		"missing":         {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { s3Error(w, http.StatusNotFound, "NoSuchKey") }, reason: workerapi.ReasonNotFound, message: "is not there", most: 1},
		"missing, no XML": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusNotFound) }, reason: workerapi.ReasonNotFound, message: "is not there", most: 1},
		"no bucket":       {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { s3Error(w, http.StatusNotFound, "NoSuchBucket") }, reason: workerapi.ReasonNotFound, message: "the bucket calls does not exist", most: 1},
		"forbidden":       {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { s3Error(w, http.StatusForbidden, "AccessDenied") }, reason: workerapi.ReasonForbidden, message: "the credentials do not permit this (HTTP 403 AccessDenied)", most: 1},
		"unknown key": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusForbidden, "InvalidAccessKeyId")
		}, reason: workerapi.ReasonForbidden, message: "does not know the accessKeyID", most: 1},
		"expired": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) { s3Error(w, http.StatusBadRequest, "ExpiredToken") }, reason: workerapi.ReasonForbidden, message: "the sessionToken has expired"},
		"path style": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusForbidden, "VirtualHostDomainRequired")
		}, reason: workerapi.ReasonForbidden, message: "HuaweiOBS"},
		"cold": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusForbidden, "InvalidObjectState")
		}, reason: workerapi.ReasonForbidden, message: "cold storage"},
		"wrong region": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			s3Error(w, http.StatusBadRequest, "AuthorizationHeaderMalformed")
		}, reason: workerapi.ReasonStorageUnavailable, message: "spec.s3.region"},
		"redirects": {handler: func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		}, reason: workerapi.ReasonStorageUnavailable, message: "does not accept the request"},
		"speaks another tongue": {handler: func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "<html>secret</html>")
		}, reason: workerapi.ReasonStorageUnavailable, message: "(HTTP 418)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			server := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.handler(w, r, int(requests.Add(1)))
			}))
			reader, _ := newTestS3(t, server.URL, "calls", "", "")
			dir := t.TempDir()
			err := reader.Copy(t.Context(), []Object{{Ref: "a/x.ts", File: "x"}}, dir, 10, nil)
			checkFailure(t, err, test.reason)
			if test.most > 0 && int(requests.Load()) > test.most {
				t.Errorf("%d requests, want at most %d", requests.Load(), test.most)
			}
			if err == nil {
				if data, _ := os.ReadFile(filepath.Join(dir, "x")); string(data) != faultContent {
					t.Errorf("stored %q", data)
				}
				return
			}
			if !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), "s3://calls/a/x.ts") {
				t.Errorf("message %q, want %q in it", err, test.message)
			}
			for _, internal := range []string{"internals", "secret", "dial tcp", "Get ", "foreign host"} {
				if strings.Contains(err.Error(), internal) {
					t.Errorf("message %q holds %q", err, internal)
				}
			}
			if failure.Of(err).Object != "a/x.ts" {
				t.Errorf("about %q", failure.Of(err).Object)
			}
		})
	}
}

// A store that hangs, before or within its answer, is left after the idle time and not before.
func TestS3_StoreThatHangsIsLeft(t *testing.T) {
	release := make(chan struct{})
	for name, begin := range map[string]func(w http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the body": func(w http.ResponseWriter) {
			cut(w, 10, "0")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				select {
				case <-r.Context().Done():
				case <-release:
				}
			}))
			reader, _ := newTestS3(t, server.URL, "calls", "", "")
			impatient(t, reader.s3Bucket, 20*time.Millisecond)
			err := reader.Copy(t.Context(), []Object{{Ref: "x", File: "x"}}, t.TempDir(), 10, nil)
			checkFailure(t, err, workerapi.ReasonStorageUnavailable)
			if !strings.Contains(err.Error(), "no byte moved") {
				t.Errorf("message %q", err)
			}
		})
	}
	close(release)
}

// impatient gives a bucket's client another idle time.
func impatient(t *testing.T, bucket *s3Bucket, idle time.Duration) {
	t.Helper()
	core, err := minio.NewCore(bucket.endpoint, &minio.Options{
		Transport: stallGuard{next: http.DefaultTransport, idle: idle}, Region: "us-east-1", MaxRetries: 1, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		t.Fatal(err)
	}
	bucket.core = core
}

// A body that moves slowly, but moves, is not left.
func TestStallGuard_SlowBodyIsRead(t *testing.T) {
	idle := 200 * time.Millisecond
	server := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			timer := time.NewTimer(idle / 4)
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
			_, _ = io.WriteString(w, "0")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	client := &http.Client{Transport: stallGuard{next: http.DefaultTransport, idle: idle}}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if data, err := io.ReadAll(response.Body); err != nil || string(data) != "0000000000" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestS3_ConnectionFaultsAreOneSentence(t *testing.T) {
	if testing.Short() {
		t.Skip("waits between attempts")
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	plain := startServer(t, http.NotFoundHandler())
	for name, test := range map[string]struct {
		endpoint, reason, message string
		denied                    []string
	}{
		"refused":     {endpoint: "http://127.0.0.1:1", reason: workerapi.ReasonStorageUnavailable, message: "the host 127.0.0.1:1 refuses the connection"},
		"no host":     {endpoint: "http://storage.invalid", reason: workerapi.ReasonStorageUnavailable, message: "the host storage.invalid"},
		"not trusted": {endpoint: secure.URL, reason: workerapi.ReasonStorageUnavailable, message: "is not trusted"},
		"no TLS":      {endpoint: strings.Replace(plain.URL, "http:", "https:", 1), reason: workerapi.ReasonStorageUnavailable, message: "does not speak TLS"},
		"denied":      {endpoint: plain.URL, reason: workerapi.ReasonForbidden, message: "a network that is denied", denied: []string{"127.0.0.0/8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := s3Storage(test.endpoint, "calls", "")
			denied := test.denied
			if denied == nil {
				denied = nowhere
			}
			var log bytes.Buffer
			reader, err := NewReader(workerapi.Input{Storage: &storage}, denied, Paths{Credentials: credentialsDir(t)},
				slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			err = reader.Copy(t.Context(), []Object{{Ref: "x", File: "x"}}, t.TempDir(), 10, nil)
			checkFailure(t, err, test.reason)
			if !strings.Contains(err.Error(), test.message) || strings.Contains(err.Error(), "dial") || strings.Contains(err.Error(), "x509") {
				t.Errorf("message %q, want %q", err, test.message)
			}
			if log.Len() == 0 {
				t.Error("the details are not in the log")
			}
		})
	}
}
