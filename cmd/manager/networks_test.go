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

package main

import "testing"

func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":            "10.0.0.0/8",
		"10.0.0.0/8, fd00::/8":  "10.0.0.0/8,fd00::/8",
		"192.0.2.1/32":          "192.0.2.1/32",
		"":                      "",
		"10.0.0.1":              "",
		"10.0.0.0/33":           "",
		"10.0.0.0/8,ingress":    "",
		"10.0.0.0/8,,fd00::/8":  "",
		"fe80::%eth0/64":        "",
		"http://proxy.internal": "",
	} {
		var n networkList
		err := n.Set(text)
		if (err != nil) != (want == "") || (err == nil && n.String() != want) {
			t.Errorf("%q: %s, %v; want %q", text, n.String(), err, want)
		}
	}
}
