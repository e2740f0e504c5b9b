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

// verdict is what was found, beside what has to be. All but recordings and tasks have to be empty.
type verdict struct {
	recordings, tasks int
	// unanswered are events that were never answered with 200, lost are recordings and tasks that are not there.
	unanswered, lost, twice, wrong, forged []string
	// unreconciled are files and tasks without a status.
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
	tasks, err := c.tasks(ctx)
	if err != nil {
		return nil, err
	}
	v := &verdict{recordings: len(c.load.ledger.recordings), tasks: len(c.load.ledger.tasks)}
	v.compareFiles(files, c.load.ledger)
	v.compareTasks(tasks, c.load.ledger)
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
	if n := c.fleet.now(spoolEvents); n != 0 {
		v.other = append(v.other, fmt.Sprintf("%s is %v", spoolEvents, n))
	}
	for _, name := range []string{rejected, dropped, spoolCorrupt} {
		if n := c.fleet.totals()[name]; n != 0 {
			v.other = append(v.other, fmt.Sprintf("%s is %v", name, n))
		}
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

// tasks are those of the sources' namespaces.
func (c *chaos) tasks(ctx context.Context) (tasks []v1alpha1.RecordingTask, err error) {
	for _, namespace := range c.namespaces() {
		var list v1alpha1.RecordingTaskList
		if err := insist(ctx, func() error { return c.cluster.k8s.List(ctx, &list, client.InNamespace(namespace)) }); err != nil {
			return nil, err
		}
		tasks = append(tasks, list.Items...)
	}
	return tasks, nil
}

// compareFiles holds that the files are the join of all reports that were sent, and nothing else.
func (v *verdict) compareFiles(files []v1alpha1.RecordingFile, l *ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]int{}
	for _, file := range files {
		object := file.Spec.Object.Key
		r := l.recordings[object]
		if r == nil || file.Namespace != r.source.namespace || file.Spec.SourceRef.Name != r.source.name {
			v.forged = append(v.forged, fmt.Sprintf("%s/%s is of %s", file.Namespace, file.Name, object))
			continue
		}
		found[object]++
		want := v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: r.source.name}, Object: v1alpha1.ObjectIdentity{Bucket: r.bucket, Key: r.object},
			TaskIDs: []string{r.task}, Reported: &r.reported,
		}
		if !apiequality.Semantic.DeepEqual(want, file.Spec) {
			v.wrong = append(v.wrong, fmt.Sprintf("%s is %+v %+v, not %+v", file.Name, file.Spec, file.Spec.Reported, want.Reported))
		}
	}
	for object := range l.recordings {
		v.count(found[object], object)
	}
}

// compareTasks holds that the tasks are the join of all STARTs and OVERs that were sent, and nothing else.
func (v *verdict) compareTasks(tasks []v1alpha1.RecordingTask, l *ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[taskKey]int{}
	for _, task := range tasks {
		key := taskKey{task.Namespace, task.Spec.SourceRef.Name, task.Spec.TaskID}
		want, ok := l.tasks[key]
		if !ok {
			// A recording of one file alone has no START: its task is the controller's.
			if len(task.Spec.Starts) > 0 || task.Spec.Ended {
				v.forged = append(v.forged, fmt.Sprintf("%s/%s is of task %s", task.Namespace, task.Name, task.Spec.TaskID))
			}
			continue
		}
		found[key]++
		starts := map[string]v1alpha1.StartTimestamp{}
		for _, start := range want.starts {
			starts[start.proof.Digest()[:16]] = v1alpha1.StartTimestamp(start.proof.Timestamp)
		}
		if task.Spec.Ended != want.ended || !apiequality.Semantic.DeepEqual(starts, task.Spec.Starts) || task.Spec.RecordingIdentity != want.identity {
			v.wrong = append(v.wrong, fmt.Sprintf("%s is %+v, not %+v with %v", task.Name, task.Spec, want.identity, starts))
		}
	}
	for key := range l.tasks {
		v.count(found[key], fmt.Sprintf("the task %v", key))
	}
}

func (v *verdict) count(n int, what string) {
	switch {
	case n == 0:
		v.lost = append(v.lost, what)
	case n > 1:
		v.twice = append(v.twice, fmt.Sprintf("%d times %s", n, what))
	}
}

// unreconciled waits until the controllers have looked at every file and task, as long as they look at any, and names those that
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
		tasks, err := c.tasks(ctx)
		if err != nil {
			return nil, err
		}
		for _, task := range tasks {
			if task.Status.ObservedGeneration != task.Generation {
				left = append(left, task.Name)
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
