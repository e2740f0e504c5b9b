// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// maxFiles bounds how many files an image may leave: each of them is an artifact in the manifest.
const maxFiles = 1000

// product matches what the image has left with the outputs that are declared, in their order. A file belongs to the first
// output whose path it matches.
func (c *container) product(dir string) (step.Product, error) {
	left, err := filesIn(dir, workerapi.OutputDir)
	if err != nil {
		return step.Product{}, err
	}
	var product step.Product
	for _, output := range c.settings.Outputs {
		var matched []string
		for _, name := range sorted(left) {
			matches, err := path.Match(output.Path, name)
			if err != nil {
				return step.Product{}, failure.Permanent(workerapi.ReasonInvalidStep, "outputs[%s].path: %w", output.Path, err)
			}
			if matches {
				matched = append(matched, name)
				delete(left, name)
			}
		}
		if len(matched) == 0 && !output.Optional {
			return step.Product{}, failure.Permanent(workerapi.ReasonOutputMissing, "the image has not written output/%s", output.Path)
		}
		for _, name := range matched {
			if err := canRead(dir, name); err != nil {
				return step.Product{}, err
			}
			product.Files = append(product.Files, step.File{Name: name})
			product.Outputs = append(product.Outputs, step.Output{Files: 1, Kind: output.Kind, Language: output.Language})
		}
	}
	for _, name := range sorted(left) {
		return step.Product{}, failure.Permanent(workerapi.ReasonOutputUndeclared,
			"the image has written output/%.80s, which no path of outputs matches; %d files are not declared", name, len(left))
	}
	return product, nil
}

func sorted(names map[string]bool) []string { return slices.Sorted(maps.Keys(names)) }

// canRead says now, in words that help, that publish could not read a file.
func canRead(dir, name string) error {
	file, err := storage.OpenRegular(dir, name)
	if err != nil {
		return unreadable(workerapi.OutputDir+"/"+name, err)
	}
	return file.Close()
}

// filesIn are the files of a folder that the image has written, by their names with slashes; as is the folder's own. No
// link is followed: anything but regular files and folders is refused, and so are names that a terminal would act on.
func filesIn(dir, as string) (map[string]bool, error) {
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		relative, relativeErr := filepath.Rel(dir, at)
		if relativeErr != nil {
			return relativeErr
		}
		name := filepath.ToSlash(relative)
		switch {
		case err != nil:
			return unreadable(as+"/"+name, err)
		case !utf8.ValidString(name) || hasControl(name):
			return failure.Permanent(workerapi.ReasonOutputUndeclared, "the image has written a file whose name %.80q is no plain text", as+"/"+name)
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return failure.Permanent(workerapi.ReasonOutputUndeclared, "%.80s is %s, and no regular file", as+"/"+name, describe(entry.Type()))
		case len(found) == maxFiles:
			return failure.Permanent(workerapi.ReasonTooLarge, "the image has written more than %d files to %s", maxFiles, as)
		}
		found[name] = true
		return nil
	})
	return found, err
}

func describe(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func hasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }
