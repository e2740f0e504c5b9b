// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// A lean client creates what the full one does, and its errors say as much.
func TestLean(t *testing.T) {
	server := apiserver.Start(t)
	full := server.Client
	httpClient, err := rest.HTTPClientFor(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	lean, err := Lean(full, server.Config, httpClient)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	if err := lean.Create(t.Context(), namespace); err != nil || namespace.UID == "" {
		t.Fatalf("other kinds are created as ever: %v, %+v", err, namespace.ObjectMeta)
	}

	sent := file("0").Started("d").Complete("b", "o", 1).Obj()
	before := sent.DeepCopy()
	if err := lean.Create(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if sent.ResourceVersion != before.ResourceVersion || sent.Kind != before.Kind {
		t.Errorf("what was sent has changed: %+v", sent)
	}
	if got := getFile(t, full, sent.Name); got.Spec.File == nil || got.Spec.File.SizeBytes != 1 || len(got.Annotations) != 1 {
		t.Errorf("created %+v", got)
	}
	if err := lean.Create(t.Context(), sent); !apierrors.IsAlreadyExists(err) {
		t.Errorf("again: %v", err)
	}
	sent.Name, sent.Spec.JobID = "other", strings.Repeat("x", 200)
	if err := lean.Create(t.Context(), sent); !isInvalid(err) || !strings.Contains(err.Error(), "spec.jobID") {
		t.Errorf("refused with %v", err)
	}
}
