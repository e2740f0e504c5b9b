// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/metrics"
)

// TestWatchMetrics_AgeOfTheOldestFile: a file in the cache has an age that grows without an event, under its STATUS, until
// it leaves the cache.
func TestWatchMetrics_AgeOfTheOldestFile(t *testing.T) {
	g := NewWithT(t)
	created := time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC)
	clock, gatherer := clocktesting.NewFakePassiveClock(created), prometheus.NewRegistry()
	collectors, err := metrics.New(gatherer, clock)
	g.Expect(err).NotTo(HaveOccurred())
	informers := &informertest.FakeInformers{Scheme: k8s.Scheme()}
	g.Expect(WatchMetrics(t.Context(), informers, collectors)).To(Succeed())
	informer, err := informers.FakeInformerFor(t.Context(), &v1alpha1.RecordingFile{})
	g.Expect(err).NotTo(HaveOccurred())
	shows := func(want map[string]float64) {
		t.Helper()
		families, err := gatherer.Gather()
		g.Expect(err).NotTo(HaveOccurred())
		ages := map[string]float64{}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				if family.GetName() == "recording_oldest_file_seconds" {
					ages[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
				}
			}
		}
		g.Expect(ages).To(Equal(want))
	}

	pending := recordingFile("media", recorded())
	pending.CreationTimestamp = metav1.NewTime(created)
	queued := pending.DeepCopy()
	queued.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonQueued}}
	informer.Add(pending)
	clock.SetTime(created.Add(time.Minute))
	shows(map[string]float64{v1alpha1.ReasonPending: 60})
	informer.Update(pending, queued)
	clock.SetTime(created.Add(time.Hour))
	shows(map[string]float64{v1alpha1.ReasonQueued: 3600})
	informer.Delete(queued)
	shows(map[string]float64{})
}
