// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"
)

// archive is a tar.gz whose every file went through a Redactor.
type archive struct {
	redactor *Redactor
	folder   string
	modified time.Time
	zip      *gzip.Writer
	tar      *tar.Writer
}

func newArchive(out io.Writer, folder string, modified time.Time, redactor *Redactor) *archive {
	zip := gzip.NewWriter(out)
	return &archive{redactor: redactor, folder: folder, modified: modified, zip: zip, tar: tar.NewWriter(zip)}
}

// add writes a file. Names and contents are redacted.
func (a *archive) add(name, content string) error {
	content = a.redactor.Text(content)
	header := &tar.Header{Name: a.folder + "/" + a.redactor.Text(name), Mode: 0o600, Size: int64(len(content)), ModTime: a.modified, Typeflag: tar.TypeReg}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	if _, err := io.WriteString(a.tar, content); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}

func (a *archive) close() error { return errors.Join(a.tar.Close(), a.zip.Close()) }
