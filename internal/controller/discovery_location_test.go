// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// A scan that has begun in one place does not go on in another, behind what was never looked at there.
func TestDiscovery_StartsOverInAnotherLocation(t *testing.T) {
	g := NewWithT(t)
	s := startDiscovery(t)
	since := s.clock.Now().UTC().Truncate(time.Second)
	s.record(t, "live/b/index.m3u8", 1, since.Add(time.Second))
	s.record(t, "live/c/index.m3u8", 1, since.Add(time.Second))
	s.record(t, "kept/live/a/index.m3u8", 1, since.Add(time.Second))
	s.reconcile(t, g)
	s.reconcile(t, g)
	s.clock.SetTime(since.Add(5 * time.Minute))

	s.moveTo(t, g, "live")
	ctx, cancel := context.WithCancel(t.Context())
	s.Files = cutOff{Files: ingester, cancel: cancel}
	result, err := s.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s.source(t))})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(scanPause))
	s.files(t, g, 1)

	s.moveTo(t, g, "kept")
	scanned := s.reconcile(t, g)
	g.Expect(scanned.Status.Discovery.Through.UTC()).To(Equal(since.Add(4 * time.Minute)))
	g.Expect(s.files(t, g, 2)).To(HaveKey("kept/live/a/index.m3u8"))
}

// moveTo has the location name another folder, and waits until the cache knows.
func (s *scanning) moveTo(t *testing.T, g Gomega, prefix string) {
	t.Helper()
	key := client.ObjectKey{Namespace: s.namespace, Name: "recordings"}
	location := &v1alpha1.StorageLocation{}
	g.Expect(k8s.Get(t.Context(), key, location)).To(Succeed())
	before := location.DeepCopy()
	location.Spec.S3.Prefix = prefix
	g.Expect(k8s.Patch(t.Context(), location, client.MergeFrom(before))).To(Succeed())
	g.Eventually(func(g Gomega) {
		cached := &v1alpha1.StorageLocation{}
		g.Expect(s.Client.Get(t.Context(), key, cached)).To(Succeed())
		g.Expect(cached.Generation).To(Equal(location.Generation))
	}, timeout, poll).Should(Succeed())
}
