// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
)

// reachable is where the manager and the steps may connect to.
type reachable struct {
	// denied are the networks that the manager itself never connects to, deniedToSteps those that a step never does.
	denied, deniedToSteps []netip.Prefix
	// serviceHosts are the hosts of SparkRTC's own API, as URLs have them.
	serviceHosts []string
	// notificationHosts are those of sinks.
	notificationHosts notification.Hosts
}

// reachable is what the flags say.
func (o *options) reachable() (reachable, error) {
	added, networkErr := networks.Parse(o.deniedNetworks)
	if networkErr != nil {
		networkErr = fmt.Errorf("--storage-denied-networks: %w", networkErr)
	}
	hosts, hostErr := parseHosts(o.serviceHosts)
	sinks, sinkErr := notification.ParseHosts(o.notificationHosts)
	if sinkErr != nil {
		sinkErr = fmt.Errorf("--notification-hosts: %w", sinkErr)
	}
	found := reachable{denied: added, deniedToSteps: append(networks.Local(), added...), serviceHosts: hosts, notificationHosts: sinks}
	if !o.allowLocal {
		found.denied = found.deniedToSteps
	}
	return found, errors.Join(networkErr, hostErr, sinkErr)
}

func parseHosts(names []string) ([]string, error) {
	hosts := make([]string, 0, len(names))
	for _, host := range names {
		endpoint, err := rtcapi.ParseEndpoint("https://" + strings.TrimSpace(host))
		if err != nil {
			return nil, fmt.Errorf("--service-endpoint-hosts: %.80q is not a host such as %s", host, defaultServiceHost)
		}
		hosts = append(hosts, endpoint.Host)
	}
	return hosts, nil
}
