// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// fakeCluster lists and watches files and tasks; everything else panics.
type fakeCluster struct {
	client.WithWatch
	mu    sync.Mutex
	files []v1alpha1.RecordingFile
	// tasksErr is the answer to a list of tasks.
	tasksErr error
	changes  *watch.FakeWatcher
}

func newFakeCluster(files ...v1alpha1.RecordingFile) *fakeCluster {
	return &fakeCluster{files: files, changes: watch.NewFakeWithChanSize(100, false)}
}

func (f *fakeCluster) List(_ context.Context, list client.ObjectList, chosen ...client.ListOption) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	options := (&client.ListOptions{}).ApplyOptions(chosen)
	files, ok := list.(*v1alpha1.RecordingFileList)
	if !ok {
		return f.tasksErr
	}
	from, _ := strconv.Atoi(options.Continue)
	to := min(len(f.files), from+int(options.Limit))
	files.Items = f.files[from:to]
	if to < len(f.files) {
		files.Continue = strconv.Itoa(to)
	}
	return nil
}

func (f *fakeCluster) Watch(ctx context.Context, list client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
	changes := watch.NewFake()
	if _, ok := list.(*v1alpha1.RecordingFileList); ok {
		changes = f.changes
	}
	context.AfterFunc(ctx, changes.Stop)
	return changes, nil
}

// fileAt is the n-th file: the greater, the newer.
func fileAt(n int, room, reason string) v1alpha1.RecordingFile {
	file := v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: fmt.Sprintf("camera-%05d", n), ResourceVersion: strconv.Itoa(n + 1),
		CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000+int64(n), 0))}}
	file.Spec.SourceRef.Name = "classroom"
	file.Spec.TaskIDs = []string{fmt.Sprintf("job-%d", n)}
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: reason, Message: "message of " + reason}}
	file.Status.Summary = &v1alpha1.FileSummary{Room: room, Stream: "camera", Duration: "1m5s", Size: "25.0MiB", Progress: "1/2"}
	file.Status.Steps = []v1alpha1.StepStatus{
		{Name: "mp4", State: v1alpha1.StepSucceeded},
		{Name: "small", State: v1alpha1.StepRunning, Progress: &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StageProcess, Rate: "3.4x"}},
	}
	return file
}

// newServer is a server that listens, and serves nothing yet.
func newServer(t *testing.T, cluster client.WithWatch, change ...func(*Config)) *Server {
	t.Helper()
	listener, err := Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	config := Config{
		Client: cluster, Clock: clock.RealClock{}, Timeout: 10 * time.Second, Context: "production",
		Explain: func(err error, verb, resource, _ string) error {
			return fmt.Errorf("%w; you need the right to %s %s", err, verb, resource)
		},
		Ready: func(string) {},
	}
	for _, each := range change {
		each(&config)
	}
	s, err := New(config, listener)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve serves until the test ends, or what it returns is called, which returns the error of Serve.
func serve(t *testing.T, s *Server) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return end
}

// request is one of the page itself, with the cookie.
func request(t *testing.T, s *Server, method, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.listener.Addr().String()+s.scope+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: cookieName, Value: s.token})
	return r
}

// page is a page that follows a stream.
type page struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
}

func openStream(t *testing.T, s *Server, query string) *page {
	t.Helper()
	response, err := http.DefaultClient.Do(request(t, s, http.MethodGet, "/stream"+query))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return &page{t: t, response: response, lines: bufio.NewReaderSize(response.Body, 1<<20)}
}

// next is the next update.
func (p *page) next() update {
	p.t.Helper()
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			p.t.Fatal(err)
		}
		data, isData := strings.CutPrefix(line, "data: ")
		if !isData {
			continue
		}
		var next update
		if err := json.Unmarshal([]byte(data), &next); err != nil {
			p.t.Fatal(err)
		}
		return next
	}
}

func bodyOf(t *testing.T, response *http.Response) string {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// failing lists nothing.
type failing struct{ *fakeCluster }

func (failing) List(context.Context, client.ObjectList, ...client.ListOption) error { return errAway }
