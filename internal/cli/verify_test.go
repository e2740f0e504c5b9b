// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

const (
	startSignature = "67e85edb7a09557eb5d7f8acdc0b149090184409a516232721cbb62d9fe2c03d"
	startHeaders   = "X-Rtc-Rand: 5577006791947779410\r\nX-Rtc-Timestamp: 1619600282\r\n"
)

func startBody(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "sparkrtc", "testdata", "start-hls.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// signed is the hexadecimal signature over whatever was signed with whatever key.
func signed(key, message string) string { return hexOf(string(hmacOf([]byte(key), []byte(message)))) }

func TestVerify(t *testing.T) {
	body := startBody(t)
	good := "POST /callbacks/media/classroom HTTP/1.1\r\nHost: x\r\n" + startHeaders + "X-Rtc-Signature: " + startSignature + "\r\n\r\n" + body
	request := func(change ...string) string { return strings.NewReplacer(change...).Replace(good) }
	for name, c := range map[string]struct {
		source  string
		capture string
		args    []string
		exit    int
	}{
		"good":             {"classroom", good, nil, ExitDone},
		"good-json":        {"classroom", good, []string{"-o", "json"}, ExitDone},
		"good-unix":        {"classroom", strings.ReplaceAll(good, "\r\n", "\n"), nil, ExitDone},
		"good-upper-case":  {"classroom", request(startSignature, strings.ToUpper(startSignature)), nil, ExitDone},
		"second-key":       {"rotated", good, nil, ExitDone},
		"milliseconds":     {"classroom", request("1619600282", "1619600282123", startSignature, signed(testKey, "55770067919477794101619600282123"+body)), nil, ExitDone},
		"wrong-key":        {"other", good, nil, ExitRefused},
		"wrong-key-json":   {"other", good, []string{"-o", "json"}, ExitRefused},
		"newline":          {"classroom", good + "\n", nil, ExitRefused},
		"content-length":   {"classroom", request("Host: x", fmt.Sprintf("Host: x\r\nContent-Length: %d", len(body))) + "\n", nil, ExitDone},
		"cut-off":          {"classroom", request("Host: x", "Host: x\r\nContent-Length: 9999"), nil, ExitDone},
		"chunked":          {"classroom", request("Host: x", "Host: x\r\nTransfer-Encoding: chunked", body, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)), nil, ExitDone},
		"unsigned":         {"classroom", "Host: x\n\n" + body, nil, ExitRefused},
		"no-signature":     {"classroom", startHeaders + "\r\n" + body, nil, ExitRefused},
		"two-signatures":   {"classroom", request("Host: x", "X-Rtc-Signature: 00"), nil, ExitRefused},
		"short-signature":  {"classroom", request(startSignature, startSignature[:60]), nil, ExitRefused},
		"no-hexadecimal":   {"classroom", request(startSignature, "signature"), nil, ExitRefused},
		"base64-signature": {"classroom", request(startSignature, base64Of(string(hmacOf([]byte(testKey), []byte("55770067919477794101619600282"+body))))), nil, ExitRefused},
		"another-app":      {"another-app", good, nil, ExitRefused},
		"undecodable":      {"classroom", request(startSignature, signed(testKey, "55770067919477794101619600282[]"), body, "[]"), nil, ExitRefused},
		"truncated":        {"classroom", request(startSignature, signed(testKey, "55770067919477794101619600282{"), body, "{"), nil, ExitRefused},
		"compressed":       {"classroom", request("Host: x", "Content-Encoding: gzip"), nil, ExitRefused},
		"slashes":          {"classroom", request("/callbacks/media/classroom", "//callbacks/media/classroom/?from=console"), nil, ExitDone},
		"late-enforced":    {"enforced", request("1619600282", "1619500282", startSignature, signed(testKey, "55770067919477794101619500282"+body)), nil, ExitRefused},
		"late-observed":    {"classroom", request("1619600282", "1619500282", startSignature, signed(testKey, "55770067919477794101619500282"+body)), nil, ExitDone},
		"no-number":        {"classroom", request("1619600282", "yesterday", startSignature, signed(testKey, "5577006791947779410yesterday"+body)), nil, ExitDone},
		"unauthenticated":  {"open", "Host: x\n\n" + body, nil, ExitDone},
		"no-keys":          {"no-keys", good, nil, ExitNotNow},
		"too-large":        {"open", "Host: x\n\n" + strings.Repeat(" ", receiver.MaxBodyBytes) + body, nil, ExitRefused},
		"get":              {"classroom", request("POST", "GET"), nil, ExitRefused},
		"another-path":     {"classroom", request("/callbacks/media/classroom", "/callbacks/media/lobby?x"), nil, ExitDone},
		"any-address":      {"classroom", request("/callbacks/media/classroom", "https://recordings.example.com/callbacks/media/classroom?x"), nil, ExitDone},
		"empty-lines":      {"classroom", "\r\n\n" + good, nil, ExitDone},
		"reformatted":      {"classroom", request(body, "{\n  \"event_type\": \"RECORD_NEW_FILE_START\"\n}\n"), nil, ExitRefused},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAPI(t)
			putSources(f)
			got := f.run(t, c.capture, append([]string{"verify", c.source, "-f", "-"}, c.args...)...)
			if got.code != c.exit {
				t.Errorf("exit code %d, want %d", got.code, c.exit)
			}
			golden(t, "verify-"+name, got.String())
		})
	}
}

func putSources(f *fakeAPI) {
	f.putSecret("other", map[string]string{"key": otherKey, "short": "short"})
	f.putSource(builders.MakeRecordingSource("rotated").Key("other", "key").Key("classroom-callback", "key").Obj())
	f.putSource(builders.MakeRecordingSource("other").Key("other", "key").Obj())
	f.putSource(builders.MakeRecordingSource("another-app").App("another").Key("classroom-callback", "key").Obj())
	f.putSource(builders.MakeRecordingSource("no-keys").Key("missing", "key").Key("other", "short").Key("other", "none").Obj())
	f.putSource(builders.MakeRecordingSource("open").Unauthenticated().Obj())
	f.putSource(builders.MakeRecordingSource("enforced").Key("classroom-callback", "key").
		Timestamp(v1alpha1.TimestampEnforce, &metav1.Duration{Duration: receiver.DefaultTolerance}).Obj())
}

// The ways to give a capture come to the same.
func TestVerifyCaptures(t *testing.T) {
	f := newFakeAPI(t)
	body := write(t, startBody(t))
	want := f.run(t, startHeaders+"X-Rtc-Signature: "+startSignature+"\r\n\r\n"+startBody(t), "verify", "classroom", "-f", "-")
	headers := write(t, "POST /callbacks/media/classroom HTTP/1.1\n"+startHeaders+"X-Rtc-Signature: "+startSignature)
	for name, args := range map[string][]string{
		"headers and body":   {"--headers", headers, "--body", body},
		"values and body":    {"--rand", "5577006791947779410", "--timestamp", "1619600282", "--signature", startSignature, "--body", body},
		"a key file as well": {"--headers", headers, "--body", body, "--key-file", write(t, testKey)},
	} {
		got := f.run(t, "", append([]string{"verify", "classroom"}, args...)...)
		got.out = strings.Replace(got.out, "--key-file verifies", "spec.callback.keys[0] (Secret classroom-callback, key key) verifies", 1)
		if got != want || got.code != ExitDone {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestVerifyErrors(t *testing.T) {
	f := newFakeAPI(t)
	f.putSource(builders.MakeRecordingSource("locked").Key("forbidden", "key").Obj())
	f.objects[secrets+"forbidden"] = nil
	for name, c := range map[string]struct {
		args []string
		exit int
		want string
	}{
		"no source":           {[]string{"verify"}, ExitUsage, "give SOURCE"},
		"no capture":          {[]string{"verify", "classroom"}, ExitUsage, "give the captured request"},
		"two captures":        {[]string{"verify", "classroom", "-f", "-", "--body", "x"}, ExitUsage, "-f is the whole request"},
		"headers and values":  {[]string{"verify", "classroom", "--body", "x", "--headers", "x", "--rand", "1"}, ExitUsage, "not both"},
		"two from one input":  {[]string{"verify", "classroom", "--headers", "-", "--body", "-"}, ExitUsage, "only one of -f, --headers, --body and --key-file can be standard input"},
		"key from the same":   {[]string{"verify", "classroom", "-f", "-", "--key-file", "-"}, ExitUsage, "only one of"},
		"nothing":             {[]string{"verify", "classroom", "-f", write(t, "\n")}, ExitFailed, "the request has no headers"},
		"no such file":        {[]string{"verify", "classroom", "-f", "/nonexistent"}, ExitFailed, "no such file"},
		"no headers":          {[]string{"verify", "classroom", "--headers", write(t, "no headers\n"), "--body", write(t, "")}, ExitFailed, "not HTTP headers"},
		"no right to the key": {[]string{"verify", "locked", "-f", write(t, "Host: x\n")}, ExitFailed, "kubectl auth can-i get secrets/forbidden -n media"},
	} {
		if got := f.run(t, "", c.args...); got.code != c.exit || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Each usual mistake is found and named, and the key is in no name.
func TestFindHints(t *testing.T) {
	const rand, timestamp = "5577006791947779410", "1619600282"
	body := `{"event_type":"X","note":"a: b, c"}`
	hexKey := strings.Repeat("0123456789ABCDEF", 2)
	for name, c := range map[string]struct {
		secret, key, message string
		captured             string
		encode               func([]byte) string
		want                 string
	}{
		"newline added":     {captured: body + "\n", want: "ends with a newline that was not signed"},
		"newline removed":   {message: rand + timestamp + body + "\n", want: "lacks the newline"},
		"CRLF added":        {captured: body + "\r\n", want: "ends with a carriage return and a newline"},
		"LF for CRLF":       {message: rand + timestamp + "{\r\n}", captured: "{\n}", want: "with CR LF when it was signed"},
		"CRLF for LF":       {message: rand + timestamp + "{\n}", captured: "{\r\n}", want: "with LF when it was signed"},
		"mark added":        {captured: "\xef\xbb\xbf" + body, want: "begins with a byte order mark"},
		"mark removed":      {message: rand + timestamp + "\xef\xbb\xbf" + body, want: "lacks the byte order mark"},
		"reformatted":       {captured: "{\n \"event_type\": \"X\",\n \"note\": \"a: b, c\"\n}", want: "it was compact JSON"},
		"spaces lost":       {message: rand + timestamp + `{"event_type": "X", "note": "a: b, c"}`, want: `with a space after each`},
		"swapped":           {message: timestamp + rand + body, want: "rand and timestamp are swapped"},
		"body alone":        {message: body, want: "the body alone is signed"},
		"no body":           {message: rand + timestamp, want: "leaves the body out"},
		"newline in key":    {key: testKey + "\n", want: "the sender's key ends with a newline"},
		"space in key":      {key: testKey + " ", want: "ends with a space"},
		"space in Secret":   {secret: " " + testKey + " ", want: "white space around it"},
		"quotes in Secret":  {secret: `"` + testKey + `"`, want: "quotation marks"},
		"encoded twice":     {secret: base64Of(testKey), want: "it was encoded twice"},
		"key in base64":     {key: base64Of(testKey), want: "base64 form of the one in the Secret"},
		"digits for bytes":  {secret: hexKey, key: "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", want: "hexadecimal digits for bytes"},
		"lower case":        {secret: hexKey, key: strings.ToLower(hexKey), want: "in lower case"},
		"upper case":        {key: strings.ToUpper(testKey), want: "in upper case"},
		"base64 signature":  {encode: base64.StdEncoding.EncodeToString, want: "written in base64"},
		"named signature":   {encode: func(mac []byte) string { return "sha256=" + hexOf(string(mac)) }, want: `begins with "sha256="`},
		"two at a time":     {key: testKey + "\n", captured: body + "\n", want: "ends with a newline"},
		"something else":    {message: "else"},
		"a short signature": {encode: func(mac []byte) string { return hexOf(string(mac[:30])) }},
	} {
		t.Run(name, func(t *testing.T) {
			secret, key, message, captured := or(c.secret, testKey), or(c.key, testKey), or(c.message, rand+timestamp+body), or(c.captured, body)
			encode := c.encode
			if encode == nil {
				encode = func(mac []byte) string { return hexOf(string(mac)) }
			}
			proof := sparkrtc.Proof{Rand: rand, Timestamp: timestamp, Signature: encode(hmacOf([]byte(key), []byte(message)))}
			got := strings.Join(findHints([]byte(secret), proof, []byte(captured)), "; ")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			checkNoKey(t, got)
		})
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("POST /x HTTP/1.1\r\nX-Rtc-Rand: 1\r\nContent-Length: 2\r\n\r\n{}\n"))
	f.Add([]byte("Transfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseRequest(raw)
		if err == nil && len(c.body) > len(raw) {
			t.Errorf("%d bytes of body in a request of %d", len(c.body), len(raw))
		}
	})
}
