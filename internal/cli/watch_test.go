// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/follow"
)

// watchedFile is a file in a state, with steps that run.
func watchedFile(name, reason string, done bool, percents ...int32) v1alpha1.RecordingFile {
	file := v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: name, Generation: 1}}
	file.Status.ObservedGeneration, file.Status.Done = 1, done
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: reason, Message: "message of " + reason + "\x1b[2J"}}
	file.Status.Summary = &v1alpha1.FileSummary{Progress: "1/3"}
	for i, percent := range percents {
		file.Status.Steps = append(file.Status.Steps, v1alpha1.StepStatus{Name: fmt.Sprintf("step-%d", i+1), State: v1alpha1.StepRunning,
			Progress: &v1alpha1.StepProgress{Percent: percent, Stage: v1alpha1.StageProcess, Rate: "3.4x"}})
	}
	return file
}

// scriptedAPI answers each list and each watch with the next of its script, and the last one again.
type scriptedAPI struct {
	lists   []any
	watches []any
	// versions are those that were watched from.
	versions []string
}

func (s *scriptedAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") == "" {
		answer(w, s.lists[0])
		s.lists = s.lists[min(1, len(s.lists)-1):]
		return
	}
	s.versions = append(s.versions, r.URL.Query().Get("resourceVersion"))
	answer(w, s.watches[0])
	s.watches = s.watches[min(1, len(s.watches)-1):]
}

func answer(w http.ResponseWriter, what any) {
	switch what := what.(type) {
	case *apierrors.StatusError:
		status := what.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		w.WriteHeader(int(status.Code))
		_ = json.NewEncoder(w).Encode(status)
	case []map[string]any:
		for _, event := range what {
			_ = json.NewEncoder(w).Encode(event)
		}
	default:
		_ = json.NewEncoder(w).Encode(what)
	}
}

func listOf(version string, files ...v1alpha1.RecordingFile) any {
	list := &v1alpha1.RecordingFileList{Items: files}
	list.ResourceVersion = version
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFileList"))
	return list
}

func happened(kind string, file v1alpha1.RecordingFile) map[string]any {
	file.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFile"))
	return map[string]any{"type": kind, "object": file}
}

func tooOld() map[string]any {
	status := apierrors.NewResourceExpired("too old resource version").Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	return map[string]any{"type": "ERROR", "object": status}
}

// countingClock lets no time pass while something is waited for, and knows for how long.
type countingClock struct {
	hurriedClock
	waited *[]time.Duration
}

func (c countingClock) After(d time.Duration) <-chan time.Time {
	*c.waited = append(*c.waited, d)
	return c.hurriedClock.After(d)
}

// watch runs the command against the script.
func (s *scriptedAPI) run(t *testing.T, args ...string) (ran, []time.Duration) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	var out, errOut bytes.Buffer
	var waited []time.Duration
	clock := countingClock{hurriedClock{testclock.NewFakeClock(testNow)}, &waited}
	code := Run(t.Context(), Environment{IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, Clock: clock},
		append(append([]string{"watch"}, args...), "--server", server.URL, "--kubeconfig", os.DevNull, "--namespace", "media"))
	return ran{code: code, out: out.String(), err: errOut.String()}, waited
}

// TestWatch_ListsAgain after a watch that was closed, one that is too old by an event and by an answer, and an API server
// that is away for a moment; what is the same is not printed again.
func TestWatch_ListsAgain(t *testing.T) {
	running, succeeded := v1alpha1.ReasonProcessing, v1alpha1.ReasonSucceeded
	s := &scriptedAPI{
		lists: []any{
			listOf("10", watchedFile("a", running, false, 20, 3), watchedFile("b", v1alpha1.ReasonQueued, false), watchedFile("c", succeeded, true)),
			listOf("20", watchedFile("a", running, false, 57), watchedFile("b", running, false, 10), watchedFile("c", succeeded, true)),
			apierrors.NewServiceUnavailable("away"),
			listOf("30", watchedFile("a", succeeded, true), watchedFile("b", running, false, 10)),
			listOf("40", watchedFile("a", succeeded, true), watchedFile("b", running, false, 99)),
		},
		watches: []any{
			[]map[string]any{happened("MODIFIED", watchedFile("a", running, false, 40)), happened("MODIFIED", watchedFile("a", running, false, 40)), happened("ADDED", watchedFile("d", v1alpha1.ReasonQueued, false)), happened("DELETED", watchedFile("d", v1alpha1.ReasonQueued, false))},
			[]map[string]any{tooOld()},
			apierrors.NewResourceExpired("too old resource version"),
			[]map[string]any{happened("MODIFIED", watchedFile("b", succeeded, true))},
		},
	}
	got, waited := s.run(t, "--until-done")
	golden(t, "watch-lines", got.String())
	if got := strings.Join(s.versions, " "); got != "10 20 30 40" {
		t.Errorf("watched from the versions %s", got)
	}
	if len(waited) != 4 {
		t.Errorf("waited %v", waited)
	}
}

// TestWatch_WaitsLongerAndLonger while the API server closes every watch at once.
func TestWatch_WaitsLongerAndLonger(t *testing.T) {
	lists := []any{}
	for range 9 {
		lists = append(lists, listOf("1", watchedFile("a", v1alpha1.ReasonProcessing, false)))
	}
	s := &scriptedAPI{lists: append(lists, listOf("2", watchedFile("a", v1alpha1.ReasonSucceeded, true))), watches: []any{[]map[string]any{}}}
	_, waited := s.run(t, "--until-done")
	if len(waited) != 9 || waited[0] < time.Second || waited[8] < 30*time.Second {
		t.Fatalf("waited %v", waited)
	}
	for i := 1; i < len(waited); i++ {
		if waited[i] < waited[i-1]*9/10 {
			t.Errorf("waited %v", waited)
		}
	}
}

func TestWatch_OutcomesAndErrors(t *testing.T) {
	stale := watchedFile("a", v1alpha1.ReasonSucceeded, true)
	stale.Generation = 2
	forbidden := apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("recordingfiles").GroupResource(), "", errors.New("no right"))
	none := []map[string]any{}
	for name, c := range map[string]struct {
		lists   []any
		watches []any
		args    []string
	}{
		"failed":      {lists: []any{listOf("1", watchedFile("a", v1alpha1.ReasonSucceeded, true), watchedFile("b", v1alpha1.ReasonFailed, true), watchedFile("c", v1alpha1.ReasonPartlySucceeded, true))}, args: []string{"--until-done"}},
		"retried":     {lists: []any{listOf("1", stale), listOf("2", watchedFile("a", v1alpha1.ReasonFailed, true))}, args: []string{"a", "--until-done"}},
		"none":        {lists: []any{listOf("1")}, args: []string{"-l", "a=b", "--until-done"}},
		"missing":     {lists: []any{listOf("1")}, args: []string{"rec/a"}},
		"forbidden":   {lists: []any{forbidden}},
		"everywhere":  {lists: []any{forbidden}, args: []string{"-A"}},
		"may-not":     {lists: []any{listOf("1", watchedFile("a", v1alpha1.ReasonQueued, false))}, watches: []any{forbidden}},
		"two":         {args: []string{"a", "b"}},
		"both":        {args: []string{"a", "-l", "a=b"}},
		"bad-labels":  {args: []string{"-l", "a=b=c"}},
		"unavailable": {lists: []any{apierrors.NewUnauthorized("no")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := (&scriptedAPI{lists: c.lists, watches: append(c.watches, none)}).run(t, c.args...)
			golden(t, "watch-"+name, got.String())
		})
	}
	golden(t, "help-watch", run(t, "", "watch", "--help").String())
}

func TestWatch_CompletesOneName(t *testing.T) {
	f := newFakeAPI(t)
	f.objects[recordings+"recordingfiles"] = listOf("1", watchedFile("camera-1", "", false), watchedFile("camera-2", "", false))
	flags := []string{"__complete", "--server", f.URL, "--kubeconfig", os.DevNull, "--namespace", "media", "watch"}
	for typed, want := range map[string]string{"": "camera-1\ncamera-2\n:4\n", "camera-1,": ":4\n"} {
		if got := run(t, "", append(flags, strings.Split(typed, ",")...)...); got.out != want {
			t.Errorf("%q: %v", typed, got)
		}
	}
}

// press presses keys.
func press(s watchScreen, keys ...tea.Key) watchScreen {
	for _, key := range keys {
		next, _ := s.Update(tea.KeyPressMsg(key))
		s = next.(watchScreen)
	}
	return s
}

func tell(t *testing.T, s watchScreen, message tea.Msg) watchScreen {
	t.Helper()
	next, _ := s.Update(message)
	return next.(watchScreen)
}

func rune1(r rune) tea.Key { return tea.Key{Code: r, Text: string(r)} }

func TestWatchScreen_ShowsScrollsAndEnds(t *testing.T) {
	var files []v1alpha1.RecordingFile
	for i := range 9 {
		files = append(files, watchedFile(fmt.Sprintf("camera-%d", i+1), v1alpha1.ReasonProcessing, false, int32(10*i), 5))
	}
	s := newWatchScreen(newFileSet(), true, false)
	var shown strings.Builder
	show := func(what string, s watchScreen) {
		fmt.Fprintf(&shown, "--- %s\n%s\n", what, s.View().Content)
	}
	s = tell(t, s, tea.WindowSizeMsg{Width: 72, Height: 6})
	show("before the list", s)
	s = tell(t, s, filesListed{files})
	show("listed", s)
	s = press(s, tea.Key{Code: tea.KeyDown}, rune1('j'), rune1('j'), rune1('k'), tea.Key{Code: tea.KeyUp})
	show("down, j, j, k, up", s)
	s = press(s, rune1('k'), rune1('k'), rune1('k'))
	if s.top != 0 {
		t.Errorf("scrolled to %d", s.top)
	}
	s = press(s, tea.Key{Code: tea.KeyEnd, Text: ""}, rune1('j'))
	show("end, j", s)
	changed := watchedFile("camera-9", v1alpha1.ReasonQueued, false)
	changed.Status.Queue = &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture: 8 of 8 files running"}
	s = tell(t, s, fileChanged{&changed})
	show("camera-9 waits", s)
	s = tell(t, s, follow.Trouble{Err: fmt.Errorf("away\x1b[2J")})
	show("trouble", s)
	s = tell(t, s, filesListed{files[:1]})
	show("one is left", s)
	s = tell(t, s, fileDeleted{&files[0]})
	show("none is left", s)
	golden(t, "watch-screen", shown.String())
	if view := s.View(); !view.AltScreen {
		t.Error("the table scrolls what was on the terminal away")
	}
	for _, key := range []tea.Key{rune1('q'), {Code: 'c', Mod: tea.ModCtrl}} {
		if _, command := s.Update(tea.KeyPressMsg(key)); command == nil || command() != (tea.QuitMsg{}) {
			t.Errorf("%v does not end it", key)
		}
	}
}

func TestWatchScreen_EndsWhenDone(t *testing.T) {
	for _, c := range []struct{ untilDone, done bool }{{true, true}, {true, false}, {false, true}} {
		s := newWatchScreen(newFileSet(), false, c.untilDone)
		_, command := s.Update(filesListed{[]v1alpha1.RecordingFile{watchedFile("a", v1alpha1.ReasonSucceeded, c.done)}})
		if ends := command != nil; ends != (c.untilDone && c.done) {
			t.Errorf("%+v: ends %v", c, ends)
		}
	}
}
