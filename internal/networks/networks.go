// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package networks keeps the operator and its steps from connecting to networks that a tenant must not reach through
// them. Tenants choose endpoints and URLs, but it is a pod of the cluster that connects.
package networks

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// ErrDenied says that an address lies in a network that is never connected to.
var ErrDenied = errors.New("the address lies in a network that is denied")

// Local are the networks that are denied by default: where an address means another place for each pod that connects
// (the pod itself and its node), and the metadata services of clouds, which hand out the node's credentials. The
// result is the caller's own.
func Local() []netip.Prefix { return slices.Clone(local) }

var local = mustParse(
	// This host: unspecified, loopback and link-local, in both families (RFC 6890). The metadata services of most
	// clouds are at 169.254.169.254.
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/96", "fe80::/10",
	// The same addresses through a translator: NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
	"64:ff9b::/96", "64:ff9b:1::/48", "2002:a9fe:a9fe::/48",
	// Metadata services elsewhere: Alibaba Cloud, Azure, AWS, Google Cloud, Oracle Cloud.
	"100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128",
)

func mustParse(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// Parse reads networks in CIDR notation, such as 10.0.0.0/8 or fd00::/8. Blanks around an entry are ignored.
func Parse(texts []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%.80q is not a network such as 10.0.0.0/8 or fd00::/8", text)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// Control is the net.Dialer.Control that refuses connections into denied networks with ErrDenied. The dialer calls it
// after a name is resolved, with the address that it is about to connect to, so that neither a name nor a second
// answer of a name server leads there.
func Control(denied []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: it cannot be read", ErrDenied)
		}
		ip := target.Addr().Unmap().WithZone("")
		if slices.ContainsFunc(denied, func(network netip.Prefix) bool { return network.Contains(ip) }) {
			return ErrDenied
		}
		return nil
	}
}
