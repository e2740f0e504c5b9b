// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// shown is what -o prints of a dry run; sent adds the answer.
type shown struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// BodyEncoding is base64 when the body is not UTF-8.
	BodyEncoding string `json:"bodyEncoding,omitempty"`
	Curl         string `json:"curl"`
}

type sent struct {
	Request shown  `json:"request"`
	Answer  *reply `json:"answer,omitempty"`
	// Stored is what has become of it, for people.
	Stored string `json:"stored,omitempty"`
}

func (r *request) shown() shown {
	headers := map[string]string{}
	for _, name := range sentHeaders {
		if value := r.Header.Get(name); value != "" {
			headers[name] = value
		}
	}
	s := shown{Method: http.MethodPost, URL: r.URL, Headers: headers, Body: string(r.Body), Curl: r.curl()}
	if !utf8.Valid(r.Body) {
		s.Body, s.BodyEncoding = base64.StdEncoding.EncodeToString(r.Body), "base64"
	}
	return s
}

// show prints what would be sent.
func (o *sendOptions) show(source *v1alpha1.RecordingSource, body []byte, proof *sparkrtc.Proof) error {
	forward := ""
	if o.url == "" {
		o.url = "http://localhost:8090"
		forward = "# first, in another terminal:\n# " + portForward + "\n"
	}
	target, err := o.givenURL(source)
	if err != nil {
		return err
	}
	r := newRequest(target, body, proof)
	if !o.output.forPeople() {
		return o.output.print("CallbackRequest", sent{Request: r.shown()})
	}
	_, err = fmt.Fprintf(o.env.Out, "%s\n%s%s\n", r, forward, r.curl())
	return err
}

// tell prints the answer and what was stored, and makes the exit code of it.
func (o *sendOptions) tell(ctx context.Context, r *request, answer *reply) error {
	stored := ""
	if answer.accepted() {
		stored = o.stored(ctx, r.Body)
	}
	if o.output.forPeople() {
		text := cmp.Or(answer.Result, answer.Body)
		if stored != "" {
			text += ": " + stored
		}
		if _, err := fmt.Fprintln(o.env.Out, strings.TrimSpace(fmt.Sprint(answer.Code, " ", plain(text)))); err != nil {
			return err
		}
	} else if err := o.output.print("CallbackRequest", sent{Request: r.shown(), Answer: answer, Stored: stored}); err != nil {
		return err
	}
	if answer.accepted() {
		return nil
	}
	code := ExitRefused
	if answer.Code == http.StatusRequestTimeout || answer.Code == http.StatusTooManyRequests || answer.Code >= 500 {
		code = ExitNotNow
	}
	return &exitError{code: code, err: fmt.Errorf("the callback was answered %d: %s", answer.Code, o.advice(answer))}
}

// advice says what to do about an answer that is not 200.
func (o *sendOptions) advice(answer *reply) string {
	namespace := o.cluster.namespace
	switch code := answer.Code; {
	case code == http.StatusOK:
		return "it is not the operator that answers there, and nobody has kept the callback; SparkRTC would think so"
	case answer.Location != "":
		return "it points to " + plain(answer.Location) + "; SparkRTC would not follow, give that as its URL"
	case code == http.StatusBadRequest:
		return "the reason stands above, or is in `kubectl get rejectedcallbacks -o wide -n " + namespace + "`; an event on the source names it too"
	case code == http.StatusUnauthorized:
		return "is the key that signed one of spec.callback.keys, and the timestamp in tolerance? `kubectl recordings verify` compares"
	case code == http.StatusForbidden:
		return "app_id is not the source's spec.appID"
	case code == http.StatusNotFound:
		return "compare the URL with the source's status.callbackPath; does the operator watch namespace " + namespace + "?"
	case code == http.StatusRequestEntityTooLarge:
		return "a body may have 64 KiB"
	case code == http.StatusTooManyRequests:
		return "too many callbacks (spec.callback.rateLimit); send it again later"
	case code >= http.StatusInternalServerError:
		return fmt.Sprintf("send it again later; see the source's Ready condition (kubectl describe recordingsource %s -n %s)", o.sourceName, namespace)
	default:
		return "it did not come from the operator's receiver"
	}
}
