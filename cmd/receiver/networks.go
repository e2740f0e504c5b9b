// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"strings"

	"sparkrtc.dev/recording-operator/internal/networks"
)

// networkList is a flag: addresses with the length of their prefix, separated by commas.
type networkList []netip.Prefix

// Set adds the networks of one flag.
func (n *networkList) Set(text string) error {
	found, err := networks.Parse(strings.Split(text, ","))
	*n = append(*n, found...)
	return err
}

// String is what --help shows as the default: nothing.
func (n *networkList) String() string {
	texts := make([]string, 0, len(*n))
	for _, network := range *n {
		texts = append(texts, network.String())
	}
	return strings.Join(texts, ",")
}

// Type is never shown, since the flag's usage names its value.
func (n *networkList) Type() string { return "networks" }
