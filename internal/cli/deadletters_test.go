// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/admin"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// heldLetters are the dead letters of one pod.
type heldLetters struct {
	mu      sync.Mutex
	letters []spool.Letter
	// refused and away are the numbers of letters whose replay is refused, or not possible now.
	refused, away uint64
}

func (h *heldLetters) find(id uint64) (int, error) {
	i := slices.IndexFunc(h.letters, func(l spool.Letter) bool { return l.ID == id })
	if i < 0 {
		return 0, spool.ErrNoLetter
	}
	return i, nil
}

func (h *heldLetters) Letters() ([]spool.Letter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.letters)
	for i := range list {
		list[i].Body = nil
	}
	return list, nil
}

func (h *heldLetters) Letter(id uint64) (spool.Letter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, err := h.find(id)
	if err != nil {
		return spool.Letter{}, err
	}
	return h.letters[i], nil
}

func (h *heldLetters) Replay(ctx context.Context, id uint64) (ingest.Result, error) {
	switch id {
	case h.refused:
		return ingest.Result{}, fmt.Errorf("%w: spec.format: too long", spool.ErrRefused)
	case h.away:
		return ingest.Result{}, errors.New("the API server is away")
	}
	return ingest.Result{Outcome: ingest.Created, File: "camera-0011aabb-0"}, h.DeleteLetter(ctx, id)
}

func (h *heldLetters) DeleteLetter(_ context.Context, id uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, err := h.find(id)
	if err == nil {
		h.letters = slices.Delete(h.letters, i, i+1)
	}
	return err
}

func makeLetter(id uint64, namespace, reason, body string) spool.Letter {
	return spool.Letter{
		ID: id, Namespace: namespace, Source: "classroom", Received: testNow.Add(-90 * time.Minute), Cause: spool.Undecodable,
		Reason: reason, EventType: "RECORD_FILE_COMPLETE", Size: len(body), Body: []byte(body),
	}
}

// letterAPI is a cluster with two pods that hold dead letters and tell of them as the operator does.
func letterAPI(t *testing.T) (f *fakeAPI, a, b *heldLetters) {
	t.Helper()
	f = newFakeAPI(t)
	f.putPods("manager-b", "manager-a")
	a = &heldLetters{letters: []spool.Letter{
		makeLetter(1, "media", "file_size: is no number", `{"file_size":"x"}`),
		makeLetter(2, "elsewhere", "body: is not JSON\x1b[2J", "\x1b[31m"),
	}}
	b = &heldLetters{letters: []spool.Letter{makeLetter(1, "media", "body: is not UTF-8", "\xff\x00\n")}}
	f.backends["manager-a:8092"] = admin.NewServer(a, logr.Discard()).Handler
	f.backends["manager-b:8092"] = admin.NewServer(b, logr.Discard()).Handler
	return f, a, b
}

func TestDeadLetters(t *testing.T) {
	for name, args := range map[string][]string{
		"help":           {},
		"list":           {"list"},
		"list-all":       {"list", "-A"},
		"list-json":      {"list", "-o", "json"},
		"list-none":      {"list", "--namespace", "empty"},
		"show":           {"show", "manager-a/1"},
		"show-body":      {"show", "manager-b/1", "--body"},
		"show-escaped":   {"show", "manager-a/2"},
		"show-yaml":      {"show", "manager-b/1", "-o", "yaml"},
		"show-none":      {"show", "manager-a/9"},
		"show-misnamed":  {"show", "1"},
		"show-body-json": {"show", "manager-a/1", "--body", "-o", "json"},
		"replay":         {"replay", "manager-a/1"},
		"replay-two":     {"replay", "manager-a/1", "manager-b/1"},
		"replay-all":     {"replay", "--all"},
		"replay-json":    {"replay", "--all", "-A", "-o", "json"},
		"replay-nothing": {"replay"},
		"replay-both":    {"replay", "--all", "manager-a/1"},
		"delete":         {"delete", "manager-a/1", "manager-a/9", "manager-b/1"},
		"delete-nothing": {"delete"},
		"unknown":        {"burn"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _, _ := letterAPI(t)
			args := append([]string{"dead-letters"}, args...)
			if !slices.Contains(args, "--namespace") {
				args = append(args, "--namespace", "media")
			}
			got := run(t, "", append(args, "--server", f.URL, "--kubeconfig", "/dev/null")...)
			golden(t, "dead-letters-"+name, got.String())
		})
	}
}

func TestReplayKeepsWhatIsRefused(t *testing.T) {
	f, a, b := letterAPI(t)
	a.refused = 1
	got := f.run(t, "", "dead-letters", "replay", "--all")
	if got.code != ExitRefused || !strings.Contains(got.err, "dead letter manager-a/1: pod manager-a says 422: the callback is still refused: spec.format: too long") {
		t.Error(got)
	}
	if got.out != "manager-b/1: created, recordingfile camera-0011aabb-0\n" || len(a.letters) != 2 || len(b.letters) != 0 {
		t.Errorf("%v; left %v and %v", got, a.letters, b.letters)
	}
	a.refused, a.away = 0, 1
	if got := f.run(t, "", "dead-letters", "replay", "manager-a/1"); got.code != ExitNotNow || len(a.letters) != 2 {
		t.Error(got)
	}
	// What is final decides, whatever its order.
	a.refused = 2
	for _, names := range [][]string{{"manager-a/1", "manager-a/2"}, {"manager-a/2", "manager-a/1"}} {
		if got := f.run(t, "", append([]string{"dead-letters", "replay"}, names...)...); got.code != ExitRefused {
			t.Error(got)
		}
	}
}

// One pod that does not answer hides neither the letters of the others nor its own silence.
func TestOnePodIsSilent(t *testing.T) {
	f, _, _ := letterAPI(t)
	delete(f.backends, "manager-a:8092")
	got := f.run(t, "", "dead-letters", "list")
	if got.code != ExitFailed || !strings.Contains(got.out, "manager-b/1") ||
		!strings.Contains(got.err, "forward port 8092 of pod recording-system/manager-a: connection refused") {
		t.Error(got)
	}
}

// What was replayed before the user interrupted it is told.
func TestReplayInterrupted(t *testing.T) {
	f, _, _ := letterAPI(t)
	ctx, interrupt := context.WithCancel(t.Context())
	f.backends["manager-b:8092"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	})
	var out, errOut bytes.Buffer
	code := Run(ctx, Environment{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, Clock: testclock.NewFakeClock(testNow)},
		[]string{"dead-letters", "replay", "manager-a/1", "manager-b/1", "manager-a/2", "--server", f.URL, "--kubeconfig", "/dev/null"})
	if code != ExitFailed || out.String() != "manager-a/1: created, recordingfile camera-0011aabb-0\n" {
		t.Errorf("exit code %d, %q, %q", code, &out, &errOut)
	}
}

// Where nobody could be asked, nobody says that there is nothing.
func TestNoPodAnswers(t *testing.T) {
	f, _, _ := letterAPI(t)
	f.backends = nil
	got := f.run(t, "", "dead-letters", "list")
	if got.code != ExitFailed || got.out != "" || strings.Contains(got.err, "No dead letters") {
		t.Error(got)
	}
}

func TestDeadLettersNeedTheRightToForward(t *testing.T) {
	f, _, _ := letterAPI(t)
	f.objects[pods+"/manager-a/portforward"] = nil
	for _, args := range [][]string{{"list"}, {"show", "manager-a/1"}, {"replay", "manager-a/1"}, {"delete", "manager-a/1"}} {
		got := f.run(t, "", append([]string{"dead-letters"}, args...)...)
		if got.code != ExitFailed || !strings.Contains(got.err, "kubectl auth can-i create pods --subresource=portforward -n recording-system") {
			t.Error(got)
		}
	}
}
