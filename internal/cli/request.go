// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// postTimeout is more than the operator takes at most for a callback.
	postTimeout = 15 * time.Second
	// maxAnswer is how much of an answer is read. The operator's are short; a proxy's may not be.
	maxAnswer = 4 << 10
)

// sentHeaders are those of a callback, in the order in which they are shown.
var sentHeaders = []string{"Content-Type", sparkrtc.HeaderRand, sparkrtc.HeaderTimestamp, sparkrtc.HeaderSignature}

// request is a callback that can be posted or shown. It holds no key.
type request struct {
	URL    string
	Header http.Header
	Body   []byte
}

// newRequest signs a body; a nil proof leaves it unsigned.
func newRequest(target string, body []byte, proof *sparkrtc.Proof) *request {
	r := &request{URL: target, Header: http.Header{}, Body: body}
	r.Header.Set("Content-Type", "application/json")
	if proof != nil {
		proof.SetHeader(r.Header)
	}
	return r
}

// reply is what a callback was answered with.
type reply struct {
	Code int `json:"code"`
	// Result is the operator's word; absent when somebody else answered.
	Result     string `json:"result,omitempty"`
	Body       string `json:"body"`
	RetryAfter string `json:"retryAfter,omitempty"`
	Location   string `json:"location,omitempty"`
}

// accepted says that the operator has taken the callback: a 200 of somebody else's, such as a default page, means that nobody
// kept it.
func (r *reply) accepted() bool { return r.Code == http.StatusOK && r.Result != "" }

// post sends the callback as it is.
func (r *request) post(ctx context.Context, transport http.RoundTripper) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("post the callback: %w", err)
	}
	sent.Header = r.Header.Clone()
	sent.Header.Set("User-Agent", "kubectl-recordings")
	poster := &http.Client{
		Transport: transport,
		// A redirect would turn the POST into a GET; SparkRTC is not known to follow one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := poster.Do(sent)
	if err != nil {
		return nil, fmt.Errorf("post the callback: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	answer := &reply{
		Code: response.StatusCode, Body: strings.ToValidUTF8(string(body), "\uFFFD"),
		RetryAfter: response.Header.Get("Retry-After"), Location: response.Header.Get("Location"),
	}
	var received struct {
		Result string `json:"result"`
	}
	if json.Unmarshal(body, &received) == nil {
		answer.Result = received.Result
	}
	return answer, nil
}

// String shows the request.
func (r *request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s\n", r.URL)
	for _, name := range sentHeaders {
		for _, value := range r.Header.Values(name) {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if isText(r.Body) {
		fmt.Fprintf(&b, "\n%s\n", r.Body)
	} else {
		fmt.Fprintf(&b, "\n(%d bytes, not all of them text; the command below has them)\n", len(r.Body))
	}
	return b.String()
}

// curl is the shell command that sends the same request, to the byte.
func (r *request) curl() string {
	var before, data string
	if isText(r.Body) && len(r.Body) <= maxArgument {
		// Unlike --data and --data-binary, --data-raw takes a leading @ as it is.
		data = "--data-raw " + quoted(string(r.Body))
	} else {
		before, data = "printf "+quoted(octal(r.Body))+" | ", "--data-binary @-"
	}
	command := "curl "
	if strings.ContainsAny(r.URL, "{}[]") {
		// For curl these stand for several URLs.
		command += "--globoff "
	}
	parts := []string{before + command + "--request POST"}
	for _, name := range sentHeaders {
		for _, value := range r.Header.Values(name) {
			parts = append(parts, "--header "+quoted(name+": "+value))
		}
	}
	return strings.Join(append(parts, data, "--url "+quoted(r.URL)), " \\\n  ")
}

// maxArgument bounds a body that is an argument; Linux takes 128 KiB. The printf of a shell is no program and has no
// such bound.
const maxArgument = 64 << 10

// isText says that a body can be an argument and be shown: an argument ends at a zero byte, and control characters
// are commands to a terminal.
func isText(body []byte) bool {
	return utf8.Valid(body) && bytes.IndexFunc(body, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) < 0
}

// quoted is one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// octal is the format with which a POSIX printf writes exactly these bytes.
func octal(body []byte) string {
	var b strings.Builder
	for i, c := range body {
		switch {
		case c == '%':
			b.WriteString("%%")
		// A format that begins with a dash would be an option.
		case i == 0 && c == '-' || c == '\\' || c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
