// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

const (
	// streamInterval is the shortest time between two updates of a page.
	streamInterval = 500 * time.Millisecond
	// heartbeat is how often something is written while nothing changes, so that either side notices that the other one is
	// gone.
	heartbeat = 15 * time.Second
	// writeTimeout is how long a browser may take to take in what is written.
	writeTimeout = 10 * time.Second
)

// update is an event of a stream: what changed since the one before.
type update struct {
	Files part[*fileRow] `json:"files"`
	Tasks part[*taskRow] `json:"tasks"`
	// Namespaces are those that have files or tasks.
	Namespaces []string `json:"namespaces"`
	// Context and Namespace are those of the server.
	Context   string `json:"context,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// part is what an update says of a kind.
type part[T row] struct {
	// Changed are the rows that are new or changed, and Gone the keys, namespace/name, of those that are not shown any more.
	Changed []T      `json:"changed,omitempty"`
	Gone    []string `json:"gone,omitempty"`
	// Matched is how many match the filter, shown or not, and Total how many there are.
	Matched int `json:"matched"`
	Total   int `json:"total"`
	// States counts those that match everything but the chosen state.
	States map[string]int `json:"states"`
	// Listed says that all of them are known.
	Listed bool `json:"listed"`
	// Trouble is why they may be old, or incomplete.
	Trouble string `json:"trouble,omitempty"`
}

// shown are the serials of the rows that a page shows.
type shown map[string]uint64

// difference is what a page has to be told to show a view.
func difference[T row](s shown, seen view[T]) part[T] {
	next := part[T]{Matched: seen.matched, Total: seen.total, States: seen.states}
	left := make(map[string]bool, len(s))
	for key := range s {
		left[key] = true
	}
	for _, each := range seen.rows {
		key := each.row.about().key()
		delete(left, key)
		if s[key] != each.serial {
			s[key] = each.serial
			next.Changed = append(next.Changed, each.row)
		}
	}
	for key := range left {
		delete(s, key)
		next.Gone = append(next.Gone, key)
	}
	return next
}

// serveStream keeps a page up to date, by server-sent events, until it goes away.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	chosen, err := parseFilter(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d pages are open already: close one", maxStreams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	files, tasks := shown{}, shown{}
	var last update
	for {
		seen := s.store.snapshot(chosen)
		next := update{Files: difference(files, seen.files), Tasks: difference(tasks, seen.tasks), Namespaces: seen.namespaces, Context: s.Context, Namespace: s.Namespace}
		next.Files.Listed, next.Files.Trouble = seen.filesListed, seen.filesTrouble
		next.Tasks.Listed, next.Tasks.Trouble = seen.tasksListed, seen.tasksTrouble
		if !reflect.DeepEqual(next, last) {
			if err := s.write(w, next); err != nil {
				return
			}
			last = next
			last.Files.Changed, last.Files.Gone, last.Tasks.Changed, last.Tasks.Gone = nil, nil, nil, nil
		}
		if !s.wait(w, r, seen.changed) {
			return
		}
	}
}

// wait waits until there is something to tell again, and says whether the page is still there.
func (s *Server) wait(w http.ResponseWriter, r *http.Request, changed <-chan struct{}) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-s.Clock.After(streamInterval):
	}
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-changed:
			return true
		case <-s.Clock.After(heartbeat):
			if err := s.writeText(w, ": still here\n\n"); err != nil {
				return false
			}
		}
	}
}

func (s *Server) write(w http.ResponseWriter, next update) error {
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("write the update: %w", err)
	}
	return s.writeText(w, "data: "+string(text)+"\n\n")
}

// writeText writes at once. A browser that takes nothing in loses its stream.
func (s *Server) writeText(w http.ResponseWriter, text string) error {
	controller := http.NewResponseController(w)
	if err := controller.SetWriteDeadline(s.Clock.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return controller.Flush()
}
