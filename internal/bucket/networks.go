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

package bucket

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrDenied says that the endpoint's address lies in a network that is not connected to.
var ErrDenied = errors.New("the endpoint lies in a network that the operator does not connect to")

// LocalNetworks are where an address means another place for everyone who asks: this very pod, its node, and the cloud's
// metadata service, which hands out the node's credentials. Whoever writes a StorageLocation chooses the endpoint, but it
// is the operator that asks it, from where the operator stands.
func LocalNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fd00:ec2::254/128"),
	}
}

// deny refuses connections into networks. It is asked once a name is resolved, for the very address that is connected
// to, so that no name and no second answer of a name server leads there.
func deny(networks []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: its address cannot be read", ErrDenied)
		}
		ip := target.Addr().Unmap().WithZone("")
		if slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(ip) }) {
			return ErrDenied
		}
		return nil
	}
}
