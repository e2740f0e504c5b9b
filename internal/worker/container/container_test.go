// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// settings declare a file, more files that need not be there, and a result.
var settings = workerapi.ContainerSettings{
	Outputs: []v1alpha1.ContainerOutput{
		{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles, Language: "en"},
		{Path: "words/*.json", Kind: v1alpha1.ArtifactData, Optional: true},
		{Path: "words/a*", Kind: v1alpha1.ArtifactImage, Optional: true},
	},
	Results: []v1alpha1.ContainerResult{{Name: "language"}},
}

// left is a folder that an image has left, with what is declared and what is written more.
func left(t *testing.T, write func(dir string) error) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "output", "words"), 0o750), os.MkdirAll(filepath.Join(dir, "results"), 0o750),
		put(dir, "output/captions.vtt", "WEBVTT"), put(dir, "results/language", "en\n"), write(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(dir, name, content string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
}

func newContainer(t *testing.T, settings workerapi.ContainerSettings) *container {
	t.Helper()
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	made, err := New(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return made.(*container)
}

// TestCollect_PublishesWhatIsDeclared in the order of outputs; a file belongs to the first path that it matches.
func TestCollect_PublishesWhatIsDeclared(t *testing.T) {
	dir := left(t, func(dir string) error {
		return errors.Join(put(dir, "output/words/b.json", "{}"), put(dir, "output/words/a.json", "{}"), put(dir, "output/words/a.png", "PNG"))
	})
	product, results, err := newContainer(t, settings).Collect(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"captions.vtt", "words/a.json", "words/b.json", "words/a.png"}, product.Names()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, kind := range []v1alpha1.ArtifactKind{v1alpha1.ArtifactSubtitles, v1alpha1.ArtifactData, v1alpha1.ArtifactData, v1alpha1.ArtifactImage} {
		if product.Outputs[i].Kind != kind || product.Outputs[i].Files != 1 {
			t.Errorf("output %d: %+v", i, product.Outputs[i])
		}
	}
	if diff := cmp.Diff([]v1alpha1.StepResult{{Name: "language", Value: "en"}}, results); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCollect_TakesNothingElse: an image may do anything, and a hostile recording may have taken it over.
func TestCollect_TakesNothingElse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	output := func(name string) func(string) string {
		return func(dir string) string { return filepath.Join(dir, "output", name) }
	}
	for name, test := range map[string]struct {
		write           func(dir string) error
		reason, message string
	}{
		"another file":       {func(dir string) error { return put(dir, "output/debug.log", "x") }, workerapi.ReasonOutputUndeclared, "output/debug.log"},
		"a file in a folder": {func(dir string) error { return put(dir, "output/words/x.txt", "x") }, workerapi.ReasonOutputUndeclared, "output/words/x.txt"},
		"a hidden file":      {func(dir string) error { return put(dir, "output/.x", "x") }, workerapi.ReasonOutputUndeclared, "output/.x"},
		"a link as an output": {func(dir string) error {
			return errors.Join(os.Remove(output("captions.vtt")(dir)), os.Symlink(secret, output("captions.vtt")(dir)))
		}, workerapi.ReasonOutputUndeclared, "output/captions.vtt is a link"},
		"a link to a folder": {func(dir string) error {
			return errors.Join(os.Remove(output("words")(dir)), os.Symlink(filepath.Dir(secret), output("words")(dir)))
		}, workerapi.ReasonOutputUndeclared, "output/words is a link"},
		"a pipe": {func(dir string) error { return syscall.Mkfifo(output("words/a.json")(dir), 0o600) }, workerapi.ReasonOutputUndeclared, "is a pipe"},
		"a socket": {func(dir string) error {
			listener, err := net.Listen("unix", output("words/a.json")(dir))
			if err == nil {
				listener.(*net.UnixListener).SetUnlinkOnClose(false)
				err = listener.Close()
			}
			return err
		}, workerapi.ReasonOutputUndeclared, "is a socket"},
		"a name that a terminal acts on": {func(dir string) error { return put(dir, "output/words/\x1b[2J.json", "{}") }, workerapi.ReasonOutputUndeclared, "no plain text"},
		"a name that is no text":         {func(dir string) error { return put(dir, "output/words/\xff.json", "{}") }, workerapi.ReasonOutputUndeclared, "no plain text"},
		"too many files": {func(dir string) error {
			for i := range maxFiles {
				if err := put(dir, fmt.Sprintf("output/words/%d.json", i), "{}"); err != nil {
					return err
				}
			}
			return nil
		}, workerapi.ReasonTooLarge, "more than 1000 files"},
		"no file":        {func(dir string) error { return os.Remove(output("captions.vtt")(dir)) }, workerapi.ReasonOutputMissing, "output/captions.vtt"},
		"no result":      {func(dir string) error { return os.Remove(filepath.Join(dir, "results", "language")) }, workerapi.ReasonOutputMissing, "results/language"},
		"another result": {func(dir string) error { return put(dir, "results/score", "1") }, workerapi.ReasonOutputUndeclared, "results/score"},
		"a long result": {func(dir string) error {
			return put(dir, "results/language", strings.Repeat("a", workerapi.MaxResultValue+1))
		}, workerapi.ReasonResultTooLarge, "1024"},
		"a result that goes on after line breaks": {func(dir string) error {
			return put(dir, "results/language", strings.Repeat("a", workerapi.MaxResultValue)+"\n\n\nb")
		}, workerapi.ReasonResultTooLarge, "1024"},
		"a result of zeros":   {func(dir string) error { return put(dir, "results/language", "a\x00b") }, workerapi.ReasonResultInvalid, "control character"},
		"a result of 2 lines": {func(dir string) error { return put(dir, "results/language", "a\nb") }, workerapi.ReasonResultInvalid, "control character"},
		"a result of bytes":   {func(dir string) error { return put(dir, "results/language", "\xff") }, workerapi.ReasonResultInvalid, "no UTF-8"},
		"a link as a result": {func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "results", "language")), os.Symlink(secret, filepath.Join(dir, "results", "language")))
		}, workerapi.ReasonOutputUndeclared, "results/language is a link"},
	} {
		t.Run(name, func(t *testing.T) {
			product, results, err := newContainer(t, settings).Collect(left(t, test.write))
			if err == nil {
				t.Fatalf("took %+v, %+v", product, results)
			}
			if found := failure.Of(err); found.Reason != test.reason || !found.Permanent || !strings.Contains(err.Error(), test.message) {
				t.Errorf("%s: %v; want %s with %q", found.Reason, err, test.reason, test.message)
			}
		})
	}
}

// TestCollect_ResultsAreBoundedTogether, since a termination message holds them.
func TestCollect_ResultsAreBoundedTogether(t *testing.T) {
	many := settings
	many.Results = append(many.Results, v1alpha1.ContainerResult{Name: "one"}, v1alpha1.ContainerResult{Name: "two"})
	dir := left(t, func(dir string) error {
		return errors.Join(put(dir, "results/one", strings.Repeat("1", workerapi.MaxResultValue)+"\n"), put(dir, "results/two", strings.Repeat("2", workerapi.MaxResultValue)))
	})
	if _, _, err := newContainer(t, many).Collect(dir); failure.Of(err).Reason != workerapi.ReasonResultTooLarge {
		t.Errorf("%v", err)
	}
	many.Results = many.Results[:2]
	if err := os.Remove(filepath.Join(dir, "results", "two")); err != nil {
		t.Fatal(err)
	}
	if _, results, err := newContainer(t, many).Collect(dir); err != nil || len(results) != 2 || len(results[1].Value) != workerapi.MaxResultValue {
		t.Errorf("%v", err)
	}
}

// TestCollect_SaysHowToMakeAFileReadable: an image may run as another user than publish does.
func TestCollect_SaysHowToMakeAFileReadable(t *testing.T) {
	err := unreadable("output/captions.vtt", &fs.PathError{Op: "open", Path: "captions.vtt", Err: syscall.EACCES}) // root may read every file
	if failure.Of(err).Reason != workerapi.ReasonOutputUnreadable || !strings.Contains(err.Error(), "0640") {
		t.Errorf("%v", err)
	}
}
