// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"testing"

	. "github.com/onsi/gomega"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/notification"
)

// denies says whether the manager and a step refuse an address, as the command line has it.
func denies(t *testing.T, address string, args ...string) (manager, step bool) {
	t.Helper()
	g := NewWithT(t)
	o, command := newOptions()
	g.Expect(command.ParseFlags(args)).To(Succeed())
	found, err := o.reachable()
	g.Expect(err).NotTo(HaveOccurred())
	to := netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()
	return networks.Control(found.denied)("tcp", to, nil) != nil, networks.Control(found.deniedToSteps)("tcp", to, nil) != nil
}

// TestDenied_FlagAddsToTheLocalNetworks: to deny more never opens loopback or a metadata service.
func TestDenied_FlagAddsToTheLocalNetworks(t *testing.T) {
	for name, test := range map[string]struct {
		args          []string
		address       string
		manager, step bool
	}{
		"by default":                        {nil, "169.254.169.254", true, true},
		"others by default":                 {nil, "10.1.2.3", false, false},
		"a network more":                    {[]string{"--storage-denied-networks=10.0.0.0/8,fd00::/8"}, "10.1.2.3", true, true},
		"the local ones beside it":          {[]string{"--storage-denied-networks=10.0.0.0/8"}, "127.0.0.1", true, true},
		"a metadata service beside it":      {[]string{"--storage-denied-networks=10.0.0.0/8"}, "169.254.169.254", true, true},
		"an empty flag":                     {[]string{"--storage-denied-networks="}, "127.0.0.1", true, true},
		"local ones allowed":                {[]string{"--allow-local-storage-networks"}, "127.0.0.1", false, true},
		"local ones allowed, others denied": {[]string{"--allow-local-storage-networks", "--storage-denied-networks=10.0.0.0/8"}, "10.1.2.3", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			if manager, step := denies(t, test.address, test.args...); manager != test.manager || step != test.step {
				t.Errorf("%s: the manager denies it %v, a step %v", test.address, manager, step)
			}
		})
	}
}

func TestDenied_NamesTheFlag(t *testing.T) {
	g := NewWithT(t)
	o, command := newOptions()
	g.Expect(command.ParseFlags([]string{"--storage-denied-networks=everything"})).To(Succeed())
	g.Expect(o.validate()).To(MatchError(ContainSubstring("--storage-denied-networks")))
}

func TestEndpointHosts_AreHostsAlone(t *testing.T) {
	g := NewWithT(t)
	hosts := func(args ...string) ([]string, error) {
		o, command := newOptions()
		g.Expect(command.ParseFlags(args)).To(Succeed())
		found, err := o.reachable()
		return found.serviceHosts, err
	}
	g.Expect(hosts()).To(Equal([]string{"rtc-api.myhuaweicloud.com"}))
	g.Expect(hosts("--service-endpoint-hosts=RTC.example.com:443, rtc.example.org:8443")).To(Equal([]string{"rtc.example.com", "rtc.example.org:8443"}))
	g.Expect(hosts("--service-endpoint-hosts=")).To(BeEmpty())
	for _, wrong := range []string{"https://rtc.example.com", "rtc.example.com/v2", "user@rtc.example.com", "rtc.example.com?a"} {
		_, err := hosts("--service-endpoint-hosts=" + wrong)
		g.Expect(err).To(MatchError(ContainSubstring("--service-endpoint-hosts")), wrong)
	}
}

func TestNotificationHosts_AreNoneByDefault(t *testing.T) {
	g := NewWithT(t)
	hosts := func(args ...string) (notification.Hosts, error) {
		o, command := newOptions()
		g.Expect(command.ParseFlags(args)).To(Succeed())
		found, err := o.reachable()
		return found.notificationHosts, err
	}
	g.Expect(hosts()).To(BeEmpty())
	g.Expect(hosts("--notification-hosts=")).To(BeEmpty())
	g.Expect(hosts("--notification-hosts=a.example.com,http://b.svc:8080")).To(HaveLen(2))
	_, err := hosts("--notification-hosts=a.example.com/events")
	g.Expect(err).To(MatchError(ContainSubstring("--notification-hosts")))
}
