// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"os"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Save writes the indexes of a recording for the next container; a nil index is of a segment that is lost.
func Save(path string, files []*media.File) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return fmt.Errorf("save the index: %w", err)
	}
	buffer := bufio.NewWriterSize(out, readAhead)
	encoder := gob.NewEncoder(buffer)
	err = encoder.Encode(len(files))
	for _, file := range files {
		if err != nil {
			break
		}
		if err = encoder.Encode(file != nil); err == nil && file != nil {
			err = encoder.Encode(file)
		}
	}
	if err = errors.Join(err, buffer.Flush(), out.Close()); err != nil {
		return fmt.Errorf("save the index: %w", err)
	}
	return nil
}

// Load reads what Save wrote.
func Load(path string) ([]*media.File, error) {
	in, err := os.Open(path) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("load the index: %w", err)
	}
	defer func() { _ = in.Close() }()
	decoder := gob.NewDecoder(bufio.NewReaderSize(in, readAhead))
	var count int
	if err := decoder.Decode(&count); err != nil {
		return nil, fmt.Errorf("load the index: %w", err)
	}
	var files []*media.File
	for range count {
		var there bool
		if err := decoder.Decode(&there); err != nil {
			return nil, fmt.Errorf("load the index: %w", err)
		}
		var file *media.File
		if there {
			file = new(media.File)
			if err := decoder.Decode(file); err != nil {
				return nil, fmt.Errorf("load the index: %w", err)
			}
		}
		files = append(files, file)
	}
	return files, nil
}
