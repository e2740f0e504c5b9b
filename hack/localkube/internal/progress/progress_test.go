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

package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLongBeatsUntilDone(t *testing.T) {
	var out bytes.Buffer
	p := New(&out)
	p.beat = 5 * time.Millisecond
	done := p.Long("building %s", "it")
	time.Sleep(50 * time.Millisecond)
	done()
	got := out.String()
	if !strings.HasPrefix(got, "[   0s] building it\n") {
		t.Errorf("the first line does not say what is done: %q", got)
	}
	if !strings.Contains(got, "still at it") {
		t.Errorf("no heartbeat in %q", got)
	}
	after := out.Len()
	time.Sleep(20 * time.Millisecond)
	if out.Len() != after {
		t.Error("the heartbeat goes on after done")
	}
}
