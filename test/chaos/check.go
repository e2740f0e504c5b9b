// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"fmt"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// verdict is what was found, beside what has to be. All but recordings and open have to be empty.
type verdict struct {
	recordings, open int
	// unanswered are events that were never answered with 200, lost are recordings and open files that are not there.
	unanswered, lost, twice, wrong, forged []string
	// unreconciled are files without a status.
	unreconciled []string
	// other is everything else that must not be.
	other []string
}

func (v *verdict) failed() bool {
	return len(v.unanswered)+len(v.lost)+len(v.twice)+len(v.wrong)+len(v.forged)+len(v.unreconciled)+len(v.other) > 0
}

// check compares what is there with what has to be. It is for when nothing is under way any more.
func (c *chaos) check(ctx context.Context) (*verdict, error) {
	files, err := c.files(ctx)
	if err != nil {
		return nil, err
	}
	v := &verdict{recordings: len(c.load.ledger.recordings), open: len(c.load.ledger.unfinished)}
	v.judge(files, c.load.ledger)
	for _, d := range c.load.ledger.deliveries {
		if !d.safe.Load() {
			v.unanswered = append(v.unanswered, string(d.body))
		}
	}
	v.unreconciled, err = c.unreconciled(ctx, 30*time.Second)
	if err != nil {
		return nil, err
	}
	v.forged = append(v.forged, c.forger.accepted...)
	v.other = append(v.other, c.fleet.problems()...)
	v.other = append(v.other, c.managers.problems()...)
	v.other = append(v.other, c.faults.problems...)
	v.other = append(v.other, c.cluster.etcd.crashed()...)
	v.other = append(v.other, c.cluster.apiServer.crashed()...)
	for _, name := range []string{spoolEvents, deadLetters} {
		if n := c.fleet.now(name); n != 0 {
			v.other = append(v.other, fmt.Sprintf("%s is %v", name, n))
		}
	}
	if n := c.fleet.totals()[spoolCorrupt]; n != 0 {
		v.other = append(v.other, fmt.Sprintf("%s is %v", spoolCorrupt, n))
	}
	return v, nil
}

// files are those of the sources' namespaces.
func (c *chaos) files(ctx context.Context) (files []v1alpha1.RecordingFile, err error) {
	for _, namespace := range c.namespaces() {
		var list v1alpha1.RecordingFileList
		// A long list may take long while the controllers are still busy.
		if err := insist(ctx, func() error { return c.cluster.k8s.List(ctx, &list, client.InNamespace(namespace)) }); err != nil {
			return nil, err
		}
		files = append(files, list.Items...)
	}
	return files, nil
}

// judge sorts the files out.
func (v *verdict) judge(files []v1alpha1.RecordingFile, l *ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bearers, open := map[string]int{}, map[chain]int{}
	for _, file := range files {
		if file.Spec.File == nil {
			open[chain{file.Spec.SourceRef.Name, file.Spec.JobID, file.Spec.StreamName, file.Spec.Format}]++
			continue
		}
		object := file.Spec.File.OBS.Object
		r := l.recordings[object]
		if r == nil || file.Namespace != r.source.namespace || file.Spec.SourceRef.Name != r.source.name {
			v.forged = append(v.forged, fmt.Sprintf("%s/%s bears %s", file.Namespace, file.Name, object))
			continue
		}
		bearers[object]++
		if !r.is(&file.Spec) {
			v.wrong = append(v.wrong, fmt.Sprintf("%s is %+v %+v, not %+v", file.Name, file.Spec, file.Spec.File, r.facts))
		}
	}
	for object := range l.recordings {
		v.count(bearers[object], object)
	}
	for chain := range l.unfinished {
		v.count(open[chain], fmt.Sprintf("the open file of %v", chain))
	}
	for chain, n := range open {
		if !l.unfinished[chain] {
			v.twice = append(v.twice, fmt.Sprintf("%d open files of %v, whose recordings are all finished", n, chain))
		}
	}
}

// is says whether a file says what was reported, all of it and nothing else.
func (r *recording) is(spec *v1alpha1.RecordingFileSpec) bool {
	want := v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: r.source.name}, AppID: appID, JobID: r.job, RoomID: r.room, StreamName: r.stream, Format: r.format,
		File: &r.facts,
	}
	return apiequality.Semantic.DeepEqual(want, *spec)
}

func (v *verdict) count(n int, what string) {
	switch {
	case n == 0:
		v.lost = append(v.lost, what)
	case n > 1:
		v.twice = append(v.twice, fmt.Sprintf("%d times %s", n, what))
	}
}

// unreconciled waits until the controllers have looked at every file, as long as they look at any, and names those that
// they did not.
func (c *chaos) unreconciled(ctx context.Context, patience time.Duration) ([]string, error) {
	var before int
	for deadline := time.Now().Add(patience); ; {
		files, err := c.files(ctx)
		if err != nil {
			return nil, err
		}
		var left []string
		for _, file := range files {
			if meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady) == nil {
				left = append(left, file.Name)
			}
		}
		if len(left) != before {
			before, deadline = len(left), time.Now().Add(patience)
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left, nil
		}
		if err := wait(ctx, 3*time.Second); err != nil {
			return nil, err
		}
	}
}
