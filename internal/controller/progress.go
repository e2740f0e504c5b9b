// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/progress"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

const (
	// progressInterval is the time between two rounds of questions.
	progressInterval = 2 * time.Second
	// askers is how many pods are asked at once.
	askers = 16
	// showsInRound is how many files are written for their progress alone in a round, which is two a second.
	showsInRound = 4
)

// Progress asks the pods of running steps how far they are, and has their files written when that is worth it.
type Progress struct {
	// Client reads the cache.
	Client client.Reader
	Asker  *progress.Asker
	Board  *progress.Board
	Clock  clock.WithTicker
	Wake   *Wake
	// Pacer knows of bursts of callbacks, during which nothing is written for progress alone. Optional.
	Pacer *pace.Pacer
}

// NeedLeaderElection is true: the leader writes.
func (*Progress) NeedLeaderElection() bool { return true }

// Start asks until the context ends.
func (p *Progress) Start(ctx context.Context) error {
	ticker := p.Clock.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
			p.round(ctx)
		}
	}
}

// servingPod is a pod of a step that can be asked.
type servingPod struct {
	uid  types.UID
	ip   string
	file types.NamespacedName
}

// round asks every pod once, and wakes the files whose progress is worth writing.
func (p *Progress) round(ctx context.Context) {
	pods, err := p.serving(ctx)
	if err != nil {
		log.FromContext(ctx).Error(err, "Listing running steps failed; their progress is asked for in the next round")
		return
	}
	running := make([]types.UID, len(pods))
	files := make(map[types.UID]types.NamespacedName, len(pods))
	for i, pod := range pods {
		running[i], files[pod.uid] = pod.uid, pod.file
	}
	due := p.Board.Due(running, p.Clock.Now())
	var asking errgroup.Group
	asking.SetLimit(askers)
	for _, pod := range pods {
		if !due[pod.uid] {
			continue
		}
		asking.Go(func() error {
			p.ask(ctx, &pod)
			return nil
		})
	}
	_ = asking.Wait() // no question fails the round
	if p.Pacer != nil && p.Pacer.Busy() {
		return
	}
	for _, uid := range p.Board.Show(showsInRound, p.Clock.Now()) {
		p.Wake.File(ctx, files[uid])
	}
}

func (p *Progress) ask(ctx context.Context, pod *servingPod) {
	report, err := p.Asker.Ask(ctx, pod.ip)
	if err != nil {
		// Usual between two containers of a pod, and where a NetworkPolicy forbids it.
		log.FromContext(ctx).V(1).Info("A step does not say how far it is", "file", pod.file, "problem", err.Error())
		p.Board.Failed(pod.uid, p.Clock.Now())
		return
	}
	p.Board.Heard(pod.uid, report, p.Clock.Now())
}

// serving are the pods that run for a Job of ours which works for a file that is not done.
func (p *Progress) serving(ctx context.Context) ([]servingPod, error) {
	var list corev1.PodList
	if err := p.Client.List(ctx, &list, client.MatchingFields{indexServing: "true"}); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var found []servingPod
	for i := range list.Items {
		pod := &list.Items[i]
		owner, child, file := metav1.GetControllerOf(pod), &batchv1.Job{}, &v1alpha1.RecordingFile{}
		if owner == nil || p.Client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: owner.Name}, child) != nil || !metav1.IsControlledBy(pod, child) {
			continue
		}
		key := client.ObjectKey{Namespace: pod.Namespace, Name: child.Labels[v1alpha1.LabelFile]}
		if p.Client.Get(ctx, key, file) != nil || !metav1.IsControlledBy(child, file) {
			continue
		}
		found = append(found, servingPod{uid: pod.UID, ip: pod.Status.PodIP, file: key})
	}
	return found, nil
}

// serving indexes the pods that can be asked for their progress.
func serving(object client.Object) []string {
	if pod, ok := object.(*corev1.Pod); ok && pod.Status.PodIP != "" && job.IsRunning(pod) {
		return []string{"true"}
	}
	return nil
}

// observeProgress notes which attempt of a Job runs, and how far it is. Of several pods that say they work for the Job,
// the last is heard.
func (r *FileReconciler) observeProgress(child *pipeline.Child, pods []corev1.Pod) {
	for i := range pods {
		pod := &pods[i]
		if !job.IsRunning(pod) || pod.CreationTimestamp.Before(&child.AttemptTime) {
			continue
		}
		child.AttemptTime = pod.CreationTimestamp
		if r.Progress != nil {
			child.Progress = r.Progress.Of(pod.UID)
		}
	}
}

// onlyProgress says that two statuses differ in the progress of steps alone.
func onlyProgress(before, after *v1alpha1.RecordingFileStatus) bool {
	without := func(status *v1alpha1.RecordingFileStatus) *v1alpha1.RecordingFileStatus {
		bare := *status
		bare.Steps = slices.Clone(status.Steps)
		for i := range bare.Steps {
			bare.Steps[i].Progress = nil
		}
		return &bare
	}
	return apiequality.Semantic.DeepEqual(without(before), without(after))
}
