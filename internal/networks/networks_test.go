// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networks_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/networks"
)

func TestControl_DeniesLocalAddressesInEverySpelling(t *testing.T) {
	control := networks.Control(networks.Local())
	for address, denied := range map[string]bool{
		"127.0.0.1:80":                true,
		"127.8.8.8:80":                true,
		"0.0.0.0:80":                  true,
		"169.254.169.254:80":          true,
		"100.100.100.200:80":          true,
		"168.63.129.16:80":            true,
		"[::1]:80":                    true,
		"[::]:80":                     true,
		"[::127.0.0.1]:80":            true,
		"[::ffff:127.0.0.1]:80":       true,
		"[::ffff:169.254.169.254]:80": true,
		"[fe80::1]:80":                true,
		"[fe80::1%eth0]:80":           true,
		"[fd00:ec2::254]:80":          true,
		"[fd20:ce::254]:80":           true,
		"[fd00:c1::a9fe:a9fe]:80":     true,
		"[64:ff9b::a9fe:a9fe]:80":     true,
		"[64:ff9b:1::a9fe:a9fe]:80":   true,
		"[2002:a9fe:a9fe::1]:80":      true,
		"not an address":              true,
		"10.0.0.1:80":                 false,
		"100.64.0.1:80":               false,
		"192.0.2.1:443":               false,
		"[2001:db8::1]:443":           false,
		"[fd00:ec2::255]:443":         false,
	} {
		if err := control("tcp", address, nil); errors.Is(err, networks.ErrDenied) != denied {
			t.Errorf("%s: %v, want denied %v", address, err, denied)
		}
	}
}

func TestLocal_IsACopy(t *testing.T) {
	networks.Local()[0] = netip.MustParsePrefix("192.0.2.0/24")
	if networks.Local()[0] == netip.MustParsePrefix("192.0.2.0/24") {
		t.Error("a caller changed the default")
	}
}

func TestParse(t *testing.T) {
	found, err := networks.Parse([]string{"10.0.0.0/8", " fd00::/8 "})
	if err != nil || len(found) != 2 || found[1] != netip.MustParsePrefix("fd00::/8") {
		t.Errorf("%v, %v", found, err)
	}
	for _, text := range []string{"", "10.0.0.1", "10.0.0.0/33", "network"} {
		if _, err := networks.Parse([]string{text}); err == nil {
			t.Errorf("%q is taken for a network", text)
		}
	}
}

// TestClient_GoesNowhereElse: not where a redirect, a name or a proxy leads, and no further into a header than it is bounded.
func TestClient_GoesNowhereElse(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("A", strings.Repeat("a", 64<<10))
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	t.Cleanup(server.Close)
	get := func(denied []netip.Prefix, target string) (int, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := networks.Client(denied, nil, 10*time.Second).Do(request)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	if status, err := get(nil, server.URL); err != nil || status != http.StatusFound {
		t.Errorf("a redirect: %d, %v", status, err)
	}
	if _, err := get(networks.Local(), strings.Replace(server.URL, "127.0.0.1", "localhost", 1)); !errors.Is(err, networks.ErrDenied) {
		t.Errorf("a name of a denied address: %v", err)
	}
	if _, err := get(nil, server.URL+"/long"); err == nil {
		t.Error("a long header is read")
	}
	if _, err := get(nil, "http://server.invalid"); err == nil || !strings.Contains(networks.Fault(err, ""), "server.invalid") {
		t.Errorf("a host that a proxy would find: %v", err)
	}
}
