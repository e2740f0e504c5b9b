// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

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
	// maxNote is the longest note of an event that the API server accepts, in bytes.
	maxNote = 1024
	// ellipsis ends a note that was cut.
	ellipsis = "..."
)

// NewRecorder makes an event recorder that cuts notes to the length that the API server accepts, so that callers need
// not count bytes.
func NewRecorder(provider recorder.Provider) events.EventRecorder {
	return cuttingRecorder{to: provider.GetEventRecorder(recorderName)}
}

type cuttingRecorder struct{ to events.EventRecorder }

// Eventf records an event.
func (r cuttingRecorder) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	r.to.Eventf(regarding, related, eventtype, reason, action, "%s", cutNote(fmt.Sprintf(note, args...)))
}

// cutNote cuts between characters. Invalid UTF-8 is replaced first, as encoding the event would, since that makes the
// note longer.
func cutNote(note string) string {
	note = strings.ToValidUTF8(note, string(utf8.RuneError))
	if len(note) <= maxNote {
		return note
	}
	return strings.ToValidUTF8(note[:maxNote-len(ellipsis)], "") + ellipsis
}
