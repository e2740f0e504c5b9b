// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/printers"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
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

// statusOf is the STATUS column and the message of a file.
func statusOf(file *v1alpha1.RecordingFile) (status, message string) {
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason, ready.Message
	}
	return v1alpha1.ReasonPending, ""
}

func hasFailed(file *v1alpha1.RecordingFile) bool {
	status, _ := statusOf(file)
	return status == v1alpha1.ReasonFailed
}

// watchRow is a row of the table: a file with one of its steps that run or wait for a person, or with what it waits for.
type watchRow struct{ status, steps, step, progress, detail string }

// rowsOf are the rows of a file: at least one. Untrusted text is escaped.
func rowsOf(file *v1alpha1.RecordingFile) []watchRow {
	status, message := statusOf(file)
	about := watchRow{status: plain(status)}
	if file.Status.Summary != nil {
		about.steps = plain(file.Status.Summary.Progress)
	}
	var rows []watchRow
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		if step.State != v1alpha1.StepRunning && !asksPerson(step) {
			continue
		}
		row := about
		row.step, row.detail = plain(step.Name), plain(step.Message)
		if progress := step.Progress; progress != nil {
			row.progress = fmt.Sprintf("%d%%", progress.Percent)
			row.detail = strings.TrimRight(plain(string(progress.Stage)+" "+progress.Rate), " ")
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		return rows
	}
	about.detail = plain(message)
	if file.Status.Queue != nil {
		about.detail = plain(file.Status.Queue.WaitingFor)
	}
	return []watchRow{about}
}

// tableOf are the header and the rows of files, in columns.
func tableOf(files []*v1alpha1.RecordingFile, withNamespace bool) []string {
	var text strings.Builder
	table := printers.GetNewTabWriter(&text)
	write := func(namespace, name string, row watchRow) {
		if withNamespace {
			name = namespace + "\t" + name
		}
		_, _ = fmt.Fprintln(table, strings.Join([]string{name, row.status, row.steps, row.step, row.progress, row.detail}, "\t"))
	}
	write("NAMESPACE", "NAME", watchRow{"STATUS", "STEPS", "STEP", "PROGRESS", "DETAIL"})
	for _, file := range files {
		for _, row := range rowsOf(file) {
			write(file.Namespace, file.Name, row)
		}
	}
	_ = table.Flush() // a strings.Builder takes everything
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

// lineOf is a file in one line, with all the steps that run.
func lineOf(file *v1alpha1.RecordingFile) string {
	var running []string
	rows := rowsOf(file)
	for _, row := range rows {
		running = append(running, joinWords(row.step, row.progress, row.detail))
	}
	return joinWords(watchKey(file), rows[0].status, rows[0].steps, strings.Join(running, ", "))
}

// joinWords leaves out what is empty.
func joinWords(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
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
