// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// client is the address that a request comes from, as far as it can be trusted: the connection's, or, when that is a
// trusted proxy's, the last one in X-Forwarded-For that is not. What stands further left was written by that client, who
// may write anything. A list that cannot be read says nothing.
func (p proxies) client(r *http.Request) netip.Addr {
	peer := parsePeer(r.RemoteAddr)
	if !p.trust(peer) {
		return peer
	}
	client := peer
	for _, list := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
		for rest := true; rest; {
			var entry string
			list, entry, rest = cutLast(list)
			address, ok := parseForwarded(entry)
			if !ok {
				return peer
			}
			if !p.trust(address) {
				return address
			}
			client = address
		}
	}
	return client
}

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// cutLast cuts the last entry off a list that is separated by commas; rest says that there are more.
func cutLast(list string) (before, last string, rest bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", list, false
	}
	return list[:i], list[i+1:], true
}

// parsePeer reads a connection's address; one that has none, as of a Unix socket, is the zero address.
func parsePeer(text string) netip.Addr {
	peer, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}

// parseForwarded reads an entry of X-Forwarded-For. Some proxies add a port.
func parseForwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Unmap(), true
	}
	address, err := netip.ParseAddrPort(text)
	return address.Addr().Unmap(), err == nil
}

// clientKey is a network that counts as one client. A larger one may do share times as much as the smallest.
type clientKey struct {
	prefix netip.Prefix
	share  int
}

// clientKeys are the networks of an address, the smallest first.
type clientKeys []clientKey

// clientKeysOf are an IPv4 address, or of an IPv6 address the /64 that one host has, and the /56 and /48 that providers
// delegate to one customer.
func clientKeysOf(address netip.Addr) clientKeys {
	if !address.Is6() {
		return clientKeys{{prefix: netip.PrefixFrom(address, address.BitLen()), share: 1}}
	}
	var keys clientKeys
	for i, bits := range []int{64, 56, 48} {
		// A zone has no meaning beyond the host, and no prefix has one.
		prefix, err := address.WithZone("").Prefix(bits)
		if err == nil {
			keys = append(keys, clientKey{prefix: prefix, share: 1 << i})
		}
	}
	return keys
}
