// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package exec

import "strings"

// Tail is an io.Writer that keeps the last Limit bytes: what a program said before it failed, however much it said.
// It is not safe for concurrent use; os/exec writes from one goroutine.
type Tail struct {
	// Limit in bytes.
	Limit int
	data  []byte
}

// Write keeps the end of data; it never fails.
func (t *Tail) Write(data []byte) (int, error) {
	t.data = append(t.data, data...)
	if extra := len(t.data) - t.Limit; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	return len(data), nil
}

// String is what was kept, on one line.
func (t *Tail) String() string {
	return strings.Join(strings.Fields(string(t.data)), " ")
}
