// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minAliased is how many bytes a value has as JSON for which an alias is worth reading.
const minAliased = 9

// aliasWriter writes a value as one line of YAML in flow style, which is JSON without the quotes that it does not need. What comes
// again is written once: the first one has an anchor, and the others are aliases of it.
type aliasWriter struct {
	line bytes.Buffer
	// again are the values, as JSON, that come more than once; names those of them that are written.
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
	text := encoded(value)
	if len(text) >= minAliased && seen[text] {
		w.again[text] = true
		return
	}
	seen[text] = true
	switch value := value.(type) {
	case map[string]any:
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
	text := encoded(value)
	if name, written := w.names[text]; written {
		w.line.WriteString("*" + name)
		return
	}
	if w.again[text] {
		w.names[text] = strconv.FormatInt(int64(len(w.names)), 36) // in few bytes
		w.line.WriteString("&" + w.names[text] + " ")
	}
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
	case string:
		w.line.WriteString(scalar(value))
	default:
		w.line.WriteString(text)
	}
}

func (w *aliasWriter) writeObject(value map[string]any) {
	w.line.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(value)) {
		if i > 0 {
			w.line.WriteByte(',')
		}
		w.line.WriteString(scalar(key) + ": ")
		w.write(value[key])
	}
	w.line.WriteByte('}')
}

// plain are texts that YAML takes for what they are, whatever their place; of words, but for those in notPlain.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9./()_;+*=<>'-]*( [A-Za-z0-9./()_;+*=<>'-]+)*$`)

// notPlain are the words that some version of YAML takes for something else.
var notPlain = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// scalar is a text without quotes, where YAML needs none.
func scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains(notPlain, strings.ToLower(text)) {
		return text
	}
	return encoded(text)
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
