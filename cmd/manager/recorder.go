// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
)

const (
	recorderName = "recording-operator"
	// maxNote is the longest note of an event, in bytes, as the API server demands. It refuses an event with a longer one.
	maxNote = 1024
	// cutMark ends a note that was cut.
	cutMark = "..."
)

// newRecorder makes the recorder that all events go through: whoever records one says what happened, in as many words
// as it takes.
func newRecorder(provider recorder.Provider) events.EventRecorder {
	return cuttingRecorder{to: provider.GetEventRecorder(recorderName)}
}

// cuttingRecorder cuts notes to what the API server takes.
type cuttingRecorder struct{ to events.EventRecorder }

// Eventf records an event.
func (r cuttingRecorder) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	r.to.Eventf(regarding, related, eventtype, reason, action, "%s", cutNote(fmt.Sprintf(note, args...)))
}

// cutNote cuts between characters. What is not UTF-8 is replaced first, as encoding the event would: that makes it longer.
func cutNote(note string) string {
	note = strings.ToValidUTF8(note, string(utf8.RuneError))
	if len(note) <= maxNote {
		return note
	}
	return strings.ToValidUTF8(note[:maxNote-len(cutMark)], "") + cutMark
}
