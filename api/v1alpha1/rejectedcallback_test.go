// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const minimalRejected = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RejectedCallback
metadata: {name: classroom-07}
spec:
  sourceRef: {name: classroom}
  reason: Undecodable
  receivedTime: "2026-04-01T12:00:00Z"
`

func init() {
	largest := base64.StdEncoding.EncodeToString(make([]byte, v1alpha1.MaxRejectedBody))
	allowed[minimalRejected] = map[string]string{
		"the smallest": ``,
		"every field":  `spec: {reason: Expired, message: ` + long(1024) + `, eventType: RECORD_FILE_COMPLETE, deliveryID: ` + long(32) + `, body: ` + largest + `, bodyTruncated: true, replay: true}`,
	}
	for _, c := range []struct{ name, patch, field, message string }{
		{"no spec", `spec: null`, "spec", "Required"},
		{"no source", `spec: {sourceRef: null}`, "spec.sourceRef", "Required"},
		{"no reason", `spec: {reason: null}`, "spec.reason", "Required"},
		{"another reason", `spec: {reason: Odd}`, "spec.reason", "Unsupported value"},
		{"no time", `spec: {receivedTime: null}`, "spec.receivedTime", "Required"},
		{"a time that is none", `spec: {receivedTime: now}`, "spec.receivedTime", "date-time"},
		{"a long message", `spec: {message: ` + long(1025) + `}`, "spec.message", "1024"},
		{"a long event type", `spec: {eventType: ` + long(65) + `}`, "spec.eventType", "64"},
		{"a long delivery", `spec: {deliveryID: ` + long(65) + `}`, "spec.deliveryID", "64"},
		{"a long body", `spec: {body: ` + strings.Repeat("AAAA", 2732) + `}`, "spec.body", "10924"},
		{"a body that is no base64", `spec: {body: "{}"}`, "spec.body", "byte"},
	} {
		refused = append(refused, struct{ base, name, patch, field, message string }{minimalRejected, c.name, c.patch, c.field, c.message})
	}
}

// rejectedChanges are what is done to a RejectedCallback. Without a field, the change is allowed.
var rejectedChanges = map[string]struct{ change, field, message string }{
	"replay":              {`spec: {replay: true}`, "", ""},
	"the source":          {`spec: {sourceRef: {name: other}}`, "spec", "only replay can change"},
	"the reason":          {`spec: {reason: Invalid}`, "spec", "only replay can change"},
	"the time":            {`spec: {receivedTime: "2026-04-01T12:00:01Z"}`, "spec", "only replay can change"},
	"the message":         {`spec: {message: other}`, "spec", "only replay can change"},
	"no message":          {`spec: {message: null}`, "spec", "only replay can change"},
	"the event type":      {`spec: {eventType: RECORD_FILE_COMPLETE}`, "spec", "only replay can change"},
	"the delivery":        {`spec: {deliveryID: other}`, "spec", "only replay can change"},
	"the body":            {`spec: {body: e30K}`, "spec", "only replay can change"},
	"no body":             {`spec: {body: null}`, "spec", "only replay can change"},
	"the truncation mark": {`spec: {bodyTruncated: true}`, "spec", "only replay can change"},
}

// A replay stores what the operator received: nobody may put other facts into it.
func TestRejectedCallback_OnlyReplayChanges(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	made := object(t, namespace, minimalRejected, `spec: {message: why, deliveryID: x, body: e30=}`)
	if err := k8s.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	for name, c := range rejectedChanges {
		t.Run(name, func(t *testing.T) {
			changed := &unstructured.Unstructured{Object: merge(made.DeepCopy().Object, parse(t, c.change)).(map[string]any)}
			err := k8s.Update(t.Context(), changed, client.DryRunAll)
			if c.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, c.field, c.message)
		})
	}
	for _, replay := range []bool{true, false, true} {
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"replay":%t}}`, replay))
		if err := k8s.Patch(t.Context(), made, patch); err != nil {
			t.Errorf("replay: %t: %v", replay, err)
		}
	}
}
