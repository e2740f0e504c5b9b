// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"encoding/gob"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestRead_IndexKeepsNoBytesOfTheReader: buffers are used again for the next file, so an index must refer to none.
func TestRead_IndexKeepsNoBytesOfTheReader(t *testing.T) {
	encoded := func(file media.File) []byte {
		var data bytes.Buffer
		if err := gob.NewEncoder(&data).Encode(file); err != nil {
			t.Fatal(err)
		}
		return data.Bytes()
	}
	good := testStream(t)
	first, _ := read(t, good)
	want := encoded(first)

	// The same packets with other payload: it is collected in the same buffers.
	other := bytes.Clone(good)
	for at := 0; at < len(other); at += 188 {
		for i := at + 60; i < at+188; i++ {
			other[i] = 0xa5
		}
	}
	read(t, other)
	if !bytes.Equal(encoded(first), want) {
		t.Error("the index of a file changed while another one was read")
	}
	again, _ := read(t, good)
	if !bytes.Equal(encoded(again), want) {
		t.Error("a file that is read after another one has another index")
	}
}
