// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"errors"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

var errAway = errors.New("away")

func manyFiles(n int) []v1alpha1.RecordingFile {
	files := make([]v1alpha1.RecordingFile, n)
	for i := range files {
		files[i] = fileAt(i, "math", v1alpha1.ReasonProcessing)
	}
	return files
}

func TestStream_FollowsTheCluster(t *testing.T) {
	cluster := newFakeCluster(manyFiles(1200)...)
	ready := make(chan string, 1)
	s := newServer(t, cluster, func(c *Config) { c.Ready = func(url string) { ready <- url } })
	serve(t, s)
	if url := <-ready; url != s.URL() || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.Contains(url, s.token) {
		t.Errorf("the address is %s", url)
	}
	p := openStream(t, s, "")
	if kind := p.response.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" || p.response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", p.response.Header)
	}
	first := p.next()
	if len(first.Files.Changed) != maxRows || first.Files.Matched != 1200 || first.Files.Total != 1200 || !first.Files.Listed || first.Context != "production" {
		t.Fatalf("%d rows of %d", len(first.Files.Changed), first.Files.Matched)
	}
	row := first.Files.Changed[0]
	if row.Name != "camera-01199" || row.Now != "small 57% Process 3.4x" || row.Steps[1].Name != "small" || *row.Steps[1].Percent != 57 || row.Room != "math" {
		t.Errorf("the newest is %+v", row)
	}
	changed, deleted := fileAt(1199, "math", v1alpha1.ReasonSucceeded), fileAt(1198, "math", v1alpha1.ReasonProcessing)
	changed.ResourceVersion = "5000"
	cluster.changes.Modify(&changed)
	cluster.changes.Delete(&deleted)
	var rows []*fileRow
	var gone []string
	for len(gone) == 0 || len(rows) < 2 {
		next := p.next()
		rows, gone = append(rows, next.Files.Changed...), append(gone, next.Files.Gone...)
	}
	// The one that is gone makes room for an older one.
	if len(rows) != 2 || rows[0].Status != v1alpha1.ReasonSucceeded || rows[1].Name != "camera-00699" || gone[0] != "media/camera-01198" {
		t.Errorf("changed %v, gone %v", rows, gone)
	}
	filtered := openStream(t, s, "?fileState=Succeeded").next()
	if len(filtered.Files.Changed) != 1 || filtered.Files.Matched != 1 || filtered.Files.States[v1alpha1.ReasonProcessing] != 1198 {
		t.Errorf("filtered: %d rows, %v", len(filtered.Files.Changed), filtered.Files.States)
	}
}

func TestStream_SaysWhichRightIsMissing(t *testing.T) {
	cluster := newFakeCluster(manyFiles(1)...)
	cluster.tasksErr = apierrors.NewForbidden(schema.GroupResource{Resource: "recordingtasks"}, "", errors.New("no"))
	s := newServer(t, cluster)
	serve(t, s)
	p := openStream(t, s, "")
	next := p.next()
	for next.Tasks.Trouble == "" || !next.Files.Listed {
		next = p.next()
	}
	if !strings.Contains(next.Tasks.Trouble, "you need the right to list recordingtasks") || next.Tasks.Listed {
		t.Errorf("trouble %q", next.Tasks.Trouble)
	}
}

func TestServe_EndsWhenFilesCannotBeListed(t *testing.T) {
	s := newServer(t, failing{newFakeCluster()})
	if err := s.Serve(t.Context()); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "list recordingfiles") {
		t.Errorf("error %v", err)
	}
}

func TestStream_IsBounded(t *testing.T) {
	s := newServer(t, newFakeCluster(manyFiles(1)...))
	serve(t, s)
	var pages []*page
	for range maxStreams {
		p := openStream(t, s, "")
		p.next()
		pages = append(pages, p)
	}
	refused := openStream(t, s, "")
	if text := bodyOf(t, refused.response); refused.response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "16 pages are open") {
		t.Errorf("code %d: %s", refused.response.StatusCode, text)
	}
	_ = pages[0].response.Body.Close()
	gomega.NewWithT(t).Eventually(func() int {
		response := openStream(t, s, "").response
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode
	}, 20*time.Second, 50*time.Millisecond).Should(gomega.Equal(http.StatusOK))
	long := openStream(t, s, "?room="+strings.Repeat("x", maxFilter+1))
	if text := bodyOf(t, long.response); long.response.StatusCode != http.StatusBadRequest || !strings.Contains(text, "room must have at most") {
		t.Errorf("code %d: %s", long.response.StatusCode, text)
	}
}

// Nothing goes on after the server has ended, whatever was open.
func TestServe_EndsAllGoroutines(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	s := newServer(t, newFakeCluster(manyFiles(10)...))
	end := serve(t, s)
	p := openStream(t, s, "")
	p.next()
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.lines.ReadString(0); err == nil {
		t.Error("the stream goes on")
	}
	_ = p.response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	gomega.NewWithT(t).Eventually(runtime.NumGoroutine, 20*time.Second, 50*time.Millisecond).Should(gomega.BeNumerically("<=", before))
	if left, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.listener.Addr().String()); err == nil {
		_ = left.Close()
		t.Error("the port is open")
	}
}
