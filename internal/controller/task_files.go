// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// TaskFiles are the files of tasks that are not done. Files that are done leave the cache, and the totals of their tasks
// need them still. It is safe for concurrent use; the zero value is ready.
type TaskFiles struct {
	mu    sync.Mutex
	tasks map[taskKey]*filesOfTask
	// complete says that files which were done before the process began have been visited.
	complete bool
}

// taskKey is the identity of a task.
type taskKey struct{ namespace, source, taskID string }

type filesOfTask struct {
	// files by name.
	files map[string]countedFile
	// old says that the entry was there when the last walk ended.
	old bool
}

// countedFile is what a task's status says of a file, or needs to know of it.
type countedFile struct {
	room, stream        string
	duration, sizeBytes int64
	lacksIdentity       bool
}

func keyOf(task *v1alpha1.RecordingTask) taskKey {
	return taskKey{task.Namespace, task.Spec.SourceRef.Name, task.Spec.TaskID}
}

// note takes note of a file.
func (t *TaskFiles) note(file *v1alpha1.RecordingFile) {
	facts := recording.Of(&file.Spec)
	counted := countedFile{room: facts.Room, stream: facts.Stream, duration: facts.DurationSeconds, sizeBytes: facts.SizeBytes,
		lacksIdentity: lacksIdentity(file)}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range file.Spec.TaskIDs {
		key := taskKey{file.Namespace, file.Spec.SourceRef.Name, id}
		entry := t.tasks[key]
		if entry == nil {
			entry = &filesOfTask{files: map[string]countedFile{}}
			if t.tasks == nil {
				t.tasks = map[taskKey]*filesOfTask{}
			}
			t.tasks[key] = entry
		}
		entry.files[file.Name] = counted
	}
}

// of are the files of a task that are known: those in the cache, and those that were noted.
func (t *TaskFiles) of(ctx context.Context, cached client.Reader, task *v1alpha1.RecordingTask) (map[string]countedFile, error) {
	files, err := filesOf(ctx, cached, task)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		t.note(file)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry := t.tasks[keyOf(task)]; entry != nil {
		return maps.Clone(entry.files), nil
	}
	return nil, nil
}

// forget drops what is known of a task's files.
func (t *TaskFiles) forget(task *v1alpha1.RecordingTask) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tasks, keyOf(task))
}

// allVisited says that every file which is done was visited. What was noted for a task that does not exist, now and at
// the end of the walk before, is dropped.
func (t *TaskFiles) allVisited(exists func(taskKey) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complete = true
	maps.DeleteFunc(t.tasks, func(key taskKey, entry *filesOfTask) bool { return entry.old && !exists(key) })
	for _, entry := range t.tasks {
		entry.old = true
	}
}

func (t *TaskFiles) isComplete() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.complete
}

// list takes note of the task's files that are done, by one list of the API server.
func (t *TaskFiles) list(ctx context.Context, live client.Reader, task *v1alpha1.RecordingTask) error {
	key := keyOf(task)
	return eachFile(ctx, live, func(file *v1alpha1.RecordingFile) {
		if file.Spec.SourceRef.Name == key.source && slices.Contains(file.Spec.TaskIDs, key.taskID) {
			t.note(file)
		}
	}, client.InNamespace(task.Namespace), client.MatchingFields{"status.taskID": key.taskID})
}

func eachFile(ctx context.Context, live client.Reader, visit func(*v1alpha1.RecordingFile), options ...client.ListOption) error {
	var list v1alpha1.RecordingFileList
	for {
		if err := live.List(ctx, &list, append(options, client.Limit(pageSize), client.Continue(list.Continue))...); err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		for i := range list.Items {
			visit(&list.Items[i])
		}
		if list.Continue == "" {
			return nil
		}
	}
}

// filesOf are the files of a task in the cache. They are the cache's own and must not be changed.
func filesOf(ctx context.Context, cached client.Reader, task *v1alpha1.RecordingTask) ([]*v1alpha1.RecordingFile, error) {
	var list v1alpha1.RecordingFileList
	source, id := task.Spec.SourceRef.Name, task.Spec.TaskID
	err := cached.List(ctx, &list, client.InNamespace(task.Namespace), client.MatchingFields{indexTask: taskIndex(source, id)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list the task's files: %w", err)
	}
	var files []*v1alpha1.RecordingFile
	for i := range list.Items {
		if spec := &list.Items[i].Spec; spec.SourceRef.Name == source && slices.Contains(spec.TaskIDs, id) {
			files = append(files, &list.Items[i])
		}
	}
	return files, nil
}

// lackingIdentity are the names of the files that may lack what their task says.
func lackingIdentity(namespace string, files map[string]countedFile) []types.NamespacedName {
	var names []types.NamespacedName
	for name, file := range files {
		if file.lacksIdentity {
			names = append(names, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return names
}
