// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rtcapi_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	testingclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
	"sparkrtc.dev/recording-operator/internal/testing/rtcserver"
)

const key = "0123456789abcdef0123456789abcdef"

var now = time.Date(2026, 4, 28, 8, 58, 12, 0, time.UTC)

func start(t *testing.T) *rtcserver.Server {
	t.Helper()
	return rtcserver.Start(t, "5fcdf5651xxxxxx6f835d0d4", func() time.Time { return now })
}

func newClient(t *testing.T, server *rtcserver.Server, change func(*rtcapi.Config)) *rtcapi.Client {
	t.Helper()
	config := rtcapi.Config{
		Endpoint: endpoint(t, server.URL), ProjectID: rtcserver.ProjectID, RootCAs: server.RootCAs(),
		Credentials: rtcapi.Credentials{AccessKeyID: rtcserver.AccessKeyID, SecretAccessKey: rtcserver.SecretAccessKey},
		Clock:       testingclock.NewFakePassiveClock(now),
	}
	if change != nil {
		change(&config)
	}
	return rtcapi.New(config)
}

func endpoint(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := rtcapi.ParseEndpoint(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestClient_ShowsWhatItRegistered(t *testing.T) {
	g := NewWithT(t)
	server := start(t)
	client := newClient(t, server, nil)
	g.Expect(client.Show(t.Context(), server.App)).To(Equal(rtcapi.Callback{}))
	want := rtcapi.Callback{URL: "https://recordings.example.com/callbacks/media/classroom", Key: key}
	g.Expect(client.Update(t.Context(), server.App, want)).To(Succeed())
	g.Expect(server.Registered()).To(And(HaveField("URL", want.URL), HaveField("AuthKey", key)))
	g.Expect(client.Show(t.Context(), server.App)).To(Equal(want))
}

func TestClient_ErrorsSayWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*rtcapi.Config)
		app    string
		probe  bool
		before func(http.ResponseWriter, *http.Request) bool
		kind   rtcapi.Kind
		text   string
	}{
		"another secret key": {change: func(c *rtcapi.Config) { c.Credentials.SecretAccessKey = "another" }, kind: rtcapi.Forbidden, text: "APIGW.0301"},
		"another access key": {change: func(c *rtcapi.Config) { c.Credentials.AccessKeyID = "ANOTHER" }, kind: rtcapi.Forbidden, text: "does not accept the access key"},
		"a wrong clock": {change: func(c *rtcapi.Config) { c.Clock = testingclock.NewFakePassiveClock(now.Add(time.Hour)) },
			kind: rtcapi.Forbidden, text: "HTTP 401"},
		"another project":       {change: func(c *rtcapi.Config) { c.ProjectID = "another" }, kind: rtcapi.Forbidden, text: "HTTP 403"},
		"another app":           {app: "another", kind: rtcapi.Refused, text: "HTTP 404, RTC.00001010"},
		"an app that climbs":    {app: "../..", kind: rtcapi.Refused, text: "app ID"},
		"a URL that is away":    {probe: true, kind: rtcapi.URLUnavailable, text: "RTC.00001018"},
		"a denied network":      {change: func(c *rtcapi.Config) { c.DeniedNetworks = networks.Local() }, kind: rtcapi.Denied, text: "network that is denied"},
		"an untrusted server":   {change: func(c *rtcapi.Config) { c.RootCAs = x509.NewCertPool() }, kind: rtcapi.Unreachable, text: "is not trusted"},
		"a closed port":         {change: func(c *rtcapi.Config) { c.Endpoint = endpoint(t, "https://127.0.0.1:1") }, kind: rtcapi.Unreachable, text: "refuses the connection"},
		"too many requests":     {before: responds(http.StatusTooManyRequests, "{}"), kind: rtcapi.Unavailable, text: "HTTP 429"},
		"a broken service":      {before: responds(http.StatusBadGateway, "<html>"), kind: rtcapi.Unavailable, text: "HTTP 502"},
		"another server":        {before: responds(http.StatusOK, "<html>"), kind: rtcapi.Malformed, text: "does not respond as the service's API"},
		"a redirect":            {before: redirects("https://169.254.169.254/latest"), kind: rtcapi.Malformed, text: "HTTP 302"},
		"an endless body":       {before: endless, kind: rtcapi.Malformed, text: "does not respond as the service's API"},
		"a code of its own":     {before: responds(http.StatusBadRequest, `{"error_code":"\u001b[31mPWNED`+key+`"}`), kind: rtcapi.Refused, text: "(HTTP 400)"},
		"a message that echoes": {before: responds(http.StatusBadRequest, `{"error_code":"RTC.00001001","error_msg":"`+key+`"}`), kind: rtcapi.Refused, text: "(HTTP 400, RTC.00001001)"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			server := start(t)
			server.Before = test.before
			if test.probe {
				server.Probe = func(context.Context, string) bool { return false }
			}
			app := test.app
			if app == "" {
				app = server.App
			}
			err := newClient(t, server, test.change).Update(t.Context(), app, rtcapi.Callback{URL: "https://recordings.example.com", Key: key})
			problem, ok := errors.AsType[*rtcapi.Error](err)
			g.Expect(ok).To(BeTrue(), "%v", err)
			g.Expect(problem.Kind).To(Equal(test.kind), "%v", err)
			g.Expect(err).To(MatchError(ContainSubstring(test.text)))
			g.Expect(fmt.Sprintf("%v %+v", err, err)).NotTo(Or(ContainSubstring(key), ContainSubstring("\x1b"), ContainSubstring(rtcserver.SecretAccessKey)))
			g.Expect(server.Registered()).To(BeNil())
		})
	}
}

func responds(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func redirects(to string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, to, http.StatusFound)
		return true
	}
}

// endless sends a valid object that never ends, until the client hangs up.
func endless(w http.ResponseWriter, _ *http.Request) bool {
	_, _ = io.WriteString(w, `{"app_id":"`)
	for {
		if _, err := io.WriteString(w, strings.Repeat("a", 4096)); err != nil {
			return true
		}
	}
}

func TestClient_HangsNoLongerThanItsContext(t *testing.T) {
	g := NewWithT(t)
	server := start(t)
	server.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := newClient(t, server, nil).Show(ctx, server.App)
	g.Expect(err).To(MatchError(ContainSubstring("does not answer in time")))
}

func TestParseEndpoint_TakesHostsAlone(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://rtc-api.myhuaweicloud.com":      "rtc-api.myhuaweicloud.com",
		"https://rtc-api.myhuaweicloud.com/":     "rtc-api.myhuaweicloud.com",
		"https://rtc-api.myhuaweicloud.com:8443": "rtc-api.myhuaweicloud.com:8443",
		"https://RTC-API.myhuaweicloud.com:443":  "rtc-api.myhuaweicloud.com",
		"http://rtc-api.myhuaweicloud.com":       "",
		"https://":                               "",
		"https://user@rtc-api.myhuaweicloud.com": "",
		"https://rtc-api.myhuaweicloud.com/v2":   "",
		"https://rtc-api.myhuaweicloud.com?a=b":  "",
		"https://rtc-api.myhuaweicloud.com#a":    "",
		"rtc-api.myhuaweicloud.com":              "",
		"\x00":                                   "",
	} {
		parsed, err := rtcapi.ParseEndpoint(endpoint)
		if (want == "") != errors.Is(err, rtcapi.ErrEndpoint) || want != "" && parsed.Host != want {
			t.Errorf("%q: got %v, %v", endpoint, parsed, err)
		}
	}
}

// TestSecrets_ArePrintedByNoVerb: a mistake in a log line gives nothing away.
func TestSecrets_ArePrintedByNoVerb(t *testing.T) {
	callback := rtcapi.Callback{URL: "https://recordings.example.com", Key: key}
	config := rtcapi.Config{Credentials: rtcapi.Credentials{AccessKeyID: "AK", SecretAccessKey: key}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb+verb, callback, config); strings.Contains(text, key) || strings.Contains(text, fmt.Sprintf("%x", key)) {
			t.Errorf("%s prints it: %s", verb, text)
		}
	}
}
