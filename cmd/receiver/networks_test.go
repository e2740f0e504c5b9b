// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

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
