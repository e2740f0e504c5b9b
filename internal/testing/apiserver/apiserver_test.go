// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where there is no API server, tests that need one are skipped only as long as nobody requires them.
func TestWithoutAPIServer(t *testing.T) {
	for _, c := range []struct {
		assets, require string
		skips           bool
		says            string
	}{
		{"", "", true, "make test"},
		{"", "1", false, "make test"},
		{filepath.Join(os.DevNull, "assets"), "", false, "KUBEBUILDER_ASSETS"},
	} {
		t.Setenv("KUBEBUILDER_ASSETS", c.assets)
		t.Setenv("REQUIRE_ENVTEST", c.require)
		if _, err := start(); err == nil || mayBeMissing(err) != c.skips || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}
