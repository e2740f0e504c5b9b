// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"fmt"
	"net/url"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Hosts are the hosts that sinks may be at, each with its scheme. The zero value has none.
type Hosts map[string]bool

// ParseHosts reads hosts as the manager's flag has them: a host, with its port unless that is the scheme's own, after http://
// when it is not reached over TLS.
func ParseHosts(texts []string) (Hosts, error) {
	hosts := Hosts{}
	for _, text := range texts {
		written := strings.TrimSpace(text)
		if !strings.Contains(written, "://") {
			written = "https://" + written
		}
		parsed, err := url.Parse(written)
		if err != nil || parsed.Hostname() == "" || parsed.User != nil || parsed.Path != "" || parsed.RawQuery != "" || parsed.Fragment != "" ||
			parsed.Scheme != "https" && parsed.Scheme != "http" {
			return nil, fmt.Errorf("%.80q is not a host such as events.example.com or http://broker.example.svc:8080", text)
		}
		hosts[origin(parsed)] = true
	}
	return hosts, nil
}

// target is the URL of a sink, if its host is among them.
func (h Hosts) target(sink v1alpha1.NotificationSink) (*url.URL, error) {
	parsed, err := url.Parse(sink.URI)
	if err != nil {
		return nil, &Fault{Reason: v1alpha1.ReasonSinkNotAllowed, text: "sink.uri is no URL"}
	}
	if h[origin(parsed)] {
		return parsed, nil
	}
	fault := &Fault{Reason: v1alpha1.ReasonSinkNotAllowed}
	switch {
	case len(h) == 0:
		fault.text = "sink.uri: the manager has no --notification-hosts, so nothing is sent"
	case parsed.Scheme == "http":
		fault.text = fmt.Sprintf("sink.uri: http://%s is none of the manager's --notification-hosts; use https", parsed.Host)
	default:
		fault.text = fmt.Sprintf("sink.uri: the host %s is none of the manager's --notification-hosts", parsed.Host)
	}
	return nil, fault
}

// origin is the scheme and the host of a URL, in lower case and without the port that is the scheme's own.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
