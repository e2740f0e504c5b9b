// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package notification sends CloudEvents to the sinks that RecordingSources name.
//
// The reconcilers of files and tasks write an event into the status together with what makes it true (record.go, pure), so
// that neither is there without the other. From then on the event waits in the status until a sink has taken it or it is
// given up: nothing else remembers it. The reconciler of this package reads it there, sends it and removes it. A manager
// that is killed in between sends it again, under the same ID.
//
// Files and tasks that are done are in no cache. The reconciler keeps a bounded number of their names for each namespace
// (subjects.go); what finds no room waits in its status until the walk through what is done comes by.
package notification
