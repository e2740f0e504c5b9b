// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

const (
	timeout = time.Minute
	poll    = 50 * time.Millisecond
)

// TestManager_EndsWhenItLosesItsLease: a manager that no longer leads must not go on reconciling beside the next leader.
func TestManager_EndsWhenItLosesItsLease(t *testing.T) {
	g := NewWithT(t)
	ctrl.SetLogger(logr.Discard())
	server := apiserver.Start(t)
	o := &options{
		leaderElect: true, leaderNamespace: "default", workerImage: "worker:test", triggerImage: "trigger:test", concurrency: 1,
		leaseDuration: 2 * time.Second, renewDeadline: time.Second, retryPeriod: 200 * time.Millisecond,
	}
	o.MetricsAddress, o.HealthAddress, o.Namespaces = "0", "0", []string{"default"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mgr, err := newManager(ctx, server.Config, o)
	g.Expect(err).NotTo(HaveOccurred())
	ended := make(chan error, 1)
	go func() { ended <- process.Run(ctx, mgr) }()

	pipeline := &v1alpha1.RecordingPipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lecture"}, Spec: v1alpha1.RecordingPipelineSpec{
		Steps: []v1alpha1.Step{{Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}}}},
	}}
	g.Expect(server.Client.Create(ctx, pipeline)).To(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(pipeline), pipeline)).To(Succeed())
		g.Expect(pipeline.Status.Conditions).NotTo(BeEmpty(), "nobody leads")
	}, timeout, poll).Should(Succeed())
	g.Eventually(func() error {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: leaderElectionID}}
		if err := server.Client.Get(ctx, client.ObjectKeyFromObject(lease), lease); err != nil {
			return err
		}
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new("another"), new(int32(60))
		lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now()}
		return server.Client.Update(ctx, lease)
	}, timeout, poll).Should(Succeed())
	g.Eventually(ended, timeout, poll).Should(Receive(MatchError(ContainSubstring("leader election lost"))))
}
