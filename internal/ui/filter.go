// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"net/url"
	"strings"
)

// maxFilter is how many bytes a filter has: as many as a room, which is the longest thing to look for.
const maxFilter = 256

// filter is what a page asks for. What is empty chooses everything.
type filter struct {
	namespace string
	// room and text are looked for in lower case: room in the room, text in all that a row says.
	room, text string
	// fileState and taskState are a STATUS and a STATE.
	fileState, taskState string
}

func parseFilter(query url.Values) (*filter, error) {
	for _, name := range []string{"namespace", "room", "text", "fileState", "taskState"} {
		if value := query.Get(name); len(value) > maxFilter {
			return nil, fmt.Errorf("%s must have at most %d bytes", name, maxFilter)
		}
	}
	return &filter{
		namespace: query.Get("namespace"), room: strings.ToLower(query.Get("room")), text: strings.ToLower(query.Get("text")),
		fileState: query.Get("fileState"), taskState: query.Get("taskState"),
	}, nil
}

func (r *fileRow) asked(chosen *filter) bool {
	return chosen.takes(r.Namespace, r.Room) &&
		(chosen.text == "" || contains(chosen.text, r.Name, r.Namespace, r.Room, r.Stream, r.Source, r.Pipeline, r.Status, r.Reason, r.Now) ||
			contains(chosen.text, r.taskIDs...))
}

func (r *taskRow) asked(chosen *filter) bool {
	return chosen.takes(r.Namespace, r.Room) &&
		(chosen.text == "" || contains(chosen.text, r.Name, r.Namespace, r.Room, r.Stream, r.Source, r.TaskID, r.Status, r.Now))
}

func (f *filter) takes(namespace, room string) bool {
	return (f.namespace == "" || f.namespace == namespace) && (f.room == "" || contains(f.room, room))
}

// contains says whether one of the texts has a text in it that is in lower case.
func contains(part string, texts ...string) bool {
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), part) {
			return true
		}
	}
	return false
}
