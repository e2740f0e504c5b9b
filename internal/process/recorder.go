// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"sparkrtc.dev/recording-operator/internal/bounded"
)

const (
	recorderName = "recording-operator"
	// maxNote is the longest note of an event that the API server accepts, in bytes.
	maxNote = 1024
)

// NewRecorder makes an event recorder that cuts notes to the length that the API server accepts, and takes out what a
// terminal would act on, so that callers need not.
func NewRecorder(provider recorder.Provider) events.EventRecorder {
	return cuttingRecorder{to: provider.GetEventRecorder(recorderName)}
}

type cuttingRecorder struct{ to events.EventRecorder }

// Eventf records an event.
func (r cuttingRecorder) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	// Invalid UTF-8 is replaced first, as encoding the event would, since that makes the note longer.
	text := bounded.Printable(fmt.Sprintf(note, args...))
	r.to.Eventf(regarding, related, eventtype, reason, action, "%s", bounded.Bytes(text, maxNote))
}
