/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

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
