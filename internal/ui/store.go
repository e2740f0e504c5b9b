// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"maps"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/follow"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

// store is what is known of the cluster, for all pages.
type store struct {
	mu    sync.Mutex
	files followed[*fileRow]
	tasks followed[*taskRow]
	// changed is closed, and replaced, when something changes.
	changed chan struct{}
	serial  uint64
}

// followed are the objects of a kind, as a follow.Follower reports them.
type followed[T row] struct {
	known *table[T]
	// next is a list that has not ended.
	next *table[T]
	// listed says that a list has ended.
	listed bool
	// trouble is why what is known may be old, or incomplete; empty: it is not.
	trouble string
}

func newStore() *store {
	return &store{
		files: followed[*fileRow]{known: newTable[*fileRow]()}, tasks: followed[*taskRow]{known: newTable[*taskRow]()},
		changed: make(chan struct{}),
	}
}

func (s *store) tellFiles(change any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tell(s, &s.files, change, func(object client.Object) *fileRow {
		return newFileRow(object.(*v1alpha1.RecordingFile)) // a list of files has nothing else
	})
}

func (s *store) tellTasks(change any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tell(s, &s.tasks, change, func(object client.Object) *taskRow {
		return newTaskRow(object.(*v1alpha1.RecordingTask)) // a list of tasks has nothing else
	})
}

// tell takes in a change. A list is taken in as a whole, when it has ended.
func tell[T row](s *store, about *followed[T], change any, rowOf func(client.Object) T) {
	switch change := change.(type) {
	case follow.Page:
		if change.First {
			about.next = newTable[T]()
		}
		for _, object := range change.Objects {
			about.next.add(renumbered(s, about.known, rowOf(object)))
		}
		return
	case follow.Listed:
		about.known, about.next, about.listed, about.trouble = about.next, nil, true, ""
	case follow.Changed:
		about.known.put(numbered(s, rowOf(change.Object)))
	case follow.Deleted:
		about.known.remove(change.Object.GetNamespace() + "/" + change.Object.GetName())
	case follow.Trouble:
		about.trouble = change.Text()
	}
	s.notify()
}

// numbered is an entry of its own for a row.
func numbered[T row](s *store, made T) entry[T] {
	s.serial++
	return entry[T]{row: made, serial: s.serial}
}

// renumbered is the entry that is known already when the object is the same, so that it is not sent again.
func renumbered[T row](s *store, known *table[T], made T) entry[T] {
	if old, kept := known.rows[made.about().key()]; kept && old.row.about().version == made.about().version {
		return old
	}
	return numbered(s, made)
}

// notify wakes the pages. The lock is held.
func (s *store) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// tasksUnknown says that tasks cannot be followed.
func (s *store) tasksUnknown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks.trouble = err.Error()
	s.notify()
}

// snapshot is what is known at a moment, and a channel that is closed when something changes after it.
type snapshot struct {
	files        view[*fileRow]
	tasks        view[*taskRow]
	filesListed  bool
	tasksListed  bool
	filesTrouble string
	tasksTrouble string
	namespaces   []string
	changed      <-chan struct{}
}

func (s *store) snapshot(chosen *filter) snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := snapshot{
		files: s.files.known.view(chosen, chosen.fileState), filesListed: s.files.listed, filesTrouble: s.files.trouble,
		tasks: s.tasks.known.view(chosen, chosen.taskState), tasksListed: s.tasks.listed, tasksTrouble: s.tasks.trouble,
		changed: s.changed,
	}
	namespaces := map[string]bool{}
	for _, each := range s.files.known.rows {
		namespaces[each.row.Namespace] = true
	}
	for _, each := range s.tasks.known.rows {
		namespaces[each.row.Namespace] = true
	}
	seen.namespaces = slices.Sorted(maps.Keys(namespaces))
	seen.namespaces = seen.namespaces[:min(maxNamespaces, len(seen.namespaces))]
	return seen
}

// position is the place of a file that waits for a limit, among those of its source; 0: it does not wait, or the place is
// not known, because not every file is kept.
func (s *store) position(namespace, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, kept := s.files.known.rows[namespace+"/"+name]
	if !kept || !asked.row.waits || s.files.known.older > 0 {
		return 0
	}
	position := 1
	for _, other := range s.files.known.rows {
		if other.row.waits && other.row.Namespace == namespace && other.row.Source == asked.row.Source &&
			scheduler.Compare(other.row.order, asked.row.order) < 0 {
			position++
		}
	}
	return position
}

// tasksOf are the tasks that reported a file, the newest first.
func (s *store) tasksOf(namespace, source string, taskIDs []string) []*taskRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*taskRow
	for _, each := range s.tasks.known.rows {
		if each.row.Namespace == namespace && each.row.Source == source && slices.Contains(taskIDs, each.row.TaskID) {
			found = append(found, each.row)
		}
	}
	slices.SortFunc(found, func(a, b *taskRow) int { return newer(a.about(), b.about()) })
	return found
}
