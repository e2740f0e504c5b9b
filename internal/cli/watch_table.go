// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
)

// fileSet are the files that are watched, by namespace/name.
type fileSet struct {
	files map[string]*v1alpha1.RecordingFile
	// listed says that all of them are known.
	listed bool
}

func newFileSet() *fileSet { return &fileSet{files: map[string]*v1alpha1.RecordingFile{}} }

func watchKey(file *v1alpha1.RecordingFile) string { return file.Namespace + "/" + file.Name }

// apply takes a change of fileWatcher in.
func (s *fileSet) apply(change any) {
	switch change := change.(type) {
	case filesListed:
		s.listed = true
		clear(s.files)
		for i := range change.files {
			s.files[watchKey(&change.files[i])] = &change.files[i]
		}
	case fileChanged:
		s.files[watchKey(change.file)] = change.file
	case fileDeleted:
		delete(s.files, watchKey(change.file))
	}
}

// sorted are the files by namespace and name.
func (s *fileSet) sorted() []*v1alpha1.RecordingFile {
	return slices.SortedFunc(maps.Values(s.files), func(a, b *v1alpha1.RecordingFile) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// done says that nothing is left to do for any of them.
func (s *fileSet) done() bool {
	if !s.listed {
		return false
	}
	for _, file := range s.files {
		// A status of before the last change of the spec, for example a retry, says nothing.
		if !file.Status.Done || file.Status.ObservedGeneration != file.Generation {
			return false
		}
	}
	return true
}

func hasFailed(file *v1alpha1.RecordingFile) bool {
	status, _ := describe.Status(file)
	return status == v1alpha1.ReasonFailed
}

// tableOf are the header and the rows of files, in columns.
func tableOf(files []*v1alpha1.RecordingFile, withNamespace bool) []string {
	var text strings.Builder
	table := printers.GetNewTabWriter(&text)
	write := func(namespace, name string, row describe.Row) {
		if withNamespace {
			name = namespace + "\t" + name
		}
		_, _ = fmt.Fprintln(table, strings.Join([]string{name, plain(row.Status), plain(row.Steps), plain(row.Step), plain(row.Progress), plain(row.Detail)}, "\t"))
	}
	write("NAMESPACE", "NAME", describe.Row{Status: "STATUS", Steps: "STEPS", Step: "STEP", Progress: "PROGRESS", Detail: "DETAIL"})
	for _, file := range files {
		for _, row := range describe.Rows(file) {
			write(file.Namespace, file.Name, row)
		}
	}
	_ = table.Flush() // a strings.Builder takes everything
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

// lineOf is a file in one line, with all the steps that run. Untrusted text is escaped.
func lineOf(file *v1alpha1.RecordingFile) string {
	row := describe.Rows(file)[0]
	return plain(describe.Words(watchKey(file), row.Status, row.Steps, describe.Now(file)))
}

// changedLines applies a change, and returns the lines of the files that it changed as they are shown. shown has the last
// line of each file.
func changedLines(shown map[string]string, files *fileSet, change any) []string {
	files.apply(change)
	var candidates []*v1alpha1.RecordingFile
	switch change := change.(type) {
	case filesListed:
		candidates = files.sorted()
	case fileChanged:
		candidates = []*v1alpha1.RecordingFile{change.file}
	}
	var lines []string
	for _, file := range candidates {
		if line := lineOf(file); shown[watchKey(file)] != line {
			shown[watchKey(file)] = line
			lines = append(lines, line)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(shown)) {
		if files.files[key] == nil {
			delete(shown, key)
			lines = append(lines, key+" deleted")
		}
	}
	return lines
}
