// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
)

func TestAACBlock_BeginsWithAnElementForSound(t *testing.T) {
	for name, test := range map[string]struct {
		block []byte
		want  bool
	}{
		"nothing":         {nil, false},
		"one channel":     {[]byte{0x01, 0x40, 0x20, 7}, true},
		"two channels":    {[]byte{0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}, true},
		"filled up":       {append([]byte{0xde}, make([]byte, 20)...), true},
		"low frequencies": {bytes.Repeat([]byte{0x61}, 20), false},
		"the end alone":   {[]byte{0xe0}, true},
		"behind the end":  {bytes.Repeat([]byte{0xe1}, 20), false},
	} {
		if got := codec.AACBlock(test.block); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
