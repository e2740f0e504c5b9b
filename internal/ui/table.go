// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"maps"
	"slices"
)

const (
	// maxObjects is how many objects of a kind are kept: the newest. A row of a file has some 1 KiB, and 5 KiB at most.
	maxObjects = 10_000
	// slackObjects is how many more are kept before the oldest are dropped, so that not every new one drops another.
	slackObjects = 500
	// maxRows is how many rows a page shows: the newest that it asks for.
	maxRows = 500
	// maxNamespaces is how many namespaces a page lets a person choose from.
	maxNamespaces = 500
)

// row is what is kept of an object. It is not changed after it was made.
type row interface {
	*fileRow | *taskRow
	about() *identity
	// status is the STATUS or STATE column.
	status() string
	// asked says whether a page asks for it, apart from its status.
	asked(*filter) bool
}

// identity is what rows of every kind have.
type identity struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Created is when the object was created, in Unix seconds.
	Created int64 `json:"created"`
	// version is the object's resourceVersion.
	version string
}

func (i *identity) about() *identity { return i }

func (i *identity) key() string { return i.Namespace + "/" + i.Name }

// newer orders the newest first.
func newer(a, b *identity) int {
	return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// entry is a row, and a number that is another one whenever the row is.
type entry[T row] struct {
	row    T
	serial uint64
}

// table are the newest objects of a kind.
type table[T row] struct {
	rows map[string]entry[T]
	// older is how many are not kept, and floor when the newest of these was created.
	older int
	floor int64
}

func newTable[T row]() *table[T] { return &table[T]{rows: map[string]entry[T]{}} }

// add takes in an object of a list.
func (t *table[T]) add(made entry[T]) {
	if !t.put(made) {
		t.older++
	}
}

// put takes in an object that is new or changed, and says whether it is kept. One that was dropped stays so.
func (t *table[T]) put(made entry[T]) bool {
	about := made.row.about()
	if _, kept := t.rows[about.key()]; !kept && t.older > 0 && about.Created <= t.floor {
		return false
	}
	t.rows[about.key()] = made
	if len(t.rows) > maxObjects+slackObjects {
		t.drop()
	}
	return true
}

// drop leaves the newest.
func (t *table[T]) drop() {
	sorted := slices.SortedFunc(maps.Values(t.rows), func(a, b entry[T]) int { return newer(a.row.about(), b.row.about()) })
	for _, old := range sorted[maxObjects:] {
		delete(t.rows, old.row.about().key())
		t.older++
		t.floor = max(t.floor, old.row.about().Created)
	}
}

// remove forgets an object that is gone.
func (t *table[T]) remove(key string) {
	if _, kept := t.rows[key]; !kept {
		t.older = max(0, t.older-1)
		return
	}
	delete(t.rows, key)
}

// view is what a page shows of a table.
type view[T row] struct {
	// rows are the newest of those that match, at most maxRows.
	rows []entry[T]
	// matched is how many match, and total how many there are, kept or not.
	matched, total int
	// states counts those that would match, by their status, if every status was asked for.
	states map[string]int
}

func (t *table[T]) view(chosen *filter, state string) view[T] {
	seen := view[T]{total: len(t.rows) + t.older, states: map[string]int{}}
	for _, each := range t.rows {
		if !each.row.asked(chosen) {
			continue
		}
		seen.states[each.row.status()]++
		if state == "" || state == each.row.status() {
			seen.rows = append(seen.rows, each)
		}
	}
	seen.matched = len(seen.rows)
	slices.SortFunc(seen.rows, func(a, b entry[T]) int { return newer(a.row.about(), b.row.about()) })
	seen.rows = slices.Clone(seen.rows[:min(maxRows, len(seen.rows))])
	return seen
}
