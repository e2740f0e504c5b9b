// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

var testProxies = proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func from(peer string, forwarded ...string) *http.Request {
	return &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": forwarded}}
}

func TestClientAddress(t *testing.T) {
	for name, c := range map[string]struct {
		trusted proxies
		request *http.Request
		want    string
	}{
		"no proxy":                     {nil, from("192.0.2.1:80"), "192.0.2.1"},
		"nobody is trusted":            {nil, from("10.0.0.1:80", "203.0.113.9"), "10.0.0.1"},
		"the peer is not trusted":      {testProxies, from("192.0.2.1:80", "203.0.113.9"), "192.0.2.1"},
		"behind a proxy":               {testProxies, from("10.0.0.1:80", "203.0.113.9"), "203.0.113.9"},
		"behind two":                   {testProxies, from("10.0.0.1:80", "203.0.113.9, 10.1.1.1"), "203.0.113.9"},
		"in two headers":               {testProxies, from("10.0.0.1:80", "203.0.113.9", "10.1.1.1"), "203.0.113.9"},
		"what the client wrote":        {testProxies, from("10.0.0.1:80", "198.51.100.1, 203.0.113.9, 10.1.1.1"), "203.0.113.9"},
		"what the client wrote wrong":  {testProxies, from("10.0.0.1:80", "x, 203.0.113.9"), "203.0.113.9"},
		"a header of the client's own": {testProxies, from("10.0.0.1:80", "10.9.9.9", "203.0.113.9"), "203.0.113.9"},
		"no header":                    {testProxies, from("10.0.0.1:80"), "10.0.0.1"},
		"an empty header":              {testProxies, from("10.0.0.1:80", ""), "10.0.0.1"},
		"malformed":                    {testProxies, from("10.0.0.1:80", "203.0.113.9, unknown"), "10.0.0.1"},
		"malformed before a proxy":     {testProxies, from("10.0.0.1:80", "unknown, 10.1.1.1"), "10.0.0.1"},
		"a comma too many":             {testProxies, from("10.0.0.1:80", "203.0.113.9,"), "10.0.0.1"},
		"all are trusted":              {testProxies, from("10.0.0.1:80", "10.2.2.2, 10.1.1.1"), "10.2.2.2"},
		"a port":                       {testProxies, from("10.0.0.1:80", "203.0.113.9:1234"), "203.0.113.9"},
		"IPv6":                         {testProxies, from("[fd00::1]:80", "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::"},
		"IPv6 and a port":              {testProxies, from("[fd00::1]:80", "[2001:db8:1:2:3:4:5:6]:80"), "2001:db8:1:2::"},
		"IPv6 and a zone":              {nil, from("[fe80::1:2%eth0]:80"), "fe80::"},
		"IPv4 in IPv6":                 {testProxies, from("[::ffff:10.0.0.1]:80", "::ffff:203.0.113.9"), "203.0.113.9"},
		"a Unix socket":                {testProxies, from("@"), "invalid IP"},
		"the peer of an IPv6 neighbor": {nil, from("[2001:db8:1:2:ffff::1]:80"), "2001:db8:1:2::"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clientKeysOf(c.trusted.client(c.request))[0].prefix.Addr().String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever stands in X-Forwarded-For, nobody becomes a trusted proxy's neighbor by it, and what the client wrote left of
// its own address counts for nothing.
func FuzzForwarded(f *testing.F) {
	for _, list := range []string{"", "203.0.113.9", "10.0.0.2, 203.0.113.9:80", "[2001:db8::1]:80,10.0.0.2", "x,,", "::ffff:10.0.0.1", "fe80::1%eth0", strings.Repeat("10.0.0.1,", 99)} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		if got := testProxies.client(from("192.0.2.1:1", list)).String(); got != "192.0.2.1" {
			t.Errorf("an untrusted client with %q is taken for %s", list, got)
		}
		if got := testProxies.client(from("10.0.0.1:1", list+", 203.0.113.9")).String(); got != "203.0.113.9" {
			t.Errorf("a client that wrote %q is taken for %s", list, got)
		}
		_ = clientKeysOf(testProxies.client(from("10.0.0.1:1", list)))
	})
}
