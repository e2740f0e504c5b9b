// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networks_test

import (
	"errors"
	"net/netip"
	"testing"

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
