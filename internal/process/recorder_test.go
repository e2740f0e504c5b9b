// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
)

// provided is a manager that hands one recorder out.
type provided struct {
	recorder.Provider
	*events.FakeRecorder
}

func (p provided) GetEventRecorder(string) recorder.EventRecorder { return p.FakeRecorder }

// However long and however broken the words, the note of an event is one that the API server takes.
func TestRecorder_CutsNotes(t *testing.T) {
	long := strings.Repeat("x", maxNote)
	for name, c := range map[string]struct{ note, want string }{
		"a short one":                 {"callback 100% %s é", "callback 100% %s é"},
		"an empty one":                {"", ""},
		"the longest":                 {long, long},
		"a byte more":                 {long + "x", long[3:] + "..."},
		"cut before a character":      {"x" + strings.Repeat("é", maxNote), "x" + strings.Repeat("é", 510) + "..."},
		"cut within a character":      {strings.Repeat("é", maxNote), strings.Repeat("é", 510) + "..."},
		"cut within a long character": {strings.Repeat("😀", maxNote), strings.Repeat("😀", 255) + "..."},
		"not UTF-8":                   {"a\xff\xfeb", "a\uFFFDb"},
		"what a terminal acts on":     {"a\x1b[2J\u009bb\n", "a [2J b "},
		"ends within a character":     {"caf\xc3", "caf\uFFFD"},
		"grows too long as UTF-8":     {"\xff" + long[2:], "\uFFFD" + long[6:] + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			fake := events.NewFakeRecorder(1)
			NewRecorder(provided{FakeRecorder: fake}).Eventf(nil, nil, corev1.EventTypeWarning, "Reason", "Act", "%s", c.note)
			got := strings.TrimPrefix(<-fake.Events, "Warning Reason ")
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if len(got) > maxNote || !utf8.ValidString(got) {
				t.Errorf("%d bytes, UTF-8: %v", len(got), utf8.ValidString(got))
			}
		})
	}
}
