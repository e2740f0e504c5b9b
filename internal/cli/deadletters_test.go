/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// letterServer is the admin listener of one pod, as internal/admin has it.
type letterServer struct {
	mu      sync.Mutex
	letters []map[string]any
	// refused and away are IDs of letters whose replay is refused, or not possible now.
	refused, away string
}

func (s *letterServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	reply := func(code int, content any) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(content)
	}
	if r.Host != "localhost:8092" || parts[0] != "v1" || parts[1] != "dead-letters" {
		reply(http.StatusForbidden, map[string]string{"error": r.Method + " " + r.Host + r.URL.Path})
		return
	}
	if len(parts) == 2 {
		items := []map[string]any{}
		for _, l := range s.letters {
			item := map[string]any{}
			for key, value := range l {
				if !strings.HasPrefix(key, "body") {
					item[key] = value
				}
			}
			items = append(items, item)
		}
		reply(http.StatusOK, map[string]any{"items": items})
		return
	}
	id := parts[2]
	i := slices.IndexFunc(s.letters, func(l map[string]any) bool { return l["id"] == id })
	switch {
	case i < 0:
		reply(http.StatusNotFound, map[string]string{"error": "no such dead letter"})
	case r.Method == http.MethodGet:
		reply(http.StatusOK, s.letters[i])
	case r.Method == http.MethodDelete:
		s.letters = slices.Delete(s.letters, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	case id == s.refused:
		reply(http.StatusUnprocessableEntity, map[string]string{"error": "still refused: spec.format: too long"})
	case id == s.away:
		reply(http.StatusServiceUnavailable, map[string]string{"error": "the API server is away"})
	default:
		s.letters = slices.Delete(s.letters, i, i+1)
		reply(http.StatusOK, map[string]string{"outcome": "created", "file": "camera-0011aabb-0"})
	}
}

func makeLetter(id int, namespace, reason, body string) map[string]any {
	return map[string]any{
		"id": fmt.Sprint(id), "namespace": namespace, "source": "classroom", "received": testNow.Add(-90 * time.Minute),
		"cause": "undecodable", "reason": reason, "eventType": "RECORD_FILE_COMPLETE", "bytes": len(body), "body": body,
	}
}

func letterAPI(t *testing.T) (f *fakeAPI, a, b *letterServer) {
	t.Helper()
	f = newFakeAPI(t)
	f.putPods("manager-b", "manager-a")
	a = &letterServer{letters: []map[string]any{
		makeLetter(1, "media", "file_size: is no number", `{"file_size":"x"}`),
		makeLetter(2, "elsewhere", "body: is not JSON\x1b[2J", "\x1b[31m"),
	}}
	b = &letterServer{letters: []map[string]any{makeLetter(1, "media", "body: is not UTF-8", base64.StdEncoding.EncodeToString([]byte("\xff\x00\n")))}}
	b.letters[0]["bodyEncoding"] = "base64"
	f.backends["manager-a:8092"], f.backends["manager-b:8092"] = a, b
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
	a.refused = "1"
	got := f.run(t, "", "dead-letters", "replay", "--all")
	if got.code != ExitRefused || !strings.Contains(got.err, "dead letter manager-a/1: pod manager-a says 422: still refused: spec.format: too long") {
		t.Error(got)
	}
	if got.out != "manager-b/1: created, recordingfile camera-0011aabb-0\n" || len(a.letters) != 2 || len(b.letters) != 0 {
		t.Errorf("%v; left %v and %v", got, a.letters, b.letters)
	}
	a.refused, a.away = "", "1"
	if got := f.run(t, "", "dead-letters", "replay", "manager-a/1"); got.code != ExitNotNow || len(a.letters) != 2 {
		t.Error(got)
	}
	// What is final decides, whatever its order.
	a.refused = "2"
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
