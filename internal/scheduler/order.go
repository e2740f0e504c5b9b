// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// aging is how long a file waits for each unit of priority that it is given.
const aging = 10 * time.Minute

// Order says which of a source's files comes first.
type Order struct {
	// Priority is that of the file.
	Priority int32
	// Created is when the file was created, in Unix seconds, and UID is its own.
	Created int64
	UID     types.UID
}

// OrderOf is the order of a file.
func OrderOf(file *v1alpha1.RecordingFile) Order {
	return Order{Priority: file.EffectivePriority(), Created: file.CreationTimestamp.Unix(), UID: file.UID}
}

// Compare orders by priority and age: ten minutes of age are worth one of priority, so that nothing waits for ever behind
// what comes later. Of files that are equal in this the older one comes first, then the one whose UID sorts first.
func Compare(a, b Order) int {
	return cmp.Or(
		// Everything ages alike, so that the order does not depend on the time.
		cmp.Compare(a.rank(), b.rank()),
		cmp.Compare(a.Created, b.Created),
		cmp.Compare(a.UID, b.UID),
	)
}

func (o Order) rank() int64 { return o.Created - int64(o.Priority)*int64(aging/time.Second) }

// compareRequests is Compare for steps, and no two are equal.
func compareRequests(a, b *Request) int {
	return cmp.Or(Compare(a.Order, b.Order), cmp.Compare(a.Job, b.Job))
}
