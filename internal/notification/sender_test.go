// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	. "github.com/onsi/gomega"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
)

// whsec is a key as a Secret has it.
func whsec(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

// ready is an event.
func ready(t *testing.T) event.Event {
	t.Helper()
	made, err := fileEvent(lecture(), &Waiting{Event: v1alpha1.EventFileReady, Run: 1, Reason: "Succeeded", Time: metav1.NewMicroTime(noon)})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// sink is a server over TLS, and a sender that trusts it.
func sink(t *testing.T, respond http.HandlerFunc) (*url.URL, *Sender) {
	t.Helper()
	server := httptest.NewTLSServer(respond)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return target, NewSender(nil, roots, clock.RealClock{})
}

// TestSender_IsUnderstoodByTheSDKAndVerified: what is sent in either mode is what the CloudEvents SDK reads, and what the
// Standard Webhooks library verifies with each of the keys and with no other.
func TestSender_IsUnderstoodByTheSDKAndVerified(t *testing.T) {
	for mode, want := range map[v1alpha1.SinkMode]binding.Encoding{v1alpha1.SinkStructured: binding.EncodingStructured, v1alpha1.SinkBinary: binding.EncodingBinary} {
		t.Run(string(mode), func(t *testing.T) {
			g := NewWithT(t)
			var header http.Header
			var body []byte
			var got *event.Event
			target, sender := sink(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				header = r.Header.Clone()
				r.Body = io.NopCloser(bytes.NewReader(body))
				message := cehttp.NewMessageFromHttpRequest(r)
				if encoding := message.ReadEncoding(); encoding != want {
					t.Errorf("the encoding is %s", encoding)
				}
				var err error
				if got, err = binding.ToEvent(r.Context(), message); err != nil {
					t.Error(err)
				}
				if r.Method != http.MethodPost || r.URL.Path != "/events" {
					t.Errorf("%s %s", r.Method, r.URL.Path)
				}
				w.WriteHeader(http.StatusAccepted)
			})
			keys, err := parseKeys([]byte(whsec(1) + "\n" + whsec(2) + "\n"))
			g.Expect(err).NotTo(HaveOccurred())
			sent := ready(t)
			g.Expect(sender.send(t.Context(), target, mode, keys, sent)).To(Succeed())

			g.Expect(got.Validate()).To(Succeed())
			g.Expect(got.ID()).To(Equal(sent.ID()))
			g.Expect(got.Type()).To(Equal("dev.sparkrtc.recording.file.ready.v1"))
			g.Expect(got.Source()).To(Equal("/namespaces/media/recordingsources/classroom"))
			g.Expect(got.Subject()).To(Equal("recordingfiles/lecture-1"))
			g.Expect(got.Time()).To(BeTemporally("==", noon))
			g.Expect(got.DataContentType()).To(Equal("application/json"))
			g.Expect(got.DataSchema()).To(Equal("https://recording.sparkrtc.dev/schemas/notification.v1.json"))
			g.Expect(conforms(t, got.Data())).To(Succeed())
			for key, verifies := range map[string]bool{whsec(1): true, whsec(2): true, whsec(3): false} {
				hook, err := standardwebhooks.NewWebhook(key)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(hook.Verify(body, header) == nil).To(Equal(verifies))
				g.Expect(hook.Verify(append(body, ' '), header)).NotTo(Succeed(), "another body")
			}
			g.Expect(header.Get("webhook-id")).To(Equal(sent.ID()))
			for name, value := range map[string]string{
				"specversion": "1.0", "id": sent.ID(), "source": "/namespaces/media/recordingsources/classroom", "type": "dev.sparkrtc.recording.file.ready.v1",
				"subject": "recordingfiles/lecture-1", "time": "2026-04-28T12:00:00Z", "dataschema": "https://recording.sparkrtc.dev/schemas/notification.v1.json",
			} {
				g.Expect(attribute(g, header, body, name)).To(Equal(value), name)
			}
		})
	}
}

// attribute is an attribute of an event as the specification has it, read without the SDK.
func attribute(g Gomega, header http.Header, body []byte, name string) any {
	if header.Get("Content-Type") == "application/json" {
		return header.Get("ce-" + name)
	}
	g.Expect(header.Get("Content-Type")).To(Equal("application/cloudevents+json"))
	var document map[string]any
	g.Expect(json.Unmarshal(body, &document)).To(Succeed())
	g.Expect(document["datacontenttype"]).To(Equal("application/json"))
	g.Expect(document["data"]).To(HaveKeyWithValue("event", "FileReady"))
	return document[name]
}

// TestSender_UnsignedRequestsHaveNoSignature, and every request says who sends it.
func TestSender_UnsignedRequestsHaveNoSignature(t *testing.T) {
	g := NewWithT(t)
	var header http.Header
	target, sender := sink(t, func(_ http.ResponseWriter, r *http.Request) { header = r.Header.Clone() })
	g.Expect(sender.send(t.Context(), target, v1alpha1.SinkStructured, nil, ready(t))).To(Succeed())
	for name := range header {
		g.Expect(strings.ToLower(name)).NotTo(HavePrefix("webhook-"))
	}
	g.Expect(header.Get("User-Agent")).To(Equal("sparkrtc-recording-operator"))
	g.Expect(header.Get("Content-Type")).To(HavePrefix("application/cloudevents+json"))
}

// TestSender_ResponsesSayWhatFollows: which responses are a success, and who has to wait after the others.
func TestSender_ResponsesSayWhatFollows(t *testing.T) {
	for status, c := range map[int]struct {
		scope scope
		after time.Duration
		text  string
	}{
		http.StatusMovedPermanently:    {scope: ofEvent, text: "responds with HTTP 301, and redirects are not followed"},
		http.StatusTemporaryRedirect:   {scope: ofEvent, text: "responds with HTTP 307, and redirects are not followed"},
		http.StatusBadRequest:          {scope: ofEvent, text: "responds with HTTP 400"},
		http.StatusUnauthorized:        {scope: ofEvent, text: "responds with HTTP 401"},
		http.StatusGone:                {scope: forGood, text: "responds with HTTP 410"},
		http.StatusTooManyRequests:     {scope: ofSink, after: time.Minute, text: "responds with HTTP 429"},
		http.StatusInternalServerError: {scope: ofEvent, text: "responds with HTTP 500"},
		http.StatusServiceUnavailable:  {scope: ofSink, after: time.Minute, text: "responds with HTTP 503"},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			g := NewWithT(t)
			var requests atomic.Int32
			target, sender := sink(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "a text of the server's own")
			})
			err := sender.send(t.Context(), target, v1alpha1.SinkStructured, nil, ready(t))
			fault, isFault := errors.AsType[*Fault](err)
			g.Expect(isFault).To(BeTrue(), "%v", err)
			g.Expect(fault.scope).To(Equal(c.scope))
			g.Expect(fault.after).To(Equal(c.after))
			g.Expect(fault.Reason).To(Equal(v1alpha1.ReasonSinkRefused))
			g.Expect(fault.Error()).To(Equal("the host " + target.Host + " " + c.text))
			g.Expect(requests.Load()).To(Equal(int32(1)), "a redirect is not followed")
		})
	}
}

// TestSender_SurvivesHostileSinks: sinks that are somewhere else than they say, hang, or send more than they should cost a
// bounded time and memory, and put no word of theirs into the error.
func TestSender_SurvivesHostileSinks(t *testing.T) {
	const poison = "POISON"
	var sent chan struct{} // closed when the sender has come back: before that, an answer could overtake its time-out
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-sent
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(poison, 10_000)); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		respond http.HandlerFunc
		change  func(target *url.URL, sender *Sender)
		reason  string
		text    string
	}{
		"a body without end is not read": {respond: endless},
		"a header without end":           {respond: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("A", strings.Repeat(poison, 10_000)) }, reason: v1alpha1.ReasonSinkUnreachable, text: "failed"},
		"no response":                    {respond: hang, change: func(_ *url.URL, s *Sender) { s.client.Timeout = 200 * time.Millisecond }, reason: v1alpha1.ReasonSinkUnreachable, text: "does not answer in time"},
		"the connection is cut":          {respond: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, reason: v1alpha1.ReasonSinkUnreachable, text: "cut the connection"},
		"no HTTP":                        {respond: func(w http.ResponseWriter, _ *http.Request) { hijack(w, poison) }, reason: v1alpha1.ReasonSinkUnreachable, text: "failed"},
		"a certificate that is unknown":  {change: func(_ *url.URL, s *Sender) { *s = *NewSender(nil, x509.NewCertPool(), clock.RealClock{}) }, reason: v1alpha1.ReasonSinkUnreachable, text: "is not trusted"},
		"a certificate of another": {change: func(target *url.URL, _ *Sender) {
			target.Host = strings.Replace(target.Host, "127.0.0.1", "localhost", 1)
		}, reason: v1alpha1.ReasonSinkUnreachable, text: "is for another host"},
		"an address that is denied": {change: func(_ *url.URL, s *Sender) { *s = *NewSender(networks.Local(), nil, clock.RealClock{}) }, reason: v1alpha1.ReasonSinkNotAllowed, text: "is in a network that is denied"},
		"a name of a denied address": {change: func(target *url.URL, s *Sender) {
			target.Host = strings.Replace(target.Host, "127.0.0.1", "localhost", 1)
			*s = *NewSender(networks.Local(), nil, clock.RealClock{})
		}, reason: v1alpha1.ReasonSinkNotAllowed, text: "is in a network that is denied"},
		"a proxy is not asked": {change: func(target *url.URL, _ *Sender) {
			t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
			target.Host = "sink.invalid"
		}, reason: v1alpha1.ReasonSinkUnreachable, text: "sink.invalid"},
		"nobody listens": {change: func(target *url.URL, _ *Sender) { target.Host = closedPort(t) }, reason: v1alpha1.ReasonSinkUnreachable, text: "refuses the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			sent = make(chan struct{})
			respond := c.respond
			if respond == nil {
				respond = func(http.ResponseWriter, *http.Request) {}
			}
			target, sender := sink(t, respond)
			if c.change != nil {
				c.change(target, sender)
			}
			began := time.Now()
			err := sender.send(t.Context(), target, v1alpha1.SinkStructured, nil, ready(t))
			close(sent)
			g.Expect(time.Since(began)).To(BeNumerically("<", sendTimeout))
			if c.reason == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			fault, isFault := errors.AsType[*Fault](err)
			g.Expect(isFault).To(BeTrue(), "%v", err)
			g.Expect(fault.Reason).To(Equal(c.reason))
			g.Expect(fault.Error()).To(ContainSubstring(c.text))
			g.Expect(fault.Error()).NotTo(ContainSubstring(poison))
			g.Expect(fault.scope).To(Equal(ofSink))
		})
	}
}

func hijack(w http.ResponseWriter, text string) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_, _ = io.WriteString(connection, text+"\r\n\r\n")
		_ = connection.Close()
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

// TestSender_DeniesMetadataServices, in every spelling that a name may lead to.
func TestSender_DeniesMetadataServices(t *testing.T) {
	g := NewWithT(t)
	sender := NewSender(append(networks.Local(), netip.MustParsePrefix("10.0.0.0/8")), nil, clock.RealClock{})
	for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "10.1.2.3", "[fd00:ec2::254]", "0.0.0.0"} {
		err := sender.send(t.Context(), &url.URL{Scheme: "http", Host: host, Path: "/"}, v1alpha1.SinkStructured, nil, ready(t))
		g.Expect(err).To(MatchError(ContainSubstring("is in a network that is denied")), host)
	}
}

func TestParseKeys_TakesWhatStandardWebhooksDoes(t *testing.T) {
	g := NewWithT(t)
	for _, entry := range []string{whsec(1), whsec(1) + "\n", whsec(1) + "\n" + whsec(2), strings.TrimRight(whsec(1), "=")} {
		keys, err := parseKeys([]byte(entry))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(keys[0]).To(Equal(bytes.Repeat([]byte{1}, 32)))
		g.Expect(fmt.Sprintf("%v %+v %#v %s %x", keys, keys, keys, keys, keys)).NotTo(Or(ContainSubstring("0101"), ContainSubstring("1, 1"), ContainSubstring("1 1")))
	}
	short, long := base64.StdEncoding.EncodeToString(make([]byte, 23)), base64.StdEncoding.EncodeToString(make([]byte, 65))
	for _, entry := range []string{"", "\n", secretText, "whsec_" + secretText + "!", "whsec_" + short, "whsec_" + long, strings.TrimPrefix(whsec(1), "whsec_"),
		strings.Repeat(whsec(1)+"\n", 5), strings.Repeat("a", 1<<20)} {
		_, err := parseKeys([]byte(entry))
		g.Expect(err).To(HaveOccurred(), "%.40q", entry)
		g.Expect(err.Error()).NotTo(ContainSubstring(secretText))
	}
}

func TestHosts_AreThoseOfTheFlagAlone(t *testing.T) {
	g := NewWithT(t)
	hosts, err := ParseHosts([]string{" Events.example.com", "lms.example.com:8443", "https://a.example.com:443", "http://broker.svc", "http://b.svc:8080"})
	g.Expect(err).NotTo(HaveOccurred())
	for uri, want := range map[string]string{
		"https://events.example.com/a":          "",
		"https://EVENTS.example.com:443":        "",
		"https://lms.example.com:8443/":         "",
		"https://a.example.com/":                "",
		"http://broker.svc/":                    "",
		"http://broker.svc:80/":                 "",
		"http://b.svc:8080/a/b":                 "",
		"http://events.example.com/":            "use https",
		"https://events.example.com:8443/":      "is none of the manager's --notification-hosts",
		"https://lms.example.com/":              "is none of",
		"https://broker.svc/":                   "is none of",
		"https://events.example.com.evil.com/":  "is none of",
		"https://evil.com/events.example.com":   "is none of",
		"https://sub.events.example.com/":       "is none of",
		"http://b.svc/":                         "is none of",
		"https://events.example.com@evil.com/a": "is none of",
	} {
		_, err := hosts.target(v1alpha1.NotificationSink{URI: uri})
		if want == "" {
			g.Expect(err).NotTo(HaveOccurred(), uri)
		} else {
			g.Expect(err).To(MatchError(ContainSubstring(want)), uri)
		}
	}
	_, err = Hosts{}.target(v1alpha1.NotificationSink{URI: "https://events.example.com"})
	g.Expect(err).To(MatchError(ContainSubstring("has no --notification-hosts")))
	for _, text := range []string{"", "https://", "a/b", "http://a/b", "https://u@a", "ftp://a", "a?b", "a#b", "a b", "http://"} {
		_, err := ParseHosts([]string{text})
		g.Expect(err).To(HaveOccurred(), text)
	}
}

func TestRetryAfter_IsBounded(t *testing.T) {
	g := NewWithT(t)
	for header, want := range map[string]time.Duration{
		"": 0, "60": time.Minute, "-1": 0, "soon": 0, "999999999": time.Hour, "99999999999999999999": 0,
		noon.Add(time.Minute).Format(http.TimeFormat): time.Minute, noon.Add(-time.Minute).Format(http.TimeFormat): 0, noon.AddDate(9, 0, 0).Format(http.TimeFormat): time.Hour,
	} {
		g.Expect(retryAfter(header, noon)).To(Equal(want), header)
	}
}
