// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// minAliased is how many bytes an object has as JSON for which an alias is worth reading.
const minAliased = 60

// aliasWriter writes a value as one line of JSON, but for objects that come again: the first one has an anchor of YAML, and
// the others are aliases of it.
type aliasWriter struct {
	line bytes.Buffer
	// again are the objects, as JSON, that come more than once; names those of them that are written.
	again map[string]bool
	names map[string]string
}

func newAliasWriter(value any) *aliasWriter {
	w := &aliasWriter{again: map[string]bool{}, names: map[string]string{}}
	w.find(value, map[string]bool{})
	return w
}

// find finds what comes again. What is inside of that comes again only if it is elsewhere, too.
func (w *aliasWriter) find(value any, seen map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		text := encoded(value)
		if len(text) >= minAliased && seen[text] {
			w.again[text] = true
			return
		}
		seen[text] = true
		for _, key := range slices.Sorted(maps.Keys(value)) {
			w.find(value[key], seen)
		}
	case []any:
		for _, item := range value {
			w.find(item, seen)
		}
	}
}

func (w *aliasWriter) write(value any) {
	switch value := value.(type) {
	case map[string]any:
		w.writeObject(value)
	case []any:
		w.line.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				w.line.WriteByte(',')
			}
			w.write(item)
		}
		w.line.WriteByte(']')
	default:
		w.line.WriteString(encoded(value))
	}
}

func (w *aliasWriter) writeObject(value map[string]any) {
	text := encoded(value)
	if name, written := w.names[text]; written {
		w.line.WriteString(" *" + name)
		return
	}
	if w.again[text] {
		w.names[text] = fmt.Sprintf("a%d", len(w.names)+1)
		w.line.WriteString(" &" + w.names[text] + " ")
	}
	w.line.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(value)) {
		if i > 0 {
			w.line.WriteByte(',')
		}
		w.line.WriteString(encoded(key) + ":")
		w.write(value[key])
	}
	w.line.WriteByte('}')
}

// encoded is a value as JSON, which YAML reads as the same.
func encoded(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // it was read from JSON or YAML
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte{'\n'}))
}
